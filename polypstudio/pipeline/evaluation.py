"""What all steps over stored features share: classes of a set, provenance of a result, and how a step is declared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from polypstudio.errors import UserError
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.pipeline.features import Encoding
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import PATHOLOGIES, Result
from polypstudio.store.paths import iteration_set, reconstruction_set
from polypstudio.store.results import result_path
from polypstudio.store.studies import complete_iterations

ReferenceName = Literal["train", "held_out"]
REFERENCES: tuple[tuple[ReferenceName, str], ...] = (("train", "train"), ("held_out", "test"))
MINIMUM = 2


def classes_of(encoding: Encoding, name: str) -> ClassFeatures:
    """A set's features by class. Raises UserError where a class has too few images for any KID."""
    image_set, features = encoding.sets[name], encoding.features(name)
    labels = np.array(image_set.labels)
    parts = {}
    for label in PATHOLOGIES:
        rows = np.flatnonzero(labels == label)
        if len(rows) < MINIMUM:
            raise UserError(f"{name}: {len(rows)} image(s) of {label}, a KID needs at least {MINIMUM}: add images")
        parts[label] = FeatureSet(features[rows], [image_set.groups[row] for row in rows])
    return ClassFeatures(**parts)


def iterations_of(encoding: Encoding) -> dict[int, ClassFeatures]:
    """The features of every complete iteration."""
    return {n: classes_of(encoding, iteration_set(n)) for n in complete_iterations(encoding.context.study)}


def reconstruction_of(encoding: Encoding, split: str) -> ClassFeatures | None:
    """The reconstructions of a split, each tied to the image it was made from; None where none were made."""
    name = reconstruction_set(split)
    if name not in encoding.sets:
        return None
    classes = classes_of(encoding, name)
    tied = {
        label: FeatureSet(classes[label].features, classes[label].groups, range(len(classes[label])))
        for label in PATHOLOGIES
    }
    return ClassFeatures(**tied)


def evaluation_step(
    encoding: Encoding,
    name: str,
    title: str,
    version: int,
    kinds: Sequence[type[Result]],
    settings: Mapping[str, Any],
    run: Callable[[Report], None],
) -> Step:
    """A step that makes results of these kinds from the features of every set of an encoding."""
    return Step(
        name=f"{name}-{encoding.encoder}",
        title=title,
        version=version,
        inputs=encoding.inputs(),
        settings={**settings, "resolution": encoding.resolution},
        outputs=[result_path(encoding.context.study, kind, encoding.encoder) for kind in kinds],
        run=run,
    )


def provenance(encoding: Encoding, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What every result says about how it came to be."""
    return {
        "encoder": encoding.encoder,
        "inputs": encoding.inputs(),
        "settings": {
            **{key: _plain(value) for key, value in settings.items() if key != "encoder"},
            "resolution": encoding.resolution,
            "encoder_version": encoding.version,
            "encoder_family": encoding.family,
            "preprocessing": encoding.preprocessing,
        },
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _plain(value: Any) -> Any:
    return ", ".join(f"{each:g}" for each in value) if isinstance(value, tuple) else value
