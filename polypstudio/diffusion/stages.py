"""The two stages of fine-tuning as data: which images a batch is drawn from, with which words, and what is trained.

Only the training split is ever drawn from. No torch here: what a stage is decides whether it must run at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from polypstudio.config import Mixture, TrainingConfig
from polypstudio.data.prompts import prompt
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, Label, RealImage

POLYP_PRIOR = "polyp_prior"
PATHOLOGY = "pathology"


class Example(NamedTuple):
    """A training image and the words for it."""

    image: RealImage
    prompt: str


@dataclass(frozen=True)
class Pool:
    """Examples that are drawn alike. ``weight`` is the share of a batch relative to the stage's other pools."""

    name: str
    weight: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Stage:
    """One stage: ``frozen`` are prefixes of U-Net parameter names, ``checkpoints`` the steps at which it saves."""

    name: str
    pools: tuple[Pool, ...]
    steps: int
    learning_rate: float
    ema_decay: float
    frozen: tuple[str, ...]
    checkpoints: tuple[int, ...]

    @property
    def images(self) -> list[RealImage]:
        """The distinct images that the stage draws from."""
        return list(dict.fromkeys(example.image for pool in self.pools for example in pool.examples))

    @property
    def prompts(self) -> list[str]:
        """The distinct prompts of the stage."""
        return sorted({example.prompt for pool in self.pools for example in pool.examples})


def build_stages(training: TrainingConfig, images: Sequence[RealImage]) -> list[Stage]:
    """The stages that ``training`` asks for, in order; ``polyp_prior`` is left out where it has no steps.

    Raises UserError where a class or a source of the mixture has no training image.
    """
    train = [image for image in images if image.split == "train"]
    prior, pathology = training.polyp_prior, training.pathology
    stages = [
        Stage(
            PATHOLOGY,
            _pathology_pools(train, pathology.mixture),
            pathology.steps,
            pathology.learning_rate,
            pathology.ema_decay,
            pathology.frozen,
            tuple(pathology.checkpoints),
        )
    ]
    if prior.steps:
        pools = _prior_pools(train)
        stages.insert(
            0, Stage(POLYP_PRIOR, pools, prior.steps, prior.learning_rate, prior.ema_decay, (), (prior.steps,))
        )
    return stages


def _prior_pools(train: Sequence[RealImage]) -> tuple[Pool, ...]:
    """Polyps of any class under one word, and frames without a polyp; every image is drawn equally often."""
    polyps = _examples((image for image in train if image.label != "non_polyp"), "unlabelled")
    without = _examples((image for image in train if image.label == "non_polyp"), "non_polyp")
    pools = (Pool("polyp", len(polyps), polyps), Pool("non_polyp", len(without), without))
    return tuple(pool for pool in pools if pool.examples)


def _pathology_pools(train: Sequence[RealImage], mixture: Mixture) -> tuple[Pool, ...]:
    """Both classes in equal parts whatever their numbers, a share of the first stage, and unlabelled polyps."""
    pools = [
        Pool(label, mixture.labelled / 2, _examples((i for i in train if i.label == label and _is_sharp(i)), label))
        for label in PATHOLOGIES
    ]
    for pool in pools:
        if not pool.examples:
            raise UserError(
                f"the dataset has no {PATHOLOGY_NAMES[pool.name]} image of high quality in its training split: "
                "fine-tuning needs both classes"
            )
    rehearsal = _prior_pools(train)
    drawn = sum(pool.weight for pool in rehearsal)
    pools += [
        replace(pool, name=f"rehearsal_{pool.name}", weight=mixture.rehearsal * pool.weight / drawn)
        for pool in rehearsal
    ]
    unlabelled = _examples((image for image in train if image.label == "unlabelled"), "unlabelled")
    if mixture.unlabelled and not unlabelled:
        raise UserError(
            f"training.pathology.mixture.unlabelled is {mixture.unlabelled:g} but the dataset has no unlabelled image "
            "in its training split: set it to 0"
        )
    pools.append(Pool("unlabelled", mixture.unlabelled, unlabelled))
    return tuple(pool for pool in pools if pool.weight > 0)


def _examples(images: Iterable[RealImage], label: Label) -> tuple[Example, ...]:
    return tuple(Example(image, prompt(label, image.quality or "high")) for image in images)


def _is_sharp(image: RealImage) -> bool:
    """Images whose quality the dataset does not tell count as high."""
    return image.quality != "low"
