"""Feature sets as the metrics take them: one array a class, with the groups that tie its images together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polypstudio.errors import UserError
from polypstudio.metrics.gram import Array, Features
from polypstudio.records import PATHOLOGIES, Pathology


@dataclass(frozen=True)
class FeatureSet:
    """Features (n, d) of the images of one class.

    ``groups`` (n,): the patient, case or video of each image; a group may hold both classes. None: each image alone.
    ``sources`` (n,), of reconstructions only: the index, in the real set of the same class, of the image that each
    was made from. An image is never compared with its own source.
    """

    features: NDArray[np.floating]
    groups: Sequence[str] | None = None
    sources: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class ClassFeatures:
    """The two classes of one set of images, real or synthetic."""

    ad: FeatureSet
    non_ad: FeatureSet

    def __getitem__(self, pathology: Pathology) -> FeatureSet:
        return self.ad if pathology == "ad" else self.non_ad

    def counts(self) -> dict[Pathology, int]:
        """Number of images per class."""
        return {pathology: len(self[pathology]) for pathology in PATHOLOGIES}


def check_features(features: ArrayLike, name: str) -> Array:
    """The features as a float64 array (n, d), n >= 2.

    Raises UserError, naming the set, for fewer than two images, NaN or infinite values, or images that are all equal.
    """
    return checked(features, name).astype(np.float64, copy=False)


def checked(features: ArrayLike, name: str) -> Features:
    """The same in the precision in which they are given: 50,000 images are not copied."""
    array = np.asarray(features)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    if array.ndim != 2:
        raise UserError(f"{name}: features of shape {array.shape}, expected (images, dimensions): extract them again")
    if len(array) < 2:
        raise UserError(f"{name}: {len(array)} image(s), at least 2 are needed: add images")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        bad = np.count_nonzero(~finite)
        raise UserError(f"{name}: NaN or infinite features in {bad} of {len(array)} images: extract them again")
    if (array == array[0]).all():
        raise UserError(f"{name}: all {len(array)} images have the same features: check that the images differ")
    return array


def check_widths(sets: dict[str, Features]) -> None:
    """Raises UserError unless all feature arrays, given by name, have the same width."""
    widths = {name: array.shape[1] for name, array in sets.items()}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{name} {width}" for name, width in widths.items())
        raise UserError(f"features of different widths ({listed}): use one encoder for all sets")
