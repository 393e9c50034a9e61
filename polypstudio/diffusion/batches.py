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


class BatchSource:
    """Draws the batches of a stage.

    ``rows``: image path -> row of ``latents``; ``words``: prompt -> row of ``text`` (prompts, tokens, width), where
    the empty prompt stands for a dropped caption. ``scaling`` is the VAE's factor, ``timesteps`` the length of the
    forward process.
    """

    def __init__(
        self,
        stage: Stage,
        latents: Latents,
        rows: Mapping[str, int],
        text: Tensor,
        words: Mapping[str, int],
        *,
        size: int,
        scaling: float,
        timesteps: int,
        caption_dropout: float,
        seed: int,
    ) -> None:
        self._stage_name, self._seed = stage.name, seed
        self._latents, self._text, self._dropped = latents, text, words[""]
        self._size, self._scaling, self._timesteps, self._dropout = size, scaling, timesteps, caption_dropout
        self._weights = torch.tensor([pool.weight for pool in stage.pools], dtype=torch.float64)
        self._pools = [
            _rows([(rows[image.path], words[prompt]) for image, prompt in pool.examples]) for pool in stage.pools
        ]

    def draw(self, step: int) -> Batch:
        """The batch of optimizer step ``step``, on the CPU."""
        generator = generator_for(self._seed, self._stage_name, step)
        size = self._size
        pools = torch.multinomial(self._weights, size, replacement=True, generator=generator).tolist()
        places = torch.rand(size, generator=generator, dtype=torch.float64).tolist()
        mirrored = torch.randint(2, (size,), generator=generator)
        dropped = torch.rand(size, generator=generator) < self._dropout
        timesteps = torch.randint(self._timesteps, (size,), generator=generator)

        chosen = torch.stack(
            [self._pools[pool][int(place * len(self._pools[pool]))] for pool, place in zip(pools, places, strict=True)]
        )
        images, words = chosen.unbind(1)
        mean, std = (part[images, mirrored].float() for part in (self._latents.mean, self._latents.std))
        latents = mean + std * torch.randn(mean.shape, generator=generator)
        noise = torch.randn(mean.shape, generator=generator)
        words = torch.where(dropped, torch.full_like(words, self._dropped), words)
        return Batch(latents * self._scaling, noise, timesteps, self._text[words])


def _rows(examples: Sequence[tuple[int, int]]) -> Tensor:
    return torch.tensor(examples, dtype=torch.int64)
