"""The stages of fine-tuning as data: which images a batch is drawn from, with which words, and what is trained.

Only the training split is ever drawn from. No torch here: what a stage is decides whether it must run at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from polypstudio.config import SourceConfig, StageConfig, TrainingConfig
from polypstudio.data.prompts import prompt
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGY_NAMES, RealImage


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
    """One stage.

    ``trainable`` and ``frozen`` are patterns of U-Net parameter names, ``checkpoints`` the steps at which it saves: of
    the last stage, the study's iterations.
    """

    name: str
    pools: tuple[Pool, ...]
    steps: int
    learning_rate: float
    ema_decay: float
    checkpoints: tuple[int, ...]
    warm_up: int | None = None
    trainable: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    is_last: bool = True

    @property
    def images(self) -> list[RealImage]:
        """The distinct images that the stage draws from."""
        return list(dict.fromkeys(example.image for pool in self.pools for example in pool.examples))

    @property
    def prompts(self) -> list[str]:
        """The distinct prompts of the stage."""
        return sorted({example.prompt for pool in self.pools for example in pool.examples})


def build_stages(training: TrainingConfig, images: Sequence[RealImage]) -> list[Stage]:
    """The stages that ``training`` asks for, in order, with the images of the training split that each draws from.

    Raises UserError where a source of a stage, or a class that it is to balance, has no such image.
    """
    train = [image for image in images if image.split == "train"]
    return [_build(stage, train, is_last=stage is training.stages[-1]) for stage in training.stages]


def _build(config: StageConfig, train: Sequence[RealImage], is_last: bool) -> Stage:
    checkpoints = config.checkpoints
    if not is_last and checkpoints[-1] != config.steps:
        checkpoints.append(config.steps)  # what the next stage starts from
    pools = [pool for source in config.sources if source.ratio != 0 for pool in _pools(config, source, train)]
    return Stage(
        name=config.name,
        pools=tuple(pools),
        steps=config.steps,
        learning_rate=config.learning_rate,
        warm_up=config.warm_up,
        ema_decay=config.ema_decay,
        trainable=config.trainable,
        frozen=config.frozen,
        checkpoints=tuple(checkpoints),
        is_last=is_last,
    )


def _pools(stage: StageConfig, source: SourceConfig, train: Sequence[RealImage]) -> list[Pool]:
    """A source as pools: one a class, equal in weight, or polyps and frames without one, each image equal in weight.

    (Equal images would need one pool only. Two keep the draws, and so the weights, of studies made before this list.)
    """
    images = [image for image in train if image.label in source.labels and _is_good(image, source)]
    if source.balance == "classes":
        pools = [_pool(label, [i for i in images if i.label == label], source) for label in source.labels]
        empty = next((pool for pool in pools if not pool.examples), None)
        if empty:
            raise _nothing_to_draw(stage, source, PATHOLOGY_NAMES.get(empty.name, empty.name))
        pools = [replace(pool, weight=1) for pool in pools]
    else:
        prefix = source.name and source.name + "_"
        pools = [
            _pool(f"{prefix}polyp", [i for i in images if i.label != "non_polyp"], source),
            _pool(f"{prefix}non_polyp", [i for i in images if i.label == "non_polyp"], source),
        ]
        pools = [pool for pool in pools if pool.examples]
        if not pools:
            raise _nothing_to_draw(stage, source, source.title)
    if source.ratio is None:
        return pools
    drawn = sum(pool.weight for pool in pools)
    return [replace(pool, weight=source.ratio * pool.weight / drawn) for pool in pools]


def _pool(name: str, images: Sequence[RealImage], source: SourceConfig) -> Pool:
    examples = tuple(Example(image, prompt(image.label, image.quality or "high", source.prompt)) for image in images)
    return Pool(name, len(examples), examples)


def _is_good(image: RealImage, source: SourceConfig) -> bool:
    """Images whose quality the dataset does not tell count as high; those whose sharpness was not measured, as sharp."""
    wanted = source.quality is None or (image.quality or "high") == source.quality
    return wanted and (image.sharpness is None or image.sharpness >= source.min_sharpness)


def _nothing_to_draw(stage: StageConfig, source: SourceConfig, what: str) -> UserError:
    good = f" of {source.quality} quality" if source.quality else ""
    good += f" with a sharpness of {source.min_sharpness:g} or more" if source.min_sharpness else ""
    return UserError(
        f"the dataset has no {what} image{good} in its training split, which source `{source.title}` of stage "
        f"{stage.name} draws from: add images, or take that source out of study.toml (or set its ratio to 0)"
    )
