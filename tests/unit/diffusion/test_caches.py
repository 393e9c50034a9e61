"""Latents and text embeddings: computed once, found again by content, whole whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_sd import RESOLUTION, tiny_study

from polypstudio.diffusion.base import Base, load_base
from polypstudio.diffusion.fingerprint import content_hashes
from polypstudio.diffusion.latents import (
    LatentCache,
    Latents,
    cached_latents,
    check_resolution,
    latent_shape,
    pixel_batches,
)
from polypstudio.diffusion.text import cached_embeddings, prompt_embeddings
from polypstudio.errors import UserError
from polypstudio.stopping import Stopped
from polypstudio.store.paths import StudyPaths

CPU = torch.device("cpu")
PROMPTS = [
    "",
    "a colonoscopy image of an adenomatous polyp, high quality",
    "a colonoscopy image of a polyp, low quality",
]


class Encoding:
    """A study, its images by content, and how often it was reported that images were encoded."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.study, _, listed = tiny_study(folder, base)
        hashes = content_hashes(listed, folder)
        self.images = {hashes[image.path]: folder / image.path for image in listed}
        self.base, self.reported = load_base(str(base)), []  # type: list[float]

    def latents(self, count: int, stop=lambda: False, resolution: int = RESOLUTION) -> tuple[Latents, dict[str, int]]:
        images = dict(list(self.images.items())[:count])
        report = lambda done, total, message="": self.reported.append(done)  # noqa: E731
        return cached_latents(self.study, self.base, "base", images, resolution, CPU, report, stop)

    @property
    def cache(self) -> LatentCache:
        return LatentCache.of(self.study, "base", RESOLUTION, latent_shape(self.base, RESOLUTION))


@pytest.fixture
def encoding(base: Path, tmp_path: Path) -> Encoding:
    return Encoding(tmp_path, base)


def test_latents_are_of_both_flips(encoding: Encoding) -> None:
    latents, rows = encoding.latents(10)
    files = [encoding.images[content] for content in rows]
    vae = encoding.base.vae()
    with torch.inference_mode():
        pixels = torch.cat(list(pixel_batches(files, RESOLUTION, CPU)))
        for mirrored, shown in enumerate((pixels, pixels.flip(3))):
            expected = vae.encode(shown).latent_dist
            mean, std = latents.posterior(list(rows.values()), [mirrored] * len(rows))
            assert torch.allclose(mean, expected.mean, atol=2e-3)
            assert torch.allclose(std, expected.std, rtol=2e-3, atol=1e-6)


def test_an_image_is_encoded_once_by_its_content(encoding: Encoding) -> None:
    first, rows = encoding.latents(10)
    assert encoding.reported == [10]
    again, more = encoding.latents(12)
    assert encoding.reported == [10, 2]
    assert list(more)[:10] == list(rows)
    assert torch.equal(again.posterior([3], [1])[0], first.posterior([3], [1])[0])
    encoding.latents(12)
    assert encoding.reported == [10, 2]


def test_latents_of_another_resolution_take_their_place(encoding: Encoding) -> None:
    encoding.latents(3)
    encoding.latents(3, resolution=64)
    assert len(list(encoding.study.training.iterdir())) == 1


def test_a_stopped_encoding_goes_on_where_it_was(encoding: Encoding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polypstudio.diffusion.latents._CHUNK", 8)
    asked = iter([False, True])
    with pytest.raises(Stopped, match="run again to resume"):
        encoding.latents(20, stop=lambda: next(asked))
    assert len(encoding.cache.rows()) == 16
    encoding.latents(20)
    assert encoding.reported == [8, 16, 4]


@pytest.mark.parametrize("damage", ["torn name", "torn latents", "names lost"])
def test_what_a_kill_tore_is_encoded_again(base: Path, encoding: Encoding, tmp_path: Path, damage: str) -> None:
    whole = _stored(encoding.latents(12), encoding)
    names, file = encoding.cache.folder / "rows.txt", encoding.cache.file
    if damage == "torn name":
        names.write_bytes(names.read_bytes()[:-30])
    elif damage == "torn latents":
        file.write_bytes(file.read_bytes()[: -encoding.cache.row_bytes - 7])
    else:
        names.unlink()
    assert _stored(encoding.latents(12), encoding) == whole


def _stored(found: tuple[Latents, dict[str, int]], encoding: Encoding) -> dict[str, bytes]:
    """Content hash -> latents, rounded as another batch may round."""
    latents, rows = found
    mean, _ = latents.posterior(list(rows.values()), [0] * len(rows))
    return {content: np.round(mean[place].numpy(), 2).tobytes() for place, content in enumerate(rows)}


def test_a_resolution_that_the_vae_cannot_halve(base: Path) -> None:
    for refused in (
        lambda: check_resolution(load_base(str(base)).vae(), 33),
        lambda: latent_shape(load_base(str(base)), 33),
    ):
        with pytest.raises(UserError, match=r"training\.resolution is 33: .* multiple of 2, such as 32"):
            refused()


def test_embeddings_are_computed_once(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, model = StudyPaths(tmp_path / "study"), load_base(str(base))
    first = cached_embeddings(study, model, "base", PROMPTS, CPU)
    assert torch.equal(first, prompt_embeddings(model, PROMPTS, CPU))
    assert not torch.equal(first[1], first[2])
    with monkeypatch.context() as patch:
        patch.setattr(Base, "text_encoder", None)  # cannot be called
        assert torch.equal(cached_embeddings(study, model, "base", PROMPTS[::-1], CPU), first.flip(0))
    assert cached_embeddings(study, model, "base", [*PROMPTS, "more"], CPU).shape[0] == 4
    study.embeddings("base").write_bytes(b"torn")
    assert torch.equal(cached_embeddings(study, model, "base", PROMPTS, CPU), first)
