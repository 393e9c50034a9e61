// The tiles of the samples. They stay and change what they show, so that scrubbing makes nothing anew and the focus is kept.

import { h } from "./dom.js";
import { describe } from "./images.js";

/** One class of one pane: `show(columns, found)` gives each of the images found, or null, a tile. */
export function createRow(label, source, { view, viewer, help }) {
  const tiles = [];
  const strip = h("div", { class: "ps-tiles" });
  const element = h("div", { class: `ps-row ps-${label}` },
    h("span", { class: "ps-row-name" }, source && h("small", {}, source), view.labels[label]), strip);

  function show(columns, found) {
    element.style.setProperty("--columns", columns);
    while (tiles.length < found.length) tiles.push(createTile({ view, viewer, help }));
    tiles.length = found.length;
    if (strip.childElementCount !== tiles.length) strip.replaceChildren(...tiles.map((tile) => tile.element));
    found.forEach((image, i) => tiles[i].show(image));
  }

  return { element, show };
}

function createTile({ view, viewer, help }) {
  let shown;
  const picture = h("img", { decoding: "sync", draggable: "false", onerror: () => reveal(false) });
  const missing = h("span", { class: "ps-missing" }, "file missing");
  const copy = h("em", { title: help.define("copies") }, "copy");
  const element = h("button", { type: "button", onclick: () => viewer.open(shown) }, picture, missing, copy);

  function reveal(there) {
    picture.hidden = !there;
    missing.hidden = there || !shown;
    copy.hidden = !there || !shown.nearest?.[3];
  }

  function show(image) {
    if (shown !== undefined && image?.address === shown?.address) return;
    shown = image;
    element.disabled = !image;
    element.className = `ps-tile ps-${image ? image.source : "none"}`;
    element.title = picture.alt = image ? describe(image, view) : "no sample here";
    reveal(Boolean(image));
    if (image) picture.src = image.address;
  }

  return { element, show };
}
