"""The study's own classifier as an encoder: trained on the real training images, so it may judge against held-out ones only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from polypstudio.classifier.arms import real_arm
from polypstudio.classifier.network import Classifier, create_classifier, penultimate
from polypstudio.classifier.run import load_pixels
from polypstudio.classifier.training import Schedule, fine_tune
from polypstudio.config import ClassificationConfig
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.records import PATHOLOGIES, RealImage
from polypstudio.store.atomic import write_bytes


def train_encoder(
    images: Sequence[RealImage],
    data_root: Path,
    settings: ClassificationConfig,
    path: Path,
    report: Report = silent,
) -> None:
    """Trains the arm of real images with the first seed, as the augmentation test does, and keeps its weights."""
    arm = real_arm(images, data_root)
    pixels = load_pixels(arm.files, settings.image_size)
    classes = np.array([PATHOLOGIES.index(label) for label in arm.labels])
    schedule = Schedule(
        steps=settings.epochs * math.ceil(arm.n_real / settings.batch_size),
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
    )
    seed = settings.seeds[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = create_classifier(settings.model, settings.pretrained)
        fine_tune(classifier, pixels, classes, schedule, seed, report)
    weights = {name: tensor.contiguous() for name, tensor in classifier.module.state_dict().items()}
    write_bytes(path, save(weights))


def load_encoder(path: Path, settings: ClassificationConfig) -> Callable[[np.ndarray], np.ndarray]:
    """The trained classifier's features (n, d) of pixels (n, size, size, 3) uint8."""
    fresh = create_classifier(settings.model, pretrained=False)
    try:
        fresh.module.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError):
        raise UserError(f"{path}: not the weights of {settings.model}; delete the file and evaluate again") from None
    classifier = Classifier(
        fresh.module.eval().to(memory_format=torch.channels_last), fresh.mean, fresh.std, settings.pretrained
    )
    return lambda pixels: penultimate(classifier, pixels)
