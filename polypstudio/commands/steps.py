"""`train`, `sample`, `evaluate`, `classify` and `run`: plans of the pipeline over one study."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from polypstudio.console import Console
from polypstudio.stopping import stop_on_signals
from polypstudio.store.atomic import sweep
from polypstudio.store.locks import exclusive
from polypstudio.store.paths import StudyPaths, find_study

if TYPE_CHECKING:
    from polypstudio.pipeline.context import Context
    from polypstudio.pipeline.runner import Step

Stop = Callable[[], bool]


@contextlib.contextmanager
def working_on(study: StudyPaths) -> Iterator[Console]:
    """Holds the study for this process alone, and clears what a killed process left behind."""
    console = Console()
    with exclusive(study.lock, f"{study.name} is being worked on by another process; wait for it, or stop it"):
        sweep(study.root)
        yield console
    console.finish()


def _run(options: argparse.Namespace, plan: Callable[[Context, Stop], Iterator[Step]]) -> dict[str, Any]:
    from polypstudio.pipeline.context import Context
    from polypstudio.pipeline.runner import run_steps

    study = find_study(options.study, options.root)
    began = time.monotonic()
    with stop_on_signals() as stop, working_on(study) as console:
        outcome = run_steps(study, plan(Context.of(study), stop), lambda step: console.announce(step.title), stop=stop)
    seconds = time.monotonic() - began
    if not options.json:
        done = ", ".join(outcome.ran) or "nothing to do"
        print(f"{study.name}: {done} ({len(outcome.skipped)} steps were current, {seconds:.1f} s)", file=sys.stderr)
    return {"study": str(study.root), "ran": outcome.ran, "skipped": outcome.skipped, "seconds": round(seconds, 2)}


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Both stages of fine-tuning."""
    from polypstudio.pipeline import plans

    return _run(options, plans.training)


def sample(options: argparse.Namespace) -> dict[str, Any]:
    """The synthetic images of every iteration."""
    from polypstudio.pipeline import plans

    return _run(options, lambda context, stop: plans.sampling(context))


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Features and evidence; prints the KID matrix of every iteration, rankings, coverage and agreement of encoders."""
    from polypstudio.pipeline import plans

    answer = _run(options, lambda context, stop: plans.evaluation(context, encoder_of(options, context.config)))
    return {**answer, **_show_evidence(options)}


def classify(options: argparse.Namespace) -> dict[str, Any]:
    """The augmentation test."""
    from polypstudio.pipeline import plans

    return _run(options, lambda context, stop: plans.augmentation(context))


def run_all(options: argparse.Namespace) -> dict[str, Any]:
    """All steps."""
    from polypstudio.pipeline import plans

    answer = _run(options, lambda context, stop: plans.everything(context, encoder_of(options, context.config), stop))
    return {**answer, **_show_evidence(options)}


def encoder_of(options: argparse.Namespace, config: Any) -> str:
    """The encoder asked for, or the study's."""
    return options.encoder or config.evaluation.encoder


def _show_evidence(options: argparse.Namespace) -> dict[str, Any]:
    """Prints the tables, or hands over the results as they are stored."""
    from polypstudio.commands.tables import evidence_lines
    from polypstudio.store.contents import load_contents
    from polypstudio.store.studies import load_config

    study = find_study(options.study, options.root)
    contents = load_contents(study, encoder_of(options, load_config(study)))
    if not options.json:
        print("\n".join(evidence_lines(contents)))
    results = {"kid": contents.kid, "ranking": contents.ranking, "coverage": contents.coverage, "leaks": contents.leaks}
    return {name: result.model_dump(mode="json") for name, result in results.items() if result is not None}
