// The clinicians' page. State lives on the server: what is shown follows from its answers, so a reload loses nothing.
// The server never says what an image is; images come from addresses that work once and are kept here as blobs.

const SMALL = 256;           // shown sides up to this many pixels carry a caution
const MOST_ENLARGED = 6;     // times its own pixels: beyond, a small picture on a large monitor is but a blur
const RETRY_MS = [500, 1000, 2000, 4000];

const page = element.querySelector(".reading");
const find = (selector) => page.querySelector(selector);
const blobs = new Map();     // showing -> promise of the object URLs of its pictures
const view = makeView(find(".stage"));
const questions = makeQuestions(find(".questions"), drawUndo);
let reader = new URLSearchParams(location.search).get("reader") || "";
let reading = null;          // what the reading consists of
let state = null;            // where the reader is: the server's last word
let busy = true;             // no image on screen yet, or an act under way
let shownAt = 0;             // since when the clock runs
let spent = 0;               // milliseconds on this showing before the last pause
let goOn = null;             // what follows the feedback on a training item

page.dataset.look = document.body.classList.contains("dark") ? "dark" : "light";

// Server ------------------------------------------------------------------------------------------------------------

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function randomId() {        // crypto.randomUUID needs https, which a hospital's own network may not have
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(name, message = {}) {  // until there is an answer: the same message may arrive twice, and counts once
  for (let attempt = 0; ; attempt += 1) {
    const reply = await server[name]({ reader: reader || "-", ...message });
    if (reply) {
      find(".notice").textContent = "";
      return reply;
    }
    find(".notice").textContent = "no connection, trying again";
    await sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
  }
}

async function download(showing, side) {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const { address } = await ask("image_address", { showing, side });
    const response = address && await fetch(new URL(`../reading-image/${address}`, location.href), { cache: "no-store" }).catch(() => null);
    if (response?.ok) return URL.createObjectURL(await response.blob());
    await sleep(RETRY_MS[attempt]);
  }
  throw new Error("image not available");
}

function images(showing) {
  if (!blobs.has(showing)) {
    const sides = reading.protocol === "pairs" ? [0, 1] : [0];
    const urls = Promise.all(sides.map((side) => download(showing, side)));
    blobs.set(showing, urls.catch((error) => { blobs.delete(showing); throw error; }));
  }
  return blobs.get(showing);
}

function forget(keep) {
  for (const [showing, urls] of blobs) {
    if (keep.includes(showing)) continue;
    blobs.delete(showing);
    urls.then((each) => each.forEach(URL.revokeObjectURL), () => {});
  }
}

// Screens -----------------------------------------------------------------------------------------------------------

function sheet(title, paragraphs, action, act) {
  busy = true;
  find(".sheet h1").textContent = title;
  find(".sheet .body").innerHTML = paragraphs.map((text) => text.startsWith("<table") ? text : `<p>${escaped(text)}</p>`).join("");
  const go = find(".sheet .go");
  go.innerHTML = `${escaped(action || "")}<kbd>Enter</kbd>`;
  go.classList.toggle("hidden", !action);
  go.onclick = () => { go.onclick = null; act(); };
  page.dataset.screen = "sheet";
  if (action) go.focus({ preventScroll: true });
}

function where(block) {      // "17 of 50 · block 2 of 4"
  const several = block.blocks > 1 ? ` · block ${block.number} of ${block.blocks}` : "";
  const name = block.number === 0 ? "training · " : reading.practice ? "practice · " : "";
  return `${name}${block.inside + 1} of ${block.length}${block.number ? several : ""}`;
}

function drawProgress() {
  find(".progress").textContent = where(state.block);
  find(".bar div").style.width = `${100 * state.block.inside / state.block.length}%`;
}

function drawUndo() {
  find(".undo").disabled = !questions.partly() && !state?.undo;
}

function cautions() {
  const size = `${reading.image_size} × ${reading.image_size} pixels: no diagnostic image`;
  return [...(reading.phantom ? ["phantom, not a patient"] : []), ...(reading.image_size <= SMALL ? [size] : [])];
}

function keysInWords() {
  const asked = reading.questions.filter((question) => question.kind !== "text").map((question) => question.kind === "scale"
    ? `1 ${question.low} to 6 ${question.high}`
    : question.options.map((option, i) => `${i + 1} ${option}`).join(", "));
  const zero = reading.questions.some((question) => question.zero) ? "; 0 where you cannot judge" : "";
  return `By key or by touch: ${asked.join("; then ")}${zero}.`;
}

function welcome() {
  const minutes = Math.max(1, Math.round(reading.minutes * (1 - state.position / state.total)));
  const shown = reading.protocol === "pairs" ? "pairs of images, one of each is real" : "images";
  const blocks = state.block.blocks > 1 ? ` in ${state.block.blocks} blocks` : "";
  const within = state.block.number === 0 ? "of the training" : state.block.blocks > 1 ? `in block ${state.block.number} of ${state.block.blocks}` : "";
  const left = state.position
    ? `You are at image ${state.block.inside + 1} of ${state.block.length} ${within}`.trimEnd()
    : `${state.total - reading.training} ${shown}${blocks}`;
  const lines = [
    `${left}${state.position ? "" : `, about ${minutes} min`}.`,
    keysInWords(),
    matchMedia("(hover: none)").matches
      ? "Zoom with two fingers; brightness with ☾ and ☀."
      : "Zoom with the wheel or with + and −; brightness with [ and ].",
    "Every answer is saved at once. Stop whenever you like: this link brings you back to the same image.",
  ];
  if (reading.training && !state.position) lines.splice(1, 0, `Before it, ${reading.training} for training: only there you are told what you saw.`);
  if (reading.practice) lines.push("This is practice, not a blind study: the images of this demo are public. How you did is shown at the end.");
  if (cautions().length) lines.push(`Every image: ${cautions().join("; ")}.`);
  sheet(reading.practice ? "Practice reading" : "Reading", lines, state.position ? "Continue" : "Begin", show);
}

function pause() {
  if (busy || page.dataset.screen !== "reading") return;
  spent += performance.now() - shownAt;
  sheet("Paused", ["The clock has stopped. Everything so far is saved."], "Continue", resume);
}

function resume() {
  page.dataset.screen = "reading";
  shownAt = performance.now();
  busy = false;
}

async function show() {
  busy = true;
  spent = 0;
  view.ready(false);
  const [showing, next] = state.showings;
  page.dataset.screen = "reading";
  page.dataset.told = "";
  drawProgress();
  questions.clear();
  try {
    await view.show(await images(showing));
  } catch {
    sheet("This image did not arrive", ["Check the connection. Nothing is lost."], "Try again", show);
    return;
  }
  requestAnimationFrame(() => requestAnimationFrame(() => {  // the second frame begins when the first is on screen
    shownAt = performance.now();
    busy = false;
    view.ready(true, `image ${state.position + 1}`);
    if (next) images(next).catch(() => {});
  }));
}

function tell(feedback, then) {
  const kind = feedback.real_side ? `The real one is on the ${feedback.real_side}` : `This one is ${feedback.real ? "real" : "synthetic"}`;
  find(".feedback span").textContent = `${kind} · ${feedback.label}`;
  page.dataset.told = "true";
  goOn = then;
}

async function finish() {
  if (!reading.practice) {
    sheet("Done. Thank you.", [`All ${state.total} are answered and saved. You can close this page.`]);
    return;
  }
  const result = await ask("practice_summary");
  const rows = result.rows.map((row) => `<tr><td>${escaped(row.name)}</td><td>${row.judged_real} of ${row.n}</td></tr>`).join("");
  const table = `<table><thead><tr><th>images</th><th>you called real</th></tr></thead><tbody>${rows}</tbody></table>`;
  const sensitivity = result.d_prime === null ? []
    : [`Telling real from synthetic: d′ = ${result.d_prime.toFixed(2)} (0 is guessing, 2 and more is clear).`];
  const [right, judged] = result.pathology;
  sheet("Practice done", [
    table, ...sensitivity,
    `Pathology as labelled: ${right} of ${judged}.`,
    `${state.total} images are far too few for a conclusion; this is what a reading feels like.`,
  ], "Practise again", practise);
}

function unknown(demo) {
  if (demo) {
    sheet("Practice reading", [
      "Rate a few images as a reader of a study would: real or synthetic, AD or Non-AD, two key presses each.",
      "This is practice, not a blind study: the images of this demo are public. Nothing about you is kept.",
    ], "Start practising", practise);
  } else {
    sheet("This page opens with a personal link", [
      "Ask whoever invited you for yours. A link that worked before may have ended or been replaced.",
    ]);
  }
}

// Acts --------------------------------------------------------------------------------------------------------------

async function follow(reply) {  // the server's new state decides what comes next
  const before = state;
  if (!reply.showings) return unknown(reply.demo);
  state = reply;
  if (reply.reading) {
    reading = reply.reading;
    view.arrange(reading.protocol === "pairs" ? 2 : 1);
    page.style.setProperty("--largest", `${MOST_ENLARGED * reading.image_size}px`);
    questions.build(reading.questions);
    find(".caution").textContent = cautions().join(" · ");
  }
  forget([...state.showings, ...(before?.showings ?? []).slice(0, 1)]);
  if (state.status === "complete") return finish();
  if (!before) return welcome();
  if (state.block.number > before.block.number) return rest(before.block);
  return show();
}

function rest(block) {
  drawProgress();
  images(state.showings[0]).catch(() => {});
  if (block.number === 0) return sheet("Training done", ["From here on you are told nothing more."], "Begin", show);
  return sheet(`Block ${block.number} of ${block.blocks} done`, ["Saved. Rest your eyes for a moment before you go on."], "Next block", show);
}

async function submit() {
  if (busy || !questions.complete()) return;
  busy = true;
  const seconds = Math.min((spent + performance.now() - shownAt) / 1000, 86400);
  const message = { showing: state.showings[0], submit: randomId(), seconds, answers: questions.all(), ...view.log() };
  const reply = await ask("answer_showing", message);
  if (reply.feedback) tell(reply.feedback, () => follow(reply));
  else await follow(reply);
}

function given() {            // a key was pressed: with the last one of the showing the answer goes out
  if (questions.complete() && !questions.waitsForRemark()) submit();
}

async function undo() {
  if (busy || questions.takeBack() || !state.undo) return;
  busy = true;
  await follow(await ask("undo_answer", { submit: randomId() }));
}

async function practise() {
  const reply = await ask("start_practice");
  if (!reply.reader) return sheet("No practice here", ["This demo has no study with real and synthetic images."]);
  reader = reply.reader;
  history.replaceState(null, "", `?${new URLSearchParams({ reader })}`);
  state = null;
  return follow(await ask("open_reading"));
}

function afterFeedback() {
  const then = goOn;
  goOn = null;
  page.dataset.told = "";
  then?.();
}

page.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.tool) view.tool(button.dataset.tool);
  else if (goOn) { if (button.closest(".feedback")) afterFeedback(); }
  else if (button.dataset.step) {
    if (busy) return;
    questions.give(button.closest(".question").dataset.question, Number(button.dataset.step));
    given();
  } else if (button.closest(".question.text")) submit();
  else if (button.classList.contains("undo")) undo();
  else if (button.classList.contains("pause")) pause();
});

const TOOL_KEYS = { "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", "[": "darker", "]": "brighter" };

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const writing = event.target.tagName === "INPUT";
  if (page.dataset.screen === "sheet") {
    if (event.key !== "Enter") return;
    find(".sheet .go").onclick?.();
  } else if (page.dataset.screen !== "reading") return;
  else if (goOn) { if (event.key !== "Enter") return; afterFeedback(); }
  else if (event.key === "Enter") submit();
  else if (event.key === "Escape") pause();
  else if (writing && !(event.key === "Backspace" && !event.target.value)) return;
  else if (/^[0-6]$/.test(event.key)) { if (!busy && questions.giveNext(Number(event.key))) given(); }
  else if (event.key === "Backspace") undo();
  else if (event.key === "p") pause();
  else if (TOOL_KEYS[event.key]) view.tool(TOOL_KEYS[event.key]);
  else return;
  event.preventDefault();
});

document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); });

ask("open_reading").then(follow);
