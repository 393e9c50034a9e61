// "How is this made?": definitions and settings behind the numbers, and the explanation of a single one.

import { h } from "./dom.js";

export function createHelp(view) {
  const title = h("h2", {});
  const content = h("div", { class: "ps-dialog-body" });
  const element = dialog("ps-help", title, content);

  function show(words, ...children) {
    title.textContent = words;
    content.replaceChildren(...children);
    element.showModal();
  }

  return {
    element,
    /** The definition of a term, as one line. */
    define(key) {
      const { name, text } = view.definitions[key];
      return `${name}: ${text}`;
    },
    open() {
      const terms = Object.values(view.definitions).map(({ name, text }) => [h("dt", {}, name), h("dd", {}, text)]);
      show("How is this made?",
        h("p", {}, view.definition),
        h("div", {}, view.howMade.map((text) => h("p", {}, text))),
        h("dl", {}, terms));
    },
    explain(words, paragraphs) {
      show(words, ...paragraphs.map((text) => h("p", {}, text)));
    },
  };
}

/** A modal dialog with a heading and a button to close it; a click outside closes it too. */
export function dialog(kind, title, content) {
  const element = h("dialog", { class: `ps-dialog ${kind}`, onclick: (event) => event.target === element && element.close() },
    h("div", { class: "ps-dialog-head" }, title, h("button", { type: "button", class: "ps-step", "aria-label": "Close", onclick: () => element.close() }, "✕")),
    content);
  return element;
}
