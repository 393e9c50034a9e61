"""Fine-tune: the stages as a form, what they will take, the command, the queue, and the run as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from markupsafe import Markup

from polypstudio import jobs
from polypstudio.config import PRESETS
from polypstudio.errors import UserError
from polypstudio.figures import training as figures
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, ImageKey
from polypstudio.store.atomic import read_json_lines
from polypstudio.store.checkpoints import held_out_losses
from polypstudio.store.paths import StudyPaths, iteration_set, preview_set
from polypstudio.store.studies import has_weights, load_manifest, preview_steps, save_config
from polypstudio.ui.components.demo import READ_ONLY, is_read_only, rerun_command
from polypstudio.ui.components.estimate import plan
from polypstudio.ui.components.job_panel import build_job_panel, start_job, start_on
from polypstudio.ui.components.markup import (
    acting_block,
    block,
    button,
    card,
    class_name,
    element,
    empty,
    heading,
    join,
    pictures,
    tables_only,
)
from polypstudio.ui.components.training_draft import changed, draft_of, preset_draft, received, saved_config
from polypstudio.ui.components.training_form import form
from polypstudio.ui.context import Selection, StudyContext
from polypstudio.ui.images import file_version, image_address, sample_version

PREVIEWS = 8
STEPS_SHOWN = 6  # checkpoints whose previews stand below each other
Asked = Mapping[str, Any]


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=480):
            settings = acting_block("tune-form")
        with gr.Column(scale=5, min_width=420):
            rerun = gr.Button("Run stage 2 anew, on a copy", size="md", elem_id="tune-rerun", min_width=90)
            panel = build_job_panel(context, "tune-jobs")
            takes = block("tune-plan")
            loss = gr.Plot(show_label=False, elem_id="tune-loss")
            held_out = gr.Plot(show_label=False, elem_id="tune-held-out")
            speed = gr.Plot(show_label=False, elem_id="tune-speed")
            previews = block("tune-previews")

    def shown(selection: Selection, before: str) -> tuple[Any, str]:
        """The form as study.toml has it; what is being typed stays, unless another study or file is to be shown."""
        now = _source(selection)
        return (gr.skip() if now == before else _form(selection, is_read_only(context, selection)), now)

    def act(selection: Selection, asked: Asked) -> tuple[Any, str]:
        if is_read_only(context, selection):
            raise UserError(READ_ONLY)
        html = _act(context, selection, asked)
        return html, _source(selection)

    def rerunnable(selection: Selection) -> gr.Button:
        paths = selection.paths
        return gr.Button(visible=paths is not None and (bool(selection.iterations()) or has_weights(paths)))

    def plan_card(selection: Selection) -> str:
        return plan(selection, is_read_only(context, selection))

    source, drawn = gr.State(""), gr.State("")
    live = [loss, held_out, speed, previews]
    context.on_selection(shown, [settings, source], [source])
    context.on_selection(plan_card, takes)
    context.on_selection(rerunnable, rerun)
    context.on_selection(_live, [*live, drawn])
    context.listen(panel.timer.tick, _live_again, [*live, drawn], [drawn], show_progress="hidden")
    context.refresh(context.on_act(settings, act, [settings, source]))
    start_on(context, rerun, rerun_command)


def _source(selection: Selection) -> str:
    """What the form is filled from."""
    paths = selection.paths
    return f"{paths.root} {file_version(paths.config)}" if paths else ""


def _form(selection: Selection, disabled: bool, draft: dict[str, Any] | None = None) -> str:
    config = selection.config()
    if selection.is_paper:
        return tables_only()
    if config is None:
        return empty("There is no study here yet.", "Make one in a shell: polypstudio new NAME --data FOLDER")
    return str(_head(selection, disabled) + form(draft or draft_of(config), disabled))


def _head(selection: Selection, disabled: bool) -> Markup:
    """The choice of a preset and a device, and the buttons that save and start."""
    names = Markup('<option value="">choose …</option>')
    names += join(Markup("<option>{}</option>").format(name) for name in sorted(PRESETS))
    off = Markup(" disabled") if disabled else ""
    preset = Markup(
        '<label class="pst-field"><span>Fill in a preset</span><select data-act="preset"{}>{}</select></label>'
    ).format(off, names)
    started = "Start" if not selection.iterations() else "Start or go on"
    parts = [preset]
    if len(jobs.devices()) > 1:
        choices = join(Markup("<option>{}</option>").format(name) for name in jobs.devices())
        parts.append(
            Markup('<label class="pst-field"><span>Device</span><select name="device"{}>{}</select></label>').format(
                off, choices
            )
        )
    parts += [
        button("Save to study.toml", "save", disabled=disabled),
        button("Estimate", "estimate", disabled=disabled),
    ]
    if not disabled:
        parts.append(button(started, "start", "strong"))
    return element("div", join(parts), "pst-card pst-head")


def _act(context: StudyContext, selection: Selection, asked: Asked) -> str:
    """What a button of the form asks for; the form that is to be shown then."""
    paths, config = selection.paths, selection.config()
    if paths is None or config is None:
        raise UserError("no study is chosen")
    act, draft = str(asked.get("act")), received(asked.get("values") or {})
    if act == "preset":
        name = asked.get("choice")
        return _form(selection, False, preset_draft(config, name) if name in PRESETS else draft)
    if act not in ("save", "estimate", "start"):
        return _form(selection, False, changed(draft, act, _number(asked, "stage"), _number(asked, "source")))
    new = saved_config(config, draft)
    if new != config:
        save_config(paths, new)
        gr.Info(f"{paths.config} saved", duration=4)
    elif act == "save":
        gr.Info("nothing has changed", duration=4)
    if act != "save":
        device = (asked.get("values") or {}).get("device")
        arguments, title = (["run", paths.name], "Fine-tune, sample, evaluate")
        if act == "estimate":
            arguments, title = (["estimate", paths.name], "Estimate of time, memory and disk")
        start_job(context, selection, paths.name, arguments, title, device=device)
    return _form(selection, False)


def _number(asked: Asked, name: str) -> int:
    text = str(asked.get(name, ""))
    return int(text) if text.isdigit() else -1


def _log(selection: Selection) -> list[dict[str, Any]]:
    return read_json_lines(selection.paths.training_log) if selection.paths else []


def _live(selection: Selection) -> tuple[Any, ...]:
    """Loss, held-out loss and throughput as logged so far, the newest previews, and what these were drawn from."""
    log = _log(selection)
    losses = held_out_losses(selection.paths) if selection.paths else []
    drawn = (
        figures.loss(log) if log else None,
        figures.held_out(losses) if losses else None,
        figures.throughput(log) if log else None,
    )
    plots = [gr.Plot(value=figure, visible=figure is not None) for figure in drawn]
    return *plots, _previews(selection), _state(selection, log)


def _live_again(selection: Selection, drawn: str) -> tuple[Any, ...]:
    """As :func:`_live`, and nothing where nothing has changed."""
    unchanged = _state(selection, _log(selection)) == drawn
    return tuple(gr.skip() for _ in range(5)) if unchanged else _live(selection)


def _state(selection: Selection, log: list[dict[str, Any]]) -> str:
    steps = preview_steps(selection.paths)[-1:] if selection.paths else []
    return f"{selection.study} {len(log)} {log[-1] if log else ''} {selection.iterations()[-1:]} {steps}"


def _previews(selection: Selection) -> str:
    """What was drawn at the last checkpoints; without that, the first images of the newest iteration."""
    if selection.is_paper:
        return ""  # the form above says it
    paths, iterations = selection.paths, selection.iterations()
    steps = preview_steps(paths) if paths else []
    if paths and steps:
        return _at_checkpoints(paths, steps[-STEPS_SHOWN:])
    if paths is None or not iterations:
        return empty("No iteration yet.", "The first images appear at the first checkpoint.")
    newest = iterations[-1]
    manifest = load_manifest(paths, newest)
    rows = []
    for label in PATHOLOGIES:
        keys = [ImageKey(iteration_set(newest), label, i) for i in range(min(PREVIEWS, manifest.counts.get(label, 0)))]
        addresses = [image_address(paths.name, key, sample_version(manifest, label, key.index)) for key in keys]
        rows.append(join([class_name(label, PATHOLOGY_NAMES[label]), pictures(addresses, label)]))
    return card(heading(f"Newest iteration: {newest}"), element("div", join(rows)), kind="pst-previews")


def _at_checkpoints(paths: StudyPaths, steps: list[tuple[str, int]]) -> str:
    """A row a checkpoint, newest first: the same noise in the same column."""
    rows = []
    for stage, step in reversed(steps):
        cells = [element("span", f"{stage} {step}", "pst-step")]
        for label in PATHOLOGIES:
            addresses: list[str] = []
            while (file := paths.preview(stage, step, label, len(addresses))).is_file():
                key = ImageKey(preview_set(stage, step), label, len(addresses))
                addresses.append(image_address(paths.name, key, file_version(file)))
            cells.append(pictures(addresses, f"{label} at {step}", label))
        rows.append(element("div", join(cells), "pst-preview-row"))
    heads = join([element("span", ""), *(class_name(label, PATHOLOGY_NAMES[label]) for label in PATHOLOGIES)])
    table = join([element("div", heads, "pst-preview-row"), *rows])
    return card(heading("Previews at fixed noise"), table, kind="pst-previews")
