"""`train`, `sample`, `evaluate`, `classify` and `run`: plans of the pipeline over one study."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from polypstudio import processes
from polypstudio.config import StudyConfig
from polypstudio.console import Console
from polypstudio.stopping import Stop, stop_on_signals
from polypstudio.store.atomic import sweep
from polypstudio.store.locks import exclusive
from polypstudio.store.paths import StudyPaths, find_study
from polypstudio.store.studies import load_config, read_config

if TYPE_CHECKING:
    from polypstudio.pipeline.context import Context
    from polypstudio.pipeline.runner import Step


@contextlib.contextmanager
def working_on(study: StudyPaths) -> Iterator[Console]:
    """Holds the study for this process (or those it works with), and clears what a killed process left behind."""
    console = Console()
    busy = f"{study.name} is being worked on by another process; wait for it, or stop it"
    with exclusive(study.lock, busy) if processes.is_main() else contextlib.nullcontext():
        if processes.is_main():
            sweep(study.root)
        processes.wait()
        yield console
    console.finish()


def _run(options: argparse.Namespace, plan: Callable[[Context, Stop], Iterator[Step]]) -> dict[str, Any]:
    from polypstudio.pipeline.context import Context
    from polypstudio.pipeline.runner import run_steps

    study = find_study(options.study, options.root)
    began = time.monotonic()
    with stop_on_signals() as stop, working_on(study) as console:
        context = Context(study, config_of(options, study))
        outcome = run_steps(study, plan(context, stop), lambda step: console.announce(step.title), stop=stop)
    seconds = time.monotonic() - began
    if not options.json and processes.is_main():
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


def config_of(options: argparse.Namespace, study: StudyPaths) -> StudyConfig:
    """The configuration given with --config (a job's is the one with which it was put into the queue), or the study's."""
    if options.config is None:
        return load_config(study)
    return read_config(options.config)


def encoder_of(options: argparse.Namespace, config: Any) -> str:
    """The encoder asked for, or the study's."""
    return options.encoder or config.evaluation.encoder


def _show_evidence(options: argparse.Namespace) -> dict[str, Any]:
    """Prints the tables, or hands over the results as they are stored."""
    from polypstudio.commands.tables import evidence_lines
    from polypstudio.store.contents import load_contents

    study = find_study(options.study, options.root)
    contents = load_contents(study, encoder_of(options, config_of(options, study)))
    if not options.json and processes.is_main():
        print("\n".join(evidence_lines(contents)))
    results = {"kid": contents.kid, "ranking": contents.ranking, "coverage": contents.coverage, "leaks": contents.leaks}
    return {name: result.model_dump(mode="json") for name, result in results.items() if result is not None}
