// What a lasso caught: the images, of which classes and sources they are, what lies nearest, and a way to take them along.

import { h, percent } from "./dom.js";
import { save } from "./exporting.js";
import { dialog } from "./help.js";
import { describe } from "./images.js";

export function createGallery(view, images, viewer) {
  const title = h("h2", {});
  const composition = h("p", { class: "ps-composition" });
  const tiles = h("div", { class: "ps-gallery-tiles" });
  const nearest = h("input", { type: "checkbox", onchange: () => fill() });
  const problem = h("span", { class: "ps-alarm", role: "alert" });
  const element = dialog("ps-gallery", title, h("div", { class: "ps-dialog-body" }, composition,
    h("div", { class: "ps-gallery-actions" },
      h("label", {}, nearest, " with the nearest real training image"),
      h("button", { type: "button", class: "ps-toggle", onclick: () => take("csv") }, "Table (CSV)"),
      h("button", { type: "button", class: "ps-toggle", onclick: () => take("zip") }, "Images and table (ZIP)"), problem),
    tiles));
  let shown = [];

  function fill() {
    const share = shown.filter((image) => image.source === "synthetic").length / shown.length;
    title.textContent = `${shown.length} ${shown.length === 1 ? "image" : "images"}, ${percent(share)} synthetic`;
    const kinds = Object.entries(Object.groupBy(shown, (image) => `${image.source} ${view.labels[image.label]}`));
    composition.replaceChildren(...kinds.map(([kind, members]) => h("span", { class: `ps-${members[0].label}` }, `${members.length} ${kind}`)));
    tiles.replaceChildren(...shown.map((image) => h("div", { class: "ps-caught" }, tile(image), nearest.checked && image.nearest && nearestOf(image))));
  }

  function tile(image) {
    const words = describe(image, view);
    return h("button", { type: "button", class: `ps-tile ps-${image.source} ps-${image.label}`, title: words, onclick: () => viewer.open(image) },
      h("img", { src: image.address, alt: words, loading: "lazy" }), image.nearest?.[3] && h("em", {}, "copy"));
  }

  function nearestOf(image) {
    const [label, index, distance] = image.nearest;
    const found = images.real("train", label, index);
    return found && h("figure", { class: `ps-beside ps-${label}` },
      h("img", { src: found.address, alt: `nearest: ${describe(found, view)}`, title: describe(found, view), loading: "lazy" }),
      h("figcaption", {}, `${view.labels[label]} ${distance.toFixed(3)}`));
  }

  /** The server writes the file: the table is made of what it has stored, the images are the files themselves. */
  async function take(format) {
    problem.textContent = "";
    const address = `/study/${encodeURIComponent(view.study)}/selection.${format}?${new URLSearchParams({ encoder: view.encoder ?? "" })}`;
    const body = JSON.stringify({ images: shown.map(({ set, label, index }) => [set, label, index]) });
    try {
      const answer = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      save(`${view.study}-selection.${format}`, await answer.blob());
    } catch (error) {
      problem.textContent = `The file could not be made (${error.message}).`;
    }
  }

  return {
    element,
    open(found) {
      shown = found.filter(Boolean);
      if (!shown.length) return;
      problem.textContent = "";
      fill();
      if (!element.open) element.showModal();
    },
  };
}
