"""Format matching: what separates two sets by their files alone is found and taken away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polypstudio.data.formats import border_share, jpeg_of, match, measure_format, without_border
from polypstudio.data.trivial import FILE_STATISTICS, IMAGE_STATISTICS, blockiness, trivial_statistics
from polypstudio.errors import UserError


def picture(seed: int, side: int = 96) -> np.ndarray:
    """Soft random colours with a little grain."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(60, 220, (6, 6, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(soft) + rng.normal(0, 4, (side, side, 1)), 0, 255).astype(np.uint8)


def saved(folder: Path, images: list[np.ndarray], suffix: str, **options: object) -> list[Path]:
    folder.mkdir()
    for n, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{n}{suffix}", **options)
    return sorted(folder.iterdir())


def framed(image: np.ndarray, width: int = 12) -> np.ndarray:
    return np.pad(image, ((width, width), (width, width), (0, 0)))


@pytest.fixture
def jpegs(tmp_path: Path) -> list[Path]:
    return saved(tmp_path / "real", [picture(n) for n in range(6)], ".jpg", quality=40)


def test_the_format_of_jpegs(jpegs: list[Path]) -> None:
    form = measure_format(jpegs)
    assert form.side == 96
    assert not form.bordered
    assert form.jpeg is not None
    assert form.jpeg == jpeg_of(jpegs[0])


def test_a_lossless_image_comes_to_look_as_the_jpeg_of_the_same_picture(jpegs: list[Path], tmp_path: Path) -> None:
    (png,) = saved(tmp_path / "png", [picture(0)], ".png")
    matched, done = match(png, measure_format(jpegs))
    assert done == ["compressed as the real images"]
    np.testing.assert_array_equal(np.asarray(matched), np.asarray(Image.open(jpegs[0])))


def test_a_jpeg_stays_as_it_is_and_is_not_compressed_twice(jpegs: list[Path], tmp_path: Path) -> None:
    (worse,) = saved(tmp_path / "worse", [picture(0)], ".jpg", quality=10)
    matched, done = match(worse, measure_format(jpegs))
    assert done == []
    np.testing.assert_array_equal(np.asarray(matched), np.asarray(Image.open(worse)))


def test_borders_are_cut_off_and_large_images_reduced(jpegs: list[Path], tmp_path: Path) -> None:
    large = framed(picture(3, 200), 20)
    (png,) = saved(tmp_path / "png", [large], ".png")
    matched, done = match(png, measure_format(jpegs))
    assert done == ["borders cut off", "reduced to 96 px", "compressed as the real images"]
    assert matched.size == (96, 96)
    assert border_share(np.asarray(matched)) == 0


def test_borders_stay_where_the_real_images_have_them(tmp_path: Path) -> None:
    real = saved(tmp_path / "real", [framed(picture(n)) for n in range(4)], ".png")
    form = measure_format(real)
    assert form.bordered
    assert form.jpeg is None
    matched, done = match(real[0], form)
    assert done == []
    np.testing.assert_array_equal(np.asarray(matched), framed(picture(0)))


def test_small_images_are_not_enlarged(jpegs: list[Path], tmp_path: Path) -> None:
    (small,) = saved(tmp_path / "small", [picture(1, 40)], ".png")
    assert match(small, measure_format(jpegs))[0].size == (40, 40)


def test_a_dark_image_has_no_border() -> None:
    black = np.zeros((30, 30, 3), np.uint8)
    assert border_share(black) == 0
    assert without_border(black).shape == black.shape
    assert without_border(framed(picture(0), 9)).shape == (96, 96, 3)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "note.jpg").write_text("no image")
    with pytest.raises(UserError, match=r"note\.jpg: not an image"):
        jpeg_of(tmp_path / "note.jpg")


@pytest.mark.parametrize("shift", [0, 3])
def test_the_grid_of_a_jpeg_shows_wherever_it_lies(tmp_path: Path, shift: int) -> None:
    plain, coarse = (
        saved(tmp_path / name, [picture(0, 128)], suffix, **options)
        for name, suffix, options in (("a", ".png", {}), ("b", ".jpg", {"quality": 10}))
    )
    grey = [np.asarray(Image.open(path).convert("L"), float)[shift:, shift:] for path in (*plain, *coarse)]
    assert blockiness(grey[1]) > blockiness(grey[0]) + 0.2


def test_statistics_have_names(jpegs: list[Path]) -> None:
    rows = trivial_statistics(jpegs, 64)
    assert rows.shape == (6, len(FILE_STATISTICS) + len(IMAGE_STATISTICS))
    assert np.isfinite(rows).all()
