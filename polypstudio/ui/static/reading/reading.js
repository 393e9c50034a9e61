// The clinicians' page. State lives on the server: what is shown follows from its answers, so a reload loses nothing.
// The server never says what an image is; images come from addresses that work once and are kept here as blobs.

const ASKED = {
  source: { text: "Real or synthetic?", low: "surely synthetic", high: "surely real" },
  pathology: { text: "Pathology?", low: "surely Non-AD", high: "surely AD" },
};
const SMALL = 256;           // shown sides up to this many pixels carry a caution
const RETRY_MS = [500, 1000, 2000, 4000];

const page = element.querySelector(".reading");
const find = (selector) => page.querySelector(selector);
const picture = find(".stage img");
const blobs = new Map();     // showing -> promise of an object URL
let reader = new URLSearchParams(location.search).get("reader") || "";
let state = null;            // the server's last word
let answers = {};            // question -> step, of the showing on screen
let busy = true;             // no image on screen yet, or an act under way
let shownAt = 0;             // since when the clock runs
let spent = 0;               // milliseconds on this showing before the last pause

page.dataset.look = document.body.classList.contains("dark") ? "dark" : "light";

// Server ------------------------------------------------------------------------------------------------------------

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function randomId() {        // crypto.randomUUID needs https, which a hospital's own network may not have
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(name, message = {}) {  // until there is an answer: the same message may arrive twice, and counts once
  for (let attempt = 0; ; attempt += 1) {
    const reply = await server[name]({ reader, ...message });
    if (reply) {
      find(".notice").textContent = "";
      return reply;
    }
    find(".notice").textContent = "no connection, trying again";
    await sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
  }
}

async function download(showing) {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const { address } = await ask("image_address", { showing });
    const response = address && await fetch(new URL(`../reading-image/${address}`, location.href), { cache: "no-store" }).catch(() => null);
    if (response?.ok) return URL.createObjectURL(await response.blob());
    await sleep(RETRY_MS[attempt]);
  }
  throw new Error("image not available");
}

function image(showing) {
  if (!blobs.has(showing)) blobs.set(showing, download(showing).catch((error) => { blobs.delete(showing); throw error; }));
  return blobs.get(showing);
}

function forget(keep) {
  for (const [showing, url] of blobs) {
    if (keep.includes(showing)) continue;
    blobs.delete(showing);
    url.then(URL.revokeObjectURL, () => {});
  }
}

// Screens -----------------------------------------------------------------------------------------------------------

function escaped(text) {
  const node = document.createElement("span");
  node.textContent = text;
  return node.innerHTML;
}

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

function blockOf(position) {
  const start = position - position % state.block_size;
  return {
    number: start / state.block_size + 1,
    blocks: Math.ceil(state.total / state.block_size),
    inside: position - start,
    length: Math.min(state.block_size, state.total - start),
  };
}

function drawProgress() {
  const block = blockOf(state.position);
  const several = block.blocks > 1 ? ` · block ${block.number} of ${block.blocks}` : "";
  find(".progress").textContent = `${state.practice ? "practice · " : ""}${block.inside + 1} of ${block.length}${several}`;
  find(".bar div").style.width = `${100 * block.inside / block.length}%`;
}

function buildQuestions() {
  find(".questions").innerHTML = state.questions.map((name) => {
    const { text, low, high } = ASKED[name];
    const key = (step, label, content) => `<button type="button" data-step="${step}" aria-label="${text} ${label}">${content}</button>`;
    const steps = [1, 2, 3, 4, 5, 6].map((step) => key(step, step === 1 ? `1, ${low}` : step === 6 ? `6, ${high}` : `${step}`, step));
    const cannot = `<button type="button" class="cannot" data-step="0" aria-label="${text} 0, cannot judge"><kbd>0</kbd>cannot judge</button>`;
    return `<div class="question" data-question="${name}"><span class="asked">${text}</span><span class="low">${low}</span>`
      + `<div class="steps">${steps.join("")}</div><span class="high">${high}</span>${cannot}</div>`;
  }).join("");
}

function drawAnswers() {
  const active = state.questions.find((name) => !(name in answers));
  for (const row of page.querySelectorAll(".question")) {
    row.classList.toggle("active", row.dataset.question === active);
    for (const button of row.querySelectorAll("button")) {
      button.classList.toggle("chosen", Number(button.dataset.step) === answers[row.dataset.question]);
    }
  }
  const partly = Object.keys(answers).length > 0;
  find(".undo").disabled = !partly && state.position % state.block_size === 0;
}

function cautions() {
  const size = `${state.image_size} × ${state.image_size} pixels: no diagnostic image`;
  return [...(state.phantom ? ["phantom, not a patient"] : []), ...(state.image_size <= SMALL ? [size] : [])];
}

function welcome() {
  const block = blockOf(state.position);
  const minutes = Math.max(1, Math.round(state.minutes * (1 - state.position / state.total)));
  const title = state.practice ? "Practice reading" : "Reading";
  const left = state.position
    ? `You are at image ${block.inside + 1} of ${block.length}${block.blocks > 1 ? ` in block ${block.number} of ${block.blocks}` : ""}.`
    : `${state.total} images${block.blocks > 1 ? ` in ${block.blocks} blocks` : ""}, about ${minutes} min.`;
  const lines = [
    left,
    `By key or by touch: ${state.questions.map((name) => `1 ${ASKED[name].low} to 6 ${ASKED[name].high}`).join(", then ")}; 0 where you cannot judge.`,
    "Every answer is saved at once. Stop whenever you like: this link brings you back to the same image.",
  ];
  if (state.practice) lines.push("This is practice, not a blind study: the images of this demo are public. How you did is shown at the end.");
  if (cautions().length) lines.push(`Every image: ${cautions().join("; ")}.`);
  sheet(title, lines, state.position ? "Continue" : "Begin", show);
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
  answers = {};
  spent = 0;
  picture.dataset.ready = "false";
  const [showing, next] = state.showings;
  page.dataset.screen = "reading";
  drawProgress();
  drawAnswers();
  try {
    const url = await image(showing);
    picture.src = url;
    await picture.decode();
  } catch {
    sheet("This image did not arrive", ["Check the connection. Nothing is lost."], "Try again", show);
    return;
  }
  picture.alt = `image ${state.position + 1}`;
  requestAnimationFrame(() => requestAnimationFrame(() => {  // the second frame begins when the first is on screen
    shownAt = performance.now();
    busy = false;
    picture.dataset.ready = "true";
    if (next) image(next).catch(() => {});
  }));
}

async function finish() {
  if (!state.practice) {
    sheet("Done. Thank you.", [`All ${state.total} images are answered and saved. You can close this page.`]);
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
    sheet("This page opens with a personal link", ["Ask whoever invited you for yours. A link that worked before may have been replaced."]);
  }
}

// Acts --------------------------------------------------------------------------------------------------------------

async function follow(reply) {  // the server's new state decides what comes next
  const before = state;
  if (!reply.showings) return unknown(reply.demo);
  state = reply;
  forget([...state.showings, ...(before?.showings ?? []).slice(0, 1)]);
  if (!find(".question")) buildQuestions();
  find(".caution").textContent = cautions().join(" · ");
  if (state.status === "complete") return finish();
  const block = blockOf(state.position);
  if (before && state.position > before.position && block.inside === 0) {
    drawProgress();
    image(state.showings[0]).catch(() => {});
    return sheet(`Block ${block.number - 1} of ${block.blocks} done`, ["Saved. Rest your eyes for a moment before you go on."], "Next block", show);
  }
  return before ? show() : welcome();
}

async function answer(question, step) {
  if (busy) return;
  answers[question] = step;
  drawAnswers();
  if (state.questions.some((name) => !(name in answers))) return;
  busy = true;
  const seconds = (spent + performance.now() - shownAt) / 1000;
  await follow(await ask("answer_showing", { showing: state.showings[0], submit: randomId(), seconds: Math.min(seconds, 86400), ...answers }));
}

async function undo() {
  if (busy) return;
  const given = state.questions.filter((name) => name in answers);
  if (given.length) {
    delete answers[given.at(-1)];
    drawAnswers();
  } else if (state.position % state.block_size !== 0) {
    busy = true;
    await follow(await ask("undo_answer", { submit: randomId() }));
  }
}

async function practise() {
  const reply = await ask("start_practice", { reader: "-" });
  if (!reply.reader) return sheet("No practice here", ["This demo has no study with real and synthetic images."]);
  reader = reply.reader;
  history.replaceState(null, "", `?${new URLSearchParams({ reader })}`);
  state = null;
  return follow(await ask("open_reading"));
}

page.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.step) answer(button.closest(".question").dataset.question, Number(button.dataset.step));
  else if (button?.classList.contains("undo")) undo();
  else if (button?.classList.contains("pause")) pause();
});

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (page.dataset.screen === "sheet" && event.key === "Enter") find(".sheet .go").onclick?.();
  else if (page.dataset.screen !== "reading") return;
  else if (/^[0-6]$/.test(event.key)) {
    const question = state.questions.find((name) => !(name in answers));
    if (question) answer(question, Number(event.key));
  } else if (event.key === "Backspace") undo();
  else if (event.key === "Escape" || event.key === "p") pause();
  else return;
  event.preventDefault();
});

document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); });

if (reader) ask("open_reading").then(follow);
else ask("open_reading", { reader: "-" }).then((reply) => unknown(reply.demo));
