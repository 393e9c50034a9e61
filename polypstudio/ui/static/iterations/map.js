// The map: real points stand still, the synthetic ones of iteration A move. Hover shows the image, a click shows it large,
// a lasso opens a gallery. What is drawn comes from maps.js, its colours from colours.js.

import { LABELS, colourSchemes } from "./colours.js";
import { h, percent } from "./dom.js";
import { menu, save } from "./exporting.js";
import { createGallery } from "./gallery.js";
import { describe } from "./images.js";
import { Maps, pointsOf, rangesOf } from "./maps.js";
import { plotlyLoaded } from "./plotly.js";
import { listenToPointer } from "./pointing.js";

const REAL_SETS = ["real/train", "real/test"];
const ALIGNMENTS = { joint: "joint t-SNE", reference: "t-SNE of the real", iteration: "t-SNE of A alone" };
const EXPORT = { width: 900, height: 700 };

export function createMap({ view, images, store, viewer, help }) {
  const maps = new Maps(view);
  const schemes = colourSchemes(view);
  const gallery = createGallery(view, images, viewer);
  const numbers = h("p", { class: "ps-hint ps-map-numbers" });
  const plot = h("div", { class: "ps-map-plot", role: "group", "aria-label": "Map of the real images and of the synthetic images of iteration A" });
  const hover = h("div", { class: "ps-hover", hidden: true });
  const legend = h("span", { class: "ps-legend" });
  const alignment = choice("Alignment of the map", view.maps.map((name) => [name, ALIGNMENTS[name]]), (value) => store.set({ alignment: value }));
  const colour = choice("Colour by", Object.entries(schemes).map(([name, { name: words, missing }]) => [name, words, missing]), (value) => store.set({ colour: value }));
  const element = h("section", { class: "ps-card ps-map", "aria-label": "Map", hidden: view.maps.length === 0 },
    h("div", { class: "ps-card-head" }, h("h3", {}, "Map · ", h("b", { class: "ps-badge ps-badge-a" }, "A")),
      h("div", { class: "ps-switches" }, alignment, h("label", {}, "by ", colour), menu("Export the map", [["SVG", () => take("svg")], ["PNG", () => take("png")]]))),
    numbers,
    h("div", { class: "ps-map-area" }, plot, hover),
    h("div", { class: "ps-card-foot" }, legend,
      h("button", { type: "button", class: "ps-link", title: "All images on the map; draw a line around some of them to see these only", onclick: () => gallery.open(all()) }, "lasso → gallery")));

  let plotly = null; // set once the first drawing is done
  let closed = false;
  let drawn = []; // what each trace shows: its points and its colours

  async function start() {
    if (element.hidden) return;
    const library = await plotlyLoaded;
    if (closed) return;
    const state = store.get();
    const wanted = tracesFor(state);
    await library.newPlot(plot, wanted.map(asTrace), layout(mapAt(state)), {
      displaylogo: false, scrollZoom: true, showAxisDragHandles: false,
      plotGlPixelRatio: devicePixelRatio, // the screen's own: with plotly's 2, an ordinary screen costs four times the memory
      modeBarButtonsToRemove: ["toImage", "autoScale2d", "zoom2d", "select2d"],
    });
    if (closed) return;
    nameClipsLocally(plot);
    drawn = Object.assign(wanted, { map: mapAt(state) });
    plotly = library;
    listenToPointer(plot, { hover: showHover, click: (name) => openImage(images.inSet(...name)) });
    plot.on("plotly_selected", (event) => event?.points?.length && gallery.open(event.points.map((point) => images.inSet(...point.customdata))));
    update(store.get());
  }

  const mapAt = (state) => maps.at(state.alignment, state.a);

  /** What the traces are to show: real images by split and class, then the synthetic ones of A. */
  function tracesFor(state) {
    const map = mapAt(state);
    const own = view.iterations[state.a].set;
    const trace = (set, label, source) => ({ set, label, source, points: pointsOf(map, set, label), colour: state.colour });
    return [...REAL_SETS.map((set) => [set, "real"]), [own, "synthetic"]].flatMap(([set, source]) => LABELS.map((label) => trace(set, label, source)));
  }

  function coloursOf({ set, label, source, points, colour }) {
    if (colour === "class") return schemes.class.colour({ label });
    return points.index.map((index) => schemes[colour].colour({ set, label, index, source, nearest: images.inSet(set, label, index)?.nearest }));
  }

  function asTrace(wanted) {
    const open = wanted.source === "synthetic";
    return {
      type: "scattergl", mode: "markers", visible: isFilled(wanted), x: wanted.points.x, y: wanted.points.y, name: `${wanted.source} ${view.labels[wanted.label]}`,
      customdata: namesOf(wanted),
      marker: { symbol: open ? "diamond-open" : "circle", color: coloursOf(wanted), size: open ? 9 : 6, opacity: open ? 1 : 0.65, line: { width: open ? 1.6 : 0 } },
      unselected: { marker: { opacity: 0.15 } },
    };
  }

  function update(state) {
    if (element.hidden) return;
    if (!maps.isLoaded(state.alignment)) maps.load(state.alignment).then(() => !closed && store.set({}));
    const map = mapAt(state);
    numbers.textContent = numberWords(view, view.iterations[state.a], map);
    numbers.title = help.define("agreement");
    alignment.value = state.alignment;
    colour.value = state.colour;
    explainColours(state);
    if (!plotly) return;
    redraw(tracesFor(state), map);
    plot.dataset.set = view.iterations[state.a].set;
    plot.dataset.alignment = map ? state.alignment : "";
  }

  function explainColours({ colour: name, alignment: shown }) {
    const explained = `${name} ${shown}`;
    if (legend.dataset.of === explained) return;
    legend.dataset.of = explained;
    legend.replaceChildren(...schemes[name].legend, ...nothingColoured(schemes[name], shown));
    legend.title = schemes[name].words ?? "";
  }

  /** Why a scheme colours nothing on this map, and the map on which it does. */
  function nothingColoured({ missing, maps: others }, shown) {
    if (missing) return [h("b", {}, `nothing is coloured: ${missing}`)];
    if (!others || others.includes(shown)) return [];
    return [h("b", {}, "nothing is coloured: these images are on another map. "),
      h("button", { type: "button", class: "ps-link", onclick: () => store.set({ alignment: others[0] }) }, `show the ${ALIGNMENTS[others[0]]}`)];
  }

  /** Changes those traces that show something else now. */
  function redraw(wanted, map) {
    const changed = wanted.map((each, i) => (each.points !== drawn[i].points || each.colour !== drawn[i].colour ? i : -1)).filter((i) => i >= 0);
    const values = (read) => changed.map((i) => read(wanted[i]));
    const other = map !== drawn.map && map;
    drawn = Object.assign(wanted, { map: map ?? drawn.map });
    if (changed.length) {
      hover.hidden = true;
      plotly.restyle(plot, { visible: values(isFilled), x: values((each) => each.points.x), y: values((each) => each.points.y), customdata: values(namesOf),
        "marker.color": values(coloursOf), selectedpoints: changed.map(() => null) }, changed);
    }
    if (other) {
      const ranges = rangesOf(map);
      plotly.relayout(plot, { "xaxis.range": ranges.x, "yaxis.range": ranges.y });
    }
  }

  function openImage(image) {
    if (image) viewer.open(image);
  }

  /** All images that the map shows at the moment. */
  function all() {
    return tracesFor(store.get()).flatMap(({ set, label, points }) => points.index.map((index) => images.inSet(set, label, index)));
  }

  let hovered = null;

  function showHover(name, event) {
    const image = name && images.inSet(...name);
    hover.hidden = !image;
    plot.classList.toggle("ps-pointed", Boolean(image));
    if (!image) return;
    if (image.address !== hovered) fillHover(image);
    const box = plot.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    hover.style.left = `${x > box.width / 2 ? x - hover.offsetWidth - 14 : x + 14}px`;
    hover.style.top = `${Math.max(0, Math.min(box.height - hover.offsetHeight, y - hover.offsetHeight / 2))}px`;
  }

  function fillHover(image) {
    hovered = image.address;
    const picture = h("img", { class: `ps-${image.label}`, src: image.address, alt: "" });
    picture.addEventListener("error", () => picture.replaceWith(h("span", { class: "ps-missing" }, "file missing")), { once: true });
    hover.replaceChildren(picture, h("span", {}, describe(image, view)));
  }

  /** The map as a figure: drawn anew without WebGL, so that an SVG holds shapes and no picture. */
  async function take(format) {
    const { iteration } = view.iterations[store.get().a];
    const title = `${view.study}, iteration ${iteration}: ${ALIGNMENTS[store.get().alignment]}, ${view.encoder}`;
    const data = plot.data.filter((trace) => trace.x.length).map((trace) => ({ ...trace, type: "scatter", selectedpoints: undefined }));
    const look = { ...plot.layout, ...EXPORT, title: { text: title, font: { size: 15 } }, showlegend: true, paper_bgcolor: "#fff", plot_bgcolor: "#fff",
      margin: { l: 20, r: 20, t: 50, b: 20 }, legend: { orientation: "h" } };
    const address = await plotly.toImage({ data, layout: look }, { format, ...EXPORT, scale: format === "png" ? 2 : 1 });
    save(`${view.study}-map-${iteration}.${format}`, await (await fetch(address)).blob());
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

/** Plotly names its clip paths by the page's address; once that has changed, the browser would fetch them from there. */
function nameClipsLocally(plot) {
  plot._context._baseUrl = "";
  for (const each of plot.querySelectorAll("[clip-path]")) {
    each.setAttribute("clip-path", each.getAttribute("clip-path").replace(/url\('[^#]*(#[^']*)'\)/, "url($1)"));
  }
}

/** A trace without points is put aside: plotly would work it out anew at each step of a scrub. */
function isFilled({ points }) {
  return points.index.length > 0;
}

function namesOf({ set, label, points }) {
  return points.index.map((index) => [set, label, index]);
}

/** A select of [value, words, why it cannot be chosen]. */
function choice(name, options, chosen) {
  return h("select", { "aria-label": name, title: name, onchange: (event) => chosen(event.target.value) },
    options.map(([value, words, missing]) => h("option", { value, disabled: Boolean(missing) }, missing ? `${words} (${missing})` : words)));
}

/** No axes: those of t-SNE have no meaning. The margin to the right is plotly's buttons', which would cover points. */
function layout(map) {
  const ranges = rangesOf(map);
  const axis = (name) => ({ range: ranges[name], visible: false, zeroline: false });
  return {
    xaxis: axis("x"), yaxis: axis("y"), margin: { l: 0, r: 30, t: 0, b: 0 }, showlegend: false, dragmode: "lasso", hovermode: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "#8a94a3", activecolor: "#5b6675", orientation: "v" },
    newselection: { line: { color: "#8a94a3", width: 1 } },
  };
}

/** The map is a picture; what can be relied on is counted in the feature space. */
function numberWords(view, { agreement, iteration }, map) {
  const parts = [];
  if (agreement) parts.push(`k-NN agreement ${percent(agreement.overall)} (chance 50 %, real ${percent(view.realAgreement)})`);
  if (map?.numbers) parts.push(`trustworthiness ${map.numbers.trustworthiness.toFixed(2)}`);
  if (!map) parts.push(`no such map at ${iteration}`);
  return parts.join(" · ");
}
