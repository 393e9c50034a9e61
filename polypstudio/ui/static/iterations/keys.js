// The keys of the tab: ← → Home End move A, space plays, x swaps, l links B. They leave fields, and other tabs, alone.

import { moveA } from "./state.js";

const FIELDS = "input, textarea, select, [contenteditable], [role=listbox]";
const PRESSED_BY_SPACE = `${FIELDS}, button, summary, a, [role=tab]`;

/** Listens until the returned function is called. */
export function listenToKeys(host, store) {
  function pressed(event) {
    const elsewhere = event.target.closest?.(event.key === " " ? PRESSED_BY_SPACE : FIELDS);
    const hidden = host.offsetParent === null;
    if (elsewhere || hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const state = store.get();
    const actions = {
      ArrowLeft: () => ({ ...moveA(state, state.a - 1), playing: false }),
      ArrowRight: () => ({ ...moveA(state, state.a + 1), playing: false }),
      Home: () => ({ ...moveA(state, 0), playing: false }),
      End: () => ({ ...moveA(state, state.steps.length - 1), playing: false }),
      " ": () => ({ playing: state.steps.length > 1 && !state.playing }),
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
