"""Planted faults that the audit has to find, each in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from polypstudio.data.audit import audit
from polypstudio.data.duplicates import difference_hash, near_pairs
from polypstudio.errors import UserError


def picture(seed: int) -> np.ndarray:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(64, 64, 3)), (4, 4, 0))
    return ((smooth / np.abs(smooth).max() + 1) * 127).astype(np.uint8)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for seed, path in enumerate(
        f"{s}/{c}/{n}.png" for s in ("train", "test") for c in ("ad", "non_ad") for n in range(3)
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(tmp_path / path)
    return tmp_path


def test_a_sound_dataset(dataset: Path) -> None:
    report = audit(dataset, "folder")
    assert report.ok
    assert report.counts == {"train": {"ad": 3, "non_ad": 3}, "test": {"ad": 3, "non_ad": 3}}
    assert report.groups == {"train": 6, "test": 6}
    assert report.formats == {"PNG RGB 64 × 64": 12}
    assert report.split_given
    assert report.lines()[-1] == "nothing wrong"


def test_identical_pixels_in_another_format_leak(dataset: Path) -> None:
    Image.fromarray(picture(0)).save(dataset / "test/ad/copy.bmp")
    report = audit(dataset, "folder")
    assert report.identical_across_splits == [["test/ad/copy.bmp", "train/ad/0.png"]]
    assert not report.ok
    assert "  test/ad/copy.bmp = train/ad/0.png" in report.lines()


def test_identical_images_within_a_split_are_no_leak(dataset: Path) -> None:
    Image.fromarray(picture(0)).save(dataset / "train/non_ad/copy.png")
    report = audit(dataset, "folder")
    assert report.identical_within_split == [["train/ad/0.png", "train/non_ad/copy.png"]]
    assert report.ok


def test_a_recompressed_smaller_copy_is_nearly_identical(dataset: Path) -> None:
    Image.fromarray(picture(1)).resize((48, 48)).save(dataset / "test/ad/copy.jpg", quality=80)
    report = audit(dataset, "folder")
    assert report.near_across_splits == [["test/ad/copy.jpg", "train/ad/1.png"]]
    assert not report.identical_across_splits


def test_near_images_of_one_group_are_expected(dataset: Path) -> None:
    (dataset / "train/ad/case").mkdir()
    for name, quality in (("a", 95), ("b", 60)):
        Image.fromarray(picture(50)).save(dataset / f"train/ad/case/{name}.jpg", quality=quality)
    assert audit(dataset, "folder").near_within_split == []


def test_unreadable_files_are_listed_and_the_rest_is_read(dataset: Path) -> None:
    (dataset / "train/ad/empty.png").touch()
    (dataset / "test/non_ad/broken.jpg").write_bytes(b"\xff\xd8\xff")
    report = audit(dataset, "folder")
    assert [item.path for item in report.unreadable] == ["test/non_ad/broken.jpg", "train/ad/empty.png"]
    assert "0 bytes" in report.unreadable[1].reason
    assert report.formats == {"PNG RGB 64 × 64": 12}
    assert not report.ok


def test_groups_with_both_classes_and_unstated_quality_are_counted(dataset: Path) -> None:
    for label in ("ad", "non_ad"):
        (dataset / f"train/{label}/case").mkdir()
        Image.fromarray(picture(90 + len(label))).save(dataset / f"train/{label}/case/1.png")
    report = audit(dataset, "folder")
    assert report.groups_with_both_classes == 1
    assert report.quality == {"unstated": 14}
    assert report.groups["train"] == 7


def test_progress_reaches_its_end(dataset: Path) -> None:
    seen = []
    audit(dataset, "folder", lambda done, total, message="": seen.append((done, total)))
    assert seen[-1] == (12, 12)


def test_a_dataset_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        audit(tmp_path / "none", "folder")


def test_near_pairs_are_those_of_a_plain_double_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polypstudio.data.duplicates._COMPARISONS_AT_ONCE", 50)  # several blocks
    hashes = np.array([difference_hash(picture(n % 9)) for n in range(20)])
    groups = np.arange(20) % 2
    expected = {(i, j) for i in range(20) for j in range(i + 1, 20) if i % 9 == j % 9 and i % 2 != j % 2}
    assert expected
    assert set(near_pairs(hashes, groups)) == expected
