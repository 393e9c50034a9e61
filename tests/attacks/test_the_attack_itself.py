"""An attack that finds nothing proves nothing unless it finds what is there: six leaks, planted one at a time."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from reading_attack import Received, Seen, attack

from polypstudio.reading.png import plain_png

N = 600
WORDS = ("real/test", "iterations/", "synthetic-0")
BOUND = 0.6


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return np.random.default_rng(0).permutation(np.arange(N) % 2 == 0)


def drawn_id(rng: np.random.Generator) -> str:
    """As the app makes its ids, but from a seed: by chance alone, 9 of 120 sets of ids passed for a leak."""
    return base64.urlsafe_b64encode(rng.bytes(16)).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def clean(truth: np.ndarray) -> list[Seen]:
    """What a reading app without any leak would send: real images are smoother, which only their pixels tell."""
    rng = np.random.default_rng(1)
    seen = []
    for position, real in enumerate(truth):
        noise = rng.integers(0, 40 if real else 256, (16, 16, 3)).astype(np.uint8)
        headers = (("content-type", "image/png"), ("date", f"Tue, 24 Nov 2026 10:00:{position % 60:02d} GMT"))
        seen.append(
            Seen(
                drawn_id(rng),
                position,
                Received("/read/gradio_api/component_server/", 200, (), b'{"address":"x"}', rng.gamma(4, 0.002)),
                Received(f"/reading-image/{drawn_id(rng)}", 200, headers, plain_png(noise), 0.25 + rng.gamma(2, 0.002)),
                rng.gamma(4, 0.003),
            )
        )
    return seen


def path(one: Seen, real: bool, rng: np.random.Generator) -> Seen:
    name = f"/reading-image/{'real/test' if real else 'synthetic-0'}/{one.position}"
    return replace(one, image=replace(one.image, path=name))


def text_chunk(one: Seen, real: bool, rng: np.random.Generator) -> Seen:
    """As Pillow writes what a generator put into the file."""
    content = b"prompt\0a polyp" if not real else b"Exif\0\0camera"
    chunk = struct.pack(">I", len(content)) + b"tEXt" + content + struct.pack(">I", zlib.crc32(b"tEXt" + content))
    body = one.image.body
    return replace(one, image=replace(one.image, body=body[:33] + chunk + body[33:]))


def size(one: Seen, real: bool, rng: np.random.Generator) -> Seen:
    """The same pixels, compressed: how well that goes is content."""
    file = io.BytesIO()
    Image.open(io.BytesIO(one.image.body)).save(file, "PNG")
    return replace(one, image=replace(one.image, body=file.getvalue()))


def order(one: Seen, real: bool, rng: np.random.Generator) -> Seen:
    """Real images tend to come first."""
    return replace(one, position=int(rng.normal(200 if real else 400, 150)))


def timing(one: Seen, real: bool, rng: np.random.Generator) -> Seen:
    """Four milliseconds more to decode a large endoscope frame, beside noise of about three."""
    return replace(one, image=replace(one.image, seconds=one.image.seconds + (0.004 if real else 0.0)))


def header(one: Seen, real: bool, rng: np.random.Generator) -> Seen:
    """A header that only files of one folder get."""
    value = "max-age=0" if real or rng.random() < 0.3 else "max-age=60"
    return replace(one, image=replace(one.image, headers=(*one.image.headers, ("cache-control", value))))


def test_nothing_is_found_where_nothing_leaks(clean: list[Seen], truth: np.ndarray) -> None:
    report = attack(clean, truth, WORDS)
    assert report.leaks(BOUND) == set(), report


@pytest.mark.parametrize(
    ("plant", "way"),
    [
        (path, "words"),
        (text_chunk, "chunks"),
        (size, "size"),
        (order, "order"),
        (timing, "timing"),
        (header, "headers"),
    ],
)
def test_a_planted_leak_is_found(
    clean: list[Seen], truth: np.ndarray, plant: Callable[[Seen, bool, np.random.Generator], Seen], way: str
) -> None:
    rng = np.random.default_rng(2)
    leaking = [plant(one, bool(real), rng) for one, real in zip(clean, truth, strict=True)]
    report = attack(leaking, truth, WORDS)
    assert way in report.leaks(BOUND), report
    assert next(guess for guess in report.guesses if guess.features == "all").n == N
