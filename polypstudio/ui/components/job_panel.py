"""What runs, what waits and what ended: read from disk again and again, so that any page, reloaded or not, shows the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import gradio as gr
from markupsafe import Markup

from polypstudio import jobs
from polypstudio.errors import UserError
from polypstudio.records import Job
from polypstudio.ui.components.demo import READ_ONLY, SHIPPED
from polypstudio.ui.components.markup import acting_block, bar, button, card, duration, element, join, paragraph
from polypstudio.ui.context import Selection, StudyContext

SECONDS_BETWEEN_LOOKS = 2.0
SECONDS_WHEN_IDLE = 8.0  # something may be started on another page
SILENT_AFTER = 30.0  # seconds without a sign of life that are worth a word
ENDED_SHOWN = 2  # jobs of the chosen study
LOG_LINES = 14
ACTIVE = ("queued", "running")
RESUMABLE = ("stopped", "failed", "died")
STATES = {
    "queued": "waits for its turn",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "stopped": "stopped",
    "died": "died",
}
SURE = "End it at once? What it has not saved yet is lost; Stop saves first."


class JobPanel(NamedTuple):
    """The components of a panel; ``timer`` ticks faster while a job waits or runs."""

    html: gr.HTML
    timer: gr.Timer


Command = Callable[[Selection], tuple[str, list[str], str]]  # -> study, arguments after `polypstudio`, title


def build_job_panel(context: StudyContext, elem_id: str) -> JobPanel:
    """Builds the panel: the jobs under the root, the chosen study's first, with what can be asked of each."""
    panel = JobPanel(acting_block(elem_id), gr.Timer(SECONDS_WHEN_IDLE))
    seen = gr.State(("", False))  # what is shown, and whether something waited or ran then

    context.on_selection(_look, [*panel, seen])
    # Through the queue, as in StudyContext.refresh: else no page hears of the version that the end of a job makes.
    event: dict[str, Any] = {"queue": True, "concurrency_limit": None, "show_progress": "hidden"}
    context.listen(panel.timer.tick, _look_again, [*panel, seen, context.version], [seen, context.version], **event)
    context.refresh(context.on_act(panel.html, _act))
    return panel


def start_on(context: StudyContext, button: gr.Button, command: Command) -> Any:
    """``button`` puts ``command(selection)`` into the queue; all tabs look again."""

    def start(selection: Selection) -> None:
        start_job(context, selection, *command(selection))

    return context.refresh(context.listen(button.click, start, None))


def start_job(
    context: StudyContext, selection: Selection, study: str, arguments: list[str], title: str, **more: Any
) -> None:
    """Puts a command into the queue. The study that ships with a public demo is refused."""
    if context.demo and study == SHIPPED:
        raise UserError(READ_ONLY)
    jobs.start(selection.root, study, arguments, title, **more)


def shown_jobs(selection: Selection) -> list[Job]:
    """What runs and waits, in its order; what ended last in the chosen study; and one of another: a copy run from here."""
    everything = jobs.list_jobs(selection.root)
    active = [job for job in everything if job.state in ACTIVE]
    ended = [job for job in everything if job.state not in ACTIVE]
    own = [job for job in ended if job.study == selection.study][:ENDED_SHOWN]
    others = [job for job in everything if job.study != selection.study][:1]
    return (
        sorted(active, key=lambda job: (job.device, job.state != "running", job.position))
        + own
        + [job for job in others if job.state not in ACTIVE]
    )


def _look(selection: Selection) -> tuple[Any, ...]:
    jobs.keep_going(selection.root)
    found = shown_jobs(selection)
    active = any(job.state in ACTIVE for job in found)
    html = "".join(job_card(selection, job) for job in found)
    timer = gr.Timer(SECONDS_BETWEEN_LOOKS if active else SECONDS_WHEN_IDLE)
    return gr.HTML(value=html, visible=bool(found)), timer, (html, active)


def _look_again(selection: Selection, seen: tuple[str, bool], version: int) -> tuple[Any, ...]:
    """As :func:`_look`; nothing where nothing has changed. When the last job has ended, or one was started on another
    page, the version makes all tabs show what there is now."""
    html, timer, now = _look(selection)
    if now == tuple(seen):
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    return html, timer, now, version + 1 if seen[1] != now[1] else gr.skip()


def _act(selection: Selection, asked: Mapping[str, Any]) -> None:
    """A button of a job's card. The job is looked up among those under the root: a browser's word never becomes a path."""
    job = next((job for job in jobs.list_jobs(selection.root) if job.id == asked.get("job")), None)
    if job is None:
        raise UserError("that job is no longer there")
    acts: dict[str, Callable[[], object]] = {
        "stop": lambda: jobs.stop(selection.root, job),
        "kill": lambda: jobs.kill(selection.root, job),
        "resume": lambda: jobs.resume(selection.root, job),
        "earlier": lambda: jobs.move(selection.root, job, -1),
        "later": lambda: jobs.move(selection.root, job, 1),
    }
    acts.get(str(asked.get("act")), lambda: None)()


def job_card(selection: Selection, job: Job) -> str:
    """One job: its title, state, progress, what can be asked of it, its command, and the end of what it printed."""
    folder = jobs.folder_of(selection.root, job)
    requested = folder.requested() if job.state == "running" else None
    state = "stopping: saves first" if requested == "stop" else STATES[job.state]
    device = f" · {job.device}" if len(jobs.devices()) > 1 else ""
    parts = [
        element("b", job.title),
        element("span", f"{job.study} · {state}{_for_how_long(job)}{device}", f"pst-state {job.state}"),
    ]
    progress = folder.progress()
    if progress is not None and job.state == "running":
        text = " · ".join(filter(None, (progress.step, progress.message)))
        parts += [bar(progress.done, progress.total), paragraph(text, "pst-soft")]
    parts += [paragraph(text, kind) for text, kind in _remarks(selection, job)]
    parts.append(_buttons(job, requested))
    if job.state == "done" and job.study != selection.study:
        parts.append(Markup('<p><a href="?study={0}">Open {0}</a></p>').format(job.study))
    if job.study == selection.study and (log := folder.log_tail(LOG_LINES)):
        opened = Markup(" open") if job.state in ("failed", "died") else ""
        parts.append(Markup("<details{}><summary>log</summary><pre>{}</pre></details>").format(opened, log))
    parts.append(element("code", jobs.shell_command(job.command, selection.root), "pst-soft"))
    return card(join(parts), kind="pst-job")


def _buttons(job: Job, requested: str | None) -> Markup:
    found = []
    if job.state == "running":
        found.append(button("Stop", "stop", job=job.id, disabled=requested is not None))
        found.append(button("Kill", "kill", job=job.id, sure=SURE))
    elif job.state == "queued":
        found.append(button("Earlier", "earlier", job=job.id))
        found.append(button("Later", "later", job=job.id))
        found.append(button("Take out", "stop", job=job.id))
    elif job.state in RESUMABLE:
        found.append(button("Resume", "resume", job=job.id))
    return element("p", join(found), "pst-row") if found else Markup("")


def _remarks(selection: Selection, job: Job) -> list[tuple[str, str]]:
    """What is worth a word: how it ended, that it is silent, that its configuration is no longer the study's."""
    folder, remarks = jobs.folder_of(selection.root, job), []
    if job.message:
        remarks.append((job.message, "pst-warn" if job.state in ("failed", "died") else "pst-soft"))
    beat = folder.last_beat()
    if job.state == "running" and beat is not None and time.time() - beat > SILENT_AFTER:
        remarks.append((f"no sign of life for {duration(time.time() - beat)}", "pst-warn"))
    paths = selection.paths
    current = paths.config.read_bytes() if paths and paths.name == job.study else None
    if job.state in ACTIVE and current and folder.config.is_file() and folder.config.read_bytes() != current:
        remarks.append(("study.toml has changed since: this job keeps what it was queued with", "pst-soft"))
    return remarks


def _for_how_long(job: Job) -> str:
    if job.started is None:
        return ""
    seconds = (job.ended or time.time()) - job.started
    return f" · {duration(seconds)}"
