"""KID matrix, neighbours and t-SNE as steps over stored features."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np

from polypstudio.encoders import encoder_version
from polypstudio.errors import UserError
from polypstudio.metrics.class_evidence import KidSettings, evidence
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.kid import default_subset_size
from polypstudio.metrics.memorization import copies, copy_threshold
from polypstudio.metrics.neighbours import class_agreement, real_agreement
from polypstudio.metrics.tsne import joint_embedding
from polypstudio.pipeline.features import Encoding
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import (
    PATHOLOGIES,
    KidResult,
    MapPoint,
    NeighbourResult,
    ReferenceEvidence,
    TsneResult,
)
from polypstudio.store.paths import iteration_set, real_set, reconstruction_set
from polypstudio.store.results import result_path, save_result
from polypstudio.store.studies import complete_iterations

REFERENCES: tuple[tuple[Literal["train", "held_out"], str], ...] = (("train", "train"), ("held_out", "test"))
MINIMUM = 2


def kid_step(encoding: Encoding) -> Step:
    """The KID matrix of every iteration against both references."""
    study, settings = encoding.context.study, encoding.context.config.evaluation

    def run(report: Report) -> None:
        arrays = {name: encoding.features(name) for name in encoding.sets}
        classes = {name: _classes(encoding, name, array) for name, array in arrays.items()}
        size = settings.subset_size or default_subset_size(
            len(each[label]) for name, each in classes.items() for label in PATHOLOGIES if _takes_part(name)
        )
        kid_settings = KidSettings(size, settings.subsets, settings.bootstrap, settings.permutations, settings.seed)
        iterations = complete_iterations(study)
        references: dict[Literal["train", "held_out"], ReferenceEvidence] = {}
        for done, (name, split) in enumerate(REFERENCES):
            report(done, len(REFERENCES), f"against the {split} images")
            if real_set(split) not in classes:
                continue
            references[name] = evidence(
                classes[real_set(split)],
                {n: classes[iteration_set(n)] for n in iterations},
                kid_settings,
                reconstruction=_reconstruction(encoding, split, arrays),
            )
        report(len(REFERENCES), len(REFERENCES))
        result = KidResult(**_provenance(encoding), subsets=settings.subsets, subset_size=size, references=references)
        save_result(study, encoding.encoder, result)

    return _step(
        encoding, "kid", "KID matrix", 1, KidResult, settings.model_dump(exclude={"perplexity", "neighbours"}), run
    )


def neighbour_step(encoding: Encoding) -> Step:
    """Class agreement and copies, both read off the nearest real training images."""
    study, settings = encoding.context.study, encoding.context.config.evaluation

    def run(report: Report) -> None:
        real = _classes(encoding, real_set("train"), encoding.features(real_set("train")))
        iterations = complete_iterations(study)
        k = settings.neighbours
        threshold = copy_threshold(real)
        agreement, copied = [], []
        for done, iteration in enumerate(iterations):
            report(done, len(iterations))
            name = iteration_set(iteration)
            synthetic = _classes(encoding, name, encoding.features(name))
            agreement.append(class_agreement(real, synthetic, iteration, k))
            copied.append(copies(real, synthetic, iteration, threshold))
        report(1, 1)
        result = NeighbourResult(
            **_provenance(encoding),
            k=k,
            real_agreement=real_agreement(real, k),
            agreement=agreement,
            copy_threshold=threshold,
            copies=copied,
        )
        save_result(study, encoding.encoder, result)

    return _step(encoding, "neighbours", "Nearest real images", 1, NeighbourResult, {"k": settings.neighbours}, run)


def tsne_step(encoding: Encoding) -> Step:
    """The joint map: one fit over the real images and all iterations, so that real points stand still."""
    study, settings = encoding.context.study, encoding.context.config.evaluation

    def run(report: Report) -> None:
        names = [real_set("train"), *(iteration_set(n) for n in complete_iterations(study))]
        features = np.concatenate([encoding.features(name) for name in names])
        keys = [key for name in names for key in encoding.sets[name].keys]
        report(0, 1, f"{len(keys)} images")
        perplexity = min(settings.perplexity, (len(keys) - 1) / 3)
        points = joint_embedding(features, perplexity, settings.seed)
        report(1, 1)
        result = TsneResult(
            **_provenance(encoding),
            perplexity=perplexity,
            points=[
                MapPoint(image_set=key.image_set, label=key.label, index=key.index, x=round(x, 4), y=round(y, 4))
                for key, (x, y) in zip(keys, points.tolist(), strict=True)
            ],
        )
        save_result(study, encoding.encoder, result)

    relevant = {"perplexity": settings.perplexity, "seed": settings.seed}
    return _step(encoding, "tsne", "t-SNE map", 1, TsneResult, relevant, run)


def _takes_part(name: str) -> bool:
    """Whether a set's size bounds the common subset size: the reconstructions are as many as their originals."""
    return not name.startswith("reconstruction")


def _classes(encoding: Encoding, name: str, features: np.ndarray) -> ClassFeatures:
    """A set's features by class. Raises UserError where a class has too few images for any KID."""
    image_set = encoding.sets[name]
    labels = np.array(image_set.labels)
    parts = {}
    for label in PATHOLOGIES:
        rows = np.flatnonzero(labels == label)
        if len(rows) < MINIMUM:
            raise UserError(f"{name}: {len(rows)} image(s) of {label}, a KID needs at least {MINIMUM}: add images")
        parts[label] = FeatureSet(features[rows], [image_set.groups[row] for row in rows])
    return ClassFeatures(**parts)


def _reconstruction(encoding: Encoding, split: str, arrays: dict[str, np.ndarray]) -> ClassFeatures | None:
    """The reconstructions of a split, each tied to the image it was made from; None where none were made."""
    name = reconstruction_set(split)
    if name not in arrays:
        return None
    classes = _classes(encoding, name, arrays[name])
    tied = {
        label: FeatureSet(classes[label].features, classes[label].groups, range(len(classes[label])))
        for label in PATHOLOGIES
    }
    return ClassFeatures(**tied)


def _provenance(encoding: Encoding) -> dict[str, Any]:
    """What every result says about how it came to be."""
    settings = encoding.context.config.evaluation.model_dump(exclude={"encoder"})
    return {
        "encoder": encoding.encoder,
        "inputs": encoding.inputs(),
        "settings": {
            **settings,
            "resolution": encoding.resolution,
            "encoder_version": encoder_version(encoding.encoder),
        },
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _step(encoding: Encoding, name: str, title: str, version: int, kind: Any, settings: Any, run: Any) -> Step:
    return Step(
        name=f"{name}-{encoding.encoder}",
        title=title,
        version=version,
        inputs=encoding.inputs(),
        settings={**settings, "resolution": encoding.resolution},
        outputs=[result_path(encoding.context.study, kind, encoding.encoder)],
        run=run,
    )
