"""The study's own classifier as an encoder: trained as a step, then one encoding like any other, but for the images it saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from polypstudio.encoders import NETWORKS
from polypstudio.pipeline.context import Context
from polypstudio.pipeline.features import Encoding, common_resolution, image_sets
from polypstudio.pipeline.index import index_hash
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.store.paths import real_set, reconstruction_set
from polypstudio.store.studies import labelled

CLASSIFIER = "classifier"
SEEN = {real_set("train"), reconstruction_set("train")}
DECIDING = {"model", "pretrained", "epochs", "image_size", "batch_size", "learning_rate"}


def classifier_step(context: Context) -> Step:
    """Trains the classifier on the real training images."""
    study, settings = context.study, context.config.classification
    real = labelled(context.images, "train")

    def run(report: Report) -> None:
        from polypstudio.classifier.encoder import train_encoder

        train_encoder(context.images, context.data_root, settings, study.classifier, report)

    return Step(
        name="classifier-as-encoder",
        title="Training the classifier as an encoder",
        version=1,
        inputs={"real": context.hash_files(context.real_files(real)), "index": index_hash(context)},
        settings={**settings.model_dump(mode="json", include=DECIDING), "seed": settings.seeds[0]},
        outputs=[study.classifier],
        run=run,
    )


def classifier_encoding(context: Context) -> Encoding:
    """The classifier over all image sets but those it was trained on."""
    study, settings = context.study, context.config.classification
    sets = {name: image_set for name, image_set in image_sets(context).items() if name not in SEEN}

    def compute(files: Sequence[Path], resolution: int, report: Report) -> np.ndarray:
        from polypstudio.classifier.encoder import load_encoder
        from polypstudio.encoders import extract

        features_of = load_encoder(study.classifier, settings)
        return extract(features_of, CLASSIFIER, files, report, settings.image_size, resolution)

    return Encoding(
        context,
        CLASSIFIER,
        version=f"{settings.model}@{settings.image_size} trained on the real images, weights {context.hash_of(study.classifier)}",
        family=_family(settings.model),
        preprocessing=f"bicubic, antialiased, to {settings.image_size} × {settings.image_size} px; as the network expects",
        compute=compute,
        sets=sets,
        resolution=common_resolution(sets),
    )


def _family(model: str) -> str:
    """What the network had learnt before: as an encoder it shares that with the encoder it started from."""
    return NETWORKS[model].family if model in NETWORKS else f"timm's {model}"
