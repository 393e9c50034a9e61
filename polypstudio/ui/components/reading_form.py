"""The form in which a researcher designs a reading: its fields, the design they amount to, and what that would cost."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from polypstudio.errors import UserError
from polypstudio.reading.design import Item, ReadingDesign, Stratum
from polypstudio.reading.power import Power, power
from polypstudio.reading.questions import OPTIONAL, PAIRS, QUESTIONS, SINGLE
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES
from polypstudio.ui.context import Selection
from polypstudio.ui.reading_census import census
from polypstudio.ui.reading_images import draw_items

PROTOCOLS = [("one image at a time", "single"), ("pairs: which one is real (2AFC)", "pairs")]
OF_PAIRS = ("reason", "comment")  # what can be asked of a pair beside the choice
CODE = re.compile(r"[\w.-]{1,32}")
MOST_LINK_DAYS = 730


@dataclass(frozen=True)
class ReadingForm:
    """The form's components, in the order in which :func:`design_of_form` takes their values."""

    sets: gr.CheckboxGroup
    n_real: gr.Number
    n_synthetic: gr.Number
    classes: gr.CheckboxGroup
    protocol: gr.Radio
    questions: gr.CheckboxGroup
    training: gr.Number
    repeats: gr.Slider
    seed: gr.State
    codes: gr.Textbox
    days: gr.Number

    @property
    def design(self) -> list[Any]:
        """What :func:`design_of_form` takes."""
        return [
            self.sets,
            self.n_real,
            self.n_synthetic,
            self.classes,
            self.protocol,
            self.questions,
            self.training,
            self.repeats,
            self.seed,
        ]

    @property
    def all(self) -> list[Any]:
        return [*self.design, self.codes, self.days]


def build_reading_form() -> ReadingForm:
    """Builds the fields inside the current block."""
    with gr.Row():
        sets = gr.CheckboxGroup([], label="Images from", scale=3, elem_id="reading-sets")
        protocol = gr.Radio(PROTOCOLS, value="single", label="Shown", scale=1, min_width=260)
        classes = gr.CheckboxGroup(
            [(PATHOLOGY_NAMES[label], label) for label in PATHOLOGIES],
            value=list(PATHOLOGIES),
            label="Classes",
            scale=1,
            min_width=180,
        )
    with gr.Row():
        n_real = gr.Number(20, label="Real images, per set and class", precision=0, minimum=1, min_width=160)
        n_synthetic = gr.Number(10, label="Synthetic images, per iteration and class", precision=0, minimum=1)
        training = gr.Number(
            0,
            label="Training with feedback",
            info="per class: real and synthetic each",
            precision=0,
            minimum=0,
            maximum=20,
        )
        repeats = gr.Slider(0, 30, 10, step=5, label="Hidden repeats, % of the images")
    with gr.Row():
        questions = gr.CheckboxGroup(
            [(QUESTIONS[name].title, name) for name in (*SINGLE, *OPTIONAL)],
            value=list(SINGLE),
            label="Questions",
            info="Each is one key more on every image. A pair is asked which one is real, and the last two if chosen.",
            scale=3,
        )
        codes = gr.Textbox(
            "R1, R2, R3",
            label="Readers",
            info="Codes, no names: nothing else is kept of a clinician.",
            elem_id="reading-codes",
        )
        days = gr.Number(
            60, label="Links end after, days", precision=0, minimum=1, maximum=MOST_LINK_DAYS, min_width=140, scale=0
        )
    seed = gr.State(new_seed)
    return ReadingForm(sets, n_real, n_synthetic, classes, protocol, questions, training, repeats, seed, codes, days)


def new_seed() -> int:
    """What the next reading is drawn by."""
    return secrets.randbits(32)


def design_of_form(
    sets: list[str],
    n_real: float,
    n_synthetic: float,
    classes: list[str],
    protocol: str,
    questions: list[str],
    training: float,
    repeats: float,
    seed: int,
) -> ReadingDesign:
    """The design of the form's values; UserError says which field does not do."""
    if not sets:
        raise UserError("Images from: choose at least one set")
    if min(n_real or 0, n_synthetic or 0) < 1:
        raise UserError("images per class: give a number of at least 1")
    asked: list[str] = [name for name in (*SINGLE, *OPTIONAL) if name in questions]
    if protocol == "pairs":
        asked = [*PAIRS, *(name for name in OF_PAIRS if name in questions)]
    strata = [
        Stratum(image_set=name, per_class=int(n_real if name.startswith("real/") else n_synthetic)) for name in sets
    ]
    try:
        return ReadingDesign.model_validate(
            {
                "strata": strata,
                "classes": [label for label in PATHOLOGIES if label in classes],
                "protocol": protocol,
                "questions": asked,
                "training": int(training or 0),
                "repeats": repeats / 100,
                "seed": seed,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{field + ': ' if field else ''}{first['msg'].removeprefix('Value error, ')}") from None


def codes_of(text: str) -> list[str]:
    """The readers' codes; UserError for one that is none, or that comes twice."""
    codes = [code for code in re.split(r"[\s,;]+", text.strip()) if code]
    wrong = next((code for code in codes if not CODE.fullmatch(code)), None)
    if not codes or wrong:
        raise UserError(f"Readers: {f'`{wrong}` is no code' if wrong else 'no code given'}; write e.g. `R1, R2`")
    if len(set(codes)) < len(codes):
        raise UserError("Readers: a code is given twice")
    return codes


def days_of(days: float | None) -> int:
    """After how many days a link ends; UserError unless 1 to :data:`MOST_LINK_DAYS`."""
    if not days or not 1 <= days <= MOST_LINK_DAYS:
        raise UserError(f"Links end after: give 1 to {MOST_LINK_DAYS} days")
    return int(days)


def plan(selection: Selection, *values: Any) -> str:
    """What the form amounts to, or what is wrong with it."""
    *fields, codes, days = values
    study = selection.paths
    if selection.is_paper:
        return "*The paper is here as printed tables only: they hold no images to read.*"
    if study is None:
        return ""
    try:
        design, readers = design_of_form(*fields), codes_of(codes)
        days_of(days)
        items = draw_items(study, design)
    except UserError as problem:
        return f"*{problem}*"
    estimate = _power(design, items, len(readers))
    counted = census(study, items, selection.neighbours()).sentence()
    return f"{_amount(design, items, len(readers))}\n\n{_power_sentence(estimate)}\n\n{counted}"


def _amount(design: ReadingDesign, items: list[Item], readers: int) -> str:
    blocks = f"{design.n_blocks} blocks" if design.n_blocks > 1 else "one block"
    judged = [item for item in items if not item.training]
    real = sum(item.image.image_set.startswith("real/") for item in judged)
    shown = f"{len(judged)} pairs" if design.is_pairs else f"{real} real and {len(judged) - real} synthetic images"
    training = f", after {design.n_training} for training" if design.n_training else ""
    return (
        f"**{design.n_showings} showings a reader, about {design.expected_minutes:.0f} min** in {blocks}{training}: "
        f"{shown}, {design.n_repeats} of them shown twice. "
        f"{readers} reader{'s' if readers > 1 else ''}: {readers * design.n_showings:,} answers."
    )


def _power(design: ReadingDesign, items: list[Item], n_readers: int) -> Power:
    judged = [item for item in items if not item.training]
    synthetic = [stratum.per_class for stratum in design.strata if not stratum.is_real]
    real = sum(item.image.image_set.startswith("real/") for item in judged)
    smallest = min(synthetic or [stratum.per_class for stratum in design.strata])
    if design.is_pairs:
        return power(n_readers, smallest, 0, 0)
    return power(n_readers, smallest, real, len(judged) - real)


def _power_sentence(estimate: Power) -> str:
    rate = (
        f"Expected: a judged-real rate of one set and class ({estimate.stratum_images} images) near 50 % to about "
        f"± {100 * estimate.half_width:.0f} points"
    )
    area = (
        f"; an AUC of {estimate.detectable_auc:.2f} or more told from guessing with a power of 80 %"
        if estimate.detectable_auc
        else ""
    )
    return (
        f"{rate}{area}. Assumed: 5 % of the answers’ variance between readers and 20 % between images; readers’ AUCs "
        "differ by 0.04 (SD) and correlate by 0.4 on the same images."
    )
