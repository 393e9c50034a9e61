// The rows of keys below the picture. The server says which questions there are; answers are kept here until all are given.

function escaped(text) {
  const node = document.createElement("span");
  node.textContent = text;
  return node.innerHTML;
}

function makeQuestions(place, changed) {
  let questions = [];
  let answers = {};

  const open = () => questions.find((question) => question.kind !== "text" && !(question.name in answers));
  const remark = () => place.querySelector("input");

  function key(question, step, label, content, kind = "") {
    return `<button type="button" class="${kind}" data-step="${step}" aria-label="${escaped(`${question.text} ${label}`)}">${content}</button>`;
  }

  function keys(question) {
    if (question.kind === "options") {
      return question.options.map((option, i) => key(question, i + 1, option, `<kbd>${i + 1}</kbd> ${escaped(option)}`)).join("");
    }
    const ends = { 1: `1, ${question.low}`, 6: `6, ${question.high}` };
    return [1, 2, 3, 4, 5, 6].map((step) => key(question, step, ends[step] ?? step, step)).join("");
  }

  function row(question) {
    if (question.kind === "text") {
      return `<div class="question text" data-question="${question.name}"><span class="asked">${escaped(question.text)}</span>`
        + `<input maxlength="500" placeholder="optional" aria-label="${escaped(question.text)}" autocomplete="off"><button type="button" class="on">Go on <kbd>Enter</kbd></button></div>`;
    }
    const zero = question.zero ? key(question, 0, `0, ${question.zero}`, `<kbd>0</kbd>${escaped(question.zero)}`, "cannot") : "";
    return `<div class="question ${question.kind}" data-question="${question.name}"><span class="asked">${escaped(question.text)}</span>`
      + `<span class="low">${escaped(question.low)}</span><div class="steps" style="--n: ${question.options.length || 6}">${keys(question)}</div>`
      + `<span class="high">${escaped(question.high)}</span>${zero}</div>`;
  }

  function draw() {
    const active = open();
    for (const row of place.querySelectorAll(".question")) {
      const question = questions.find((each) => each.name === row.dataset.question);
      row.classList.toggle("active", active ? question === active : question.kind === "text");
      for (const button of row.querySelectorAll("[data-step]")) {
        button.classList.toggle("chosen", Number(button.dataset.step) === answers[question.name]);
      }
    }
    if (!active && remark() && document.activeElement !== remark()) remark().focus({ preventScroll: true });
    changed();
  }

  return {
    build(asked) {
      questions = asked;
      place.innerHTML = asked.map(row).join("");
      place.classList.toggle("many", asked.length > 3);
    },
    clear() {
      answers = {};
      if (remark()) { remark().value = ""; remark().blur(); }
      draw();
    },
    give(name, step) { answers[name] = step; draw(); },
    giveNext(step) {             // a number key: the answer of the first open question, if it has such a key
      const question = open();
      const highest = question?.kind === "options" ? question.options.length : 6;
      if (!question || step > highest || (step === 0 && !question.zero)) return false;
      this.give(question.name, step);
      return true;
    },
    takeBack() {                 // the last given answer of this showing; false if there is none
      const given = questions.filter((question) => question.name in answers);
      if (!given.length) return false;
      delete answers[given.at(-1).name];
      remark()?.blur();
      draw();
      return true;
    },
    partly: () => Object.keys(answers).length > 0,
    waitsForRemark: () => Boolean(remark()),
    complete: () => questions.length > 0 && !open(),
    all: () => ({ ...answers, ...(remark() ? { [remark().closest(".question").dataset.question]: remark().value.trim() || null } : {}) }),
  };
}
