"""Drawing the synthetic images of an iteration: the same noise for the same (class, index) at every iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import torch
from accelerate import PartialState
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from PIL import Image

import polypstudio
from polypstudio.config import StudyConfig
from polypstudio.data.prompts import NEGATIVE
from polypstudio.diffusion.base import MODEL_WEIGHTS, load_base, load_unet
from polypstudio.diffusion.fingerprint import (
    checkpoint_record,
    sample_prompts,
    sampling_fingerprint,
    training_section,
)
from polypstudio.diffusion.latents import check_resolution, prompt_embeddings, vae_factor
from polypstudio.diffusion.randomness import generator_for
from polypstudio.progress import Report, silent
from polypstudio.records import PATHOLOGIES, IterationManifest, Pathology
from polypstudio.store.atomic import new_folder
from polypstudio.store.features import file_hash
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import save_manifest

Item = tuple[Pathology, int]
_HALF = {"fp16": torch.float16, "bf16": torch.bfloat16}


def sample_iteration(study: StudyPaths, config: StudyConfig, iteration: int, report: Report = silent) -> None:
    """Draws ``config.sampling.per_class`` images of each class with the iteration's U-Net, then its manifest.

    What was there before is no longer complete from the start, and replaced at the end. ``report`` counts images.
    """
    study.manifest(iteration).unlink(missing_ok=True)
    items: list[Item] = [(label, index) for label in PATHOLOGIES for index in range(config.sampling.per_class)]
    sampler = Sampler(study, config, iteration)
    with new_folder(study.samples(iteration)) as folder:
        for label in PATHOLOGIES:
            (folder / label).mkdir()
        for done, ((label, index), pixels) in enumerate(zip(items, sampler.draw(items), strict=True), start=1):
            Image.fromarray(pixels).save(folder / label / f"{index:05d}.png", optimize=True)
            report(done, len(items), f"iteration {iteration}")
    save_manifest(study, _manifest(study, config, iteration, items))


def draw(
    study: StudyPaths, config: StudyConfig, iteration: int, label: Pathology, indices: Sequence[int]
) -> list[np.ndarray]:
    """The images of one class at ``indices``, uint8 (h, w, 3), as :func:`sample_iteration` draws them (± 1 level)."""
    return list(Sampler(study, config, iteration).draw([(label, index) for index in indices]))


class Sampler:
    """The base model with the U-Net of one iteration, ready to draw."""

    def __init__(self, study: StudyPaths, config: StudyConfig, iteration: int) -> None:
        training = training_section(config)
        base = load_base(training.base)
        device = PartialState().device
        words = list(sample_prompts(training).values())
        embeddings = prompt_embeddings(base, [NEGATIVE, *words], device)
        self._negative, positive = embeddings[:1], embeddings[1:]
        self._positive = dict(zip(PATHOLOGIES, positive, strict=True))
        self._sampling = config.sampling
        # on a CPU small models are faster in single precision
        self._dtype = _HALF.get(training.precision) if device.type != "cpu" else None
        self._pipeline = StableDiffusionPipeline(
            vae=base.vae(),
            text_encoder=None,
            tokenizer=None,
            unet=load_unet(study.unet(iteration)),
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


def _manifest(study: StudyPaths, config: StudyConfig, iteration: int, items: Sequence[Item]) -> IterationManifest:
    """What the images now on disk were made from, and their hashes."""
    unet = study.unet(iteration)
    record = checkpoint_record(unet)
    files = {f"samples/{label}/{index:05d}.png": study.sample(iteration, label, index) for label, index in items}
    sampling = config.sampling
    return IterationManifest(
        iteration=iteration,
        origin="trained" if record else "imported weights",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        config=config.model_dump(mode="json"),
        seed=sampling.seed,
        prompts=sample_prompts(training_section(config)),
        negative_prompt=NEGATIVE,
        sampler={
            "name": DPMSolverMultistepScheduler.__name__,
            "algorithm": "dpmsolver++",
            "steps": sampling.steps,
            "guidance": sampling.guidance,
            "weights": "EMA" if record else "as imported",
        },
        versions={"polypstudio": polypstudio.__version__}
        | {package: version(package) for package in ("torch", "diffusers", "transformers")},
        hashes={"made_from": sampling_fingerprint(study, config, iteration), "unet": file_hash(unet / MODEL_WEIGHTS)}
        | {name: file_hash(path) for name, path in files.items()},
        counts=dict.fromkeys(PATHOLOGIES, sampling.per_class),
        training=record,
    )
