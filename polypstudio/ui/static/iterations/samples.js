// Side by side: iteration A and B, one row a class, the same noise in the same column; real images below on request.

import { h, kept, percent } from "./dom.js";
import { createRow } from "./tiles.js";

const LABELS = ["ad", "non_ad"];
const TILE = 0.095; // of the window's height: what a column is given at least
const FEWEST = 3;

export function createSamples({ view, images, store, viewer, help, sheet, generate }) {
  const heads = { a: h("h3", {}), b: h("h3", {}) };
  const rowsOf = (source) => LABELS.map((label) => createRow(label, source, { view, viewer, help }));
  const rows = { a: rowsOf(null), b: rowsOf(null), real: rowsOf(`real, ${view.reference}`) };
  const paging = h("span", { class: "ps-paging" });
  const back = h("button", { type: "button", class: "ps-step", title: "Earlier samples", "aria-label": "Earlier samples", onclick: () => turn(-1) }, "‹");
  const forth = h("button", { type: "button", class: "ps-step", title: "Later samples", "aria-label": "Later samples", onclick: () => turn(1) }, "›");
  const toggle = h("button", { type: "button", class: "ps-toggle", onclick: () => store.set({ showReal: !store.get().showReal }) }, "Real images");
  const real = h("div", { class: "ps-reals" },
    rows.real.map((row) => h("div", { class: "ps-pane" }, row.element)));
  const element = h("section", { class: "ps-card ps-samples", "aria-label": "Samples of A and B" },
    h("div", { class: "ps-panes" }, ["a", "b"].map((side) => h("div", { class: "ps-pane" }, heads[side], h("div", { class: "ps-rows" }, rows[side].map((row) => row.element))))),
    real,
    h("div", { class: "ps-card-foot" }, back, paging, forth, h("span", { class: "ps-hint" }, "same column, same noise"),
      h("button", { type: "button", class: "ps-toggle", title: "A sheet as the paper's Fig. 3: rows AD and Non-AD, columns iterations", onclick: () => sheet.open() }, "Sheet"),
      h("button", { type: "button", class: "ps-toggle", title: "Draw other images at A and B with the weights that are here", onclick: () => generate.open() }, "Generate here"), toggle));

  const counts = view.iterations.flatMap((each) => LABELS.map((label) => each.samples[label]?.length ?? 0));
  const most = Math.max(0, ...counts);
  let columns = FEWEST;
  let preloaded = null;

  const shownColumns = (state) => {
    const pages = Math.max(1, Math.ceil(most / columns));
    const page = Math.min(state.page, pages - 1);
    const first = page * columns;
    return { page, pages, indices: Array.from({ length: Math.min(columns, most - first) }, (_, i) => first + i) };
  };

  function turn(by) {
    const { page, pages } = shownColumns(store.get());
    store.set({ page: (page + by + pages) % pages });
  }

  /** The images of one state, by pane and class. */
  function chosen(state) {
    const { indices } = shownColumns(state);
    const pane = (position) => LABELS.map((label) => indices.map((index) => images.synthetic(position, label, index)));
    const reals = LABELS.map((label) => (state.showReal ? indices.map((index) => images.real(view.referenceSplit, label, index)) : []));
    return { a: pane(state.a), b: pane(state.b), real: reals };
  }

  const headOf = kept((side, position) => {
    const iteration = view.iterations[position];
    const n = LABELS.map((label) => iteration.samples[label]?.length ?? 0);
    const agreement = iteration.agreement && `k-NN ${percent(iteration.agreement.overall)}`;
    return [h("b", { class: `ps-badge ps-badge-${side}` }, side.toUpperCase()), ` ${iteration.iteration} `,
      h("small", { title: help.define("agreement") }, `n ${n.join(" + ")}${agreement ? ` · ${agreement}` : ""}`)];
  });

  const watcher = new ResizeObserver(() => {
    const width = element.querySelector(".ps-pane").clientWidth;
    const fitting = Math.max(FEWEST, Math.floor((width - 56) / (TILE * innerHeight)));
    if (width && fitting !== columns) {
      columns = fitting;
      store.set({});
    }
  });
  watcher.observe(element);

  return {
    element,
    prepare(state) {
      const found = chosen(state);
      return images.loadAll([...found.a, ...found.b, ...found.real].flat());
    },
    update(state) {
      const found = chosen(state);
      for (const side of ["a", "b"]) heads[side].replaceChildren(...headOf(side, state[side]));
      for (const [pane, each] of Object.entries(rows)) each.forEach((row, i) => row.show(columns, found[pane][i]));
      real.hidden = !state.showReal;
      toggle.setAttribute("aria-pressed", state.showReal);
      const { page, pages, indices } = shownColumns(state);
      paging.textContent = indices.length ? `samples ${indices[0]}–${indices.at(-1)} of ${most} a class` : "no samples";
      back.disabled = forth.disabled = pages < 2;
      element.dataset.page = page;
    },
    /** Fetches the same columns of the other iterations, the nearest ones first, when the browser is idle: once for a page. */
    preload(state) {
      const wanted = `${shownColumns(state).page} of ${columns} columns`;
      if (preloaded === wanted) return;
      preloaded = wanted;
      const order = view.iterations.map((_, position) => position).sort((p, q) => Math.abs(p - state.a) - Math.abs(q - state.a));
      const idle = window.requestIdleCallback ?? setTimeout;
      idle(() => order.forEach((position) => images.loadAll(chosen({ ...state, a: position }).a.flat())));
    },
    close: () => watcher.disconnect(),
  };
}
