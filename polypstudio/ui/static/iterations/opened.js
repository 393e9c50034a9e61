// What an opened view has in common, be it of a study or of the paper: it follows its state and the keys until it is closed.

import { listenToKeys } from "./keys.js";

/** Draws the state now and whenever it changes. `parts` are closed with the view. @returns {state, close}. */
export function opened(host, store, draw, parts) {
  const stopListening = store.subscribe(draw);
  const stopKeys = listenToKeys(host, store);
  draw(store.get());
  return {
    state: store.get,
    close() {
      stopListening();
      stopKeys();
      for (const part of parts) part.close();
    },
  };
}

/** Says on the element which iterations are on the screen. */
export function tellShown(host, { steps, a, b }) {
  host.dataset.a = steps[a];
  host.dataset.b = steps[b];
}
