"""Readers, the researcher's side: design a reading, hand out links, watch progress, see the results."""

from __future__ import annotations

import re
import secrets
from typing import Any

import gradio as gr

from polypstudio.errors import UserError
from polypstudio.reading.design import ReadingDesign, Stratum, make_items
from polypstudio.reading.scoring import score
from polypstudio.records import PATHOLOGIES
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.readings import Design
from polypstudio.store.studies import complete_iterations
from polypstudio.ui.components.markup import block
from polypstudio.ui.components.reading_results import NO_READING, image_set_name, results_view
from polypstudio.ui.context import Selection, StudyContext
from polypstudio.ui.reading_desk import available_images, create_reading

DEMO_TEXT = """
### Rate images as a clinician would

A reader sees one image at a time, without any hint of where it comes from, and answers with two key presses:
real or synthetic, AD or Non-AD, each on six steps. How often synthetic images are judged real, iteration by iteration,
is what their appearance is worth; whether their pathology is recognised is a different matter.

On this demo the images and their truth are public, so a reading here is **practice, not a blind study**. In an
installation of your own, this tab designs a blind reading, hands out personal links and shows the results.

[**Start practising**](/read/)
"""
INTRO = """
### Design a reading

Readers see the images one at a time, in an order of their own, in a separate app that knows no truth.
Real and synthetic images are shown alike: the same size, the same encoding, addresses that work once.
"""
LINKS_TEXT = "Copy these links now: they are kept as hashes and cannot be shown again. Each is one reader's login."
CODE = re.compile(r"[\w.-]{1,32}")
WITH_ADDRESS = "(...values) => [...values.slice(0, -1), new URL('read/', location.href).href]"


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    if context.demo:
        gr.Markdown(DEMO_TEXT, elem_id="readers-demo")
        return
    gr.Markdown(INTRO)
    with gr.Row():
        sets = gr.CheckboxGroup([], label="Images from", scale=2)
        codes = gr.Textbox("R1, R2, R3", label="Readers", info="Codes, no names: nothing else is kept of a clinician.")
    with gr.Row():
        n_real = gr.Number(20, label="Real images, per set and class", precision=0, minimum=1)
        n_synthetic = gr.Number(10, label="Synthetic images, per iteration and class", precision=0, minimum=1)
        repeats = gr.Slider(0, 30, 10, step=5, label="Hidden repeats, % of the images")
    form: list[Any] = [sets, n_real, n_synthetic, repeats, codes]
    with gr.Row(equal_height=True):
        plan = gr.Markdown(elem_id="reading-plan")
        create = gr.Button("Create the reading and its links", variant="primary", size="md", scale=0, min_width=280)
    address = gr.Textbox(visible=False)
    links = gr.Textbox(
        label="Personal links", info=LINKS_TEXT, lines=4, visible=False, buttons=["copy"], elem_id="links"
    )
    gr.Markdown("### Readings")
    with gr.Row(equal_height=True):
        design = gr.Dropdown([], label="Reading", elem_id="reading-choice", scale=3)
        again = gr.Button("Refresh", scale=0, min_width=100, size="md")
    results = block("reading-results")

    context.on_selection(_choices, [sets, design, links])
    for field in form:
        context.listen(field.change, _plan, plan, form, show_progress="hidden")
    context.listen(design.change, _results, results, [design], show_progress="hidden")
    context.listen(again.click, _results, results, [design])
    context.listen(create.click, _create, [links, design], [*form, address], js=WITH_ADDRESS)


def _choices(selection: Selection) -> tuple[Any, ...]:
    """The image sets and the readings of the chosen study."""
    study = selection.paths
    if study is None:
        return gr.CheckboxGroup(choices=[], value=[]), gr.Dropdown(choices=[], value=None), gr.Textbox(visible=False)
    iterations = complete_iterations(study)
    names = [real_set(split) for split in ("train", "test")] + [iteration_set(n) for n in iterations]
    counts = available_images(study, names)
    choices = [
        (f"{image_set_name(name)} ({counts[name, 'ad']} + {counts[name, 'non_ad']})", name)
        for name in names
        if all(counts[name, label] for label in PATHOLOGIES)
    ]
    offered = [name for _, name in choices]
    ends = {real_set("test"), *(iteration_set(n) for n in (*iterations[:1], *iterations[-1:]))}
    chosen = [name for name in offered if name in ends]
    return gr.CheckboxGroup(choices=choices, value=chosen), _design_choice(study), gr.Textbox(visible=False)


def _design_choice(study: StudyPaths) -> gr.Dropdown:
    stored = readings.list_designs(study)
    return gr.Dropdown(choices=[(_title(d), d.id) for d in stored], value=stored[0].id if stored else None)


def _title(design: Design) -> str:
    sets = ", ".join(image_set_name(stratum.image_set) for stratum in design.body.strata)
    return f"{design.created[:16].replace('T', ' ')} · {design.body.n_items} images: {sets}"


def _design(sets: list[str], n_real: float, n_synthetic: float, repeats: float) -> ReadingDesign:
    if not sets:
        raise UserError("Images from: choose at least one set")
    if min(n_real or 0, n_synthetic or 0) < 1:
        raise UserError("images per class: give a number of at least 1")
    strata = [
        Stratum(image_set=name, per_class=int(n_real if name.startswith("real/") else n_synthetic)) for name in sets
    ]
    return ReadingDesign(strata=tuple(strata), repeats=repeats / 100, seed=secrets.randbits(32))


def _plan(selection: Selection, sets: list[str], n_real: float, n_synthetic: float, repeats: float, codes: str) -> str:
    """What the form amounts to, in one sentence, or what is wrong with it."""
    study = selection.paths
    try:
        design = _design(sets, n_real, n_synthetic, repeats)
        readers = _codes(codes)
        items = make_items(design, available_images(study, sets)) if study else []
    except UserError as problem:
        return f"*{problem}*"
    real = sum(item.image.image_set.startswith("real/") for item in items)
    blocks = f"{design.n_blocks} blocks" if design.n_blocks > 1 else "one block"
    return (
        f"**{design.n_showings} showings a reader, about {design.expected_minutes:.0f} min** in {blocks}: {real} real and "
        f"{len(items) - real} synthetic images, {design.n_repeats} of them shown twice. "
        f"{len(readers)} reader{'s' if len(readers) > 1 else ''}: {len(readers) * design.n_showings:,} answers."
    )


def _codes(text: str) -> list[str]:
    codes = [code for code in re.split(r"[\s,;]+", text.strip()) if code]
    wrong = next((code for code in codes if not CODE.fullmatch(code)), None)
    if not codes or wrong:
        raise UserError(f"Readers: {f'`{wrong}` is no code' if wrong else 'no code given'}; write e.g. `R1, R2`")
    if len(set(codes)) < len(codes):
        raise UserError("Readers: a code is given twice")
    return codes


def _create(
    selection: Selection,
    sets: list[str],
    n_real: float,
    n_synthetic: float,
    repeats: float,
    codes: str,
    address: str,
) -> tuple[Any, ...]:
    """Stores the design and its readers; shows the links, once."""
    study = selection.paths
    if study is None:
        raise UserError("no study: choose one in the header")
    readers = _codes(codes)
    design = create_reading(study, _design(sets, n_real, n_synthetic, repeats))
    links = readings.add_readers(study, design, readers)
    lines = [f"{link.reader}  {address}?reader={link.token}" for link in links]
    return gr.Textbox("\n".join(lines), visible=True, lines=len(lines)), _design_choice(study)


def _results(selection: Selection, design: str | None) -> str:
    """Progress and results of the chosen reading."""
    study = selection.paths
    if study is None or design is None or design not in {d.id for d in readings.list_designs(study)}:
        return NO_READING
    return results_view(readings.reader_progress(study, design), score(readings.load_readings(study, design)))
