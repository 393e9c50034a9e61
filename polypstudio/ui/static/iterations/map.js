// The t-SNE map: real points stand still, the synthetic ones of iteration A move. Hover shows the image, a click shows it
// large, a lasso opens a gallery. Drawn by the plotly.js that the plotly package carries.

import { h, percent } from "./dom.js";
import { createGallery } from "./gallery.js";
import { describe } from "./images.js";

const PLOTLY = "/polypstudio/plotly/plotly.min.js";
const LABELS = ["ad", "non_ad"];
const COLOURS = { ad: "#D55E00", non_ad: "#0072B2" };
const MARGIN = 0.06; // of the range, so that no point touches the edge

export function createMap({ view, images, store, viewer, help }) {
  const gallery = createGallery(view, viewer);
  const numbers = h("small", {});
  const plot = h("div", { class: "ps-map-plot", role: "img", "aria-label": "Map of real images and the synthetic images of iteration A" });
  const hover = h("div", { class: "ps-hover", hidden: true });
  const element = h("section", { class: "ps-card ps-map", "aria-label": "Map", hidden: !view.map },
    h("div", { class: "ps-card-head" }, h("h3", {}, "Map · ", h("b", { class: "ps-badge ps-badge-a" }, "A")), numbers),
    h("div", { class: "ps-map-area" }, plot, hover),
    h("div", { class: "ps-card-foot" }, legend(view), h("span", { class: "ps-hint" }, "lasso → gallery")));

  const still = view.map ? Object.keys(view.map.sets).filter((set) => set.startsWith("real/")) : [];
  let plotly = null; // set once the first drawing is done
  let closed = false;

  /** Draws all traces once; afterwards only the synthetic ones are changed. */
  async function start() {
    if (!view.map) return;
    const library = await plotlyLoaded;
    if (closed) return;
    const traces = [
      ...still.flatMap((set) => LABELS.map((label) => trace(view.map.sets[set][label], set, label, "circle"))),
      ...LABELS.map((label) => trace(...synthetic(store.get(), label), label, "diamond-open")),
    ];
    await library.newPlot(plot, traces, layout(view.map), {
      displaylogo: false, scrollZoom: true,
      modeBarButtonsToRemove: ["toImage", "autoScale2d", "zoom2d", "select2d"],
    });
    if (closed) return;
    plotly = library;
    plot.on("plotly_hover", (event) => showHover(event));
    plot.on("plotly_unhover", () => { hover.hidden = true; });
    plot.on("plotly_click", (event) => viewer.open(imageOf(event.points[0])));
    plot.on("plotly_selected", (event) => event?.points?.length && gallery.open(event.points.map(imageOf)));
    update(store.get());
  }

  /** The moving points of one class, and their image set. */
  function synthetic(state, label) {
    const set = view.iterations[state.a].set;
    return [view.map.sets[set]?.[label] ?? { index: [], x: [], y: [] }, set];
  }

  function imageOf(point) {
    const [set, label, index] = point.customdata;
    return images.inSet(set, label, index);
  }

  function showHover(event) {
    const point = event.points[0];
    const image = imageOf(point);
    if (!image) return;
    const box = plot.getBoundingClientRect();
    hover.replaceChildren(h("img", { class: `ps-${image.label}`, src: image.address, alt: "" }), h("span", {}, describe(image, view)));
    hover.hidden = false;
    const x = event.event.clientX - box.left;
    const y = event.event.clientY - box.top;
    hover.style.left = `${x > box.width / 2 ? x - hover.offsetWidth - 14 : x + 14}px`;
    hover.style.top = `${Math.max(0, Math.min(box.height - hover.offsetHeight, y - hover.offsetHeight / 2))}px`;
  }

  function update(state) {
    const iteration = view.iterations[state.a];
    numbers.textContent = agreementWords(view, iteration);
    numbers.title = help.define("agreement");
    hover.hidden = true;
    if (!plotly) return;
    const moving = LABELS.map((label) => synthetic(state, label));
    plotly.restyle(plot, {
      x: moving.map(([points]) => points.x),
      y: moving.map(([points]) => points.y),
      customdata: moving.map(([points, set], i) => points.index.map((index) => [set, LABELS[i], index])),
      selectedpoints: moving.map(() => null),
    }, LABELS.map((_, i) => still.length * LABELS.length + i));
    plot.dataset.set = iteration.set;
  }

  const watcher = new ResizeObserver(() => plotly?.Plots.resize(plot));
  watcher.observe(plot);
  start();
  return {
    element,
    gallery: gallery.element,
    update,
    close() {
      closed = true;
      watcher.disconnect();
      if (plotly) plotly.purge(plot);
    },
  };
}

function trace(points, set, label, symbol) {
  const open = symbol.endsWith("open");
  return {
    type: "scattergl", mode: "markers", x: points.x, y: points.y, hoverinfo: "none",
    customdata: points.index.map((index) => [set, label, index]),
    marker: { symbol, color: COLOURS[label], size: open ? 9 : 6, opacity: open ? 1 : 0.65, line: { width: open ? 1.6 : 0 } },
    unselected: { marker: { opacity: 0.15 } },
  };
}

/** Fixed ranges over all iterations, so that the real points stand still; no axes: t-SNE's have no meaning. */
function layout(map) {
  const points = Object.values(map.sets).flatMap((classes) => Object.values(classes));
  const axis = (name) => {
    const values = points.flatMap((each) => each[name]);
    const [low, high] = [values.reduce((m, v) => Math.min(m, v), Infinity), values.reduce((m, v) => Math.max(m, v), -Infinity)];
    const pad = MARGIN * (high - low || 1);
    return { range: [low - pad, high + pad], visible: false, zeroline: false };
  };
  return {
    xaxis: axis("x"), yaxis: axis("y"), margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, dragmode: "lasso", hovermode: "closest",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "#8a94a3", activecolor: "#5b6675", orientation: "v" },
    newselection: { line: { color: "#8a94a3", width: 1 } },
  };
}

function legend(view) {
  return h("span", { class: "ps-legend" },
    LABELS.map((label) => h("span", { class: `ps-key ps-${label}` }, h("i", { class: "ps-dot" }), `real ${view.labels[label]}`)),
    LABELS.map((label) => h("span", { class: `ps-key ps-${label}` }, h("i", { class: "ps-diamond" }), `synthetic ${view.labels[label]}`)));
}

function agreementWords(view, iteration) {
  const kind = view.map ? `${view.map.alignment} t-SNE` : "";
  if (!iteration.agreement) return kind;
  return `k-NN agreement ${percent(iteration.agreement.overall)} (chance 50 %, real ${percent(view.realAgreement)}) · ${kind}`;
}

/** Starts with the page, so that the map waits for nothing else. */
const plotlyLoaded = new Promise((resolve, reject) => {
  const failed = () => reject(new Error(`${PLOTLY} did not load`));
  document.head.append(h("script", { src: PLOTLY, onload: () => resolve(window.Plotly), onerror: failed }));
});
