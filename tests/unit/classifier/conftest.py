"""A study whose classes anyone can tell apart: red against blue squares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polypstudio.config import ClassificationConfig, DataConfig, StudyConfig
from polypstudio.data.layouts import read_dataset
from polypstudio.records import IterationManifest, RealImage
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import save_manifest

COLOURS = {"ad": (200, 60, 60), "non_ad": (60, 60, 200)}
SIZE = 32


def square(label: str, seed: int) -> np.ndarray:
    """Noise around the colour of a class, uint8 (32, 32, 3)."""
    noise = np.random.default_rng(seed).normal(scale=40, size=(SIZE, SIZE, 3))
    return (np.array(COLOURS[label]) + noise).clip(0, 255).astype(np.uint8)


def fill(folder: Path, label: str, count: int, seed: int) -> None:
    folder.mkdir(parents=True)
    for n in range(count):
        Image.fromarray(square(label, seed + n)).save(folder / f"{n:05d}.png")


Squares = Callable[[int, int], tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def squares() -> Squares:
    """(count, seed) -> ``count`` images of each class as uint8 (n, 32, 32, 3), and 0 for red, 1 for blue."""

    def draw(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([square(label, seed + n) for label in COLOURS for n in range(count)]), np.repeat([0, 1], count)

    return draw


@pytest.fixture
def config() -> StudyConfig:
    return StudyConfig(
        title="squares",
        data=DataConfig(path="data"),
        classification=ClassificationConfig(
            epochs=4, image_size=SIZE, batch_size=8, learning_rate=1e-3, seeds=(0, 1), synthetic_per_real=0.5
        ),
    )


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    """24 + 16 real images, and the iterations 100 and 200 with 8 and 3 synthetic images of each class."""
    study = StudyPaths(tmp_path / "squares")
    for offset, label in enumerate(COLOURS):
        fill(study.root / "data/train" / label, label, 12, 1000 * offset)
        fill(study.root / "data/test" / label, label, 8, 1000 * offset + 500)
        for iteration, count in ((100, 8), (200, 3)):
            fill(study.samples(iteration) / label, label, count, 1000 * offset + iteration)
    for iteration in (100, 200):
        save_manifest(study, IterationManifest(iteration=iteration, origin="imported images", created="today"))
    return study


@pytest.fixture
def images(study: StudyPaths) -> list[RealImage]:
    return read_dataset(study.root / "data", "folder")
