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
