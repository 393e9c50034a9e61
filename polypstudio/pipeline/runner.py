"""Runs steps in order and skips those whose inputs, settings and version are what they were."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polypstudio import processes
from polypstudio.progress import Report
from polypstudio.stopping import Stopped, never
from polypstudio.store.atomic import write_json
from polypstudio.store.paths import StudyPaths


@dataclass(frozen=True)
class Step:
    """A piece of work that declares what it depends on and what it leaves.

    ``inputs`` maps names to hashes of content, so that the fingerprint is the same on every machine. ``together``: each
    of several processes does its share; any other step is the main process's alone.
    """

    name: str
    title: str
    version: int
    inputs: Mapping[str, str]
    settings: Mapping[str, Any]
    outputs: Sequence[Path]
    run: Callable[[Report], None]
    together: bool = False

    @property
    def fingerprint(self) -> str:
        parts = [self.name, self.version, dict(self.inputs), dict(self.settings)]
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Outcome:
    """What a run did: names of the steps, and the seconds each took that ran."""

    ran: dict[str, float] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def is_current(study: StudyPaths, step: Step) -> bool:
    """Whether the step's stamp names this fingerprint and its outputs are there in the sizes that were written."""
    stamp = _stamp(study, step)
    return stamp.get("fingerprint") == step.fingerprint and stamp.get("outputs") == _sizes(study, step.outputs)


def unchanged_inputs(study: StudyPaths, step: Step) -> frozenset[str]:
    """Names of the inputs that are what they were when the step made its outputs by this version and these settings.

    What depends on these alone, a step may take from its earlier outputs. Empty where those are gone or not its own.
    """
    stamp = _stamp(study, step)
    made_so = stamp.get("version") == step.version and stamp.get("settings") == _as_stored(step.settings)
    if not made_so or stamp.get("outputs") != _sizes(study, step.outputs):
        return frozenset()
    before = stamp.get("inputs", {})
    return frozenset(name for name, content in step.inputs.items() if before.get(name) == content)


def _stamp(study: StudyPaths, step: Step) -> dict[str, Any]:
    """What the step's last run left; {} where there was none."""
    try:
        stamp = json.loads(study.stamp(step.name).read_bytes())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _as_stored(settings: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(settings), default=str))


def run_steps(
    study: StudyPaths,
    steps: Iterable[Step],
    announce: Callable[[Step], Report],
    stop: Callable[[], bool] = never,
) -> Outcome:
    """Runs the steps that are not current. ``steps`` may be lazy: a later step is declared after the earlier ones ran.

    The stamp is written after the outputs, so that a kill at any moment leads to the step being run again.
    Raises Stopped between two steps once ``stop`` says so.
    """
    outcome = Outcome()
    for step in steps:
        if processes.agreed(stop()):
            raise Stopped("stopped; what is done is kept, run again to go on")
        if processes.agreed(is_current(study, step)):
            outcome.skipped.append(step.name)
            continue
        began = time.monotonic()
        if step.together or processes.is_main():
            step.run(announce(step))
        seconds = time.monotonic() - began
        stamp = {
            "fingerprint": step.fingerprint,
            "version": step.version,
            "inputs": dict(step.inputs),
            "settings": _as_stored(step.settings),
            "outputs": _sizes(study, step.outputs),
            "seconds": round(seconds, 2),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        if processes.is_main():
            write_json(study.stamp(step.name), stamp)
        processes.wait()
        outcome.ran[step.name] = seconds
    return outcome


def _sizes(study: StudyPaths, outputs: Sequence[Path]) -> dict[str, int]:
    """Path below the study -> bytes in it; -1 for what is missing."""
    sizes = {}
    for path in outputs:
        if path.is_dir():
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        else:
            size = path.stat().st_size if path.is_file() else -1
        sizes[path.relative_to(study.root).as_posix()] = size
    return sizes
