// One image, large; for a synthetic one a divider between A and B, and its life across the iterations: the same noise at each.

import { h } from "./dom.js";
import { dialog } from "./help.js";
import { describe } from "./images.js";
import { createSwipe } from "./swipe.js";

export function createViewer(view, images, store) {
  const title = h("h2", {});
  const content = h("div", { class: "ps-dialog-body" });
  const element = dialog("ps-viewer", title, content);
  let shown = null;
  let swiping = false;
  let swipe = null;
  let against = null; // where B was when the divider was drawn

  function draw() {
    const synthetic = shown.source === "synthetic";
    title.textContent = describe(shown, view);
    content.replaceChildren(
      h("div", { class: "ps-large" },
        h("div", {}, picture(), synthetic && swipeSwitch()),
        h("dl", { class: "ps-facts" }, synthetic ? facts(shown) : realFacts(shown))),
      synthetic ? filmStrip(shown) : "");
  }

  function picture() {
    against = store.get().b;
    const other = swiping && shown.source === "synthetic" && images.synthetic(store.get().b, shown.label, shown.index);
    if (!other) return h("img", { class: `ps-one ps-${shown.label}`, src: shown.address, alt: title.textContent });
    swipe = createSwipe(side(shown, "A"), side(other, "B"), swipe?.at());
    return swipe.element;
  }

  function side(image, name) {
    return { address: image.address, words: describe(image, view), name: `${name} ${view.iterations[image.position].iteration}` };
  }

  function swipeSwitch() {
    return h("button", { type: "button", class: "ps-toggle ps-swipe-switch", "aria-pressed": String(swiping), title: "The same noise at iterations A and B over each other (s)",
      onclick: toggleSwipe }, "Swipe between A and B");
  }

  function toggleSwipe() {
    swiping = !swiping;
    draw();
    content.querySelector(swiping ? ".ps-swipe input" : ".ps-swipe-switch")?.focus();
  }

  function facts(image) {
    const iteration = view.iterations[image.position];
    return [
      fact("prompt", iteration.prompts[image.label] ?? "not known: imported"),
      iteration.seed !== null && fact("seed", `${iteration.seed}, sample ${image.index}`),
      iteration.sampler && fact("sampler", iteration.sampler),
      image.nearest && nearest(image),
    ];
  }

  function nearest(image) {
    const [label, index, distance, isCopy] = image.nearest;
    const found = images.real("train", label, index);
    return h("div", { class: "ps-fact" }, h("dt", {}, "nearest real training image"),
      h("dd", {}, found && h("img", { class: `ps-nearest ps-${label}`, src: found.address, alt: describe(found, view) }),
        `${view.labels[label]}, cosine distance ${distance.toFixed(3)}${isCopy ? ", flagged as a copy" : ", no copy"}`));
  }

  function realFacts(image) {
    return [fact("group", image.group), fact("split", image.split === "train" ? "trained on" : "held out"), fact("class as the dataset gives it", view.definition)];
  }

  function filmStrip(image) {
    const frames = view.iterations.map((each, position) => {
      const frame = images.synthetic(position, image.label, image.index);
      return frame && h("button", { type: "button", class: "ps-frame", "aria-current": String(position === image.position), onclick: () => store.set({ a: position }) },
        h("img", { src: frame.address, alt: describe(frame, view) }), h("span", {}, String(each.iteration)));
    });
    return h("div", { class: "ps-film" }, h("p", { class: "ps-hint" }, "The same noise at each iteration: ← →"), h("div", { class: "ps-frames" }, frames));
  }

  function fact(name, value) {
    return h("div", { class: "ps-fact" }, h("dt", {}, name), h("dd", {}, value));
  }

  element.addEventListener("keydown", (event) => {
    if (event.key === "s" && shown?.source === "synthetic") toggleSwipe();
  });

  return {
    element,
    open(image) {
      shown = image;
      if (image.source === "synthetic" && image.position !== store.get().a) store.set({ a: image.position });
      draw();
      if (!element.open) element.showModal();
    },
    /** While an image is open, moving A shows the same noise at the new iteration, and swapping the other one. */
    update(state) {
      if (!element.open || shown?.source !== "synthetic") return;
      if (shown.position === state.a && (!swiping || state.b === against)) return;
      const focus = document.activeElement?.closest(".ps-swipe, .ps-frame")?.className;
      shown = images.synthetic(state.a, shown.label, shown.index) ?? shown;
      draw();
      if (focus) content.querySelector(focus.startsWith("ps-swipe") ? ".ps-swipe input" : '.ps-frame[aria-current="true"]')?.focus();
    },
  };
}
