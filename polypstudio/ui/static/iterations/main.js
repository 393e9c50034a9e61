// The Iterations tab. One state (A, B and a few switches) drives all parts; each has `prepare` (may wait) or `update`.

import { createChart } from "./chart.js";
import { h } from "./dom.js";
import { createHelp } from "./help.js";
import { Images } from "./images.js";
import { createMap } from "./map.js";
import { createMatrix } from "./matrix.js";
import { createSamples } from "./samples.js";
import { createScrubber } from "./scrubber.js";
import { createStore, moveA, openingState, writeAddress } from "./state.js";
import { createVerdict, emptyState } from "./verdict.js";
import { createViewer } from "./viewer.js";

/** Fills the component's element; returns `show(choice)`, called whenever the header's choice or the study changes. */
export function mount(element) {
  const host = element.querySelector(".ps-iterations");
  let page = null;
  let asked = 0;
  return {
    async show(choice) {
      if (!choice || typeof choice !== "object") return;
      const request = ++asked;
      const view = await fetchView(choice);
      if (request !== asked) return; // a later choice overtook this answer
      const previous = page?.state() ?? null;
      page?.close();
      page = open(host, view, previous);
    },
  };
}

async function fetchView(choice) {
  const query = new URLSearchParams({ encoder: choice.encoder ?? "", reference: choice.reference ?? "train" });
  try {
    const answer = await fetch(`/study/${encodeURIComponent(choice.study ?? "-")}/iterations?${query}`);
    const view = await answer.json();
    if (view.error) return { iterations: [], empty: { title: "This study cannot be read", text: view.error } };
    return view;
  } catch {
    return { iterations: [], empty: { title: "No answer from PolypStudio", text: "Is it still running? Reload the page." } };
  }
}

function open(host, view, previous) {
  if (view.iterations.length === 0) {
    host.replaceChildren(h("div", { class: "ps-empty" }, emptyState(view.empty)));
    return { state: () => previous, close() {} };
  }
  const store = createStore(openingState(view, previous));
  const images = new Images(view);
  const help = createHelp(view);
  const viewer = createViewer(view, images, store);
  const shared = { view, images, store, help, viewer };
  const scrubber = createScrubber(shared);
  const verdict = createVerdict(shared);
  const samples = createSamples(shared);
  const map = createMap(shared);
  const matrix = createMatrix(shared);
  const chart = createChart(shared);
  host.replaceChildren(
    scrubber.element, verdict.element,
    h("div", { class: "ps-left" }, samples.element, chart.element),
    h("div", { class: "ps-right" }, map.element, matrix.element),
    viewer.element, map.gallery, help.element,
  );

  host.classList.toggle("ps-bare", !view.map && !view.separation);

  let turn = 0;
  async function draw(state) {
    const mine = ++turn;
    scrubber.update(state); // the handle follows the hand at once; the views follow together when images are there
    await samples.prepare(state);
    if (mine !== turn) return;
    samples.update(state);
    verdict.update(state);
    map.update(state);
    matrix.update(state);
    chart.update(state);
    viewer.update(state);
    writeAddress(state, view);
    host.dataset.a = state.steps[state.a];
    host.dataset.b = state.steps[state.b];
    samples.preload(state);
  }

  const stopListening = store.subscribe(draw);
  const stopKeys = listenToKeys(host, store);
  draw(store.get());
  return {
    state: store.get,
    close() {
      stopListening();
      stopKeys();
      scrubber.close();
      map.close();
      chart.close();
      samples.close();
    },
  };
}

/** The keys: ← → move A, space plays, x swaps, l links B. They leave fields, and other tabs, alone. */
function listenToKeys(host, store) {
  function pressed(event) {
    const elsewhere = event.target.closest?.("input, textarea, select, [contenteditable], [role=listbox], [role=slider]");
    const hidden = host.offsetParent === null;
    if (elsewhere || hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const state = store.get();
    const actions = {
      ArrowLeft: () => ({ ...moveA(state, state.a - 1), playing: false }),
      ArrowRight: () => ({ ...moveA(state, state.a + 1), playing: false }),
      Home: () => moveA(state, 0),
      End: () => moveA(state, state.steps.length - 1),
      x: () => ({ a: state.b, b: state.a }),
      l: () => ({ linked: !state.linked }),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    store.set(actions[event.key]());
  }
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}
