// What the points of the map can be coloured by. Each scheme: a name, a colour for an image, a legend, or why it is not there.

import { h } from "./dom.js";

export const LABELS = ["ad", "non_ad"];
const CLASS = { ad: "#D55E00", non_ad: "#0072B2" };
const SOURCE = { real: "#009E73", synthetic: "#CC79A7" };
const UNKNOWN = "#9aa3af";
const COPY = "#c6283a";
const RAMP = [[47, 111, 196], [154, 160, 166], [227, 160, 8]]; // blue, grey, yellow: told apart by all readers, in light and dark

/** `colour(image)` of {source, set, label, index, nearest}; `missing` says why a scheme cannot be chosen; `maps`: the
 * alignments on which it colours anything, where these are not all. */
export function colourSchemes(view) {
  const { readers, classifier } = view.colours;
  return {
    class: { name: "class", colour: ({ label }) => CLASS[label], legend: classLegend(view) },
    source: { name: "source", colour: ({ source }) => SOURCE[source],
      legend: [key("ps-dot", SOURCE.real, "real"), key("ps-diamond", SOURCE.synthetic, "synthetic")] },
    copy: { name: "copy flag", colour: ({ nearest }) => (nearest?.[3] ? COPY : UNKNOWN),
      legend: [key("ps-diamond", COPY, "flagged as a copy"), key("ps-diamond", UNKNOWN, "no copy")],
      missing: view.iterations.some((each) => each.nearest) ? null : "not evaluated yet" },
    readers: measured("reader score", readers, 1, 6, ["1 surely synthetic", "6 surely real", "not read"],
      "no reading with answers yet", "none of the images read is on a map"),
    classifier: measured("classifier error", classifier, 0, 1, ["always right", "always wrong", "not judged"],
      "no augmentation test yet", "the held-out images it judged are on no map; new evaluations place them on the t-SNE of the real"),
  };
}

function measured(name, found, low, high, [least, most, none], missing, unplaced) {
  const value = ({ set, label, index }) => found?.values[set]?.[label]?.[index];
  return {
    name, words: found?.words, maps: found?.maps, missing: !found ? missing : found.maps.length === 0 ? unplaced : null,
    colour(image) {
      const known = value(image);
      return known === undefined ? UNKNOWN : ramp((known - low) / (high - low));
    },
    legend: [h("span", { class: "ps-key" }, least, h("i", { class: "ps-ramp", style: `--ramp: ${RAMP.map((rgb) => `rgb(${rgb})`).join(", ")}` }), most),
      key("ps-dot", UNKNOWN, none)],
  };
}

function ramp(share) {
  const at = Math.min(1, Math.max(0, share)) * (RAMP.length - 1);
  const from = Math.min(RAMP.length - 2, Math.floor(at));
  return `rgb(${RAMP[from].map((value, i) => Math.round(value + (at - from) * (RAMP[from + 1][i] - value))).join(",")})`;
}

function classLegend(view) {
  return [["ps-dot", "real"], ["ps-diamond", "synthetic"]].flatMap(([shape, source]) =>
    LABELS.map((label) => key(shape, CLASS[label], `${source} ${view.labels[label]}`)));
}

function key(shape, colour, words) {
  return h("span", { class: "ps-key", style: `--key: ${colour}` }, h("i", { class: shape }), words);
}
