// The Iterations tab. One state (A, B and a few switches) drives all parts; each has `prepare` (may wait) or `update`.

import { createChart } from "./chart.js";
import { h } from "./dom.js";
import { createGenerate } from "./generate.js";
import { createHelp } from "./help.js";
import { Images } from "./images.js";
import { createMap } from "./map.js";
import { createMatrix } from "./matrix.js";
import { opened, tellShown } from "./opened.js";
import { panelsOf } from "./panels.js";
import { openPaper } from "./paper.js";
import { createSamples } from "./samples.js";
import { createScrubber } from "./scrubber.js";
import { createSheet } from "./sheet.js";
import { createStore, keepAddress, openingState } from "./state.js";
import { createVerdict, emptyState } from "./verdict.js";
import { createViewer } from "./viewer.js";
import { choiceOf, viewOf, viewOfAddress } from "./views.js";
import { watchStudy } from "./watch.js";

/** Fills the component's element; returns `show(choice)`, called whenever the header's choice or the study changes. */
export function mount(element) {
  const host = element.querySelector(".ps-iterations");
  let page = null;
  let drawn = null; // the view on the screen
  let stopWatching = () => {};
  let asked = 0;

  async function show(choice) {
    if (!choice || typeof choice !== "object") return;
    const request = ++asked;
    const view = await viewOf(choice, request === 1);
    if (request === asked) draw(view, choice); // else a later choice overtook this answer
  }

  function draw(view, choice) {
    if (view === drawn) return;
    stopWatching();
    const previous = page?.state() ?? null;
    const torn = view.error && previous?.study === choice.study;
    if (!torn) { // what is on the screen is better than a file that is being written at this moment
      page?.close();
      page = open(host, view, previous);
      drawn = view;
    }
    const watched = torn ? { study: choice.study, stamp: null } : view;
    stopWatching = watched.study && !view.printed ? watchStudy(host, watched, () => show(choice)) : () => {};
  }

  const isSeen = () => host.offsetParent !== null; // another tab may be open: then the address is not of this one
  viewOfAddress().then((view) => asked === 0 && isSeen() && draw(view, choiceOf(view)));
  return { show };
}

function open(host, view, previous) {
  if (view.printed) return openPaper(host, view, previous);
  if (view.iterations.length === 0) {
    host.replaceChildren(h("div", { class: "ps-empty" }, emptyState(view.empty)));
    host.removeAttribute("data-a");
    return { state: () => previous, close() {} };
  }
  const store = createStore(openingState(view, previous));
  const images = new Images(view);
  const help = createHelp(view);
  const viewer = createViewer(view, images, store);
  const sheet = createSheet(view, store);
  const generate = createGenerate(view, store);
  const shared = { view, images, store, help, viewer, sheet, generate };
  const scrubber = createScrubber(shared);
  const verdict = createVerdict(shared);
  const samples = createSamples(shared);
  const map = createMap(shared);
  const matrix = createMatrix(shared);
  const about = `${view.study} · ${view.encoder} · real images ${view.reference}`;
  const chart = createChart({ ...shared, groups: panelsOf(view, help), about });
  host.replaceChildren(
    scrubber.element, verdict.element,
    h("div", { class: "ps-left" }, samples.element, chart.element),
    h("div", { class: "ps-right" }, map.element, matrix.element),
    map.gallery, viewer.element, sheet.element, generate.element, help.element,
  );
  host.classList.toggle("ps-bare", view.maps.length === 0 && !view.separation);

  let turn = 0;
  async function draw(state) {
    const mine = ++turn;
    scrubber.update(state); // the handle follows the hand at once; the views follow together when images are there
    keepAddress(state, view);
    await samples.prepare(state);
    if (mine !== turn) return;
    samples.update(state);
    verdict.update(state);
    map.update(state);
    matrix.update(state);
    chart.update(state);
    viewer.update(state);
    tellShown(host, state);
    samples.preload(state);
  }

  return opened(host, store, draw, [scrubber, map, chart, samples, generate]);
}
