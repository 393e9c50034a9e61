"""The control of the evidence: real images passed through the VAE alone, as if they were an iteration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from PIL import Image

from polypstudio.config import StudyConfig
from polypstudio.diffusion.base import load_base
from polypstudio.diffusion.fingerprint import reconstruction_fingerprint, training_section
from polypstudio.diffusion.latents import check_resolution, pixel_batches
from polypstudio.progress import Report, silent
from polypstudio.records import RealImage
from polypstudio.store.atomic import new_folder, write_json
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import labelled


@torch.inference_mode()
def reconstruct(
    study: StudyPaths, config: StudyConfig, images: Sequence[RealImage], data_root: Path, report: Report = silent
) -> None:
    """Writes each labelled image as the VAE's decoder gives back its mean latent.

    ``reconstruction/{train,test}/{ad,non_ad}/00000.png``, numbered per class in the order of the image set, and a
    manifest; the folder appears whole. ``report`` counts images.
    """
    training = training_section(config)
    sources = [image for split in ("train", "test") for image in labelled(list(images), split)]
    device = PartialState().device
    vae = load_base(training.base).vae().to(device, memory_format=torch.channels_last)
    check_resolution(vae, training.resolution)
    numbers: dict[tuple[str, str], int] = {}
    with new_folder(study.reconstruction) as folder:
        done = 0
        for batch in pixel_batches([data_root / image.path for image in sources], training.resolution, device):
            decoded = _to_uint8(vae.decode(vae.encode(batch).latent_dist.mean).sample)
            for image, pixels in zip(sources[done : done + len(batch)], decoded, strict=True):
                key = (image.split, image.label)
                number = numbers.get(key, 0)
                path = folder / image.split / image.label / f"{number:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path, optimize=True)
                numbers[key] = number + 1
            done += len(batch)
            report(done, len(sources), "reconstruction")
        manifest = {
            "schema_version": 1,
            "made_from": reconstruction_fingerprint(config, images, data_root),
            "counts": {f"{split}/{label}": count for (split, label), count in numbers.items()},
        }
        write_json(folder / study.reconstruction_manifest.name, manifest)


def _to_uint8(pixels: torch.Tensor) -> np.ndarray:
    """Pixels (n, 3, h, w) in [-1, 1] as uint8 (n, h, w, 3)."""
    return ((pixels.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
