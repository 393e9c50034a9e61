// Everything over the iterations: KID within and across the classes, margins, alignment. A click jumps there.

import { h, interval, kidDigits, number, svg } from "./dom.js";
import { moveA } from "./state.js";

const LABELS = ["ad", "non_ad"];
const OTHER = { ad: "non_ad", non_ad: "ad" };
const EDGE = { left: 38, right: 12, top: 10, bottom: 20 };

export function createChart({ view, store, help }) {
  const steps = view.iterations.map((each) => each.iteration);
  const panels = view.separation ? [kidPanel(view, help), marginPanel(view, help), alignmentPanel(view, help)] : [];
  const figures = panels.map((panel) => h("figure", {},
    h("figcaption", { title: panel.definition }, panel.title, " ", h("small", {}, panel.legend)), h("div", { class: "ps-plot" })));
  const element = h("section", { class: "ps-card ps-chart", "aria-label": "Over iterations", hidden: panels.length === 0 }, figures);

  const watcher = new ResizeObserver(() => update(store.get()));
  watcher.observe(element);

  function update(state) {
    panels.forEach((panel, i) => {
      const plot = figures[i].querySelector(".ps-plot");
      const [width, height] = [plot.clientWidth, plot.clientHeight];
      if (width > 80 && height > 60) plot.replaceChildren(drawPanel(panel, width, height, state));
    });
  }

  function drawPanel(panel, width, height, state) {
    const last = steps.length - 1;
    const x = (i) => EDGE.left + (last ? i / last : 0.5) * (width - EDGE.left - EDGE.right);
    const [low, high] = panel.range;
    const y = (value) => EDGE.top + ((high - Math.min(high, Math.max(low, value))) / (high - low)) * (height - EDGE.top - EDGE.bottom);
    const column = (width - EDGE.left - EDGE.right) / Math.max(1, last);
    return svg("svg", { width, height, role: "img", "aria-label": `${panel.title} over ${steps.length} iterations` },
      panel.bands.map((band) => svg("rect", { class: band.kind, x: EDGE.left, width: width - EDGE.left - EDGE.right, y: y(band.to), height: Math.max(0, y(band.from) - y(band.to)) })),
      panel.bands.map((band) => band.name && svg("text", { class: "ps-mark-label", x: width - EDGE.right - 3, y: y(band.from) - 4, "text-anchor": "end" }, band.name)),
      panel.ticks.map((tick) => [
        svg("line", { class: "ps-grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick) }),
        svg("text", { class: "ps-tick-label", x: EDGE.left - 5, y: y(tick) + 3.5, "text-anchor": "end" }, number(tick, panel.digits))]),
      panel.marks.map((mark) => [
        svg("line", { class: "ps-mark", x1: EDGE.left, x2: width - EDGE.right, y1: y(mark.at), y2: y(mark.at) }),
        svg("text", { class: "ps-mark-label", x: width - EDGE.right, y: y(mark.at) - 3, "text-anchor": "end" }, mark.name)]),
      ["b", "a"].map((side) => svg("line", { class: `ps-at ps-at-${side}`, x1: x(state[side]), x2: x(state[side]), y1: EDGE.top, y2: height - EDGE.bottom })),
      panel.lines.map((line) => drawLine(line, x, y)),
      xLabels(state).map((i) => svg("text", { class: "ps-tick-label", x: x(i), y: height - 5, "text-anchor": i === 0 ? "start" : i === last ? "end" : "middle" }, String(steps[i]))),
      steps.map((step, i) => svg("rect", { class: "ps-column", x: x(i) - column / 2, width: column, y: 0, height, onclick: () => store.set(moveA(store.get(), i)) },
        svg("title", {}, [`iteration ${step}`, ...panel.lines.map((line) => words(line, i, panel.digits))].join("\n")))));
  }

  /** The first, the last, and A where it is not crowded by them. */
  function xLabels(state) {
    const last = steps.length - 1;
    const room = Math.max(1, Math.ceil(last / 4));
    return [...new Set([0, ...(state.a >= room && state.a <= last - room ? [state.a] : []), last])];
  }

  return { element, update, close: () => watcher.disconnect() };
}

function drawLine({ kind, points }, x, y) {
  const known = points.map((point, i) => point && { ...point, i }).filter(Boolean);
  const runs = known.map((p, k) => `${k === 0 || known[k - 1].i !== p.i - 1 ? "M" : "L"}${x(p.i).toFixed(1)},${y(p.value).toFixed(1)}`);
  return svg("g", { class: `ps-line-${kind}` },
    known.map((p) => p.ci && svg("line", { class: "ps-whisker", x1: x(p.i), x2: x(p.i), y1: y(p.ci[0]), y2: y(p.ci[1]) })),
    svg("path", { d: runs.join(""), fill: "none" }),
    known.map((p) => svg("circle", { cx: x(p.i), cy: y(p.value), r: 2.5 })));
}

function words({ name, points }, i, digits) {
  return points[i] ? `${name}: ${number(points[i].value, digits)} (CI ${interval(points[i].ci, digits)})` : `${name}: not evaluated`;
}

function overIterations(view, read) {
  return view.iterations.map((each) => (each.evidence ? read(each.evidence) : null));
}

function kidPanel(view, help) {
  const line = (synthetic, real) => ({
    kind: `${synthetic} ps-${synthetic === real ? "within" : "cross"}`,
    name: `${view.labels[synthetic]} ${synthetic === real ? "within" : "cross"}`,
    points: overIterations(view, ({ cells }) => ({ value: cells[synthetic][real].kid, ci: cells[synthetic][real].ci })),
  });
  const lines = LABELS.flatMap((label) => [line(label, label), line(label, OTHER[label])]);
  const floors = overIterations(view, ({ cells }) => Math.max(...LABELS.map((label) => cells[label][label].floor)));
  const floor = Math.max(0, ...floors.filter((value) => value !== null));
  const separation = view.separation.kid;
  const scale = scaleFor(lines, [0, floor, separation]);
  return { title: "KID", legend: "— within  ┄ cross  ▒ floor", definition: `${help.define("within")} ${help.define("cross")} ${help.define("floor")}`,
    lines, ...scale, bands: [{ kind: "ps-floor", from: Math.max(0, scale.range[0]), to: floor }], marks: [{ at: separation, name: "separation" }] };
}

function marginPanel(view, help) {
  const lines = LABELS.map((label) => ({ kind: `${label} ps-within`, name: `margin ${view.labels[label]}`, points: overIterations(view, ({ margins }) => margins[label]) }));
  const scale = scaleFor(lines, [0]);
  return { title: "Margins", legend: "cross − within", definition: help.define("margin"), lines, ...scale,
    bands: scale.range[0] < 0 ? [{ kind: "ps-against", from: scale.range[0], to: 0, name: "nearer the other class" }] : [], marks: [{ at: 0, name: "" }] };
}

function alignmentPanel(view, help) {
  const lines = [{ kind: "alignment ps-within", name: "A", points: overIterations(view, ({ alignment }) => (alignment.value === null ? null : alignment)) }];
  const scale = scaleFor(lines, [0, 1]);
  return { title: "Class alignment A", legend: "", definition: help.define("alignment"), lines, ...scale, digits: Math.min(2, scale.digits),
    bands: scale.range[0] < 0 ? [{ kind: "ps-against", from: scale.range[0], to: 0, name: "swapped" }] : [],
    marks: [{ at: 1, name: "as the real classes" }, { at: 0, name: "class ignored" }] };
}

/** A range that holds all values and `also`, and of the intervals what is not far beyond them, with round ticks. */
function scaleFor(lines, also) {
  const points = lines.flatMap((line) => line.points.filter(Boolean));
  const held = [...also, ...points.map((point) => point.value)];
  const [lowest, highest] = [Math.min(...held), Math.max(...held)];
  const beyond = 0.4 * (highest - lowest || 1);
  const ends = points.flatMap((point) => point.ci ?? []).map((end) => Math.min(highest + beyond, Math.max(lowest - beyond, end)));
  const values = [...held, ...ends];
  const span = Math.max(...values) - Math.min(...values) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const range = [Math.min(...values) - 0.03 * span, Math.max(...values) + 0.06 * span];
  const ticks = [];
  for (let k = Math.ceil(range[0] / step); k * step <= range[1]; k++) ticks.push(k * step);
  const largest = Math.max(...values.map(Math.abs));
  return { range, ticks, digits: Math.min(kidDigits(largest), Math.max(0, -Math.floor(Math.log10(step)))) };
}
