"""Images of another tool: matched to the format of the real ones, unless they are wanted as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polypstudio import cli
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import load_manifest, sample_files


def picture(seed: int, side: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(60, 220, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    """A study of JPEGs of 48 px, and folders of framed PNGs of 100 px beside it."""
    for split in ("train", "test"):
        for label in ("ad", "non_ad"):
            folder = tmp_path / "data" / split / label
            folder.mkdir(parents=True)
            for n in range(4):
                picture(n, 48).save(folder / f"{n}.jpg", quality=50)
    for label in ("ad", "non_ad"):
        folder = tmp_path / "synthetic" / label
        folder.mkdir(parents=True)
        for n in range(3):
            framed = Image.new("RGB", (100, 100))
            framed.paste(picture(n, 80), (10, 10))
            framed.save(folder / f"{n}.png")
    assert cli.main(["new", "study", "--data", str(tmp_path / "data"), "--root", str(tmp_path)]) == 0
    return StudyPaths(tmp_path / "study")


def take(study: StudyPaths, *options: str) -> None:
    folders = [f"--{label}={study.root.parent / 'synthetic' / label.replace('-', '_')}" for label in ("ad", "non-ad")]
    assert cli.main(["import", "study", "--iteration=1", *folders, "--root", str(study.root.parent), *options]) == 0


def test_what_was_done_is_said_and_recorded(study: StudyPaths, capsys: pytest.CaptureFixture[str]) -> None:
    take(study)
    assert "borders cut off: 6 images" in capsys.readouterr().out
    assert load_manifest(study, 1).matching == {
        "borders cut off": 6, "reduced to 48 px": 6, "compressed as the real images": 6,
    }  # fmt: skip
    for path in sample_files(study, 1):
        with Image.open(path) as image:
            assert (image.format, image.size, image.info) == ("PNG", (48, 48), {})


def test_as_is_changes_nothing_but_the_container(study: StudyPaths) -> None:
    take(study, "--as-is")
    assert load_manifest(study, 1).matching == {}
    with (
        Image.open(sample_files(study, 1)[0]) as taken,
        Image.open(study.root.parent / "synthetic" / "ad" / "0.png") as given,
    ):
        np.testing.assert_array_equal(np.asarray(taken), np.asarray(given))
