"""Images from a U-Net: the same noise for the same (class, index), whatever the U-Net and however many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel

from polypstudio import processes
from polypstudio.config import StudyConfig
from polypstudio.data.prompts import NEGATIVE
from polypstudio.diffusion.base import Base
from polypstudio.diffusion.fingerprint import sample_prompts, training_section
from polypstudio.diffusion.latents import check_resolution, vae_factor
from polypstudio.diffusion.randomness import generator_for
from polypstudio.diffusion.text import prompt_embeddings
from polypstudio.records import PATHOLOGIES, Pathology

Item = tuple[Pathology, int]
_HALF = {"fp16": torch.float16, "bf16": torch.bfloat16}


class Sampler:
    """A base model with a U-Net in the place of its own, ready to draw."""

    def __init__(
        self,
        config: StudyConfig,
        base: Base,
        unet: UNet2DConditionModel,
        embeddings: Mapping[str, torch.Tensor] | None = None,
        prompts: Mapping[Pathology, str] | None = None,
    ) -> None:
        """``embeddings``: prompt -> (tokens, width), where they are at hand. ``prompts``: other words than the study's."""
        training = training_section(config)
        device = processes.state().device
        prompts = prompts or sample_prompts(training)
        words = [NEGATIVE, *dict.fromkeys(prompts.values())]
        if embeddings is None:
            embeddings = dict(zip(words, prompt_embeddings(base, words, device), strict=True))
        self._negative = embeddings[NEGATIVE].to(device)
        self._positive = {label: embeddings[prompts[label]].to(device) for label in PATHOLOGIES}
        self._sampling = config.sampling
        # on a CPU small models are faster in single precision
        self._dtype = _HALF.get(training.precision) if device.type != "cpu" else None
        self._pipeline = StableDiffusionPipeline(
            vae=base.vae(),
            text_encoder=None,
            tokenizer=None,
            unet=unet,
            scheduler=DPMSolverMultistepScheduler.from_config(base.noise_schedule().config),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        check_resolution(self._pipeline.vae, training.resolution)
        self._side = training.resolution // vae_factor(self._pipeline.vae)
        self._pipeline.to(device)
        self._pipeline.unet.to(memory_format=torch.channels_last)
        self._pipeline.vae.to(memory_format=torch.channels_last)
        self._pipeline.set_progress_bar_config(disable=True)

    def draw(self, items: Sequence[Item]) -> Iterator[np.ndarray]:
        """The images of ``items`` in order, uint8 (h, w, 3); drawn ``sampling.batch_size`` at a time."""
        size = self._sampling.batch_size
        for start in range(0, len(items), size):
            yield from self._draw_batch(items[start : start + size])

    @torch.inference_mode()
    def _draw_batch(self, items: Sequence[Item]) -> np.ndarray:
        pipeline = self._pipeline
        with torch.autocast(pipeline.device.type, dtype=self._dtype, enabled=self._dtype is not None):
            images = pipeline(
                prompt_embeds=torch.stack([self._positive[label] for label, _ in items]),
                negative_prompt_embeds=self._negative.expand(len(items), -1, -1),
                latents=torch.stack([self._noise(label, index) for label, index in items]),
                height=self._side * pipeline.vae_scale_factor,
                width=self._side * pipeline.vae_scale_factor,
                num_inference_steps=self._sampling.steps,
                guidance_scale=self._sampling.guidance,
                output_type="np",
            ).images
        return (images * 255).round().astype(np.uint8)

    def _noise(self, label: Pathology, index: int) -> torch.Tensor:
        """The noise that an image starts from, (c, h, w): a function of the seed, the class and the index alone."""
        channels = self._pipeline.unet.config.in_channels
        generator = generator_for(self._sampling.seed, label, index)
        return torch.randn((channels, self._side, self._side), generator=generator)
