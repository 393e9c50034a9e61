"""What fine-tuning will take of time, memory and disk: measured on a few of its own steps, before it starts."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from polypstudio.config import StudyConfig, TrainingConfig
from polypstudio.diffusion import machine
from polypstudio.diffusion.base import Base, load_base
from polypstudio.diffusion.disk import bytes_to_write
from polypstudio.diffusion.fingerprint import training_section
from polypstudio.diffusion.fitting import disk_problem, free_bytes, gib, settings_fingerprint
from polypstudio.diffusion.latents import encoded, latent_shape
from polypstudio.diffusion.stage_run import Stepper, new_learner
from polypstudio.diffusion.stages import Stage, build_stages
from polypstudio.diffusion.train import missing_latents, new_accelerator, prepare
from polypstudio.progress import Report, silent
from polypstudio.records import RealImage
from polypstudio.store.atomic import write_json
from polypstudio.store.paths import StudyPaths

_TIMED_STEPS = 2  # after one that warms up
_ENCODED = 8


def estimate(
    study: StudyPaths, config: StudyConfig, images: Sequence[RealImage], data_root: Path, report: Report = silent
) -> dict[str, Any]:
    """Measures and returns what all stages take from their beginning, and keeps it as ``training/estimate.json``.

    A batch that would not fit into memory is not tried: what one and two images take says what more would take.
    """
    training = training_section(config)
    stages, base = build_stages(training, images), load_base(training.base)
    device = new_accelerator(training).device
    latent_shape(base, training.resolution)
    missing = missing_latents(study, config, base, stages, images, data_root)
    report(0, len(stages) + 1, "encoding")
    encoding = _seconds_per_image(base, missing, training.resolution, device) * len(missing)
    measured = []
    for done, stage in enumerate(stages, start=1):
        report(done, len(stages) + 1, stage.name)
        measured.append(_measured(config, base, stage, data_root))
    available, needed = measured[0]["available"], max(stage["memory"] for stage in measured)
    trainable = int(max(stage["trainable"] for stage in measured))
    disk = bytes_to_write(study, config, base, stages, len(missing), trainable)
    free = free_bytes(study.root)
    problems = _memory_problem(training, measured, available) + disk_problem(training, disk, free)
    steps: list[dict[str, Any]] = [
        {
            "name": stage.name,
            "steps": stage.steps,
            "seconds_per_step": round(found["seconds"], 4),
            "seconds": round(found["seconds"] * stage.checkpoints[-1], 1),
        }
        for stage, found in zip(stages, measured, strict=True)
    ]
    answer = {
        "study": study.name,
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "fits": not problems,
        "problems": problems,
        "stages": steps,
        "seconds": round(encoding + sum(stage["seconds"] for stage in steps), 1),
        "encoding": {"images": len(missing), "seconds": round(encoding, 1)},
        "memory": {"needed_bytes": int(needed), "available_bytes": int(available)},
        "disk": {"needed_bytes": disk, "free_bytes": free},
    }
    about = {
        "fingerprint": settings_fingerprint(training),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    write_json(study.estimate, answer | about)
    report(len(stages) + 1, len(stages) + 1)
    return answer


def _measured(config: StudyConfig, base: Base, stage: Stage, data_root: Path) -> dict[str, float]:
    """Seconds of an optimizer step and peak bytes of memory of one stage, on a handful of its images."""
    training = training_section(config)
    few = replace(stage, pools=tuple(replace(pool, examples=pool.examples[:2]) for pool in stage.pools))
    count = training.batch_size
    with tempfile.TemporaryDirectory() as folder:
        scratch = StudyPaths(Path(folder) / "study")
        available = machine.available_memory()

        def run(batch: int, steps: int) -> tuple[float, int, int]:
            blind = training.model_copy(
                update={"batch_size": batch, "gradient_accumulation": 1, "held_out_images": 0, "previews": 0}
            )
            own = config.model_copy(update={"training": blind})
            machine.reset_peak()
            accelerator = new_accelerator(blind)
            setting = prepare(scratch, own, base, [few], few.images, data_root, accelerator)
            learner = new_learner(base.unet(), blind, few, accelerator.device)
            stepper = Stepper(setting, few, learner)
            stepper.step(1)
            began = time.perf_counter()
            for number in range(2, 2 + steps):
                stepper.step(number)
            seconds = (time.perf_counter() - began) / max(1, steps)
            accelerator.free_memory()
            return seconds, machine.peak_memory(), sum(p.numel() for p in learner.parameters)

        _, one, trainable = run(1, 0)
        seconds, memory, per_image = math.nan, one, 0
        if count > 1:
            per_image = max(0, run(2, 0)[1] - one)
            memory = one + per_image * (count - 1)
        if memory <= available:
            seconds, memory, _ = run(count, _TIMED_STEPS)
    return {
        "seconds": seconds * training.gradient_accumulation if math.isfinite(seconds) else 0.0,
        "memory": memory,
        "one": one,
        "per_image": per_image,
        "available": available,
        "trainable": trainable,
    }


def _memory_problem(training: TrainingConfig, measured: Sequence[dict[str, float]], available: float) -> list[str]:
    """The line that says why a step does not fit into memory, and what would; none where it does."""
    worst = max(measured, key=lambda stage: stage["memory"])
    if worst["memory"] <= available:
        return []
    what = f"memory: a batch of {training.batch_size} needs {gib(worst['memory'])}, {gib(available)} are there"
    if worst["one"] <= available:
        fitting = 1 + int((available - worst["one"]) / max(1, worst["per_image"]))
        fitting = max(n for n in range(1, fitting + 1) if training.images_per_step % n == 0)
        accumulation = training.images_per_step // fitting
        return [
            f"{what}: batch_size = {fitting} with gradient_accumulation = {accumulation} would fit, and learns the same"
        ]
    ways = ["a smaller resolution", "a smaller base model"]
    ways = (['method = "lora"'] if training.method == "full" else []) + ways
    ways = ([] if training.gradient_checkpointing else ["gradient_checkpointing = true"]) + ways
    return [f"{what}, and even one image needs {gib(worst['one'])}: try {', '.join(ways[:-1])} or {ways[-1]}"]


def _seconds_per_image(base: Base, files: Sequence[Path], resolution: int, device: torch.device) -> float:
    if not files:
        return 0.0
    vae, few = base.vae().to(device, memory_format=torch.channels_last), list(files[:_ENCODED])
    encoded(vae, few[:1], resolution, device)
    began = time.perf_counter()
    encoded(vae, few, resolution, device)
    return (time.perf_counter() - began) / len(few)
