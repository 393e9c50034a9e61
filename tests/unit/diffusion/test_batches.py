"""Latents and batches: computed once, drawn as a pure function of (seed, stage, step)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from polypstudio.diffusion.batches import BatchSource, Material, process_share
from polypstudio.diffusion.latents import LatentCache
from polypstudio.diffusion.stages import Example, Pool, Stage
from polypstudio.records import RealImage

CPU = torch.device("cpu")


def _source(
    folder: Path, seed: int = 0, dropout: float = 0.25, size: int = 4, share: list[int] | None = None
) -> BatchSource:
    """Latents and embeddings whose values say which row they come from."""
    images = [RealImage(path=str(n), label="ad", split="train", group="g") for n in range(3)]
    pools = (
        Pool("rare", 1.0, (Example(images[0], "rare"),)),
        Pool("common", 3.0, (Example(images[1], "common"), Example(images[2], "common"))),
    )
    stage = Stage("pathology", pools, 10, 1e-3, 0.9, (10,))
    means = np.arange(6).reshape(3, 1, 2, 1, 1, 1)
    cache = LatentCache(folder, (1, 1, 1))
    cache.write(0, np.concatenate([means, np.zeros_like(means)], axis=1))
    material = Material(
        latents=cache.open(3),
        rows={image.path: n for n, image in enumerate(images)},
        text=torch.arange(3.0).reshape(3, 1, 1),
        words={"": 0, "rare": 1, "common": 2},
        scaling=2.0,
        timesteps=1000,
    )
    return BatchSource(stage, material, size=size, caption_dropout=dropout, seed=seed, share=share)


def test_a_batch_depends_on_seed_stage_and_step_alone(tmp_path: Path) -> None:
    first, second = _source(tmp_path), _source(tmp_path)
    first.draw(1)
    assert torch.equal(first.draw(7).noise, second.draw(7).noise)
    assert not torch.equal(first.draw(7).noise, first.draw(8).noise)
    assert not torch.equal(first.draw(7).noise, _source(tmp_path, seed=1).draw(7).noise)


def test_shares_flips_captions_and_timesteps(tmp_path: Path) -> None:
    batch = _source(tmp_path, size=20_000).draw(1)
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


def test_captions_belong_to_their_images(tmp_path: Path) -> None:
    batch = _source(tmp_path, dropout=0.0, size=200).draw(1)
    is_rare = batch.latents.flatten() < 3
    assert torch.equal(batch.text.flatten() == 1, is_rare)


@pytest.mark.parametrize("count", [2, 4])
def test_processes_together_see_what_one_alone_sees(tmp_path: Path, count: int) -> None:
    alone = _source(tmp_path, size=8).draw(3)  # two batches of 4, accumulated
    shares = [process_share(4, 2, rank, count) for rank in range(count)]
    assert sorted(place for share in shares for place in share) == list(range(8))
    for share in shares:
        batch = _source(tmp_path, size=8, share=share).draw(3)
        for own, whole in zip(vars(batch).values(), vars(alone).values(), strict=True):
            assert torch.equal(own, whole[share])
