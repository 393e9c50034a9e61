// Two images of one noise over each other, with a divider to swipe between them.

import { h } from "./dom.js";

/** `left` and `right`: {address, words, name}. The divider is a slider: by hand, by arrow keys, by touch. */
export function createSwipe(left, right, at = 50) {
  const divider = h("input", { type: "range", min: "0", max: "100", value: String(at), "aria-label": `Divider: ${left.name} to the left, ${right.name} to the right`,
    oninput: () => move(divider.value) });
  const element = h("div", { class: "ps-swipe" },
    h("img", { src: left.address, alt: left.words, draggable: "false" }),
    h("img", { class: "ps-swipe-right", src: right.address, alt: right.words, draggable: "false" }),
    h("b", { class: "ps-swipe-name" }, left.name), h("b", { class: "ps-swipe-name ps-swipe-name-right" }, right.name),
    h("i", { class: "ps-swipe-line" }), divider);

  function move(value) {
    element.style.setProperty("--at", `${value}%`);
  }

  move(at);
  return { element, at: () => Number(divider.value) };
}
