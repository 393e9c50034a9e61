"""A short fine-tuning of a classifier, and its predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from polypstudio.classifier.augmentation import augment
from polypstudio.classifier.network import Classifier
from polypstudio.progress import Report, silent
from polypstudio.records import PATHOLOGIES

WEIGHT_DECAY = 0.01
WARMUP_SHARE = 0.1


@dataclass(frozen=True)
class Schedule:
    """Optimizer steps of a training, the images in each, and the highest learning rate."""

    steps: int
    batch_size: int
    learning_rate: float


def fine_tune(
    classifier: Classifier,
    pixels: np.ndarray,
    classes: np.ndarray,
    schedule: Schedule,
    seed: int,
    report: Report = silent,
) -> None:
    """Trains all weights in place: AdamW, cosine with warm-up, cross-entropy weighted against class imbalance.

    ``pixels`` (n, size, size, 3) uint8; ``classes`` (n,), indices into ``PATHOLOGIES``. The order of images and their
    augmentation depend on ``seed`` alone.
    """
    generator = torch.Generator().manual_seed(seed)
    images, targets = torch.from_numpy(pixels), torch.from_numpy(classes)
    loss_of = nn.CrossEntropyLoss(weight=_class_weights(targets))
    module = _training_mode(classifier)
    optimizer = torch.optim.AdamW(module.parameters(), lr=schedule.learning_rate, weight_decay=WEIGHT_DECAY)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _warm_cosine(step, schedule.steps))
    for done, batch in enumerate(_batches(len(images), schedule, generator), start=1):
        loss = loss_of(classifier.logits(augment(images[batch], generator)), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        report(done, schedule.steps, f"loss {loss.item():.3f}")


def _training_mode(classifier: Classifier) -> nn.Module:
    """Pretrained networks keep the statistics of their normalisation: a short training on few images would leave running
    means between two worlds, and a mixed batch of real and synthetic images would shift those of both."""
    module = classifier.module.train().to(memory_format=torch.channels_last)
    if classifier.pretrained:
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
    return module


def predict(classifier: Classifier, pixels: np.ndarray, batch_size: int) -> np.ndarray:
    """P(AD) of images (n, size, size, 3) uint8, as float64 of shape (n,)."""
    classifier.module.eval()
    with torch.inference_mode():
        logits = [classifier.logits(batch) for batch in torch.from_numpy(pixels).split(batch_size)]
    return torch.cat(logits).double().softmax(dim=1)[:, PATHOLOGIES.index("ad")].numpy()


def _class_weights(targets: Tensor) -> Tensor:
    """Inverse to the class's share, 1 on average over the images."""
    counts = torch.bincount(targets, minlength=len(PATHOLOGIES))
    return len(targets) / (len(PATHOLOGIES) * counts)


def _warm_cosine(step: int, steps: int) -> float:
    warmup = max(1, round(WARMUP_SHARE * steps))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + float(np.cos(np.pi * (step - warmup) / max(1, steps - warmup))))


def _batches(n: int, schedule: Schedule, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of each step's images: pass after pass over all of them, each in a new order, last small batch left out."""
    size = min(schedule.batch_size, n)
    order = torch.empty(0, dtype=torch.long)
    for _ in range(schedule.steps):
        if len(order) < size:
            order = torch.randperm(n, generator=generator)
        yield order[:size]
        order = order[size:]
