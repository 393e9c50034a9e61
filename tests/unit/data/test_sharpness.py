from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from polypstudio.data.sharpness import assign_quality, quality_threshold, sharpness
from polypstudio.records import RealImage


def scene(seed: int) -> np.ndarray:
    """Smooth ground with some sharp edges."""
    rng = np.random.default_rng(seed)
    ground = ndimage.gaussian_filter(rng.normal(size=(96, 96, 3)), (12, 12, 0)) * 800 + 130
    ground[rng.integers(10, 40) : rng.integers(50, 90), 30:60] += 50
    return ground.clip(0, 255).astype(np.uint8)


def defocused(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2)))


@pytest.mark.parametrize("axis", [0, 1])
def test_defocus_and_motion_in_either_direction_lower_it(axis: int) -> None:
    for image in map(scene, range(5)):
        assert sharpness(defocused(image)) < sharpness(image)
        assert sharpness(ndimage.uniform_filter1d(image, 9, axis=axis)) < sharpness(image)


def test_it_does_not_depend_on_contrast() -> None:
    image = scene(0)
    assert sharpness(image * 0.5 + 60) == pytest.approx(sharpness(image))


def test_a_uniform_image_has_none() -> None:
    assert sharpness(np.full((16, 16, 3), 90, np.uint8)) == 0


def listed(root: Path, number: int, image: np.ndarray, split: str, quality: str | None = None) -> RealImage:
    Image.fromarray(image).save(root / f"{number}.png")
    return RealImage(path=f"{number}.png", label="ad", split=split, group=str(number), quality=quality)


def scene_of(root: Path, image: RealImage) -> np.ndarray:
    return np.asarray(Image.open(root / image.path))


def test_the_least_sharp_quarter_of_the_train_images_is_low(tmp_path: Path) -> None:
    images = [listed(tmp_path, n, scene(n) if n >= 2 else defocused(scene(n)), "train") for n in range(8)]
    images.append(listed(tmp_path, 8, defocused(scene(8)), "test"))
    images.append(listed(tmp_path, 9, scene(9), "test"))
    judged = assign_quality(tmp_path, images)
    assert [image.quality for image in judged] == ["low"] * 2 + ["high"] * 6 + ["low", "high"]
    threshold = quality_threshold(judged)
    assert threshold is not None
    assert all((image.quality == "low") == (sharpness(scene_of(tmp_path, image)) < threshold) for image in judged)
    assert quality_threshold(images) is None


def test_a_stated_quality_stays_and_is_not_measured(tmp_path: Path) -> None:
    images = [listed(tmp_path, 0, scene(0), "train", "low"), listed(tmp_path, 1, scene(1), "train", "high")]
    (tmp_path / "0.png").unlink()
    assert assign_quality(tmp_path, images) == images


def test_phantoms_that_are_blurred_are_found() -> None:
    from sklearn.metrics import roc_auc_score

    from polypstudio.data.phantom.rendering import render

    scores = {sharp: [sharpness(render("non_polyp", n, 0, sharp=sharp)) for n in range(8)] for sharp in (True, False)}
    assert roc_auc_score([1] * 8 + [0] * 8, scores[True] + scores[False]) > 0.95
