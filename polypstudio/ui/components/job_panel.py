"""What runs, what waits and what ended: read from disk again and again, so that a reloaded page finds it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr
from markupsafe import Markup

from polypstudio import jobs
from polypstudio.errors import UserError
from polypstudio.records import Job
from polypstudio.ui.components.demo import READ_ONLY, SHIPPED
from polypstudio.ui.components.markup import bar, block, card, duration, element, join, paragraph
from polypstudio.ui.context import Selection, StudyContext

SECONDS_BETWEEN_LOOKS = 2.0
LOG_LINES = 14
ACTIVE = ("queued", "running")
STATES = {
    "queued": "waits for its turn",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "stopped": "stopped",
    "died": "died",
}


class JobPanel(NamedTuple):
    """The components of a panel; ``timer`` ticks while a job waits or runs."""

    html: gr.HTML
    stop: gr.Button
    timer: gr.Timer


Command = Callable[[Selection], tuple[str, list[str], str]]  # -> study, arguments after `polypstudio`, title


def build_job_panel(context: StudyContext, elem_id: str) -> JobPanel:
    """Builds the panel: the jobs under the root, the chosen study's first, and a button that stops what runs."""
    html = block(elem_id)
    stop = gr.Button("Stop", visible=False, size="sm", elem_id=f"{elem_id}-stop")
    timer = gr.Timer(SECONDS_BETWEEN_LOOKS, active=False)
    was_active = gr.State(False)
    panel = JobPanel(html, stop, timer)

    context.on_selection(_look, [*panel, was_active])
    context.listen(timer.tick, _look_again, [*panel, was_active, context.version], [was_active, context.version])
    stopped = context.listen(stop.click, _stop, None)
    context.refresh(stopped)
    return panel


def start_on(context: StudyContext, button: gr.Button, command: Command) -> Any:
    """``button`` starts ``command(selection)`` as a process; all tabs look again."""

    def start(selection: Selection) -> None:
        study, arguments, title = command(selection)
        if context.demo and study == SHIPPED:
            raise UserError(READ_ONLY)
        jobs.start(selection.root, study, arguments, title)

    return context.refresh(context.listen(button.click, start, None))


def shown_jobs(selection: Selection) -> list[Job]:
    """What waits or runs, then what ended last in the chosen study, and in any other: a copy that was run from here."""
    everything = jobs.list_jobs(selection.root)
    active = [job for job in everything if job.state in ACTIVE]
    own = [job for job in everything if job.study == selection.study][:1]
    others = [job for job in everything if job.study != selection.study][:1]
    ended = [job for job in own + others if job.state not in ACTIVE]
    return sorted(active, key=lambda job: (job.study != selection.study, job.state != "running", job.created)) + ended


def _look(selection: Selection) -> tuple[Any, ...]:
    found = shown_jobs(selection)
    active = any(job.state in ACTIVE for job in found)
    html = "".join(job_card(selection, job) for job in found)
    return gr.HTML(value=html, visible=bool(found)), gr.Button(visible=active), gr.Timer(active=active), active


def _look_again(selection: Selection, was_active: bool, version: int) -> tuple[Any, ...]:
    """As :func:`_look`; when the last job has ended, the version makes all tabs show what it made."""
    values = _look(selection)
    return *values, (version + 1 if was_active and not values[-1] else gr.skip())


def _stop(selection: Selection) -> None:
    active = [job for job in shown_jobs(selection) if job.state in ACTIVE]
    if not active:
        raise UserError("nothing runs: it has ended by itself")
    jobs.stop(selection.root, active[0])


def job_card(selection: Selection, job: Job) -> str:
    """One job: its title, state, progress, command, and the end of what it printed."""
    parts = [
        element("b", job.title),
        element("span", f"{job.study} · {STATES[job.state]}{_for_how_long(job)}", f"pst-state {job.state}"),
    ]
    progress = jobs.progress(selection.root, job)
    if progress is not None and job.state == "running":
        text = " · ".join(filter(None, (progress.step, progress.message)))
        parts += [bar(progress.done, progress.total), paragraph(text, "pst-soft")]
    if job.message:
        parts.append(paragraph(job.message, "pst-warn" if job.state in ("failed", "died") else "pst-soft"))
    if job.state == "done" and job.study != selection.study:
        parts.append(Markup('<p><a href="?study={0}">Open {0}</a></p>').format(job.study))
    if job.study == selection.study and (log := jobs.log_tail(selection.root, job, LOG_LINES)):
        opened = Markup(" open") if job.state != "done" else ""
        parts.append(Markup("<details{}><summary>log</summary><pre>{}</pre></details>").format(opened, log))
    parts.append(element("code", jobs.shell_command(job.command, selection.root), "pst-soft"))
    return card(join(parts), kind="pst-job")


def _for_how_long(job: Job) -> str:
    if job.started is None:
        return ""
    seconds = (job.ended or time.time()) - job.started
    return f" · {duration(seconds)}"
