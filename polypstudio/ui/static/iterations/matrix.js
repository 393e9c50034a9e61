// The KID matrix {synthetic AD, Non-AD} × {real AD, Non-AD} of iteration A, with margins, alignment and shift.

import { h, interval, kept, kidDigits, number, pValue, signed, stack } from "./dom.js";
import { figureText, menu, savePng, saveSvg } from "./exporting.js";
import { drawMatrix } from "./matrix_drawing.js";

const LABELS = ["ad", "non_ad"];
const OTHER = { ad: "non_ad", non_ad: "ad" };

export function createMatrix({ view, store, help }) {
  const body = h("div", { class: "ps-matrix-body" });
  const title = h("h3", {});
  const element = h("section", { class: "ps-card ps-matrix", "aria-label": "KID matrix" }, h("div", { class: "ps-card-head" }, title,
    menu("Export the matrix", [["SVG", () => take(saveSvg)], ["PNG", () => take(savePng)],
      ["Table 2 as CSV", table2("csv")], ["Table 2 as LaTeX", table2("tex")]])), body);
  const largest = Math.max(0, ...view.iterations.flatMap((each) => cellsOf(each.evidence).flatMap((cell) => [Math.abs(cell.kid), cell.floor])));
  const digits = kidDigits(largest);

  /** All iterations as the paper's Table 2 prints them: mean and SD over subsets. */
  function table2(kind) {
    const query = new URLSearchParams({ encoder: view.encoder ?? "", reference: view.referenceSplit === "test" ? "held_out" : "train" });
    return `/study/${encodeURIComponent(view.study)}/table2.${kind}?${query}`;
  }

  /** The matrix of A as a figure. */
  function take(save) {
    const { iteration, evidence } = view.iterations[store.get().a];
    if (!evidence) return;
    const drawing = drawMatrix({ evidence, separation: view.separation, labels: view.labels, digits, scale: scaled });
    save(`${view.study}-matrix-${iteration}`, figureText(`${view.study} · KID at ${iteration} · ${view.encoder} · real images ${view.reference}`, [{ title: "", drawing }]));
  }

  function cell(evidence, synthetic, real) {
    const found = evidence.cells[synthetic][real];
    const within = synthetic === real;
    const nearer = evidence.cells[synthetic][real].kid < evidence.cells[synthetic][OTHER[real]].kid;
    const wrong = nearer && !within;
    const kind = within ? "within" : "cross";
    const numbers = `${view.labels[synthetic]} against real ${view.labels[real]} (${kind}-class): KID ${number(found.kid, digits)}, ` +
      `CI ${interval(found.ci, digits)}, ${found.n_synthetic} synthetic and ${found.n_real} real images.`;
    const printed = `As papers print it: ${number(found.subset_mean, digits)} ± ${number(found.subset_sd, digits)} (SD over subsets).`;
    const explained = [numbers, found.words, printed, ...[kind, "floor", "separation", "subset"].map(help.define)];
    return h("td", { class: `${kind}${nearer ? " ps-nearer" : ""}` },
      h("button", { type: "button", title: `${numbers} ${found.words}`, onclick: () => help.explain(`${view.labels[synthetic]} × real ${view.labels[real]}`, explained) },
        h("b", {}, number(found.kid, digits), wrong && h("i", { class: "ps-alarm" }, " ▲")),
        h("small", {}, interval(found.ci, digits)),
        bar(found)));
  }

  /** A KID's place on the bars of all cells, 0 to 1. */
  function scaled(kid) {
    const top = 1.05 * Math.max(largest, view.separation.kid);
    return Math.min(top, Math.max(0, kid)) / top;
  }

  /** Where a KID stands: the floor as the grey part, separation as a tick, the value as a dot. */
  function bar(found) {
    const at = (kid) => `${100 * scaled(kid)}%`;
    return h("span", { class: "ps-bar", "aria-hidden": "true" },
      h("span", { class: "ps-bar-floor", style: `width:${at(found.floor)}` }),
      h("span", { class: "ps-bar-separation", style: `left:${at(view.separation.kid)}` }),
      h("span", { class: "ps-bar-value", style: `left:${at(found.kid)}` }));
  }

  function table(evidence) {
    const counts = (label) => evidence.cells[label].ad.n_synthetic;
    return h("table", {},
      h("thead", {}, h("tr", {}, h("td", {}),
        LABELS.map((real) => h("th", { scope: "col" }, `real ${view.labels[real]} `, h("small", {}, `n ${evidence.cells.ad[real].n_real}`))),
        h("th", { scope: "col", title: help.define("margin") }, "margin"))),
      h("tbody", {}, LABELS.map((synthetic) => h("tr", {},
        h("th", { scope: "row", class: `ps-${synthetic}` }, h("small", {}, "synthetic"), `${view.labels[synthetic]} `, h("small", {}, `n ${counts(synthetic)}`)),
        LABELS.map((real) => cell(evidence, synthetic, real)),
        margin(evidence.margins[synthetic])))));
  }

  function margin({ value, ci }) {
    return h("td", { class: value < 0 ? "ps-margin ps-negative" : "ps-margin", title: help.define("margin") },
      h("b", {}, signed(value, digits), value < 0 && " ▲"), h("small", {}, interval(ci, digits)));
  }

  function figures(evidence) {
    const { alignment, shift } = evidence;
    const lean = shift.value > 0 ? "ad" : "non_ad";
    return h("dl", { class: "ps-figures" },
      figure("alignment A", number(alignment.value), `${interval(alignment.ci)}, ${pValue(alignment.p)}`, help.define("alignment")),
      figure("common shift", signed(shift.value, digits), `to ${view.labels[lean]}`, `${help.define("shift")} CI ${interval(shift.ci, digits)}.`),
      figure("separation", number(view.separation.kid, digits), pValue(view.separation.p), `${help.define("separation")} CI ${interval(view.separation.ci, digits)}.`));
  }

  function figure(name, value, beside, definition) {
    return h("div", { title: definition }, h("dt", {}, name), h("dd", {}, h("b", {}, value), " ", h("small", {}, beside)));
  }

  const titleOf = kept((position) => ["KID at ", h("b", { class: "ps-badge ps-badge-a" }, "A"), ` ${view.iterations[position].iteration} `,
    h("small", {}, "▲ nearer the other class")]);
  const showBody = stack(body, (position) => {
    const { evidence } = view.iterations[position];
    return h("div", {}, evidence ? [table(evidence), figures(evidence)] : h("p", { class: "ps-hint" }, "Not evaluated yet."));
  });

  return {
    element,
    update(state) {
      title.replaceChildren(...titleOf(state.a));
      element.hidden = !view.separation;
      if (view.separation) showBody(state.a);
    },
  };
}

function cellsOf(evidence) {
  return evidence ? Object.values(evidence.cells).flatMap((row) => Object.values(row)) : [];
}
