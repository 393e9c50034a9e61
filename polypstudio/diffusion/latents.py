"""VAE latents of the images: encoded once, kept on disk by the images' content, and read from there batch by batch.

``rows.txt`` names the images in the order in which their latents lie in ``latents.f16``. A line is added after the
latents that it stands for were flushed to disk, so that an encoding that was killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from polypstudio import processes
from polypstudio.diffusion.base import Base
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.stopping import Stop, Stopped, never
from polypstudio.store.atomic import append_line
from polypstudio.store.images import load_rgb
from polypstudio.store.paths import StudyPaths

_VERSION = 2
_NAME_BYTES = 65  # a sha256 and a line's end
_BATCH = 8
_CHUNK = 8 * _BATCH  # images between two flushes to disk: what a kill can cost
_MAPPED_BYTES = 2**28  # what may have been read of the file before its pages are handed back

Shape = tuple[int, int, int]


class Latents:
    """The VAE's posterior of images and of their mirror images, before the VAE's scaling.

    A row of the file is float16 (mean or std, straight or mirrored, channels, height, width). The file is mapped into
    memory, and what was read of it is handed back every so often: a page stays in the system's cache, not in ours.
    """

    def __init__(self, file: Path, rows: int, shape: Shape) -> None:
        self.shape = shape
        with open(file, "rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ)
        self._rows = np.frombuffer(self._map, np.float16, rows * 4 * int(np.prod(shape))).reshape(rows, 2, 2, *shape)
        self._map.madvise(mmap.MADV_RANDOM)
        self._touched = 0

    def posterior(self, rows: Sequence[int], mirrored: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the images in ``rows``, float32 (n, channels, height, width) each."""
        chosen = torch.from_numpy(self._rows[rows, :, mirrored].astype(np.float32))
        self._touched += 4 * mmap.PAGESIZE * len(rows) + chosen.nbytes
        if self._touched > _MAPPED_BYTES:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return chosen[:, 0], chosen[:, 1]


@dataclass(frozen=True)
class LatentCache:
    """The latents of one base model at one resolution, in ``folder``."""

    folder: Path
    shape: Shape

    @classmethod
    def of(cls, study: StudyPaths, base_hash: str, resolution: int, shape: Shape) -> LatentCache:
        key = hashlib.sha256(f"{_VERSION}/{base_hash}/{resolution}".encode()).hexdigest()[:24]
        return cls(study.latents(key), shape)

    @property
    def row_bytes(self) -> int:
        """Bytes of one image."""
        return 4 * 2 * int(np.prod(self.shape))

    @property
    def file(self) -> Path:
        return self.folder / "latents.f16"

    @property
    def _names(self) -> Path:
        return self.folder / "rows.txt"

    def rows(self) -> dict[str, int]:
        """Content hash of an image -> its row, of the images that are whole in the cache."""
        if not (self._names.is_file() and self.file.is_file()):
            return {}
        names = self._names.read_text()
        whole = min(len(names) // _NAME_BYTES, self.file.stat().st_size // self.row_bytes)
        return {name: row for row, name in enumerate(names[: whole * _NAME_BYTES].split())}

    def open(self, rows: int) -> Latents:
        return Latents(self.file, rows, self.shape)

    def write(self, first: int, latents: np.ndarray) -> None:
        """Puts the latents of images (n, 2, 2, …) where row ``first`` and those after it lie."""
        with open(os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as opened:
            opened.seek(first * self.row_bytes)
            opened.write(latents.astype(np.float16).tobytes())

    def name(self, hashes: Sequence[str]) -> None:
        """Flushes what was written to disk, then says which images the new rows are."""
        with open(self.file, "rb") as opened:
            os.fsync(opened.fileno())
        append_line(self._names, "\n".join(hashes))

    def forget_torn_names(self) -> None:
        """Removes what a kill may have left after the last whole name."""
        if self._names.is_file():
            os.truncate(self._names, len(self.rows()) * _NAME_BYTES)


def cached_latents(
    study: StudyPaths,
    base: Base,
    base_hash: str,
    images: Mapping[str, Path],
    resolution: int,
    device: torch.device,
    report: Report = silent,
    stop: Stop = never,
) -> tuple[Latents, dict[str, int]]:
    """The latents of ``images`` (content hash -> file) and their rows by hash; what is not in the cache is encoded.

    Latents of another base or resolution are removed. Several processes encode a share each. Raises Stopped between two
    flushes once ``stop`` says so.
    """
    cache = LatentCache.of(study, base_hash, resolution, latent_shape(base, resolution))
    if processes.is_main():
        for other in set(study.training.glob(study.latents("*").name)) - {cache.folder}:
            shutil.rmtree(other)
        cache.folder.mkdir(parents=True, exist_ok=True)
        cache.forget_torn_names()
    processes.wait()
    rows = cache.rows()
    missing = [content for content in images if content not in rows]
    if missing:
        _encode(
            cache, len(rows), base, {content: images[content] for content in missing}, resolution, device, report, stop
        )
        rows = cache.rows()
    return cache.open(len(rows)), rows


def latent_shape(base: Base, resolution: int) -> Shape:
    """(channels, height, width) of an image's latent. UserError where the VAE cannot have that resolution."""
    config = base.vae_config()
    factor = 2 ** (len(config["block_out_channels"]) - 1)
    _check_multiple(factor, resolution)
    return config["latent_channels"], resolution // factor, resolution // factor


def vae_factor(vae: AutoencoderKL) -> int:
    """How many pixels a side one latent stands for."""
    return 2 ** (len(vae.config.block_out_channels) - 1)


def check_resolution(vae: AutoencoderKL, resolution: int) -> None:
    """UserError where the VAE cannot halve the resolution as often as it has to."""
    _check_multiple(vae_factor(vae), resolution)


def pixel_batches(files: Sequence[Path], resolution: int, device: torch.device) -> Iterator[Tensor]:
    """The images in order, as batches (b, 3, resolution, resolution), float32 in [-1, 1], channels last."""
    for start in range(0, len(files), _BATCH):
        batch = np.stack([load_rgb(file, resolution) for file in files[start : start + _BATCH]])
        yield torch.from_numpy(batch).to(device).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def _encode(
    cache: LatentCache,
    first: int,
    base: Base,
    images: Mapping[str, Path],
    resolution: int,
    device: torch.device,
    report: Report,
    stop: Stop,
) -> None:
    """Adds the latents of ``images`` from row ``first`` on."""
    vae = base.vae().to(device, memory_format=torch.channels_last)
    hashes, files = list(images), list(images.values())
    share = _BATCH * processes.count()  # the processes take one batch each in turn
    for start in range(0, len(files), _CHUNK * processes.count()):
        chunk = slice(start, start + _CHUNK * processes.count())
        for begin in range(start, min(chunk.stop, len(files)), share):
            begin += _BATCH * processes.rank()
            batch = files[begin : min(begin + _BATCH, chunk.stop)]
            if batch:
                cache.write(first + begin, encoded(vae, batch, resolution, device))
        processes.wait()
        if processes.is_main():
            cache.name(hashes[chunk])
        report(min(chunk.stop, len(files)), len(files), "encoding the images")
        if chunk.stop < len(files) and processes.agreed(stop()):
            raise Stopped("stopped while the images were encoded; run again to resume")
    processes.wait()


@torch.inference_mode()
def encoded(vae: AutoencoderKL, files: Sequence[Path], resolution: int, device: torch.device) -> np.ndarray:
    """Rows of the cache for at most a batch of images."""
    (pixels,) = pixel_batches(files, resolution, device)
    posteriors = [vae.encode(batch).latent_dist for batch in (pixels, pixels.flip(3))]
    straight, mirrored = (torch.stack([posterior.mean, posterior.std], 1) for posterior in posteriors)
    return torch.stack([straight, mirrored], 2).half().cpu().numpy()


def _check_multiple(factor: int, resolution: int) -> None:
    if resolution % factor:
        nearest = max(1, round(resolution / factor)) * factor
        raise UserError(
            f"training.resolution is {resolution}: this base model needs a multiple of {factor}, such as {nearest}"
        )
