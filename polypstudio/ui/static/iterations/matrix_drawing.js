// The KID matrix as a drawing that can be taken along: what matrix.js shows as a table, with its look in attributes.

import { interval, number, pValue, signed, svg } from "./dom.js";

const LABELS = ["ad", "non_ad"];
const NAMES = 110; // width of the column of row names
const CELL = { width: 150, height: 74, gap: 8 };
const TOP = 34;
const WIDTH = NAMES + 3 * (CELL.width + CELL.gap);
const HEIGHT = TOP + 2 * (CELL.height + CELL.gap) + 44;

/** `parts`: {evidence, separation, labels, digits, scale}; `scale(kid)`: its place on a cell's bar, 0 to 1. */
export function drawMatrix({ evidence, separation, labels, digits, scale }) {
  const { color, classes, alarm } = lookOfPage();
  const words = (x, y, text, look = {}) => svg("text", { x, y, fill: color, "font-size": 12, ...look }, text);
  const middle = { "text-anchor": "middle" };
  const left = (column) => NAMES + column * (CELL.width + CELL.gap);
  const top = (row) => TOP + row * (CELL.height + CELL.gap);

  function head(real, column) {
    return words(left(column) + CELL.width / 2, 20, `real ${labels[real]}, n ${evidence.cells.ad[real].n_real}`, { ...middle, "font-weight": 600 });
  }

  function rowName(synthetic, row) {
    return [words(0, top(row) + 34, `synthetic ${labels[synthetic]}`, { fill: classes[synthetic], "font-weight": 600 }),
      words(0, top(row) + 50, `n ${evidence.cells[synthetic].ad.n_synthetic}`, { "font-size": 11 })];
  }

  function cell(synthetic, real, row, column) {
    const { kid, ci, floor } = evidence.cells[synthetic][real];
    const within = synthetic === real;
    const nearer = !within && kid < evidence.cells[synthetic][synthetic].kid;
    const [x, y, centre] = [left(column), top(row), left(column) + CELL.width / 2];
    const along = (value) => x + 12 + scale(value) * (CELL.width - 24);
    const line = y + 60;
    return [
      svg("rect", { x, y, width: CELL.width, height: CELL.height, rx: 5, fill: "none", stroke: color, "stroke-opacity": within ? 0.6 : 0.25 }),
      words(centre, y + 26, `${number(kid, digits)}${nearer ? " ▲" : ""}`, { ...middle, "font-size": 17, fill: nearer ? alarm : color }),
      words(centre, y + 43, `CI ${interval(ci, digits)}`, { ...middle, "font-size": 11 }),
      svg("rect", { x: along(0), y: line - 3, width: along(Infinity) - along(0), height: 6, rx: 3, fill: color, "fill-opacity": 0.12 }),
      svg("rect", { x: along(0), y: line - 3, width: along(floor) - along(0), height: 6, rx: 3, fill: color, "fill-opacity": 0.35 }),
      svg("line", { x1: along(separation.kid), x2: along(separation.kid), y1: line - 6, y2: line + 6, stroke: color, "stroke-width": 2, "stroke-opacity": 0.6 }),
      svg("circle", { cx: along(kid), cy: line, r: 4, fill: color }),
    ];
  }

  function margin(synthetic, row) {
    const { value, ci } = evidence.margins[synthetic];
    const centre = left(2) + CELL.width / 2;
    return [words(centre, top(row) + 34, `${signed(value, digits)}${value < 0 ? " ▲" : ""}`, { ...middle, "font-size": 15, fill: value < 0 ? alarm : color }),
      words(centre, top(row) + 51, `CI ${interval(ci, digits)}`, { ...middle, "font-size": 11 })];
  }

  const { alignment, shift } = evidence;
  const below = `A ${number(alignment.value)} (CI ${interval(alignment.ci)}, ${pValue(alignment.p)}) · common shift ${signed(shift.value, digits)} to ` +
    `${labels[shift.value > 0 ? "ad" : "non_ad"]} · separation ${number(separation.kid, digits)} (${pValue(separation.p)})`;
  return svg("svg", { width: WIDTH, height: HEIGHT },
    LABELS.map(head), words(left(2) + CELL.width / 2, 20, "margin", { ...middle, "font-weight": 600 }),
    LABELS.map((synthetic, row) => [rowName(synthetic, row), LABELS.map((real, column) => cell(synthetic, real, row, column)), margin(synthetic, row)]),
    words(0, HEIGHT - 24, below), words(0, HEIGHT - 6, "dot: KID; dark part: floor; line: separation; ▲ nearer the other class", { "font-size": 11 }));
}

function lookOfPage() {
  const style = getComputedStyle(document.querySelector(".ps-card"));
  const named = (name) => style.getPropertyValue(name).trim();
  return { color: style.color, alarm: named("--ps-alarm"), classes: { ad: named("--ps-ad-text"), non_ad: named("--ps-non_ad-text") } };
}
