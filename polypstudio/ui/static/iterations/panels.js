// What is drawn over the iterations: lines with intervals, bands and marks, read from the view. How: chart.js.

import { kidDigits } from "./dom.js";

const LABELS = ["ad", "non_ad"];
export const PAIRS = [["ad", "ad"], ["ad", "non_ad"], ["non_ad", "non_ad"], ["non_ad", "ad"]]; // synthetic, real
const AGAINST = { kind: "ps-against", from: -Infinity, to: 0, name: "nearer the other class" };

const pairKind = (synthetic, real) => `${synthetic} ps-${synthetic === real ? "within" : "cross"}`;

/** The panels of a study by group, each {title, legend, definition, lines, ghosts, bands, marks, range, ticks, digits} or {missing}. */
export function panelsOf(view, help) {
  return {
    class: view.separation ? [kidPanel(view, help), marginPanel(view, help), alignmentPanel(view, help)] : [],
    quality: view.separation ? [coveragePanel(view, help), agreementPanel(view, help), lossPanel(view, help)] : [],
  };
}

/** The panels of the paper's Table 2: values as printed, without intervals, floor or separation. */
export function printedPanels(view, help) {
  const line = (kind, name, read) => ({ kind, name, points: view.printed.map((row) => ({ value: read(row), ci: null })) });
  const plain = { ghosts: [], bands: [], marks: [] };
  return { class: [
    complete({ ...plain, title: "KID as printed", legend: "— within  ┄ cross", definition: help.define("subset"), hold: [0],
      lines: PAIRS.map(([synthetic, real]) => line(pairKind(synthetic, real), `${view.labels[synthetic]} vs real ${view.labels[real]}`, ({ cells }) => cells[synthetic][real])) }),
    complete({ ...plain, title: "Margins", legend: "cross − within", definition: help.define("margin"), hold: [0], bands: [AGAINST], marks: [{ at: 0, name: "" }],
      lines: LABELS.map((label) => line(`${label} ps-within`, `margin ${view.labels[label]}`, ({ margins }) => margins[label])) }),
    complete({ ...plain, title: "Sum of margins", legend: "has the sign of A", definition: help.define("alignment"), hold: [0], marks: [{ at: 0, name: "" }],
      lines: [line("alignment ps-within", "sum of margins", (row) => row.sum)] }),
  ] };
}

function points(view, read) {
  return view.iterations.map((each) => read(each) ?? null);
}

function evidencePoints(view, read) {
  return points(view, ({ evidence }) => evidence && read(evidence));
}

function kidPanel(view, help) {
  const line = (synthetic, real) => ({
    kind: pairKind(synthetic, real),
    name: `${view.labels[synthetic]} ${synthetic === real ? "within" : "cross"}`,
    points: evidencePoints(view, ({ cells }) => ({ value: cells[synthetic][real].kid, ci: cells[synthetic][real].ci })),
  });
  const floors = evidencePoints(view, ({ cells }) => Math.max(...LABELS.map((label) => cells[label][label].floor)));
  const floor = Math.max(0, ...floors);
  const { kid, ci } = view.separation;
  return complete({
    title: "KID", legend: "— within  ┄ cross  ▒ floor", definition: ["within", "cross", "floor", "separation"].map(help.define).join(" "),
    lines: PAIRS.map(([synthetic, real]) => line(synthetic, real)),
    ghosts: PAIRS.map(([synthetic, real]) => ghost(view, pairKind(synthetic, real), ({ cells }) => cells[synthetic][real])),
    bands: [{ kind: "ps-floor", from: 0, to: floor }, { kind: "ps-separation", from: ci[0], to: ci[1] }],
    marks: [{ at: kid, name: "separation" }],
    hold: [0, floor, kid],
  });
}

function marginPanel(view, help) {
  return complete({
    title: "Margins", legend: "cross − within", definition: help.define("margin"),
    lines: LABELS.map((label) => ({ kind: `${label} ps-within`, name: `margin ${view.labels[label]}`, points: evidencePoints(view, ({ margins }) => margins[label]) })),
    ghosts: LABELS.map((label) => ghost(view, `${label} ps-within`, ({ margins }) => margins[label])),
    bands: [AGAINST],
    marks: [{ at: 0, name: "" }],
    hold: [0],
  });
}

function alignmentPanel(view, help) {
  return complete({
    title: "Class alignment A", legend: "", definition: help.define("alignment"), mostDigits: 2, ghosts: [],
    lines: [{ kind: "alignment ps-within", name: "A", points: evidencePoints(view, ({ alignment }) => (alignment.value === null ? null : alignment)) }],
    bands: [{ kind: "ps-against", from: -Infinity, to: 0, name: "swapped" }],
    marks: [{ at: 1, name: "as the real classes" }, { at: 0, name: "class ignored", below: true }],
    hold: [0, 1],
  });
}

function coveragePanel(view, help) {
  const reached = view.yardstick ? LABELS.map((label) => ({ at: view.yardstick[label].coverage, name: `new real ${view.labels[label]}` })) : [];
  const yardstick = reached.map((mark, i) => ({ ...mark, below: mark.at < reached[1 - i].at }));
  const lines = LABELS.map((label) => ({ kind: `${label} ps-within`, name: `coverage ${view.labels[label]}`,
    points: points(view, ({ coverage }) => coverage?.[label] && { value: coverage[label].coverage, ci: coverage[label].coverage_ci }) }));
  return complete({
    title: "Coverage", legend: legend("of the real images", lines), lines, definition: help.define("coverage"), mostDigits: 2, ghosts: [], bands: [], marks: yardstick, hold: [0, 1],
  });
}

function agreementPanel(view, help) {
  const real = view.realAgreement === null ? [] : [{ at: view.realAgreement, name: "real images" }];
  const lines = LABELS.map((label) => ({ kind: `${label} ps-within`, name: `agreement ${view.labels[label]}`,
    points: points(view, ({ agreement }) => agreement && { value: agreement.per_class[label], ci: agreement.ci?.[label] ?? null }) }));
  return complete({
    title: "k-NN agreement", legend: legend("in feature space", lines), lines, definition: help.define("agreement"), mostDigits: 2, ghosts: [], bands: [],
    marks: [{ at: 0.5, name: "chance" }, ...real], hold: [0.4, 0.7],
  });
}

function lossPanel(view, help) {
  const lines = LABELS.map((label) => ({ kind: `${label} ps-within`, name: `held-out loss ${view.labels[label]}`,
    points: points(view, ({ loss }) => label in loss && { value: loss[label], ci: null }) }));
  return complete({
    title: "Held-out loss", legend: legend("not trained on", lines), lines, definition: help.define("loss"), ghosts: [], bands: [], marks: [], hold: [],
    missing: "Measured while training, where held-out images are set aside for it.",
  });
}

/** The words beside a title; where no point has an interval, they say so. */
function legend(words, lines) {
  const known = lines.flatMap((line) => line.points.filter(Boolean));
  return known.length && known.every(({ ci }) => ci === null) ? `${words} · no CI` : words;
}

/** A line of the paper's Table 2, over the same width. */
function ghost(view, kind, read) {
  return { kind, points: view.paper.map((row) => ({ value: read(row), ci: null })) };
}

/** Adds the scale, without the paper's lines and with them; a panel without a point says what is missing. */
function complete(panel) {
  const known = panel.lines.some((line) => line.points.some(Boolean));
  if (!known) return { ...panel, missing: panel.missing ?? "Not evaluated yet: polypstudio evaluate" };
  const scale = scaleFor(panel.lines, panel.hold, panel.mostDigits);
  const withGhosts = panel.ghosts.length ? scaleFor([...panel.lines, ...panel.ghosts], panel.hold, panel.mostDigits) : scale;
  return { ...panel, missing: null, scale, withGhosts };
}

/** A range that holds all values and `also`, and of the intervals what is not far beyond them, with round ticks. */
function scaleFor(lines, also, mostDigits = Infinity) {
  const all = lines.flatMap((line) => line.points.filter(Boolean));
  const held = [...also, ...all.map((point) => point.value)];
  const [lowest, highest] = [Math.min(...held), Math.max(...held)];
  const beyond = 3 * (highest - lowest || Math.abs(highest) || 1);
  const ends = all.flatMap((point) => point.ci ?? []).map((end) => Math.min(highest + beyond, Math.max(lowest - beyond, end)));
  const values = [...held, ...ends];
  const span = Math.max(...values) - Math.min(...values) || Math.abs(highest) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const range = [Math.min(...values) - 0.03 * span, Math.max(...values) + 0.06 * span];
  const ticks = [];
  for (let k = Math.ceil(range[0] / step); k * step <= range[1]; k++) ticks.push(k * step);
  const largest = Math.max(...values.map(Math.abs));
  return { range, ticks, digits: Math.min(mostDigits, kidDigits(largest), Math.max(0, -Math.floor(Math.log10(step)))) };
}
