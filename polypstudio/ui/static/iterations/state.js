// What is shown: iterations A and B (positions among the study's iterations) and a few switches. All of it is kept in the
// page's address, so that a view can be sent to a colleague.

const flag = { read: (text) => text === "1", write: (value) => (value ? "1" : "0") };
const oneOf = (...names) => ({ read: (text) => (names.includes(text) ? text : names[0]), write: (value) => value });

/** The switches: their name in the address (`page` and `view` are Gradio's own), what holds where it is not there, and how it is read and written. */
const SWITCHES = {
  linked: { address: "link", standard: false, ...flag },
  showReal: { address: "real", standard: true, ...flag },
  page: { address: "samples", standard: 0, read: (text) => Math.max(0, Math.floor(Number(text)) || 0), write: String },
  alignment: { address: "map", standard: "joint", ...oneOf("joint", "reference", "iteration") },
  colour: { address: "colour", standard: "class", ...oneOf("class", "source", "copy", "readers", "classifier") },
  panels: { address: "lines", standard: "class", ...oneOf("class", "quality") },
  ghost: { address: "paper", standard: false, ...flag },
};

const REST = 200; // ms

/** @returns a store: `get()`, `set(changes)`, `subscribe(listener)`; listeners get (state, previous). */
export function createStore(initial) {
  let state = initial;
  const listeners = new Set();
  return {
    get: () => state,
    set(changes) {
      const previous = state;
      state = { ...state, ...changes };
      for (const listener of listeners) listener(state, previous);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The state in which a study opens: as the previous state or the address says; else the last iteration against the first. */
export function openingState(view, previous = null) {
  const steps = view.iterations.map((each) => each.iteration);
  const asked = new URLSearchParams(location.search);
  const sameStudy = previous?.study === view.study;
  const chosen = {};
  const position = (name, fallback) => {
    const wanted = sameStudy ? chosenStep(previous, name) : Number(asked.get(name) ?? NaN);
    const found = steps.indexOf(wanted);
    const place = found < 0 ? Math.max(0, fallback) : found;
    chosen[name] = sameStudy ? wanted : steps[place];
    return place;
  };
  const state = { study: view.study, steps, a: position("a", steps.length - 1), b: position("b", 0), playing: false };
  for (const [name, { address, standard, read }] of Object.entries(SWITCHES)) {
    const given = asked.get(address);
    state[name] = sameStudy ? previous[name] : given === null ? standard : read(given);
  }
  if (!view.maps.includes(state.alignment)) state.alignment = SWITCHES.alignment.standard;
  return { ...state, chosen, opened: { a: state.a, b: state.b } };
}

/** The step that the visitor wants as A or B: while its iteration is being rewritten, another one stands in for it. */
function chosenStep(state, name) {
  return state[name] === state.opened[name] ? state.chosen[name] : state.steps[state[name]];
}

let pending = null;

/** Keeps the page's address up to date: once the hand rests, since a browser does far more at each change than note it. */
export function keepAddress(state, view) {
  clearTimeout(pending);
  pending = setTimeout(() => writeAddress(state, view), REST);
}

function writeAddress(state, view) {
  const address = new URL(location.href);
  const values = {
    study: view.study,
    encoder: view.encoder,
    reference: view.referenceSplit === "test" ? "held_out" : null,
    a: state.steps[state.a],
    b: state.steps[state.b],
  };
  for (const [name, { address: key, standard, write }] of Object.entries(SWITCHES)) {
    values[key] = state[name] === standard ? null : write(state[name]);
  }
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

/** A moved to a position (kept within range); B keeps its distance where it is linked. */
export function moveA(state, position) {
  const last = state.steps.length - 1;
  const a = Math.min(last, Math.max(0, position));
  const b = state.linked ? Math.min(last, Math.max(0, state.b + a - state.a)) : state.b;
  return { a, b };
}
