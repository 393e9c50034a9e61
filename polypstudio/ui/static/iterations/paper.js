// The paper itself as a reference study: its printed tables, read-only. Signs can be read off them, sizes of A cannot.

import { createChart } from "./chart.js";
import { h, number, signed } from "./dom.js";
import { createHelp } from "./help.js";
import { opened, tellShown } from "./opened.js";
import { PAIRS, printedPanels } from "./panels.js";
import { createScrubber } from "./scrubber.js";
import { createStore, keepAddress, openingState } from "./state.js";

export function openPaper(host, printed, previous) {
  const view = { ...printed, iterations: printed.printed, maps: ["joint"] };
  const store = createStore(openingState(view, previous));
  const help = createHelp({ ...view, definition: view.source, howMade: [view.limits] });
  const scrubber = createScrubber({ view, store });
  const sentence = h("p", { class: "ps-sentence", "aria-live": "polite" });
  const table = h("tbody", {});
  const chart = createChart({ view, store, help, groups: printedPanels(view, help), about: view.source });
  host.replaceChildren(scrubber.element,
    h("section", { class: "ps-verdict", "aria-label": "What iteration A is worth" }, h("div", { class: "ps-words" }, sentence, h("p", { class: "ps-warning" }, view.limits))),
    h("div", { class: "ps-left" }, chart.element, h("section", { class: "ps-card" }, h("h3", {}, "What the tables can show"), view.words.map((text) => h("p", {}, text)),
      h("p", { class: "ps-warning" }, view.source))),
    h("div", { class: "ps-right" }, tableCard(view, table, help)), help.element);
  host.classList.remove("ps-bare");
  host.classList.add("ps-paper");

  function draw(state) {
    scrubber.update(state);
    sentence.textContent = view.printed[state.a].sentence;
    table.replaceChildren(...view.printed.map((row, i) => tableRow(row, i, state, store)));
    chart.update(state);
    keepAddress(state, view);
    tellShown(host, state);
  }

  const look = { close: () => host.classList.remove("ps-paper") };
  return opened(host, store, draw, [scrubber, chart, look]);
}

function tableCard(view, body, help) {
  const heads = PAIRS.map(([synthetic, real]) => h("th", { scope: "col" }, h("small", {}, "synthetic"), `${view.labels[synthetic]} `, h("small", {}, "vs real"), view.labels[real]));
  return h("section", { class: "ps-card ps-printed", "aria-label": "Table 2 as printed" }, h("h3", {}, "Table 2 as printed ", h("small", {}, "KID ± SD over subsets")),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "iteration"), heads, h("th", { scope: "col", title: help.define("margin") }, "margin AD"),
      h("th", { scope: "col", title: help.define("margin") }, "margin Non-AD"), h("th", { scope: "col", title: help.define("alignment") }, "sum"))), body));
}

function tableRow(row, i, state, store) {
  return h("tr", { "aria-current": String(i === state.a) },
    h("th", { scope: "row" }, h("button", { type: "button", class: "ps-link", onclick: () => store.set({ a: i }) }, String(row.iteration))),
    PAIRS.map(([synthetic, real]) => h("td", {}, number(row.cells[synthetic][real], 3), h("small", {}, `± ${number(row.deviations[synthetic][real], 3)}`))),
    ["ad", "non_ad"].map((label) => h("td", { class: row.margins[label] < 0 ? "ps-negative" : null }, h("b", {}, signed(row.margins[label], 3)), row.margins[label] < 0 && " ▲")),
    h("td", {}, signed(row.sum, 3)));
}
