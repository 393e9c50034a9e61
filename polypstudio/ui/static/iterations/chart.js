// Everything over the iterations, drawn: KID, margins and alignment, or coverage, agreement and loss. A click jumps there.

import { h, interval, kept, number, svg } from "./dom.js";
import { figureText, menu, savePng, saveSvg } from "./exporting.js";
import { moveA } from "./state.js";

const EDGE = { left: 38, right: 12, top: 10, bottom: 20 };
const NAMED = 28; // px: a band that is lower has no room for its name below that of a mark
const GROUPS = { class: "class evidence", quality: "coverage, agreement, loss" };

/** `groups`: the panels by group (panels.js); `about`: what an exported figure says of itself. */
export function createChart({ view, store, help, groups, about }) {
  const steps = view.iterations.map((each) => each.iteration);
  const area = h("div", { class: "ps-figures-row" });
  const switches = Object.keys(groups).map((group) =>
    h("button", { type: "button", class: "ps-toggle", "data-group": group, onclick: () => store.set({ panels: group }) }, GROUPS[group]));
  const paper = h("button", { type: "button", class: "ps-toggle", title: help.define("paper"), onclick: () => store.set({ ghost: !store.get().ghost }) }, "paper's Table 2");
  const element = h("section", { class: "ps-card ps-chart", "aria-label": "Over iterations", hidden: Object.values(groups).every((panels) => panels.length === 0) },
    h("div", { class: "ps-card-head" }, h("h3", {}, "Over iterations"), h("div", { class: "ps-switches" }, switches.length > 1 && [switches, paper],
      menu("Export these figures", [["SVG", () => take(saveSvg)], ["PNG", () => take(savePng)]]))),
    area);
  let drawn = { group: null, figures: [], moving: [] };

  const watcher = new ResizeObserver(() => update(store.get()));
  watcher.observe(element);

  function figuresOf(group) {
    if (drawn.group !== group) {
      const figures = groups[group].map((panel) => h("figure", {},
        h("figcaption", { title: panel.definition }, panel.title, " ", h("small", {}, panel.legend)), h("div", { class: "ps-plot" })));
      area.replaceChildren(...figures);
      drawn = { group, figures, moving: [] };
    }
    return drawn.figures;
  }

  function update(state) {
    if (element.hidden) return;
    for (const each of switches) each.setAttribute("aria-pressed", each.dataset.group === state.panels);
    paper.setAttribute("aria-pressed", state.ghost);
    paper.disabled = state.panels !== "class";
    figuresOf(state.panels).forEach((figure, i) => {
      const panel = groups[state.panels][i];
      const plot = figure.querySelector(".ps-plot");
      const [width, height] = [plot.clientWidth, plot.clientHeight];
      if (panel.missing) plot.replaceChildren(h("p", { class: "ps-hint" }, panel.missing));
      else if (width > 80 && height > 60) drawn.moving[i] = refreshed(drawn.moving[i], plot, panel, width, height, state);
    });
  }

  /** Draws a panel anew only where its size or its lines change; while one scrubs, the marks of A and B alone move. */
  function refreshed(before, plot, panel, width, height, state) {
    const kind = `${width} ${height} ${state.ghost}`;
    const moving = before?.kind === kind ? before : { kind, ...drawPanel(panel, width, height, state.ghost) };
    if (moving !== before) plot.replaceChildren(moving.drawing);
    moving.move(state);
    return moving;
  }

  /** @returns the drawing, and `move(state)`, which puts A and B where they are. */
  function drawPanel(panel, width, height, ghost) {
    const last = steps.length - 1;
    const { range: [low, high], ticks, digits } = ghost ? panel.withGhosts : panel.scale;
    const inner = width - EDGE.left - EDGE.right;
    const along = (share) => EDGE.left + share * inner;
    const x = (i) => along(last ? i / last : 0.5);
    const y = (value) => EDGE.top + ((high - Math.min(high, Math.max(low, value))) / (high - low)) * (height - EDGE.top - EDGE.bottom);
    const column = inner / Math.max(1, last);
    const bands = panel.bands.filter((band) => y(band.from) - y(band.to) > 0.5);
    const at = Object.fromEntries(["b", "a"].map((side) => [side, svg("line", { class: `ps-at ps-at-${side}`, y1: EDGE.top, y2: height - EDGE.bottom })]));
    const labels = svg("g");
    const drawing = svg("svg", { width, height, role: "img", "aria-label": `${panel.title} over ${steps.length} iterations` },
      bands.map((band) => svg("rect", { class: band.kind, x: EDGE.left, width: inner, y: y(band.to), height: y(band.from) - y(band.to) })),
      ticks.map((tick) => [
        svg("line", { class: "ps-grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick) }),
        svg("text", { class: "ps-tick-label", x: EDGE.left - 5, y: y(tick) + 3.5, "text-anchor": "end" }, number(tick, digits))]),
      panel.marks.map((mark) => svg("line", { class: "ps-mark", x1: EDGE.left, x2: width - EDGE.right, y1: y(mark.at), y2: y(mark.at) })),
      at.b, at.a,
      ghost && panel.ghosts.map((line) => svg("g", { class: "ps-ghost" }, drawLine(line, (i) => along(i / (line.points.length - 1)), y))),
      panel.lines.map((line) => drawLine(line, x, y)),
      bands.map((band) => band.name && y(band.from) - y(band.to) > NAMED && svg("text", { class: "ps-mark-label", x: width - EDGE.right - 3, y: y(band.from) - 4, "text-anchor": "end" }, band.name)),
      panel.marks.map((mark) => svg("text", { class: "ps-mark-label", x: width - EDGE.right, y: y(mark.at) + (mark.below ? 12 : -4), "text-anchor": "end" }, mark.name)),
      labels,
      steps.map((step, i) => svg("rect", { class: "ps-column", x: x(i) - column / 2, width: column, y: 0, height, onclick: () => store.set({ ...moveA(store.get(), i), playing: false }) },
        svg("title", {}, [`iteration ${step}`, ...panel.lines.map((line) => words(line, i, digits))].join("\n")))));
    const anchor = (i) => (i === 0 && last ? "start" : i === last && last ? "end" : "middle");

    const labelsAt = kept((a) => xLabels(a).map((i) => svg("text", { class: "ps-tick-label", x: x(i), y: height - 5, "text-anchor": anchor(i) }, String(steps[i]))));

    function move(state) {
      for (const [side, line] of Object.entries(at)) for (const end of ["x1", "x2"]) line.setAttribute(end, x(state[side]));
      labels.replaceChildren(...labelsAt(state.a));
    }

    return { drawing, move };
  }

  /** The first, the last, and A where it is not crowded by them. */
  function xLabels(a) {
    const last = steps.length - 1;
    const room = Math.max(1, Math.ceil(last / 4));
    return [...new Set([0, ...(a >= room && a <= last - room ? [a] : []), last])];
  }

  /** All panels of the group as one figure. */
  function take(save) {
    const parts = drawn.figures.map((figure, i) => ({ title: `${groups[drawn.group][i].title} ${groups[drawn.group][i].legend}`.trim(), drawing: figure.querySelector("svg") }));
    const heading = store.get().ghost ? `${about} · thin: the paper's Table 2, 1000 to 8000` : about;
    return save(`${view.study}-over-iterations`, figureText(heading, parts.filter((part) => part.drawing)));
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
  if (!points[i]) return `${name}: not evaluated`;
  return `${name}: ${number(points[i].value, digits)}${points[i].ci ? ` (CI ${interval(points[i].ci, digits)})` : ""}`;
}
