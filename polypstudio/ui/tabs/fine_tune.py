"""Fine-tune: the two stages as forms, what they will take, the command, and the run as it goes."""

from __future__ import annotations

from typing import Any

import gradio as gr

from polypstudio import jobs
from polypstudio.config import PRESETS
from polypstudio.errors import UserError
from polypstudio.figures import training as figures
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, ImageKey, IterationManifest, Pathology
from polypstudio.store.atomic import read_json_lines
from polypstudio.store.paths import iteration_set
from polypstudio.store.studies import load_manifest, save_config
from polypstudio.ui.components.demo import READ_ONLY, is_read_only, rerun_command
from polypstudio.ui.components.estimate import StageEstimate, estimate, peak_memory_mb
from polypstudio.ui.components.job_panel import build_job_panel, start_on
from polypstudio.ui.components.markup import (
    block,
    card,
    class_name,
    command_line,
    duration,
    element,
    empty,
    heading,
    join,
    paragraph,
    pictures,
    table,
)
from polypstudio.ui.components.training_form import (
    FIELDS,
    FORM,
    Field,
    changed_config,
    component,
    form_values,
    preset_values,
)
from polypstudio.ui.context import Selection, StudyContext
from polypstudio.ui.images import image_address, sample_version

PREVIEWS = 8
STAGES = {"polyp_prior": "Stage 1, polyp_prior", "pathology": "Stage 2, pathology"}


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=480):
            fields, preset, save = _form()
        with gr.Column(scale=5, min_width=420):
            plan = block("tune-plan")
            with gr.Row():
                run = gr.Button("Start", variant="primary", size="md", elem_id="tune-run", min_width=90)
                rerun = gr.Button("Run stage 2 anew, on a copy", size="md", elem_id="tune-rerun", min_width=90)
            panel = build_job_panel(context, "tune-jobs")
            loss = gr.Plot(show_label=False, elem_id="tune-loss")
            speed = gr.Plot(show_label=False, elem_id="tune-speed")
            previews = block("tune-previews")

    def save_form(selection: Selection, *values: Any) -> None:
        if is_read_only(context, selection):
            raise UserError(READ_ONLY)
        _save(selection, values)

    def plan_card(selection: Selection) -> str:
        return _plan_card(selection, is_read_only(context, selection))

    def buttons(selection: Selection) -> tuple[gr.Button, gr.Button]:
        changeable = not is_read_only(context, selection)
        label = "Start" if not selection.iterations() else "Start or resume"
        return gr.Button(label, visible=changeable), gr.Button(interactive=changeable)

    live = [loss, speed, previews]
    context.on_selection(_shown_form, fields)
    context.on_selection(plan_card, plan)
    context.on_selection(buttons, [run, save])
    drawn = gr.State("")
    context.on_selection(_live, [*live, drawn])
    context.listen(panel.timer.tick, _live_again, [*live, drawn], [drawn], show_progress="hidden")
    context.listen(preset.input, _preset, fields, [preset])
    context.refresh(context.listen(save.click, save_form, None, fields, queue=True))  # notices need the queue
    start_on(context, run, _run_command)
    start_on(context, rerun, rerun_command)


def _form() -> tuple[list[Any], gr.Dropdown, gr.Button]:
    """The inputs in the order of FIELDS, the choice of a preset, and the button that saves."""
    inputs: dict[Field, Any] = {}
    with gr.Row(equal_height=True):
        preset = gr.Dropdown(
            sorted(PRESETS), value=None, label="Fill in a preset", elem_id="tune-preset", min_width=140
        )
        save = gr.Button("Save to study.toml", size="md", elem_id="tune-save", min_width=140)
    for title, rows in FORM:
        with gr.Group(elem_classes="pst-form"):
            gr.HTML(f"<h3>{title}</h3>", apply_default_css=False, js_on_load=None, padding=False)
            for row in rows:
                with gr.Row():
                    inputs.update({field: component(field) for field in row})
    return [inputs[field] for field in FIELDS], preset, save


def _shown_form(selection: Selection) -> list[Any]:
    config = selection.config()
    return form_values(config) if config else [None] * len(FIELDS)


def _preset(selection: Selection, name: str | None) -> list[Any]:
    """Fills the form; nothing is saved."""
    config = selection.config()
    if config is None or not name:
        return [gr.skip()] * len(FIELDS)
    return preset_values(config, name)


def _save(selection: Selection, values: tuple[Any, ...]) -> None:
    paths, config = selection.paths, selection.config()
    if paths is None or config is None:
        raise UserError("no study is chosen")
    save_config(paths, changed_config(config, values))
    gr.Info(f"{paths.config} saved", duration=4)


def _run_command(selection: Selection) -> tuple[str, list[str], str]:
    if selection.study is None:
        raise UserError("no study is chosen")
    return selection.study, ["run", selection.study], "Fine-tune, sample, evaluate"


def _log(selection: Selection) -> list[dict[str, Any]]:
    return read_json_lines(selection.paths.training_log) if selection.paths else []


def _plan_card(selection: Selection, read_only: bool) -> str:
    """Time and memory as measured, and the command behind the button that can be pressed."""
    config = selection.config()
    if config is None or selection.study is None:
        return empty("There is no study here yet.", command_line("polypstudio new NAME --data FOLDER"))
    arguments = ["rerun", selection.study, f"{selection.study}-run-1"] if read_only else ["run", selection.study]
    command = command_line(jobs.shell_command(arguments, selection.root))
    if config.training is None:
        return card(
            heading("What it takes"),
            paragraph("This study imports its iterations; saving the form adds a training of its own."),
            command,
        )
    log = _log(selection)
    memory = peak_memory_mb(log)
    memory_text = (
        f"Memory: {memory / 1024:.1f} GiB at most, in the logged run." if memory else "Memory: not measured yet."
    )
    rows = [_stage_row(stage) for stage in estimate(config.training, log)]
    return card(
        heading("What it takes"),
        table(["", "images", "images/s", "time"], rows),
        paragraph(memory_text, "pst-soft"),
        command,
    )


def _stage_row(stage: StageEstimate) -> list[str]:
    speed, seconds = stage.images_per_second, stage.seconds
    return [
        STAGES[stage.stage],
        f"{stage.images:,}",
        "not measured yet" if speed is None else f"{speed:.0f}",
        "" if seconds is None else duration(seconds),
    ]


def _live(selection: Selection) -> tuple[Any, ...]:
    """Loss and throughput as logged so far, the newest iteration's images, and what these were drawn from."""
    log = _log(selection)
    plots = [
        gr.Plot(value=draw(log) if log else None, visible=bool(log)) for draw in (figures.loss, figures.throughput)
    ]
    return *plots, _previews(selection), _state(selection, log)


def _live_again(selection: Selection, drawn: str) -> tuple[Any, ...]:
    """As :func:`_live`, and nothing where nothing has changed."""
    unchanged = _state(selection, _log(selection)) == drawn
    return tuple(gr.skip() for _ in range(4)) if unchanged else _live(selection)


def _state(selection: Selection, log: list[dict[str, Any]]) -> str:
    return f"{selection.study} {len(log)} {log[-1] if log else ''} {selection.iterations()[-1:]}"


def _previews(selection: Selection) -> str:
    """The first images of the newest iteration: the same noise as at every other."""
    paths, iterations = selection.paths, selection.iterations()
    if paths is None or not iterations:
        return empty("No iteration yet.", "The first images appear when the first checkpoint has been sampled.")
    newest = iterations[-1]
    manifest = load_manifest(paths, newest)
    rows = [
        join(
            [class_name(label, PATHOLOGY_NAMES[label]), pictures(_samples(paths.name, newest, label, manifest), label)]
        )
        for label in PATHOLOGIES
    ]
    return card(heading(f"Newest iteration: {newest}"), element("div", join(rows)), kind="pst-previews")


def _samples(study: str, iteration: int, label: Pathology, manifest: IterationManifest) -> list[str]:
    count = min(PREVIEWS, manifest.counts.get(label, 0))
    keys = [ImageKey(iteration_set(iteration), label, i) for i in range(count)]
    return [image_address(study, key, sample_version(manifest, label, key.index)) for key in keys]
