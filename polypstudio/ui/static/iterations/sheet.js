// A sheet of samples as the paper's Fig. 3: rows AD and Non-AD, columns the chosen iterations. The server draws it.

import { h } from "./dom.js";
import { dialog } from "./help.js";

const MOST = 8; // columns chosen at first, spread over the iterations
const SIDES = [96, 128, 256, 512];

export function createSheet(view, store) {
  const steps = view.iterations.map((each) => each.iteration);
  const boxes = steps.map((step, i) => h("input", { type: "checkbox", value: String(step), checked: spread(i), onchange: () => show() }));
  const samples = h("input", { type: "text", class: "ps-field", size: "12", "aria-label": "Samples", oninput: () => show() });
  const side = h("select", { "aria-label": "Size of an image", onchange: () => show() }, SIDES.map((each) => h("option", { value: String(each), selected: each === 128 }, `${each} pixels`)));
  const preview = h("img", { class: "ps-sheet", alt: "The sheet: rows AD and Non-AD, columns iterations" });
  const problem = h("p", { class: "ps-alarm", role: "alert", hidden: true });
  const links = Object.fromEntries(["png", "svg"].map((kind) =>
    [kind, h("a", { class: "ps-door-like", download: `${view.study}-sheet.${kind}` }, `Save the ${kind.toUpperCase()}`)]));
  const element = dialog("ps-sheet-dialog", h("h2", {}, "Sheet of samples"), h("div", { class: "ps-dialog-body" },
    h("div", { class: "ps-sheet-choices" }, h("fieldset", {}, h("legend", {}, "iterations"), steps.map((step, i) => h("label", {}, boxes[i], ` ${step}`))),
      h("label", {}, "samples ", samples), h("label", {}, "each ", side), Object.values(links)),
    problem, h("div", { class: "ps-sheet-frame" }, preview)));
  preview.addEventListener("error", explain);
  preview.addEventListener("load", () => { problem.hidden = true; preview.hidden = false; });

  function spread(i) {
    const last = steps.length - 1;
    return steps.length <= MOST || Array.from({ length: MOST }, (_, k) => Math.round((k * last) / (MOST - 1))).includes(i);
  }

  function address(kind) {
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const query = new URLSearchParams({ iterations: chosen.join(","), samples: samples.value.replaceAll(" ", ""), side: side.value });
    return `/study/${encodeURIComponent(view.study)}/sheet.${kind}?${query}`;
  }

  function show() {
    preview.src = address("png");
    for (const [kind, link] of Object.entries(links)) link.href = address(kind);
  }

  /** The server's own words on what is wrong. */
  async function explain() {
    const answer = await fetch(preview.src);
    problem.textContent = answer.status === 409 ? await answer.text() : "The sheet could not be drawn.";
    problem.hidden = false;
    preview.hidden = true;
  }

  return {
    element,
    open() {
      const { page } = store.get();
      if (!samples.value) samples.value = [0, 1].map((i) => i + 2 * page).join(",");
      show();
      element.showModal();
    },
  };
}
