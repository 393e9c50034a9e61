"""Fine-tuning, images/s, beside the text-to-image example script of diffusers: same tiny model, data, batch, precision.

python benchmarks/finetune.py [SCRIPT] [--steps 60] [--images 96]

SCRIPT is diffusers' examples/text_to_image/train_text_to_image.py, which is not part of this project; it needs
`pip install datasets`, and a copy of it whose `check_min_version` asks for no newer diffusers than is installed. It and
we run in processes of their own, the same number of threads, one after the other, in turns. Every image is a phantom.
Without SCRIPT our own parts alone are measured.

What is timed is the steps after the first ten of a run, so that neither start-up nor our encoding of the images is in
it; the encoding is given apart. The gain is taken apart too: of the cache (our step, with the images and prompts
encoded anew for every batch as the script has to, against our step as it is) and of the U-Net step (the rest).
Peak memory is that of the whole process.

What a frozen encoder can save is bounded by arithmetic: its forward pass stays, and so does all of the decoder. That
bound is printed beside the measured gain, for the tiny model and for the shape of Stable Diffusion 1.5.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

RESOLUTION, BATCH, SKIPPED = 128, 16, 10
BUDGET, FROZEN_BUDGET = 1.5, 1.3
STABLE_DIFFUSION = {
    "sample_size": 64,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}  # 1.5, else diffusers' defaults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", type=Path, nargs="?", metavar="SCRIPT")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return
    with tempfile.TemporaryDirectory() as name:
        options.folder = Path(name)
        _phantoms(options.folder / "data", options.images)
        parts = [part for part in PARTS if options.script or part != "theirs"]
        rounds = [{part: _measured(part, options) for part in parts} for _ in range(options.rounds)]
        _report({part: [measured[part] for measured in rounds] for part in parts}, options)
        _report_arithmetic()


def _measured(part: str, options: argparse.Namespace) -> dict[str, float]:
    """One part in a process of its own."""
    arguments = ["--steps", str(options.steps), "--folder", str(options.folder), "--part", part]
    arguments += [str(options.script)] if options.script else []
    run = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{part} failed:\n{run.stderr[-3000:]}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def _report(measured: dict[str, list[dict[str, float]]], options: argparse.Namespace) -> None:
    seconds = {part: median(run["seconds"] for run in runs) for part, runs in measured.items()}
    memory = {part: max(run["memory_mb"] for run in runs) for part, runs in measured.items()}
    names = {
        "theirs": "diffusers' example",
        "encoding": "ours, encoding each batch",
        "ours": "ours",
        "frozen": "ours, whole encoder frozen",
    }
    print(
        f"{RESOLUTION} px, batch {BATCH}, float32, EMA, {options.steps} steps, median of {options.rounds} runs in turns"
    )
    print(f"{'':28}{'s/step':>9}{'images/s':>10}{'peak MB':>9}")
    for part in (part for part in names if part in measured):
        print(f"{names[part]:28}{seconds[part]:9.3f}{BATCH / seconds[part]:10.1f}{memory[part]:9.0f}")
    print(f"by the cache: {seconds['encoding'] / seconds['ours']:.2f} x")
    if "theirs" in measured:
        print(f"by the U-Net step: {seconds['theirs'] / seconds['encoding']:.2f} x")
        print(f"both, images/s against the example: {seconds['theirs'] / seconds['ours']:.2f} x (budget {BUDGET})")
        print(f"peak memory against the example: {memory['ours'] / memory['theirs']:.2f} x (budget 1)")
    gain = median(run["gain"] for run in measured["freezing"])
    print(f"whole encoder frozen, steps in turns: {gain:.2f} x the unfrozen step (budget {FROZEN_BUDGET})")
    encoded = median(run["encoding_seconds"] for run in measured["ours"])
    print(f"our encoding of the {options.images} images, once: {encoded:.1f} s")


def _report_arithmetic() -> None:
    """How much of a step's arithmetic is left when the whole encoder is frozen."""
    from diffusers import UNet2DConditionModel

    from polypstudio.store.paths import TINY_BASE

    shapes = {"the tiny model": UNet2DConditionModel.load_config(TINY_BASE / "unet"), "SD 1.5": STABLE_DIFFUSION}
    print(
        "arithmetic of a step, forward + backward (GFLOP an image), and what freezing the encoder can gain by it alone:"
    )
    for name, config in shapes.items():
        (ahead, back), (frozen_ahead, frozen_back) = (_flops(config, frozen) for frozen in ("none", "whole encoder"))
        gain = (ahead + back) / (frozen_ahead + frozen_back)
        giga = [f"{count / 1e9:.2f}" for count in (ahead, back, frozen_ahead, frozen_back)]
        print(f"  {name:15}{giga[0]} + {giga[1]}; encoder frozen {giga[2]} + {giga[3]}: {gain:.2f} x")


def _flops(config: dict, frozen: str) -> tuple[int, int]:
    """Of the forward and the backward pass of one image, counted on shapes without values."""
    import torch
    from diffusers import UNet2DConditionModel
    from torch.utils.flop_counter import FlopCounterMode

    from polypstudio.config import FROZEN_PRESETS
    from polypstudio.diffusion.trained_part import freeze

    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(config)
        freeze(unet, FROZEN_PRESETS[frozen])
        side = unet.config.sample_size
        noisy, text = (
            torch.empty((1, unet.config.in_channels, side, side)),
            torch.empty((1, 77, unet.config.cross_attention_dim)),
        )
        with FlopCounterMode(display=False) as ahead:
            loss = unet(noisy, torch.empty(1, dtype=torch.int64), text).sample.sum()
        with FlopCounterMode(display=False) as back:
            loss.backward()
    return ahead.get_total_flops(), back.get_total_flops()


def _phantoms(folder: Path, count: int) -> None:
    """A folder for both: metadata.csv as `datasets` reads it, and as our layout does."""
    from PIL import Image

    from polypstudio.data.phantom import render
    from polypstudio.data.prompts import prompt

    lines = ["file_name,text,label,split,group"]
    for number in range(count):
        label = ("ad", "non_ad")[number % 2]
        name = f"{number:04d}.png"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(render(label, number, 0)).save(folder / name)
        lines.append(f'{name},"{prompt(label)}",{label},{"train" if number >= 16 else "test"},{number}')
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")


def _timed_steps(step: Callable[[int], object], steps: int) -> float:
    """Seconds a step, without the first few."""
    for number in range(1, SKIPPED + 1):
        step(number)
    began = time.perf_counter()
    for number in range(SKIPPED + 1, steps + 1):
        step(number)
    return (time.perf_counter() - began) / (steps - SKIPPED)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _theirs(options: argparse.Namespace) -> dict[str, float]:
    """The script as it is, in this process; its optimizer steps are timed by a hook of torch's."""
    import runpy

    from torch.optim.optimizer import register_optimizer_step_post_hook

    from polypstudio.store.paths import TINY_BASE

    times: list[float] = []
    register_optimizer_step_post_hook(lambda *_: times.append(time.perf_counter()))
    sys.argv = [
        str(options.script),
        *("--pretrained_model_name_or_path", str(TINY_BASE), "--train_data_dir", str(options.folder / "data")),
        *("--output_dir", str(options.folder / "theirs"), "--cache_dir", str(options.folder / "datasets")),
        *("--caption_column", "text", "--resolution", str(RESOLUTION), "--center_crop", "--random_flip"),
        *("--train_batch_size", str(BATCH), "--max_train_steps", str(options.steps), "--learning_rate", "1e-4"),
        *("--use_ema", "--foreach_ema", "--mixed_precision", "no", "--checkpointing_steps", "100000", "--seed", "0"),
    ]
    os.environ["HF_HUB_OFFLINE"] = "1"
    stdout, sys.stdout = sys.stdout, sys.stderr
    runpy.run_path(str(options.script), run_name="__main__")
    sys.stdout = stdout
    # every optimizer step but those of the first few; the last step's own work is within the one before it
    return {"seconds": (times[-1] - times[SKIPPED - 1]) / (len(times) - SKIPPED), "memory_mb": _peak_mb()}


def _ours(options: argparse.Namespace, frozen: str = "none", encode: bool = False) -> dict[str, float]:
    """Our loop's own steps on the study that these images make; with ``encode``, without what the caches save."""
    stepper, encoding = _stepper(options, frozen)
    again = _encoder(options.folder / "data") if encode else lambda number: None

    def step(number: int) -> None:
        again(number)
        stepper.step(number)

    return {"seconds": _timed_steps(step, options.steps), "memory_mb": _peak_mb(), "encoding_seconds": encoding}


def _freezing(options: argparse.Namespace) -> dict[str, float]:
    """Steps with nothing and with the whole encoder frozen, in turns in one process: what else runs meets both alike."""
    steppers = {frozen: _stepper(options, frozen)[0] for frozen in ("none", "whole encoder")}
    times: dict[str, list[float]] = {frozen: [] for frozen in steppers}
    for number in range(1, options.steps + 1):
        for frozen, stepper in steppers.items():
            began = time.perf_counter()
            stepper.step(number)
            times[frozen].append(time.perf_counter() - began)
    seconds = {frozen: median(taken[SKIPPED:]) for frozen, taken in times.items()}
    gain = seconds["none"] / seconds["whole encoder"]
    return {"seconds": seconds["whole encoder"], "memory_mb": _peak_mb(), "gain": gain}


def _stepper(options: argparse.Namespace, frozen: str):
    """What makes our loop's steps, and the seconds that encoding images and prompts took."""
    from polypstudio.config import FROZEN_PRESETS, DataConfig, StudyConfig, TrainingConfig, pathology_stage
    from polypstudio.data.layouts import read_dataset
    from polypstudio.diffusion.base import load_base
    from polypstudio.diffusion.stage_run import Stepper, new_learner
    from polypstudio.diffusion.stages import build_stages
    from polypstudio.diffusion.train import new_accelerator, prepare
    from polypstudio.store.paths import StudyPaths

    stage = pathology_stage(options.steps, options.steps, frozen=FROZEN_PRESETS[frozen], rehearsal=0, unlabelled=0)
    training = TrainingConfig(resolution=RESOLUTION, batch_size=BATCH, stages=(stage,), held_out_images=0, previews=0)
    config = StudyConfig(title="benchmark", data=DataConfig(path="data"), training=training)
    images = read_dataset(options.folder / "data", "folder")
    base, stages, accelerator = load_base("tiny"), build_stages(training, images), new_accelerator(training)
    study = StudyPaths(Path(tempfile.mkdtemp(dir=options.folder)))
    began = time.perf_counter()
    setting = prepare(study, config, base, stages, images, options.folder / "data", accelerator)
    encoding = time.perf_counter() - began
    return Stepper(setting, stages[0], new_learner(base.unet(), training, stages[0], accelerator.device)), encoding


def _encoder(data: Path) -> Callable[[int], None]:
    """What a batch costs whose images and prompts are encoded when it is drawn: one flip of each, by one's own VAE."""
    import torch

    from polypstudio.data.prompts import prompt
    from polypstudio.diffusion.base import load_base
    from polypstudio.diffusion.latents import pixel_batches

    base = load_base("tiny")
    vae = base.vae().to(memory_format=torch.channels_last)
    tokenizer, text_encoder = base.tokenizer(), base.text_encoder()
    files = sorted(data.glob("*.png"))
    words = [prompt("ad"), prompt("non_ad")] * (BATCH // 2)

    @torch.inference_mode()
    def encode(number: int) -> None:
        chosen = [files[(number * BATCH + place) % len(files)] for place in range(BATCH)]
        pixels = torch.cat(list(pixel_batches(chosen, RESOLUTION, torch.device("cpu"))))
        vae.encode(pixels).latent_dist.sample()
        tokens = tokenizer(words, padding="max_length", truncation=True, return_tensors="pt")
        text_encoder(tokens.input_ids)

    return encode


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, float]]] = {
    "theirs": _theirs,
    "ours": _ours,
    "encoding": lambda options: _ours(options, encode=True),
    "frozen": lambda options: _ours(options, frozen="whole encoder"),
    "freezing": _freezing,
}


if __name__ == "__main__":
    main()
