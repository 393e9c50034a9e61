// What is shown: iterations A and B (positions among the study's iterations) and a few switches. A and B are kept in
// the page's address, so that a view can be sent to a colleague.

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

/** The state in which a study opens: as the address or the previous state says; else the first against the last. */
export function openingState(view, previous = null) {
  const steps = view.iterations.map((each) => each.iteration);
  const asked = new URLSearchParams(location.search);
  const sameStudy = previous?.study === view.study;
  const position = (name, fallback) => {
    const wanted = sameStudy ? previous.steps[previous[name]] : Number(asked.get(name) ?? NaN);
    const found = steps.indexOf(wanted);
    return found < 0 ? Math.max(0, fallback) : found;
  };
  return {
    study: view.study,
    steps,
    a: position("a", steps.length - 1),
    b: position("b", 0),
    linked: sameStudy && previous.linked,
    playing: false,
    showReal: sameStudy ? previous.showReal : true,
    page: sameStudy ? previous.page : 0,
  };
}

export function writeAddress(state, view) {
  const address = new URL(location.href);
  const values = {
    study: view.study,
    encoder: view.encoder,
    reference: view.referenceSplit === "test" ? "held_out" : null,
    a: state.steps[state.a],
    b: state.steps[state.b],
  };
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
