"""Readers, the researcher's side: design a reading, hand out links, watch progress, see the results."""

from __future__ import annotations

from typing import Any

import gradio as gr

from polypstudio.errors import UserError
from polypstudio.reading.scoring import score
from polypstudio.records import PATHOLOGIES, ImageKey
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.readings import Design, Link
from polypstudio.store.studies import complete_iterations
from polypstudio.ui.components.markup import block
from polypstudio.ui.components.reading_form import (
    build_reading_form,
    codes_of,
    days_of,
    design_of_form,
    new_seed,
    plan,
)
from polypstudio.ui.components.reading_results import NO_READING, image_set_name, results_view
from polypstudio.ui.context import Selection, StudyContext
from polypstudio.ui.images import address_of
from polypstudio.ui.reading_census import census
from polypstudio.ui.reading_files import download_links
from polypstudio.ui.reading_images import available_images, create_reading, revise_reading

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

Readers see the images in an order of their own, in a separate app that knows no truth. Real and synthetic images are shown
alike: the same size, the same encoding, addresses that work once. Once the first answer is in, a design is frozen: a change
makes a new version with links of its own, and closes the old one.
"""
LINKS_TEXT = "Copy these links now: they are kept as hashes and cannot be shown again. Each is one reader's login."
WITH_ADDRESS = "(...values) => [...values.slice(0, -1), new URL('read/', location.href).href]"


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    if context.demo:
        gr.Markdown(DEMO_TEXT, elem_id="readers-demo")
        return
    gr.Markdown(INTRO)
    form = build_reading_form()
    with gr.Row(equal_height=True):
        planned = gr.Markdown(elem_id="reading-plan")
        with gr.Column(scale=0, min_width=280):
            create = gr.Button("Create the reading and its links", variant="primary", size="md")
            revise = gr.Button("Change the chosen reading to this", size="md")
    address = gr.Textbox(visible=False)
    links = gr.Textbox(
        label="Personal links", info=LINKS_TEXT, lines=4, visible=False, buttons=["copy"], elem_id="links"
    )
    gr.Markdown("### Readings")
    with gr.Row(equal_height=True):
        design = gr.Dropdown([], label="Reading", elem_id="reading-choice", scale=3)
        reader = gr.Dropdown([], label="Reader", elem_id="reader-choice", scale=1, min_width=120)
        renew = gr.Button("New link", scale=0, min_width=100, size="md")
        revoke = gr.Button("Revoke link", scale=0, min_width=110, size="md")
        again = gr.Button("Refresh", scale=0, min_width=100, size="md")
    results = block("reading-results")

    shown = [results, reader]
    context.on_selection(_choices, [form.sets, design, links])
    for field in form.all:
        if field is not form.seed:
            context.listen(field.change, plan, planned, form.all, show_progress="hidden")
    context.listen(design.change, _results, shown, [design], show_progress="hidden")
    context.listen(again.click, _results, shown, [design])
    context.listen(create.click, _create, [links, design, form.seed], [*form.all, address], js=WITH_ADDRESS)
    context.listen(
        revise.click, _revise, [links, design, form.seed, *shown], [design, *form.design, address], js=WITH_ADDRESS
    )
    context.listen(renew.click, _renew, [links, *shown], [design, reader, form.days, address], js=WITH_ADDRESS)
    context.listen(revoke.click, _revoke, [links, *shown], [design, reader])


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


def _design_choice(study: StudyPaths, chosen: str | None = None) -> gr.Dropdown:
    stored = readings.list_designs(study)
    choices = [(_title(design), design.id) for design in stored]
    return gr.Dropdown(choices=choices, value=chosen or (stored[0].id if stored else None))


def _title(design: Design) -> str:
    sets = ", ".join(image_set_name(stratum.image_set) for stratum in design.body.strata)
    version = f" · version {design.version}" if design.version > 1 or design.closed else ""
    closed = " · closed" if design.closed else ""
    kind = "pairs" if design.body.is_pairs else "images"
    return f"{design.created[:16].replace('T', ' ')}{version}{closed} · {design.body.n_items} {kind}: {sets}"


def _create(selection: Selection, *values: Any) -> tuple[Any, ...]:
    """Stores the design and its readers; shows the links, once."""
    *fields, codes, days, address = values
    study = _study(selection)
    readers, ends = codes_of(codes), days_of(days)
    design = create_reading(study, design_of_form(*fields))
    return (
        _links(readings.add_readers(study, design, readers, ends), address),
        _design_choice(study, design),
        new_seed(),
    )


def _revise(selection: Selection, design: str | None, *values: Any) -> tuple[Any, ...]:
    """Changes the chosen reading; a frozen one becomes a new version, whose links are shown, once."""
    *fields, address = values
    study = _study(selection)
    revision = revise_reading(study, _known(study, design), design_of_form(*fields))
    if revision.links:
        gr.Info(f"Answers were in: this is version {revision.version}. The links of the version before are refused.")
    else:
        gr.Info("Changed. Nobody had answered yet, so the links stay as they are.")
    choice = _design_choice(study, revision.design)
    return _links(revision.links, address), choice, new_seed(), *_results(selection, revision.design)


def _renew(selection: Selection, design: str | None, reader: str | None, days: float, address: str) -> tuple[Any, ...]:
    """Gives a reader another link; the one before is refused from now on."""
    study = _study(selection)
    link = readings.renew_link(study, _known(study, design), _reader(reader), days_of(days))
    return _links([link], address), *_results(selection, design)


def _revoke(selection: Selection, design: str | None, reader: str | None) -> tuple[Any, ...]:
    """Refuses a reader's link from now on; what they answered stays."""
    study = _study(selection)
    readings.revoke_link(study, _known(study, design), _reader(reader))
    gr.Info(f"The link of {reader} is refused from now on. What they answered stays.")
    return gr.Textbox(visible=False), *_results(selection, design)


def _links(links: list[Link], address: str) -> gr.Textbox:
    if not links:
        return gr.Textbox(visible=False)
    lines = [f"{link.reader}  {address}?reader={link.token}" for link in links]
    return gr.Textbox("\n".join(lines), visible=True, lines=len(lines))


def _study(selection: Selection) -> StudyPaths:
    if selection.paths is None:
        raise UserError("no study: choose one in the header")
    return selection.paths


def _known(study: StudyPaths, design: str | None) -> str:
    if design is None or design not in {stored.id for stored in readings.list_designs(study)}:
        raise UserError("Reading: choose one first")
    return design


def _reader(reader: str | None) -> str:
    if not reader:
        raise UserError("Reader: choose one first")
    return reader


def _results(selection: Selection, design: str | None) -> tuple[Any, ...]:
    """Progress and results of the chosen reading, and its readers."""
    study = selection.paths
    if study is None or design is None or design not in {d.id for d in readings.list_designs(study)}:
        return NO_READING, gr.Dropdown(choices=[], value=None)
    progress = readings.reader_progress(study, design)
    counted = census(study, readings.load_items(study, design), selection.neighbours()).sentence()

    def address(key: ImageKey) -> str:
        return address_of(study, key)

    shown = results_view(progress, score(readings.load_readings(study, design)), counted, address)
    codes = [own.reader for own in progress]
    return shown + download_links(study, design), gr.Dropdown(choices=codes, value=codes[0] if codes else None)
