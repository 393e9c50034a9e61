"""What every optimizer step sees, as a pure function of (seed, stage, step)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from polypstudio.diffusion.latents import Latents
from polypstudio.diffusion.randomness import generator_for
from polypstudio.diffusion.stages import Stage


@dataclass(frozen=True)
class Batch:
    """One batch: scaled latents and noise (b, c, h, w), timesteps (b,), text embeddings (b, tokens, width)."""

    latents: Tensor
    noise: Tensor
    timesteps: Tensor
    text: Tensor

    def split(self, size: int) -> Iterator[Batch]:
        """The batch in parts of ``size``, in order."""
        parts = (tensor.split(size) for tensor in (self.latents, self.noise, self.timesteps, self.text))
        for latents, noise, timesteps, text in zip(*parts, strict=True):
            yield Batch(latents, noise, timesteps, text)

    def to(self, device: torch.device) -> Batch:
        """The batch on ``device``."""
        return Batch(*(tensor.to(device) for tensor in (self.latents, self.noise, self.timesteps, self.text)))


@dataclass(frozen=True)
class Material:
    """What batches are made of: latents and text embeddings, and where to find each.

    ``rows``: image path -> row of ``latents``; ``words``: prompt -> row of ``text`` (prompts, tokens, width), where the
    empty prompt stands for a dropped caption. ``scaling`` is the VAE's factor, ``timesteps`` the length of the forward
    process.
    """

    latents: Latents
    rows: Mapping[str, int]
    text: Tensor
    words: Mapping[str, int]
    scaling: float
    timesteps: int


class BatchSource:
    """Draws the batches of a stage: ``size`` images a step, of which this process takes those at ``share`` (all)."""

    def __init__(
        self,
        stage: Stage,
        material: Material,
        *,
        size: int,
        caption_dropout: float,
        seed: int,
        share: Sequence[int] | None = None,
    ) -> None:
        self._stage_name, self._seed, self._material = stage.name, seed, material
        self._size, self._dropout = size, caption_dropout
        self._share = torch.arange(size) if share is None else torch.tensor(share)
        self._weights = torch.tensor([pool.weight for pool in stage.pools], dtype=torch.float64)
        self._pools = [
            _rows([(material.rows[image.path], material.words[prompt]) for image, prompt in pool.examples])
            for pool in stage.pools
        ]

    def draw(self, step: int) -> Batch:
        """This process's share of the batch of optimizer step ``step``, on the CPU.

        What is drawn does not depend on the share: together the processes see what one alone would.
        """
        generator = generator_for(self._seed, self._stage_name, step)
        size, material = self._size, self._material
        pools = torch.multinomial(self._weights, size, replacement=True, generator=generator).tolist()
        places = torch.rand(size, generator=generator, dtype=torch.float64).tolist()
        mirrored = torch.randint(2, (size,), generator=generator)
        dropped = torch.rand(size, generator=generator) < self._dropout
        timesteps = torch.randint(material.timesteps, (size,), generator=generator)
        spread = torch.randn((size, *material.latents.shape), generator=generator)
        noise = torch.randn((size, *material.latents.shape), generator=generator)

        chosen = torch.stack(
            [self._pools[pool][int(place * len(self._pools[pool]))] for pool, place in zip(pools, places, strict=True)]
        )
        images, words = chosen.unbind(1)
        words = torch.where(dropped, torch.full_like(words, material.words[""]), words)
        share = self._share
        mean, std = material.latents.posterior(images[share].tolist(), mirrored[share].tolist())
        latents = (mean + std * spread[share]) * material.scaling
        return Batch(latents, noise[share], timesteps[share], material.text[words[share]])


def process_share(batch_size: int, parts: int, rank: int, count: int) -> list[int]:
    """The places in a step's ``parts`` batches of ``batch_size`` that process ``rank`` of ``count`` takes."""
    own = batch_size // count
    return [part * batch_size + rank * own + place for part in range(parts) for place in range(own)]


def _rows(examples: Sequence[tuple[int, int]]) -> Tensor:
    return torch.tensor(examples, dtype=torch.int64)
