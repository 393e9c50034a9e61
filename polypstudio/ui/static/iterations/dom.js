// Making elements, and numbers as text.

const SVG = "http://www.w3.org/2000/svg";
const MINUS = "−";

/** An element: `h("button", { class: "x", onclick: f }, "text", child)`. null and false children are left out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** `make(...key)`, but what is seen again is not made again: while one scrubs, nothing is left for the browser to clear away. */
export function kept(make) {
  const made = new Map();
  return (...key) => {
    const name = key.join(" ");
    if (!made.has(name)) made.set(name, make(...key));
    return made.get(name);
  };
}

/**
 * Makes of an element a place where `make(key)` of one key at a time is seen; returns `show(key)`. All that has been shown stays there,
 * laid out over each other: to show another one costs no layout, and the place is as large as the largest, so that nothing moves.
 */
export function stack(element, make) {
  element.classList.add("ps-stack");
  const layerOf = kept((key) => {
    const layer = make(key);
    element.append(layer);
    return layer;
  });
  let seen = null;
  return (key) => {
    const layer = layerOf(key);
    seen?.classList.add("ps-covered");
    layer.classList.remove("ps-covered");
    seen = layer;
  };
}

/** A number with a true minus sign; what rounds to zero has no sign; null is not defined. */
export function number(value, digits = 2) {
  if (value === null) return "not defined";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", MINUS);
}

/** A difference, always with its sign. */
export function signed(value, digits = 2) {
  const text = number(value, digits);
  return text.startsWith(MINUS) || Number(text) === 0 ? text : `+${text}`;
}

/** 0.05–0.56; with a negative end −0.10 to 0.56, since a dash and a minus are easily confused; null is unbounded. */
export function interval(ci, digits = 2) {
  if (ci === null) return "unbounded";
  const [low, high] = ci;
  return number(low, digits) + (low < 0 ? " to " : "–") + number(high, digits);
}

export function pValue(p) {
  if (p < 0.001) return "p < 0.001";
  return `p ${p.toFixed(p < 0.01 ? 3 : 2)}`;
}

/** Digits after the point at which KIDs of that size are printed. */
export function kidDigits(largest) {
  if (largest >= 10) return 1;
  if (largest >= 1) return 2;
  return largest >= 0.05 ? 3 : 4;
}

export function percent(share) {
  return `${number(100 * share, 0)} %`;
}
