"""An attack on the blinding: what a reader's browser received, searched for the truth in every way we can think of.

``find_words`` looks for names in every byte, ``find_foreign_chunks`` for anything in an image that is no pixel, and
``guess_truth`` trains classifiers to tell real from synthetic by everything about an image but its pixels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

PIXELS = (b"IHDR", b"IDAT", b"IEND")


@dataclass(frozen=True)
class Received:
    """One answer as the browser got it: its address, headers and content, and when and how fast it came."""

    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = 0.0


@dataclass(frozen=True)
class Seen:
    """All that one showing brought. ``position``: in the reader's sequence; ``showing``: the id that the page was told."""

    showing: str
    position: int
    address: Received
    image: Received
    answer_seconds: float = 0.0


@dataclass(frozen=True)
class Guess:
    """How well the truth is told: the AUC on unseen showings, its upper 95 % bound, and by which features."""

    features: str
    auc: float
    upper: float
    n: int


@dataclass
class Report:
    """What an attack found."""

    words: list[str] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)

    def leaks(self, bound: float) -> set[str]:
        """The ways in which the truth got out: a name found, a foreign chunk, features that reach ``bound``."""
        found = {"words"} if self.words else set()
        found |= {"chunks"} if self.chunks else set()
        return found | {guess.features for guess in self.guesses if guess.upper > bound}


def attack(seen: list[Seen], real: np.ndarray, words: Iterable[str], others: Iterable[Received] = ()) -> Report:
    """Everything together. ``real`` (n,) bool is the truth of each showing; ``others``: answers that bring no image."""
    every = [*others, *(one.address for one in seen), *(one.image for one in seen)]
    return Report(
        find_words(every, words), find_foreign_chunks(one.image.body for one in seen), guess_truth(seen, real)
    )


def find_words(received: Iterable[Received], words: Iterable[str]) -> list[str]:
    """Where a word that tells something stands in an address, a header or a content (of an image, outside its pixels)."""
    found = []
    sought = [word.lower().encode() for word in words]
    for one in received:
        headers = "\n".join(f"{name}: {value}" for name, value in one.headers)
        body = _outside_pixels(one.body) if one.body.startswith(b"\x89PNG") else one.body
        everything = b"\n".join([one.path.encode(), headers.encode(), body]).lower()
        found += [f"{word.decode()} in {one.path}" for word in sought if word in everything]
    return found


def find_foreign_chunks(images: Iterable[bytes]) -> list[str]:
    """Chunks of PNGs that are neither header nor pixels nor end, bytes after the end, and files that are no PNG."""
    found = []
    for content in images:
        if not content.startswith(b"\x89PNG\r\n\x1a\n"):
            found.append("no PNG")
            continue
        kinds, end = _chunks(content)
        found += [kind.decode("latin-1") for kind in kinds if kind not in PIXELS]
        found += ["bytes after the end"] if end != len(content) else []
    return found


def guess_truth(seen: list[Seen], real: np.ndarray) -> list[Guess]:
    """By each kind of feature, and by all of them at once."""
    kinds = {
        "size": np.array(
            [[len(one.image.body), len(one.address.body), *_shape(one.image.body)] for one in seen], float
        ),
        "timing": np.array([[one.address.seconds, one.image.seconds, one.answer_seconds] for one in seen], float),
        "order": np.array([[one.position] for one in seen], float),
        "headers": np.array([_header_features(one.image) for one in seen], float),
        "ids": np.array([[*_text_features(one.showing), *_text_features(one.image.path)] for one in seen], float),
    }
    kinds["all"] = np.concatenate(list(kinds.values()), axis=1)
    return [_guess(name, features, np.asarray(real, bool)) for name, features in kinds.items()]


def _guess(name: str, features: np.ndarray, real: np.ndarray) -> Guess:
    """Out-of-fold scores of a forest; constant features tell nothing, and need no forest to say so."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    changing = features[:, features.std(axis=0) > 0]
    if not changing.shape[1]:
        return Guess(name, 0.5, 0.5, len(real))
    forest = RandomForestClassifier(50, min_samples_leaf=10, random_state=0, n_jobs=1)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    scores = cross_val_predict(forest, changing, real, cv=folds, method="predict_proba")[:, 1]
    area = float(roc_auc_score(real, scores))
    return Guess(name, area, area + 1.645 * _standard_error(area, int(real.sum()), int((~real).sum())), len(real))


def _standard_error(area: float, n_real: int, n_synthetic: int) -> float:
    """Hanley & McNeil 1982; written here anew, so that the attack rests on nothing that it attacks."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (n_real - 1) * (q1 - area**2) + (n_synthetic - 1) * (q2 - area**2)
    return float((spread / (n_real * n_synthetic)) ** 0.5)


def _header_features(received: Received) -> list[float]:
    """How many and how long they are, and their content as a number; the date by itself, since it always changes."""
    steady = [f"{name}:{value}" for name, value in received.headers if name != "date"]
    date = "".join(value for name, value in received.headers if name == "date")
    return [
        len(received.headers),
        sum(map(len, steady)),
        zlib.crc32("|".join(steady).encode()),
        zlib.crc32(date.encode()),
    ]


def _text_features(text: str) -> list[float]:
    """Of an id: its length and kinds of characters, and its first and last ones as numbers."""
    last = text.rpartition("/")[2]
    padded = (last + "\0" * 8)[:8]
    return [
        len(text),
        sum(c.isdigit() for c in last),
        sum(c.isupper() for c in last),
        sum(not c.isalnum() for c in last),
        *map(ord, padded),
        *(ord(c) for c in (("\0" * 4) + last)[-4:]),
    ]


def _shape(content: bytes) -> tuple[int, int]:
    return struct.unpack(">II", content[16:24]) if content.startswith(b"\x89PNG") else (0, 0)


def _chunks(content: bytes) -> tuple[list[bytes], int]:
    """The kinds of a PNG's chunks, and where the last one ends."""
    position, kinds = 8, []
    while position + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        kinds.append(kind)
        position += length + 12
        if kind == b"IEND":
            break
    return kinds, position


def _outside_pixels(content: bytes) -> bytes:
    """A PNG without what its IDAT chunks hold."""
    position, kept = 8, []
    while position + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        kept.append(kind if kind == b"IDAT" else content[position : position + length + 12])
        position += length + 12
    return b"".join(kept)
