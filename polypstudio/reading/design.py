"""Who sees what, in which order: a reading's design, the items it draws, and every reader's own sequence of showings."""

from __future__ import annotations

import math
import random
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES, ImageKey, Record

Question = Literal["source", "pathology"]
SECONDS_PER_SHOWING = 10.0


class Stratum(Record):
    """One image set of the design and how many of its images are drawn from each class."""

    image_set: str = Field(description="real/train, real/test, reconstruction or iterations/001000")
    per_class: int = Field(gt=0)


class ReadingDesign(Record):
    """What a reading consists of. Every reader sees the same items, each in an order of their own."""

    strata: tuple[Stratum, ...] = Field(min_length=1)
    repeats: Annotated[float, Field(ge=0, le=0.3)] = 0.1
    block_size: Annotated[int, Field(gt=0)] = 50
    seed: int = 0
    questions: tuple[Question, ...] = ("source", "pathology")

    @property
    def n_items(self) -> int:
        return sum(stratum.per_class for stratum in self.strata) * len(PATHOLOGIES)

    @property
    def n_repeats(self) -> int:
        """Items that each reader sees a second time, unannounced."""
        return round(self.repeats * self.n_items)

    @property
    def n_showings(self) -> int:
        return self.n_items + self.n_repeats

    @property
    def n_blocks(self) -> int:
        return math.ceil(self.n_showings / self.block_size)

    @property
    def lag(self) -> int:
        """Least distance between the two showings of a repeated item."""
        return min(self.block_size, self.n_items // 2)

    @property
    def expected_minutes(self) -> float:
        """Per reader, at ten seconds a showing."""
        return self.n_showings * SECONDS_PER_SHOWING / 60


class Item(Record):
    """One image of the design. ``id`` is random: nothing of the image can be computed from it."""

    id: str
    image: ImageKey


class Showing(Record):
    """One place in a reader's sequence. ``repeat``: the reader has seen this item before."""

    item: str
    repeat: bool


def random_id() -> str:
    """128 random bits as 22 URL-safe characters."""
    return secrets.token_urlsafe(16)


def make_items(
    design: ReadingDesign, available: Mapping[tuple[str, str], int], new_id: Callable[[], str] = random_id
) -> list[Item]:
    """Draws the images of every stratum at random, by the design's seed.

    ``available``: (image set, class) -> number of images. Samples of the same index start from the same noise at all
    iterations and look alike, so indices are dealt from one deck per class: an index comes up at two iterations only
    when the deck is exhausted. Raises UserError where a stratum asks for more images than there are.
    """
    dealt: dict[tuple[str, str], int] = {}
    items = []
    for stratum in design.strata:
        deck_name = (
            stratum.image_set.split("/")[0] if stratum.image_set.startswith("iterations/") else stratum.image_set
        )
        for label in PATHOLOGIES:
            n = available.get((stratum.image_set, label), 0)
            if stratum.per_class > n:
                raise UserError(
                    f"{stratum.image_set}, {label}: {stratum.per_class} images asked for, {n} there: ask for fewer"
                )
            deck = random.Random(f"{design.seed}:{deck_name}:{label}:{n}").sample(range(n), n)
            start = dealt.get((deck_name, label), 0)
            dealt[deck_name, label] = start + stratum.per_class
            drawn = (deck[(start + offset) % n] for offset in range(stratum.per_class))
            items += [Item(id=new_id(), image=ImageKey(stratum.image_set, label, index)) for index in drawn]
    return items


def reader_order(design: ReadingDesign, items: list[Item], reader_code: str) -> list[Showing]:
    """The sequence of one reader: all items shuffled, and some of them again at least ``design.lag`` places later."""
    rng = random.Random(f"{design.seed}:{reader_code}")
    first = [item.id for item in rng.sample(items, len(items))]
    repeats_before: dict[int, list[str]] = defaultdict(list)  # place in `first` -> repeats shown just before it
    for position in rng.sample(range(len(first) - design.lag), design.n_repeats):
        repeats_before[rng.randint(position + design.lag, len(first))].append(first[position])
    order: list[Showing] = []
    for place in range(len(first) + 1):
        order += [Showing(item=item, repeat=True) for item in repeats_before[place]]
        order += [Showing(item=item, repeat=False) for item in first[place : place + 1]]
    return order
