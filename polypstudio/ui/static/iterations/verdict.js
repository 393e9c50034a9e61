// The sentence first: what iteration A is worth, its alarms, and class alignment as a gauge.

import { h, interval, number, stack, svg } from "./dom.js";

const GAUGE = { low: -0.6, high: 1.25, width: 290, height: 56, line: 29 };

export function createVerdict({ view, help }) {
  const sentence = h("p", { class: "ps-sentence", "aria-live": "polite" });
  const gauge = h("div", { class: "ps-gauge" });
  const notes = view.warnings.length > 0 && h("p", { class: "ps-warning" }, view.warnings.join(" "));
  const words = h("div", { class: "ps-words" }, sentence, notes);
  const element = h("section", { class: "ps-verdict", "aria-label": "What iteration A is worth" }, words, gauge);
  const say = stack(sentence, (position) => h("span", {}, said(view.iterations[position])));
  view.iterations.forEach((_, position) => say(position)); // the room of the longest one is there from the start
  const showGauge = stack(gauge, (position) => drawGauge(view.iterations[position].evidence.alignment, help.define("alignment")));

  return {
    element,
    update(state) {
      say(state.a);
      gauge.hidden = !view.iterations[state.a].evidence;
      if (!gauge.hidden) showGauge(state.a);
    },
  };

  function said(iteration) {
    if (!iteration.evidence) return emptyState(missing(view, iteration));
    return [h("span", {}, iteration.sentence), " ", ...iteration.unsaid.map(chip), h("button", { type: "button", class: "ps-link", onclick: () => help.open() }, "how is this made?")];
  }

  function chip(alarm) {
    const { name, meaning } = view.alarms[alarm];
    return h("strong", { class: "ps-alarm-chip", title: name }, `▲ ${meaning.replace(/\.$/, "")}`);
  }
}

/** What is missing, and what to do next. */
export function emptyState({ title, text, command }) {
  return [h("strong", {}, title), " ", h("span", {}, text), " ", command && h("code", {}, command)];
}

function missing(view, iteration) {
  return view.empty ?? {
    title: `Iteration ${iteration.iteration} has not been evaluated yet`,
    text: "Start the evaluation on the Study tab, or:",
    command: `polypstudio evaluate ${view.study}`,
  };
}

/** Alignment A on a scale from swapped (below 0) over ignored (0) to as the real classes (1), with its interval. */
function drawGauge({ value, ci }, definition) {
  const { low, high, width, height, line } = GAUGE;
  const margin = 14;
  const x = (a) => margin + ((Math.min(high, Math.max(low, a)) - low) / (high - low)) * (width - 2 * margin);
  const text = (a, words, anchor = "middle") => svg("text", { x: x(a), y: 50, "text-anchor": anchor }, words);
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `Class alignment ${number(value)}, interval ${interval(ci)}` },
    svg("title", {}, definition),
    svg("line", { class: "ps-gauge-swapped", x1: x(low), x2: x(0), y1: line, y2: line }),
    svg("line", { class: "ps-gauge-scale", x1: x(0), x2: x(high), y1: line, y2: line }),
    [0, 1].map((a) => svg("line", { class: "ps-gauge-tick", x1: x(a), x2: x(a), y1: line - 6, y2: line + 6 })),
    text(low, "swapped", "start"), text(0, "ignored"), text(1, "as real"),
    svg("line", { class: "ps-gauge-ci", x1: x(ci ? ci[0] : low), x2: x(ci ? ci[1] : high), y1: line, y2: line }),
    value !== null && svg("circle", { class: "ps-gauge-value", cx: x(value), cy: line, r: 6 }),
    svg("text", { class: "ps-gauge-number", x: x(value ?? 0), y: 17, "text-anchor": "middle" }, `A ${number(value)}`));
}
