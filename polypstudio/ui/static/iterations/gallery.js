// What a lasso caught: the images, and of which classes and sources they are.

import { h, percent } from "./dom.js";
import { dialog } from "./help.js";
import { describe } from "./images.js";

export function createGallery(view, viewer) {
  const title = h("h2", {});
  const content = h("div", { class: "ps-dialog-body" });
  const element = dialog("ps-gallery", title, content);

  return {
    element,
    open(found) {
      const images = found.filter(Boolean);
      const share = images.filter((image) => image.source === "synthetic").length / images.length;
      title.textContent = `${images.length} ${images.length === 1 ? "image" : "images"}, ${percent(share)} synthetic`;
      const kinds = Object.entries(Object.groupBy(images, (image) => `${image.source} ${view.labels[image.label]}`));
      content.replaceChildren(
        h("p", { class: "ps-composition" }, kinds.map(([kind, members]) => h("span", { class: `ps-${members[0].label}` }, `${members.length} ${kind}`))),
        h("div", { class: "ps-gallery-tiles" }, images.map((image) =>
          h("button", { type: "button", class: `ps-tile ps-${image.source} ps-${image.label}`, title: describe(image, view), onclick: () => viewer.open(image) },
            h("img", { src: image.address, alt: describe(image, view), loading: "lazy" })))));
      element.showModal();
    },
  };
}
