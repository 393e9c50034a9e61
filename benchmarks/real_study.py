"""From raw files to all results on real images: time, memory, what a second run does, and what one loss costs.

    python benchmarks/real_study.py DATA [--root FOLDER]

DATA is a folder of real images in the layout `folder`. The study lies under --root (default: a temporary folder) and stays
there, so that the dashboard can open it. Budgets: the first run in 30 minutes and 8 GB on two cores, the second in 5 s.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ENCODER = "efficientnet-lite0"


def polypstudio(*arguments: object) -> tuple[dict[str, Any], float]:
    """Runs one command as a process of its own; returns its answer and the seconds it took."""
    began = time.monotonic()
    command = [sys.executable, "-m", "polypstudio", *map(str, arguments), "--json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(answer.stdout), time.monotonic() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--root", type=Path, default=None)
    given = options.parse_args()
    root = given.root or Path(tempfile.mkdtemp(prefix="real-study-"))
    study = root / "real"
    shutil.rmtree(study, ignore_errors=True)

    print(f"{time.strftime('%Y-%m-%d %H:%M')} · {platform.machine()} · Python {platform.python_version()}")
    polypstudio("new", "real", "--data", given.data, "--layout", "folder", "--preset", "tiny", "--root", root)
    first, seconds = polypstudio("run", "real", "--root", root)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"first run: {seconds / 60:.1f} min, largest process {memory:.1f} GB, study in {study}")
    for step, spent in first["ran"].items():
        print(f"  {step:<48} {spent:7.1f} s")

    second, seconds = polypstudio("run", "real", "--root", root)
    print(f"second run: {seconds:.1f} s, ran {list(second['ran']) or 'nothing'}")

    stamp = sorted((study / "steps").glob(f"features-{ENCODER}-iterations-*.json"))[0]
    for output in json.loads(stamp.read_text())["outputs"]:
        (study / output).unlink()
    third, seconds = polypstudio("run", "real", "--root", root)
    print(f"after deleting one iteration's features: {seconds:.1f} s, ran {list(third['ran'])}")


if __name__ == "__main__":
    main()
