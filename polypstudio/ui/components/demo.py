"""The public demo: its study is never changed; a visitor runs stage 2 anew on a copy."""

from __future__ import annotations

from polypstudio import jobs
from polypstudio.errors import UserError
from polypstudio.store.studies import list_studies
from polypstudio.ui.context import Selection, StudyContext

SHIPPED = "demo"
MOST_COPIES = 10
READ_ONLY = "the demo study stays as it was shipped: run stage 2 anew on a copy, in the tab Fine-tune"


def is_read_only(context: StudyContext, selection: Selection) -> bool:
    """Whether the chosen study is the one that ships."""
    return context.demo and selection.study == SHIPPED


def rerun_command(selection: Selection) -> tuple[str, list[str], str]:
    """Study, arguments and title of a new run of the chosen study's second stage, with all its evidence.

    Raises UserError while another one runs, or when there are many copies already.
    """
    source = selection.study
    if source is None:
        raise UserError("no study is chosen")
    if any(job.state in ("queued", "running") for job in jobs.list_jobs(selection.root)):
        raise UserError("something runs already, see below: wait for it, or stop it")
    taken = {study.name for study in list_studies(selection.root)} | {
        job.study for job in jobs.list_jobs(selection.root)
    }
    copies = [f"{source}-run-{i}" for i in range(1, MOST_COPIES + 1)]
    free = next((name for name in copies if name not in taken), None)
    if free is None:
        raise UserError(f"{MOST_COPIES} copies of {source} exist: remove some of their folders first")
    return free, ["rerun", source, free], f"Stage 2 of {source} anew"
