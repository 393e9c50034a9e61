"""Latents and batches: computed once, drawn as a pure function of (seed, stage, step)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from tiny_sd import RESOLUTION, tiny_study

from polypstudio.diffusion.base import load_base
from polypstudio.diffusion.batches import BatchSource
from polypstudio.diffusion.latents import Latents, cached_latents, check_resolution, pixel_batches, prompt_embeddings
from polypstudio.diffusion.stages import Example, Pool, Stage
from polypstudio.errors import UserError
from polypstudio.records import RealImage

CPU = torch.device("cpu")


def _source(seed: int = 0, dropout: float = 0.25, size: int = 4) -> BatchSource:
    """Latents and embeddings whose values say which row they come from."""
    images = [RealImage(path=str(n), label="ad", split="train", group="g") for n in range(3)]
    pools = (
        Pool("rare", 1.0, (Example(images[0], "rare"),)),
        Pool("common", 3.0, (Example(images[1], "common"), Example(images[2], "common"))),
    )
    stage = Stage("pathology", pools, 10, 1e-3, 0.9, (10,))
    rows = torch.arange(6.0).reshape(3, 2, 1, 1, 1).half()
    return BatchSource(
        stage,
        Latents(rows, torch.zeros_like(rows)),
        {image.path: n for n, image in enumerate(images)},
        torch.arange(3.0).reshape(3, 1, 1),
        {"": 0, "rare": 1, "common": 2},
        size=size,
        scaling=2.0,
        timesteps=1000,
        caption_dropout=dropout,
        seed=seed,
    )


def test_a_batch_depends_on_seed_stage_and_step_alone() -> None:
    first, second = _source(), _source()
    first.draw(1)
    assert torch.equal(first.draw(7).noise, second.draw(7).noise)
    assert not torch.equal(first.draw(7).noise, first.draw(8).noise)
    assert not torch.equal(first.draw(7).noise, _source(seed=1).draw(7).noise)


def test_shares_flips_captions_and_timesteps() -> None:
    batch = _source(size=20_000).draw(1)
    n = len(batch.latents)
    rows = Counter((batch.latents.flatten() / 2).tolist())  # row 2 * image + mirrored, times the scaling
    assert sorted(rows) == [0, 1, 2, 3, 4, 5]
    assert (rows[0] + rows[1]) / n == pytest.approx(0.25, abs=0.02)
    assert (rows[1] + rows[3] + rows[5]) / n == pytest.approx(0.5, abs=0.02)
    words = Counter(batch.text.flatten().tolist())
    assert words[0] / n == pytest.approx(0.25, abs=0.02)
    assert words[1] / n == pytest.approx(0.25 * 0.75, abs=0.02)
    assert batch.timesteps.min() == 0
    assert batch.timesteps.max() == 999


def test_captions_belong_to_their_images() -> None:
    batch = _source(dropout=0.0, size=200).draw(1)
    is_rare = batch.latents.flatten() < 3
    assert torch.equal(batch.text.flatten() == 1, is_rare)


def test_latents_are_of_both_flips_and_encoded_once(base: Path, tmp_path: Path) -> None:
    study, _, images = tiny_study(tmp_path, base)
    model = load_base(str(base))
    files = [tmp_path / image.path for image in images[:10]]
    hashes = [image.path for image in images[:10]]
    calls: list[float] = []

    def cached(about: list[str]) -> Latents:
        return cached_latents(
            study, model, "base", files, about, RESOLUTION, CPU, lambda done, total, message="": calls.append(done)
        )

    latents = cached(hashes)
    vae = model.vae()
    with torch.inference_mode():
        pixels = torch.cat(list(pixel_batches(files, RESOLUTION, CPU)))
        mirrored = vae.encode(pixels.flip(3)).latent_dist
    assert torch.allclose(latents.mean[:, 1].float(), mirrored.mean, atol=2e-3)
    assert torch.allclose(latents.std[:, 1].float(), mirrored.std, rtol=2e-3, atol=1e-6)
    assert calls == [8, 10]
    assert torch.equal(cached(hashes).mean, latents.mean)
    assert calls == [8, 10]
    cached([*hashes[:9], "changed"])
    assert calls == [8, 10, 8, 10]
    assert len(list(study.training.iterdir())) == 1


def test_a_resolution_that_the_vae_cannot_halve(base: Path) -> None:
    with pytest.raises(UserError, match=r"training\.resolution is 33: .* multiple of 2, such as 32"):
        check_resolution(load_base(str(base)).vae(), 33)


def test_prompts_have_embeddings_of_their_own(base: Path) -> None:
    embeddings = prompt_embeddings(load_base(str(base)), ["", "an adenomatous polyp", "a polyp"], CPU)
    assert embeddings.shape[::2] == (3, 16)
    assert not torch.equal(embeddings[1], embeddings[2])
