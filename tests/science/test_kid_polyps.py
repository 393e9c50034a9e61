"""Known answers on 227 real images: held-out ones that pose as synthetic mean what they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from polypstudio.data.layouts import read_dataset
from polypstudio.encoders import encode
from polypstudio.metrics.class_evidence import KidSettings, evidence
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.memorization import copies, copy_threshold
from polypstudio.metrics.neighbours import class_agreement
from polypstudio.records import PATHOLOGIES, Split

SETTINGS = KidSettings(subset_size=15)


@pytest.fixture(scope="module")
def features(polyps: Path) -> dict[Split, ClassFeatures]:
    """efficientnet-lite0 features of the images of each split, with their groups."""
    pytest.importorskip("timm")
    images = [image for image in read_dataset(polyps, "folder") if image.label in PATHOLOGIES]
    array = encode("efficientnet-lite0", [polyps / image.path for image in images])

    def one_class(split: Split, label: str) -> FeatureSet:
        rows = [i for i, image in enumerate(images) if (image.split, image.label) == (split, label)]
        return FeatureSet(array[rows], [images[i].group for i in rows])

    return {split: ClassFeatures(one_class(split, "ad"), one_class(split, "non_ad")) for split in ("train", "test")}


def posing(classes: ClassFeatures, swapped: bool = False) -> ClassFeatures:
    """Real images as if synthetic: nothing is known about their groups."""
    ad, non_ad = (FeatureSet(classes[c].features) for c in PATHOLOGIES)
    return ClassFeatures(non_ad, ad) if swapped else ClassFeatures(ad, non_ad)


def test_held_out_images_posing_as_synthetic(features: dict[Split, ClassFeatures]) -> None:
    held_out = features["test"]
    result = evidence(features["train"], {1: posing(held_out), 2: posing(held_out, swapped=True)}, SETTINGS)
    right, swapped = result.iterations
    assert result.separation.kid == pytest.approx(0.0150, abs=5e-4)
    assert result.separation.p < 0.05
    assert right.alignment.value == pytest.approx(0.82, abs=0.05)
    assert right.alignment.p < 0.05
    assert right.alarms == []
    assert all(right.cell(c, c).kid <= right.cell(c, c).floor for c in PATHOLOGIES)
    assert swapped.alignment.value == pytest.approx(-0.82, abs=0.05)
    assert "swapped" in swapped.alarms


def test_a_mixture_of_the_classes_is_ignored_class(features: dict[Split, ClassFeatures]) -> None:
    """With 35 images a class one mixture may be uneven by chance, so the claim is about several of them."""
    pool = np.concatenate([features["test"][c].features for c in PATHOLOGIES])
    shuffles = [np.random.default_rng(seed).permutation(pool) for seed in range(8)]
    mixed = {i: ClassFeatures(FeatureSet(x[:35]), FeatureSet(x[35:])) for i, x in enumerate(shuffles)}
    found = evidence(features["train"], mixed, SETTINGS).iterations
    values = [e.alignment.value for e in found if e.alignment.value is not None]
    assert abs(np.mean(values)) < 0.4
    assert np.mean(["class_ignored" in e.alarms for e in found]) >= 0.75


def test_training_images_are_found_out_as_copies(features: dict[Split, ClassFeatures]) -> None:
    train, test = features["train"], features["test"]
    threshold = copy_threshold(train)
    flagged = [np.mean([i.is_copy for i in copies(train, posing(x), 1, threshold).images]) for x in (train, test)]
    assert flagged[0] >= 0.99
    assert flagged[1] <= 0.05


def test_neighbours_agree_with_the_class(features: dict[Split, ClassFeatures]) -> None:
    assert class_agreement(features["train"], posing(features["test"]), 1).overall > 0.52
    assert class_agreement(features["train"], posing(features["test"], swapped=True), 1).overall < 0.48
