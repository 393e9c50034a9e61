"""What a reading consists of, and the items that are drawn for it."""

from __future__ import annotations

import itertools
import math
import random
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from polypstudio.errors import UserError
from polypstudio.reading.questions import PAIRS, SINGLE, QuestionName
from polypstudio.records import PATHOLOGIES, ImageKey, Pathology, Record

SECONDS_LOOKING, SECONDS_A_PICTURE_MORE, SECONDS_A_KEY, SECONDS_A_REMARK = 4.0, 3.0, 3.0, 6.0

Available = Mapping[tuple[str, str], int]


class Stratum(Record):
    """One image set of the design and how many of its images are drawn from each class."""

    image_set: str = Field(description="real/train, real/test, reconstruction/train or iterations/001000")
    per_class: int = Field(gt=0)

    @property
    def is_real(self) -> bool:
        return self.image_set.startswith("real/")


class ReadingDesign(Record):
    """What a reading consists of. Every reader sees the same items, each in an order of their own.

    ``single``: one image at a time. ``pairs``: every synthetic image beside a real one of its class (2AFC).
    """

    strata: tuple[Stratum, ...] = Field(min_length=1)
    classes: tuple[Pathology, ...] = Field(PATHOLOGIES, min_length=1)
    protocol: Literal["single", "pairs"] = "single"
    questions: tuple[QuestionName, ...] = Field(SINGLE, min_length=1)
    training: Annotated[int, Field(ge=0, le=20)] = Field(
        0, description="items with feedback before the reading, per class: pairs, or real and synthetic images each"
    )
    repeats: Annotated[float, Field(ge=0, le=0.3)] = 0.1
    block_size: Annotated[int, Field(gt=0)] = 50
    seed: int = 0

    @model_validator(mode="after")
    def _questions_fit_the_protocol(self) -> ReadingDesign:
        asked, foreign = (PAIRS, SINGLE) if self.is_pairs else (SINGLE, PAIRS)
        if not set(asked) & set(self.questions) or set(foreign) & set(self.questions):
            raise ValueError(f"a reading of {self.protocol} asks {' or '.join(asked)} and not {' or '.join(foreign)}")
        if self.is_pairs and len({stratum.is_real for stratum in self.strata}) < 2:
            raise ValueError("a reading of pairs needs real and synthetic images")
        return self

    @property
    def is_pairs(self) -> bool:
        return self.protocol == "pairs"

    @property
    def n_items(self) -> int:
        """Images, or pairs, that each reader judges; training apart."""
        judged = [stratum for stratum in self.strata if not (self.is_pairs and stratum.is_real)]
        return sum(stratum.per_class for stratum in judged) * len(self.classes)

    @property
    def n_training(self) -> int:
        return self.training * len(self.classes) * (1 if self.is_pairs else 2)

    @property
    def n_repeats(self) -> int:
        """Items that each reader sees a second time, unannounced."""
        return round(self.repeats * self.n_items)

    @property
    def n_showings(self) -> int:
        return self.n_training + self.n_items + self.n_repeats

    @property
    def n_blocks(self) -> int:
        """Blocks of the reading itself; training is before the first."""
        return math.ceil((self.n_items + self.n_repeats) / self.block_size)

    @property
    def lag(self) -> int:
        """Least distance between the two showings of a repeated item."""
        return min(self.block_size, self.n_items // 2)

    @property
    def expected_minutes(self) -> float:
        """Per reader: ten seconds a showing with the two questions of default."""
        keys = sum(SECONDS_A_REMARK if name == "comment" else SECONDS_A_KEY for name in self.questions)
        looking = SECONDS_LOOKING + (SECONDS_A_PICTURE_MORE if self.is_pairs else 0)
        return self.n_showings * (looking + keys) / 60


class Item(Record):
    """One image of the design, or in a reading of pairs an image and its real ``partner``.

    ``id`` is random: nothing of the image can be computed from it.
    """

    id: str
    image: ImageKey
    partner: ImageKey | None = None
    training: bool = False


def random_id() -> str:
    """128 random bits as 22 URL-safe characters."""
    return secrets.token_urlsafe(16)


def make_items(design: ReadingDesign, available: Available, new_id: Callable[[], str] = random_id) -> list[Item]:
    """Draws the images of every stratum at random, by the design's seed, and then those of the training.

    ``available``: (image set, class) -> number of images. Samples of the same index start from the same noise at all
    iterations and look alike, so indices are dealt from one deck per class: an index comes up at two iterations only
    when the deck is exhausted. Raises UserError where there are fewer images than the design asks for.
    """
    decks = _Decks(design.seed, available)
    drawn = [
        (stratum, key)
        for stratum in design.strata
        for label in design.classes
        for key in decks.deal(stratum.image_set, label, stratum.per_class)
    ]
    training = _training_images(design, decks)
    real = [key for stratum, key in drawn if stratum.is_real]
    if not design.is_pairs:
        return [
            *(Item(id=new_id(), image=key) for _, key in drawn),
            *(Item(id=new_id(), image=key, training=True) for key in training),
        ]
    judged = [key for stratum, key in drawn if not stratum.is_real]
    taught = [key for key in training if not key.image_set.startswith("real/")]
    return [
        *(Item(id=new_id(), image=k, partner=p) for k, p in _paired(judged, real, design.seed)),
        *(
            Item(id=new_id(), image=k, partner=p, training=True)
            for k, p in _paired(taught, [key for key in training if key.image_set.startswith("real/")], design.seed)
        ),
    ]


class _Decks:
    """Shuffled indices of each kind of image and class, dealt from the top; no set gives the same image twice."""

    def __init__(self, seed: int, available: Available) -> None:
        self.seed = seed
        self.available = available
        self.dealt: dict[tuple[str, str], int] = defaultdict(int)
        self.given: dict[tuple[str, str], set[int]] = defaultdict(set)

    def deal(self, image_set: str, label: Pathology, n: int) -> list[ImageKey]:
        size = self.available.get((image_set, label), 0)
        given = self.given[image_set, label]
        if len(given) + n > size:
            raise UserError(f"{image_set}, {label}: {len(given) + n} images asked for, {size} there: ask for fewer")
        name = image_set.split("/")[0] if image_set.startswith("iterations/") else image_set
        deck = random.Random(f"{self.seed}:{name}:{label}:{size}").sample(range(size), size)
        keys: list[ImageKey] = []
        while len(keys) < n:
            index = deck[self.dealt[name, label] % size]
            self.dealt[name, label] += 1
            if index not in given:
                given.add(index)
                keys.append(ImageKey(image_set, label, index))
        return keys


def _training_images(design: ReadingDesign, decks: _Decks) -> list[ImageKey]:
    """Images beyond those that are judged: real ones of the first real set, synthetic ones of all the others in turn."""
    if not design.training:
        return []
    real = [stratum.image_set for stratum in design.strata if stratum.is_real]
    synthetic = [stratum.image_set for stratum in design.strata if not stratum.is_real]
    if not real or not synthetic:
        raise UserError("training shows real and synthetic images: choose both kinds, or no training")
    images = []
    for label in design.classes:
        images += decks.deal(real[0], label, design.training)
        for image_set in itertools.islice(itertools.cycle(synthetic), design.training):
            images += decks.deal(image_set, label, 1)
    return images


def _paired(images: list[ImageKey], real: list[ImageKey], seed: int) -> Iterator[tuple[ImageKey, ImageKey]]:
    """Every image with a real one of its class; the real ones come round again only when all have been used."""
    partners = {}
    for label in PATHOLOGIES:
        own = [key for key in real if key.label == label]
        random.Random(f"{seed}:partners:{label}").shuffle(own)
        partners[label] = itertools.cycle(own)
    return ((key, next(partners[key.label])) for key in images)
