"""Sampling, images/s, beside a loop over the pipeline of diffusers that draws one image at a time: same model, same steps.

python benchmarks/sample.py [--images 32]

Both draw the same images of the shipped tiny model by the same sampler, guidance and noise, in one process and in
turns; the images are compared. The loop encodes its prompts once an image, as `pipeline(prompt)` does.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from polypstudio.config import DataConfig, SamplingConfig, StudyConfig, tiny_training
from polypstudio.data.prompts import prompt
from polypstudio.diffusion.base import load_base
from polypstudio.diffusion.randomness import generator_for
from polypstudio.diffusion.sampler import Item, Sampler
from polypstudio.records import PATHOLOGIES
from polypstudio.store.paths import TINY_BASE

ROUNDS, BUDGET = 3, 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=32)
    count = parser.parse_args().images
    config = StudyConfig(
        title="benchmark", data=DataConfig(path="."), training=tiny_training(), sampling=SamplingConfig(per_class=count)
    )
    items: list[Item] = [(PATHOLOGIES[n % 2], n) for n in range(count)]
    base = load_base("tiny")
    sampler = Sampler(config, base, base.unet())
    pipeline = StableDiffusionPipeline.from_pretrained(TINY_BASE, safety_checker=None, requires_safety_checker=False)
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(base.noise_schedule().config)
    pipeline.set_progress_bar_config(disable=True)
    list(sampler.draw(items[:2]))
    _loop(pipeline, config.sampling, items[:2])  # first calls are not what is measured
    times: dict[str, list[float]] = {"ours": [], "loop": []}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ours = list(sampler.draw(items))
        middle = time.perf_counter()
        theirs = _loop(pipeline, config.sampling, items)
        times["ours"].append(middle - began)
        times["loop"].append(time.perf_counter() - middle)
    seconds = {name: median(taken) for name, taken in times.items()}
    difference = np.abs(np.stack(ours).astype(int) - np.stack(theirs).astype(int))
    print(
        f"{count} images, {config.sampling.steps} steps, guidance {config.sampling.guidance}, median of {ROUNDS} rounds"
    )
    for name, title in (("loop", "pipeline, one at a time"), ("ours", f"ours, {config.sampling.batch_size} at a time")):
        print(f"{title:26}{seconds[name]:8.2f} s{count / seconds[name]:8.2f} images/s")
    print(
        f"ratio {seconds['loop'] / seconds['ours']:.2f} (budget {BUDGET}); largest difference {difference.max()} grey levels"
    )


def _loop(pipeline: StableDiffusionPipeline, sampling: SamplingConfig, items: list[Item]) -> list[np.ndarray]:
    """What somebody with the pipeline at hand would write."""
    shape = (1, pipeline.unet.config.in_channels, pipeline.unet.config.sample_size, pipeline.unet.config.sample_size)
    images = []
    for label, index in items:
        noise = torch.randn(shape[1:], generator=generator_for(sampling.seed, label, index))
        drawn = pipeline(
            prompt(label),
            latents=noise[None],
            height=shape[2] * pipeline.vae_scale_factor,
            width=shape[3] * pipeline.vae_scale_factor,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            output_type="np",
        ).images[0]
        images.append((drawn * 255).round().astype(np.uint8))
    return images


if __name__ == "__main__":
    main()
