"""Every reader's own sequence of showings, and the blocks in which it is read."""

from __future__ import annotations

import math
import random
from collections import defaultdict

from polypstudio.reading.design import Item, ReadingDesign
from polypstudio.records import Record


class Showing(Record):
    """One place in a reader's sequence. ``repeat``: the reader has seen this item before.

    ``swapped``: of a pair, the real image stands on the left.
    """

    item: str
    repeat: bool
    swapped: bool = False


class Block(Record):
    """Where in the blocks of a reading a position lies: ``inside`` of ``length`` in block ``number`` of ``blocks``.

    Training is block 0.
    """

    number: int
    blocks: int
    inside: int
    length: int


def reader_order(design: ReadingDesign, items: list[Item], reader_code: str) -> list[Showing]:
    """The sequence of one reader: training, then all items shuffled, some of them again ``design.lag`` places later."""
    rng = random.Random(f"{design.seed}:{reader_code}")
    judged = [item for item in items if not item.training]
    taught = [item.id for item in items if item.training]
    first = [item.id for item in rng.sample(judged, len(judged))]
    repeats_before: dict[int, list[str]] = defaultdict(list)  # place in `first` -> repeats shown just before it
    for position in rng.sample(range(len(first) - design.lag), design.n_repeats):
        repeats_before[rng.randint(position + design.lag, len(first))].append(first[position])
    order = [(item, False) for item in rng.sample(taught, len(taught))]
    for place in range(len(first) + 1):
        order += [(item, True) for item in repeats_before[place]]
        order += [(item, False) for item in first[place : place + 1]]
    sides = _balanced(rng, len(order)) if design.is_pairs else [False] * len(order)
    return [
        Showing(item=item, repeat=repeat, swapped=swapped) for (item, repeat), swapped in zip(order, sides, strict=True)
    ]


def block_of(design: ReadingDesign, position: int) -> Block:
    """The block of a position; one beyond the end is in the last block."""
    position = min(position, design.n_showings - 1)
    if position < design.n_training:
        return Block(number=0, blocks=design.n_blocks, inside=position, length=design.n_training)
    judged = design.n_showings - design.n_training
    number, inside = divmod(position - design.n_training, design.block_size)
    length = min(design.block_size, judged - number * design.block_size)
    return Block(number=number + 1, blocks=math.ceil(judged / design.block_size), inside=inside, length=length)


def can_undo(design: ReadingDesign, position: int) -> bool:
    """Whether the answer before ``position`` may be taken back: not after its feedback, nor once its block is over."""
    return position > design.n_training and (position - design.n_training) % design.block_size != 0


def _balanced(rng: random.Random, n: int) -> list[bool]:
    """As many true as false, in random order."""
    sides = [i % 2 == 0 for i in range(n)]
    rng.shuffle(sides)
    return sides
