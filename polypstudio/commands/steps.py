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
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, KidResult, Pathology
from polypstudio.stopping import Stop, stop_on_signals
from polypstudio.store.atomic import sweep
from polypstudio.store.locks import exclusive
from polypstudio.store.paths import StudyPaths, find_study
from polypstudio.store.results import load_result
from polypstudio.store.studies import load_config, read_config

if TYPE_CHECKING:
    from polypstudio.pipeline.context import Context
    from polypstudio.pipeline.runner import Step

# The columns of the paper's Table 2: within and across the classes, first of synthetic AD, then of synthetic Non-AD.
PAIRS: tuple[tuple[Pathology, Pathology], ...] = (
    ("ad", "ad"),
    ("ad", "non_ad"),
    ("non_ad", "non_ad"),
    ("non_ad", "ad"),
)


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
    """Features and evidence; prints the KID matrix of every iteration."""
    from polypstudio.pipeline import plans

    answer = _run(options, lambda context, stop: plans.evaluation(context, encoder_of(options, context.config)))
    return {**answer, **_show_matrix(options)}


def classify(options: argparse.Namespace) -> dict[str, Any]:
    """The augmentation test."""
    from polypstudio.pipeline import plans

    return _run(options, lambda context, stop: plans.augmentation(context))


def run_all(options: argparse.Namespace) -> dict[str, Any]:
    """All steps."""
    from polypstudio.pipeline import plans

    answer = _run(options, lambda context, stop: plans.everything(context, encoder_of(options, context.config), stop))
    return {**answer, **_show_matrix(options)}


def config_of(options: argparse.Namespace, study: StudyPaths) -> StudyConfig:
    """The configuration given with --config (a job's is the one with which it was put into the queue), or the study's."""
    if options.config is None:
        return load_config(study)
    return read_config(options.config)


def encoder_of(options: argparse.Namespace, config: Any) -> str:
    """The encoder asked for, or the study's."""
    return options.encoder or config.evaluation.encoder


def _show_matrix(options: argparse.Namespace) -> dict[str, Any]:
    study = find_study(options.study, options.root)
    result = load_result(study, KidResult, encoder_of(options, config_of(options, study)))
    if result is None:
        return {}
    if not options.json and processes.is_main():
        print("\n".join(matrix_lines(result)))
    return {"kid": result.model_dump(mode="json")}


def matrix_lines(result: KidResult) -> list[str]:
    """The KID matrix of every iteration as a table for a terminal."""
    lines = []
    for name, reference in result.references.items():
        separation = reference.separation
        counts = ", ".join(f"{reference.n_real[label]} {PATHOLOGY_NAMES[label]}" for label in PATHOLOGIES)
        lines += [
            "",
            f"{result.encoder} · real images: {name} ({counts}) · separation {separation.kid:.4f}, p {separation.p:.3f}",
            f"{'iteration':>12} {'AD|AD':>9} {'AD|Non':>9} {'Non|Non':>9} {'Non|AD':>9} "
            f"{'margin AD':>10} {'margin Non':>10} {'A':>7} {'CI':>15} {'p':>6}  alarms",
        ]
        for row in [*reference.iterations, *([reference.reconstruction] if reference.reconstruction else [])]:
            kids = " ".join(f"{row.cell(x, y).kid:9.4f}" for x, y in PAIRS)
            margins = " ".join(f"{row.margins[label].value:10.4f}" for label in PATHOLOGIES)
            value = "–" if row.alignment.value is None else f"{row.alignment.value:.2f}"
            ci = "–" if row.alignment.ci is None else "–".join(f"{bound:.2f}" for bound in row.alignment.ci)
            lines.append(
                f"{row.iteration or 'reconstruct.':>12} {kids} {margins} {value:>7} {ci:>15} "
                f"{row.alignment.p:6.3f}  {' '.join(row.alarms)}"
            )
        lines += [f"warning: {warning}" for warning in reference.warnings]
    return lines
