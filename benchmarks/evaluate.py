"""`polypstudio evaluate` with nothing changed, and with one new iteration beside that iteration alone.

The new iteration comes to a study whose others are evaluated; its own cost is the same command on a study that has no
other. In both, the features of the real images and their reconstructions are there. The t-SNE maps, which are fitted
anew to all images as steps of their own, are timed apart.

    python benchmarks/evaluate.py [STUDY] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations

NOTHING_BUDGET, NEW_BUDGET = 3.0, 1.3
MAPS = ("tsne-", "maps-")


class Spent(NamedTuple):
    """Seconds of one command: of its t-SNE maps, and of all else with its start."""

    evidence: float
    maps: float


def evaluate(study: StudyPaths) -> Spent:
    start = time.perf_counter()
    command = [sys.executable, "-m", "polypstudio", "evaluate", str(study.root), "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    whole = time.perf_counter() - start
    maps = sum(seconds for step, seconds in json.loads(answer)["ran"].items() if step.startswith(MAPS))
    return Spent(whole - maps, maps)


def without(study: StudyPaths, held_back: Path, iterations: list[int]) -> None:
    for iteration in iterations:
        shutil.move(study.iteration(iteration), held_back / str(iteration))


def again(study: StudyPaths, held_back: Path, iterations: list[int]) -> None:
    for iteration in iterations:
        shutil.move(held_back / str(iteration), study.iteration(iteration))


def forget(study: StudyPaths, iteration: int) -> None:
    """The iteration's features, and every result of the study; other features stay."""
    shutil.rmtree(study.results)
    for stamp in study.root.glob("steps/*.json"):
        if not stamp.stem.startswith("features-"):
            stamp.unlink()
        elif stamp.stem.endswith(f"iterations-{iteration:06d}"):
            for output in json.loads(stamp.read_bytes())["outputs"]:
                (study.root / output).unlink(missing_ok=True)
            stamp.unlink()


def one_round(source: Path, root: Path) -> tuple[Spent, Spent, Spent]:
    """Nothing changed, the new iteration alone, the new iteration beside the others."""
    study = StudyPaths(root / "study")
    shutil.copytree(source, study.root)
    held_back = root / "held-back"
    held_back.mkdir()
    *others, new = complete_iterations(study)
    evaluate(study)
    nothing = evaluate(study)
    forget(study, new)
    without(study, held_back, others)
    alone = evaluate(study)
    again(study, held_back, others)
    forget(study, new)
    without(study, held_back, [new])
    evaluate(study)
    again(study, held_back, [new])
    return nothing, alone, evaluate(study)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, nargs="?", default=Path("checkpoints/demo"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(one_round(options.study, Path(folder)))
    nothing, alone, beside = (Spent(*map(median, zip(*part, strict=True))) for part in zip(*rounds, strict=True))
    others = len(complete_iterations(StudyPaths(options.study))) - 1
    print(f"`polypstudio evaluate`, {others + 1} iterations, median of {options.rounds} rounds")
    print(f"{'':44}{'seconds':>9}{'t-SNE maps':>12}")
    print(f"{'nothing changed':44}{nothing.evidence:9.2f}{nothing.maps:12.2f}  budget {NOTHING_BUDGET:.0f}")
    print(f"{'one new iteration, no other':44}{alone.evidence:9.2f}{alone.maps:12.2f}")
    print(f"{f'one new iteration beside {others} others':44}{beside.evidence:9.2f}{beside.maps:12.2f}")
    print(f"ratio without the maps: {beside.evidence / alone.evidence:.2f}  budget {NEW_BUDGET}")


if __name__ == "__main__":
    main()
