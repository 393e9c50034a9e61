// Taking figures along: SVG with its styles inside, PNG drawn from it, and a menu that offers both.

import { h, svg } from "./dom.js";

const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity",
  "font-size", "font-weight", "paint-order"];
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const SCALE = 3; // pixels of a PNG for one of the screen
const GAP = 16;

/** Drawings as one: [{title, drawing}] side by side under a heading, as text that any program can open. */
export function figureText(heading, parts) {
  const sizes = parts.map(({ drawing }) => [drawing.width.baseVal.value, drawing.height.baseVal.value]);
  const width = sizes.reduce((sum, [each]) => sum + each + GAP, GAP);
  const height = Math.max(...sizes.map(([, each]) => each)) + 56;
  const { color, background } = coloursOfPage();
  let x = GAP;
  const placed = parts.map(({ title, drawing }, i) => {
    const copy = styled(drawing);
    copy.setAttribute("y", 48);
    const left = x;
    x += sizes[i][0] + GAP;
    return svg("g", { transform: `translate(${left})` }, svg("text", { y: 42, fill: color, "font-size": 12, "font-weight": 600 }, title), copy);
  });
  const whole = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT },
    svg("rect", { width, height, fill: background }),
    svg("text", { x: GAP, y: 22, fill: color, "font-size": 13 }, heading), placed);
  return new XMLSerializer().serializeToString(whole);
}

function coloursOfPage() {
  const style = getComputedStyle(document.querySelector(".ps-card"));
  return { color: style.color, background: style.backgroundColor };
}

/** A copy that carries what the stylesheets gave it. */
function styled(drawing) {
  const copy = drawing.cloneNode(true);
  const originals = [drawing, ...drawing.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((each, i) => {
    const computed = getComputedStyle(originals[i]);
    for (const name of STYLES) each.style.setProperty(name, computed.getPropertyValue(name));
    each.removeAttribute("class");
  });
  copy.querySelectorAll("title").forEach((each) => each.remove());
  return copy;
}

export function saveSvg(name, text) {
  save(`${name}.svg`, new Blob([text], { type: "image/svg+xml" }));
}

export async function savePng(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = h("canvas", { width: image.naturalWidth * SCALE, height: image.naturalHeight * SCALE });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    save(`${name}.png`, await new Promise((resolve) => canvas.toBlob(resolve, "image/png")));
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Hands a file to the visitor. */
export function save(name, blob) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A small menu: [[words, action or address]]. It closes when something is chosen, by Escape, and by a click elsewhere. */
export function menu(title, entries) {
  const close = () => { element.open = false; };
  const element = h("details", { class: "ps-menu", onkeydown: (event) => event.key === "Escape" && close() },
    h("summary", { title, "aria-label": title }, "⤓"),
    h("div", { class: "ps-menu-list" }, entries.map(([words, act]) => (typeof act === "string"
      ? h("a", { href: act, download: "", onclick: close }, words)
      : h("button", { type: "button", onclick: () => { close(); act(); } }, words)))));
  element.addEventListener("toggle", () => {
    if (!element.open) return;
    const outside = (event) => !element.contains(event.target) && close();
    document.addEventListener("pointerdown", outside);
    element.addEventListener("toggle", () => document.removeEventListener("pointerdown", outside), { once: true });
  });
  return element;
}
