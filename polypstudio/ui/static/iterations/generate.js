// Drawing other images at A and B: the same words and the same noise at both, by a process of its own, while one looks on.

import { h } from "./dom.js";
import { dialog } from "./help.js";

const CANCELLING = "Stopping after the image that is being drawn …";
const LOOK = 700; // ms between two looks at how far it is

export function createGenerate(view, store) {
  const able = view.iterations.filter((each) => each.canGenerate).map((each) => each.iteration);
  const base = `/study/${encodeURIComponent(view.study)}/generated`;
  const field = {
    prompt: h("textarea", { rows: "2", maxlength: "300", required: true, "aria-label": "Prompt" }),
    label: h("select", { "aria-label": "Noise of class", onchange: () => suggest() }, Object.entries(view.labels).map(([value, words]) => h("option", { value }, words))),
    seed: number("Seed", 0, 2147483647, 1), guidance: number("Guidance", 0, 30, "any"), steps: number("Steps", 1, 100, 1), count: number("Images at each iteration", 1, 8, 1),
  };
  const start = h("button", { type: "submit", class: "ps-strong" }, "Generate");
  const cancel = h("button", { type: "button", class: "ps-toggle", hidden: true, onclick: () => stop() }, "Cancel");
  const progress = h("progress", { max: "1", value: "0", hidden: true, "aria-label": "Progress" });
  const words = h("p", { class: "ps-hint", role: "status" });
  const where = h("p", {});
  const result = h("div", { class: "ps-generated" });
  const command = h("code", { hidden: true });
  const form = h("form", { class: "ps-generate-form", onsubmit: (event) => { event.preventDefault(); begin(); } },
    h("label", { class: "ps-wide" }, "prompt", field.prompt),
    h("label", {}, "noise of class", field.label), h("label", {}, "seed", field.seed), h("label", {}, "guidance", field.guidance),
    h("label", {}, "steps", field.steps), h("label", {}, "images", field.count),
    h("div", { class: "ps-generate-actions" }, start, cancel));
  const element = dialog("ps-generate", h("h2", {}, "Generate at A and B"), h("div", { class: "ps-dialog-body" }, where, form, progress, words, result, command));
  let running = null; // {key, job} while something is drawn
  let timer = null;
  let cancelling = false; // asked for by the visitor
  let told = false; // and the process knows

  function number(name, min, max, step) {
    return h("input", { type: "number", min: String(min), max: String(max), step: String(step), required: true, "aria-label": name });
  }

  function chosen() {
    const { a, b, steps } = store.get();
    return [...new Set([steps[a], steps[b]])].filter((step) => able.includes(step));
  }

  /** The words that this class was sampled with, unless the visitor has written others. */
  function suggest() {
    const own = Object.keys(view.labels).map((label) => promptOf(label));
    if (!field.prompt.value || own.includes(field.prompt.value)) field.prompt.value = promptOf(field.label.value);
  }

  function promptOf(label) {
    return view.iterations[store.get().a].prompts[label] ?? "";
  }

  async function ask(address, options) {
    const answer = await fetch(address, options);
    const value = await answer.json().catch(() => null);
    if (!answer.ok) throw new Error(value?.error ?? (answer.status === 422 ? "a field holds what cannot be used" : `no answer (${answer.status})`));
    return value;
  }

  async function begin() {
    cancelling = told = false;
    result.replaceChildren(); // what was drawn before is another request's
    const body = JSON.stringify({ iterations: chosen(), prompt: field.prompt.value, label: field.label.value, seed: Number(field.seed.value),
      guidance: Number(field.guidance.value), steps: Number(field.steps.value), count: Number(field.count.value) });
    try {
      follow(await ask(base, { method: "POST", headers: { "Content-Type": "application/json" }, body }), JSON.parse(body));
    } catch (error) {
      words.textContent = error.message;
    }
  }

  function follow(status, request) {
    running = status.active ? status : null;
    show(status, request);
    if (running && cancelling && !told) tell(status);
    clearTimeout(timer);
    if (running) timer = setTimeout(() => look(status, request), LOOK);
  }

  async function look({ key, job }, request) {
    try {
      follow(await ask(`${base}/${key}/jobs/${job}`), request);
    } catch {
      words.textContent = "No answer from PolypStudio: is it still running?";
      timer = setTimeout(() => look({ key, job }, request), 4 * LOOK);
    }
  }

  function stop() {
    cancelling = true;
    if (running) tell(running);
  }

  /** A process that has not signed its job yet cannot be told: then it is told at the next look. A second call would kill it. */
  function tell(status) {
    words.textContent = CANCELLING;
    if (!status.stoppable || told) return;
    told = true;
    ask(`${base}/${status.key}/jobs/${status.job}/stop`, { method: "POST" }).catch(() => { told = false; });
  }

  function show(status, request) {
    start.disabled = status.active;
    cancel.hidden = progress.hidden = !status.active;
    if (status.total) progress.setAttribute("value", status.done / status.total);
    else progress.removeAttribute("value");
    words.textContent = cancelling ? cancelWords(status) : stateWords(status);
    command.hidden = !status.command;
    command.textContent = status.command;
    const asked = status.request ?? request;
    if (!asked) return;
    result.replaceChildren(...asked.iterations.map((step) => h("div", { class: "ps-generated-row" }, h("b", {}, String(step)),
      h("div", { class: "ps-generated-tiles" }, Array.from({ length: asked.count }, (_, i) => picture(status, step, i, asked))))));
  }

  /** `?v=`: the image's hash, so that an image drawn anew is not mistaken for the old one. */
  function picture(status, step, i, asked) {
    const hash = status.images[step]?.[i];
    if (!hash) return h("span", { class: "ps-tile ps-none" });
    return h("img", { class: "ps-tile", src: `${base}/${status.key}/image/${step}/${i}?v=${hash.slice(0, 16)}`, alt: `iteration ${step}, image ${i}: ${asked.prompt}`, title: asked.prompt });
  }

  return {
    element,
    async open() {
      const steps = chosen();
      where.replaceChildren(...(steps.length
        ? ["The same words and the same noise at ", h("b", {}, steps.join(" and ")), ". With the study's own seed, guidance and steps the first images are those of its samples."]
        : [`No weights of A or B are here: images can be drawn at iterations that were trained here${able.length ? ` (${able.join(", ")})` : ""}, or whose weights were imported.`]));
      form.hidden = steps.length === 0;
      for (const [name, value] of Object.entries({ ...view.sampling, count: 2 })) field[name].value ||= String(value);
      suggest();
      element.showModal();
      const newest = running ? null : await ask(base).catch(() => null);
      if (newest?.request && !running) follow(newest, newest.request);
    },
    close: () => clearTimeout(timer),
  };
}

function cancelWords({ active, state, message }) {
  if (active) return CANCELLING;
  return state === "died" ? "Cancelled before the first image." : message || state;
}

function stateWords({ state, message, done, total, step }) {
  if (state === "queued") return "Waits for its turn: another job uses the machine.";
  if (state === "running") return total > 1 ? `${done} of ${total} images · ${step}` : "Starting: the model is being loaded …";
  if (state === "done") return "Done.";
  return message || state;
}
