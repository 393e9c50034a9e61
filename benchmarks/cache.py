"""The latent cache of many frames: the memory it takes while it is built and drawn from, and the sharpness pass's time.

    python benchmarks/cache.py FOLDER [--frames 10000 20000] [--resolution 128]

FOLDER is made where it is not there: SUN's folders, of each case a share of the frames, each a small JPEG of a phantom
and of another content than all others. Each size is measured in a process of its own: the listing, the cache of the
shipped tiny model's VAE built from nothing, and 500 batches of 16 drawn from it; the peak is that of the whole process.
Sharpness is timed on frames of SUN's own size.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from index import generate
from PIL import Image

FRAMES = 158_690
SUN_SIZE = (1240, 1080)
DRAWN, SHARPNESS_FRAMES, PICTURES = 500, 200, 16
BUDGET_GB = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--frames", type=int, nargs="+", default=[10_000, 20_000])
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--tree", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tree:
        print(json.dumps(_measure(options.tree, options.resolution)))
        return
    _report_sharpness(options.folder / "sharpness")
    peaks = {}
    for wanted in options.frames:
        tree = options.folder / str(wanted)
        if not tree.exists():
            _generate(tree, wanted / FRAMES)
        arguments = [str(options.folder), "--resolution", str(options.resolution), "--tree", str(tree)]
        answer = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=True)
        found = json.loads(answer.stdout.strip().splitlines()[-1])
        peaks[found["frames"]] = found["drawn_mb"]
        print(
            f"{found['frames']:,} frames at {options.resolution} px: listed in {found['listing']:.1f} s, hashed and encoded "
            f"in {found['encoding']:.0f} s ({found['frames'] / found['encoding']:.0f} a second), "
            f"{found['cache_mb']:.0f} MB on disk"
        )
        print(
            f"  peak: {found['before_mb']:.0f} MB with the model loaded, {found['built_mb']:.0f} MB when the cache was built, "
            f"{found['drawn_mb']:.0f} MB when {DRAWN} batches were drawn"
        )
    if len(peaks) > 1:
        few, many = min(peaks), max(peaks)
        slope = (peaks[many] - peaks[few]) / (many - few)
        whole = peaks[many] + slope * max(0, FRAMES - many)
        print(
            f"memory: {slope * 1024:.2f} kB a frame; at SUN's {FRAMES:,} frames {whole / 1024:.2f} GB (budget {BUDGET_GB} GB)"
        )


def _generate(tree: Path, share: float) -> None:
    from polypstudio.data.phantom import render

    pictures = [_jpeg(Image.fromarray(render(("ad", "non_ad")[n % 2], n, 0))) for n in range(PICTURES)]
    # what follows a JPEG's end is not looked at, and makes another content of it
    generate(tree, share, lambda number: pictures[number % PICTURES] + str(number).encode())


def _jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90)
    return content.getvalue()


def _measure(tree: Path, resolution: int) -> dict[str, float]:
    from polypstudio.config import DataConfig, StudyConfig, TrainingConfig, pathology_stage
    from polypstudio.data.layouts import list_dataset
    from polypstudio.diffusion.base import load_base
    from polypstudio.diffusion.batches import BatchSource
    from polypstudio.diffusion.stages import build_stages
    from polypstudio.diffusion.train import new_accelerator, prepare
    from polypstudio.records import PATHOLOGIES
    from polypstudio.store.file_facts import known_hashes
    from polypstudio.store.paths import StudyPaths

    stages = (pathology_stage(DRAWN, DRAWN, rehearsal=0, unlabelled=0),)
    training = TrainingConfig(resolution=resolution, stages=stages, held_out_images=0, previews=0)
    config = StudyConfig(title="benchmark", data=DataConfig(path=str(tree)), training=training)
    base, accelerator = load_base("tiny"), new_accelerator(training)
    base.vae()
    before = _peak_mb()
    began = time.perf_counter()
    listed = list_dataset(tree, "sun").images
    listing = time.perf_counter() - began
    images = [replace(image, split="train", label=PATHOLOGIES[number % 2]) for number, image in enumerate(listed)]
    built_stages = build_stages(training, images)
    with tempfile.TemporaryDirectory() as name:
        study = StudyPaths(Path(name))
        began = time.perf_counter()
        hashes = known_hashes(study)
        setting = prepare(study, config, base, built_stages, images, tree, accelerator, hash_of=hashes)
        encoding, built = time.perf_counter() - began, _peak_mb()
        batches = BatchSource(built_stages[0], setting.material, size=16, caption_dropout=0, seed=0)
        for step in range(DRAWN):
            batches.draw(step)
        cache = sum(file.stat().st_size for file in study.training.rglob("*") if file.is_file())
    return {
        "frames": len(images),
        "listing": listing,
        "encoding": encoding,
        "cache_mb": cache / 2**20,
        "before_mb": before,
        "built_mb": built,
        "drawn_mb": _peak_mb(),
    }


def _report_sharpness(folder: Path) -> None:
    from polypstudio.data.phantom import render
    from polypstudio.data.sharpness import assign_quality
    from polypstudio.records import RealImage

    if not folder.exists():
        folder.mkdir(parents=True)
        for number in range(SHARPNESS_FRAMES):
            picture = Image.fromarray(render("ad", number % PICTURES, 0)).resize(SUN_SIZE, Image.Resampling.BICUBIC)
            (folder / f"{number:04d}.jpg").write_bytes(_jpeg(picture) + str(number).encode())
    images = [RealImage(file.name, "unlabelled", "train", file.stem) for file in sorted(folder.glob("*.jpg"))]
    began = time.perf_counter()
    assign_quality(folder, images)
    seconds = (time.perf_counter() - began) / len(images)
    print(
        f"sharpness of a frame of {SUN_SIZE[0]} x {SUN_SIZE[1]}: {1000 * seconds:.1f} ms, "
        f"{seconds * FRAMES / 60:.0f} minutes for {FRAMES:,} (once, on all processors)"
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
