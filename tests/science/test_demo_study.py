"""The demo study that ships: whole, small, current, and drawn by the very weights it ships."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polypstudio.config import TrainingConfig
from polypstudio.records import (
    PATHOLOGIES,
    ClassificationResult,
    CoverageResult,
    KidResult,
    LeakResult,
    MapsResult,
    NeighbourResult,
    RankingResult,
    TsneResult,
)
from polypstudio.store.contents import LEAKS
from polypstudio.store.paths import TINY_BASE, StudyPaths
from polypstudio.store.results import load_result
from polypstudio.store.studies import complete_iterations, load_config, load_index, load_manifest, sample_files

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def demo(repository: Path) -> StudyPaths:
    return StudyPaths(repository / "checkpoints" / "demo")


def shipped(repository: Path, folder: Path) -> list[Path]:
    """The files of a folder that git ships (what a run leaves beside them does not count)."""
    command = ["git", "ls-files", "-z", "--", str(folder)]
    listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    return [repository / name for name in listed.split("\0") if name]


def test_sizes(repository: Path, demo: StudyPaths) -> None:
    for folder, limit in ((demo.root, 60), (TINY_BASE, 16)):
        sizes = {path: path.stat().st_size for path in shipped(repository, folder)}
        assert sizes, f"{folder} is not committed"
        assert max(sizes.values()) <= 6 * MEGABYTE
        assert sum(sizes.values()) <= limit * MEGABYTE


def test_it_is_a_phantom_and_says_so(demo: StudyPaths) -> None:
    config = load_config(demo)
    assert config.data.phantom
    assert "not patients" in config.data.definition


def test_eight_whole_iterations_at_their_true_step_numbers(demo: StudyPaths) -> None:
    config = load_config(demo)
    assert config.training is not None
    iterations = complete_iterations(demo)
    assert iterations == config.training.checkpoints
    assert len(iterations) == 8
    for iteration in iterations:
        manifest = load_manifest(demo, iteration)
        assert TrainingConfig.model_validate(manifest.config["training"]) == config.training
        assert min(manifest.counts.values()) >= 32
        assert len(sample_files(demo, iteration)) == sum(manifest.counts.values())


def test_every_result_is_there_and_covers_all_iterations(demo: StudyPaths) -> None:
    config = load_config(demo)
    encoder, iterations = config.evaluation.encoder, complete_iterations(demo)
    kid = load_result(demo, KidResult, encoder)
    neighbours = load_result(demo, NeighbourResult, encoder)
    tsne = load_result(demo, TsneResult, encoder)
    arms = load_result(demo, ClassificationResult, config.classification.model)
    ranking = load_result(demo, RankingResult, encoder)
    coverage = load_result(demo, CoverageResult, encoder)
    maps = load_result(demo, MapsResult, encoder)
    leaks = load_result(demo, LeakResult, LEAKS)
    assert None not in (kid, neighbours, tsne, arms, ranking, coverage, maps, leaks)
    for reference in kid.references.values():
        assert [row.iteration for row in reference.iterations] == iterations
        assert reference.reconstruction is not None
    assert [row.iteration for row in neighbours.agreement] == iterations
    assert [row.iteration for row in neighbours.duplicates] == iterations
    assert [row.iteration for row in leaks.iterations] == iterations
    for name in kid.references:
        assert all([row.iteration for row in ranked.iterations] == iterations for ranked in ranking.references[name])
        assert [row.iteration for row in coverage.references[name].iterations] == iterations
    assert {each.alignment for each in maps.maps} == {"joint", "reference", "iteration"}
    assert [each.iteration for each in maps.maps if each.alignment == "iteration"] == iterations
    assert len({each.perplexity for each in maps.maps}) > 1
    assert len({each.seed for each in maps.maps}) > 1
    real = [image for image in load_index(demo) if image.split == "train" and image.label in PATHOLOGIES]
    assert len(tsne.points) == len(real) + sum(len(sample_files(demo, n)) for n in iterations)
    assert all(len(arm.runs) == len(config.classification.seeds) for arm in arms.arms)


def test_real_and_synthetic_images_carry_no_metadata(demo: StudyPaths) -> None:
    for path in [
        *sample_files(demo, complete_iterations(demo)[0]),
        *(demo.root / "data" / "train" / "ad").glob("*.png"),
    ]:
        with Image.open(path) as image:
            assert image.info == {}, path


def test_no_path_of_the_machine_that_made_it(repository: Path, demo: StudyPaths) -> None:
    for path in shipped(repository, demo.root):
        if path.suffix in (".json", ".toml", ".jsonl", ".csv", ".txt"):
            assert not re.search(r'"(/\w+/|[A-Z]:)', path.read_text()), path


@pytest.mark.slow
def test_a_second_run_does_nothing(demo: StudyPaths, tmp_path: Path) -> None:
    """In a copy, as a clone has it; and a lost feature file is made again, alone."""
    shutil.copytree(demo.root, tmp_path / "demo", ignore=shutil.ignore_patterns("jobs"))
    command = [sys.executable, "-m", "polypstudio", "run", "demo", "--root", str(tmp_path), "--json"]
    began = time.monotonic()
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert answer["ran"] == {}
    assert time.monotonic() - began < 10  # 5 s are promised on a quiet machine
    copy = StudyPaths(tmp_path / "demo")
    name = f"features-{load_config(copy).evaluation.encoder}-iterations-{complete_iterations(copy)[2]:06d}"
    (output,) = json.loads(copy.stamp(name).read_text())["outputs"]
    before = (copy.root / output).read_bytes()
    (copy.root / output).unlink()
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert list(answer["ran"]) == [name]
    assert len((copy.root / output).read_bytes()) == len(before)


@pytest.mark.slow
def test_four_samples_drawn_anew_equal_the_shipped_ones(demo: StudyPaths) -> None:
    """Within one grey level: from the shipped weights, by the shipped settings."""
    from polypstudio.diffusion.sample import draw

    config, iterations = load_config(demo), complete_iterations(demo)
    for iteration, label, indices in ((iterations[2], "ad", [0, 17]), (iterations[-1], "non_ad", [5, 31])):
        for index, image in zip(indices, draw(demo, config, iteration, label, indices), strict=True):
            stored = np.asarray(Image.open(demo.sample(iteration, label, index)))
            assert np.abs(image.astype(int) - stored.astype(int)).max() <= 1, (iteration, label, index)
