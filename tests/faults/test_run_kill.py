"""`polypstudio run`, killed (-9) at any moment and started again, ends in the results of a run that was left alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tiny_sd import runnable_study

from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations, load_manifest

KILLS = 5


def start(study: StudyPaths) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "polypstudio", "run", str(study.root), "--root", str(study.root.parent)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def results(study: StudyPaths) -> dict[str, Any]:
    """Everything a run leaves, without the times at which it was made."""
    found: dict[str, Any] = {}
    for path in sorted([*study.results.rglob("*.json"), *study.iterations.rglob("*.png")]):
        name = path.relative_to(study.root).as_posix()
        if path.suffix == ".json":
            found[name] = json.loads(path.read_text())
            found[name].pop("created")
        else:
            found[name] = path.read_bytes()
    return found


@pytest.mark.slow
def test_a_killed_run_is_taken_up_and_ends_the_same(tmp_path: Path) -> None:
    reference, killed = runnable_study(tmp_path / "reference"), runnable_study(tmp_path / "killed")
    began = time.monotonic()
    process = start(reference)
    output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    whole_run = time.monotonic() - began
    chance = random.Random(20261122)
    for _ in range(KILLS):
        process = start(killed)
        try:
            process.wait(chance.uniform(0.1, 0.9) * whole_run)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        # Whatever has its last file is whole.
        for iteration in complete_iterations(killed):
            assert len(list(killed.samples(iteration).rglob("*.png"))) == sum(
                load_manifest(killed, iteration).counts.values()
            )
        for path in killed.results.rglob("*.json"):
            json.loads(path.read_text())
    process = start(killed)
    output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    assert results(killed) == results(reference)
    assert not [path for path in killed.root.rglob(".*") if path.suffix in (".tmp", ".old")]
