// The one control over iterations: a track with a tick each, handle A (filled) and handle B (open).

import { h } from "./dom.js";
import { moveA } from "./state.js";

const PLAY_INTERVAL = 800; // ms

export function createScrubber({ view, store }) {
  const steps = view.iterations.map((each) => each.iteration);
  const last = steps.length - 1;
  const place = (position) => `${last ? (100 * position) / last : 50}%`;

  const ticks = steps.map((step, position) =>
    h("button", { class: "ps-tick", type: "button", tabindex: "-1", style: `left:${place(position)}`, title: `Iteration ${step}`,
      "aria-label": `Iteration ${step} as A`, onclick: () => store.set(moveA(store.get(), position)) }, h("span", {}, String(step))));
  const handles = { a: handle("a"), b: handle("b") };
  const track = h("div", { class: "ps-track" }, h("div", { class: "ps-line" }), ticks, handles.b, handles.a);
  const play = h("button", { type: "button", onclick: () => store.set({ playing: !store.get().playing }) });
  const link = h("button", { type: "button", title: "B follows A at its distance (l)", onclick: () => store.set({ linked: !store.get().linked }) }, "Link B");
  const element = h("section", { class: "ps-scrubber", "aria-label": "Iterations A and B" },
    track,
    h("div", { class: "ps-buttons" },
      step("‹", "Previous iteration (←)", -1), step("›", "Next iteration (→)", 1), play,
      h("button", { type: "button", title: "Swap A and B (x)", onclick: () => store.set({ a: store.get().b, b: store.get().a }) }, "Swap"),
      link));

  function step(sign, title, by) {
    return h("button", { type: "button", class: "ps-step", title, "aria-label": title,
      onclick: () => store.set({ ...moveA(store.get(), store.get().a + by), playing: false }) }, sign);
  }

  function change(name, position) {
    const bounded = Math.min(last, Math.max(0, position));
    store.set({ ...(name === "a" ? moveA(store.get(), bounded) : { b: bounded }), playing: false });
  }

  function handle(name) {
    return h("div", { class: `ps-handle ps-handle-${name}`, role: "slider", tabindex: "0", "aria-label": `Iteration ${name.toUpperCase()}`,
      "aria-valuemin": "0", "aria-valuemax": String(last), onkeydown: (event) => moveByKey(event, name), onpointerdown: (event) => drag(event, name) },
    h("b", {}, name.toUpperCase()), h("span", {}));
  }

  function moveByKey(event, name) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -last, Home: -last, PageUp: last, End: last }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    change(name, store.get()[name] + by);
  }

  function drag(event, name) {
    const target = event.currentTarget;
    target.setPointerCapture(event.pointerId);
    const moved = (at) => {
      const box = track.getBoundingClientRect();
      const position = Math.round(((at.clientX - box.left) / box.width) * last);
      if (position !== store.get()[name]) change(name, position);
    };
    target.addEventListener("pointermove", moved);
    target.addEventListener("lostpointercapture", () => target.removeEventListener("pointermove", moved), { once: true });
  }

  let timer = null;
  function keepTime(playing) {
    if (playing === (timer !== null)) return;
    clearInterval(timer);
    timer = playing ? setInterval(() => {
      const state = store.get();
      store.set(moveA(state, state.a === last ? 0 : state.a + 1));
    }, PLAY_INTERVAL) : null;
  }

  return {
    element,
    update(state) {
      for (const [name, each] of Object.entries(handles)) {
        each.style.left = place(state[name]);
        each.lastChild.textContent = steps[state[name]];
        each.setAttribute("aria-valuenow", state[name]);
        each.setAttribute("aria-valuetext", `iteration ${steps[state[name]]}`);
      }
      ticks.forEach((tick, position) => tick.classList.toggle("ps-held", position === state.a || position === state.b));
      track.classList.toggle("ps-same", state.a === state.b);
      play.textContent = state.playing ? "Pause" : "Play";
      play.disabled = last === 0;
      link.setAttribute("aria-pressed", state.linked);
      keepTime(state.playing);
    },
    close: () => keepTime(false),
  };
}
