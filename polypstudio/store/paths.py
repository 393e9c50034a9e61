"""Where everything of a study lies. No other module joins paths of a study."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from polypstudio.errors import UserError
from polypstudio.records import ImageKey

PACKAGE = Path(__file__).resolve().parent.parent
TINY_BASE = PACKAGE / "assets" / "tiny-sd"
RECONSTRUCTION = "reconstruction"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def bundled_studies() -> Path:
    """The root of the studies that ship with the source tree."""
    return PACKAGE.parent / "checkpoints"


def queue_lock(root: Path) -> Path:
    """Held for the moment in which the queue of jobs is changed."""
    return root / ".queue.lock"


def worker_lock(root: Path, device: str) -> Path:
    """Held by the process that runs the jobs of a device."""
    return root / f".worker-{device.replace(':', '-')}.lock"


def worker_log(root: Path, device: str) -> Path:
    """What that process printed: nothing, unless something went wrong."""
    return worker_lock(root, device).with_suffix(".log")


def real_set(split: str) -> str:
    """Name of the image set of one split of the real images."""
    return f"real/{split}"


def reconstruction_set(split: str) -> str:
    """Name of the image set of one split of the real images after the autoencoder."""
    return f"{RECONSTRUCTION}/{split}"


def preview_set(stage: str, step: int) -> str:
    """Name of the image set of the previews at one checkpoint of a stage."""
    return f"previews/{stage}/{step:06d}"


def iteration_set(iteration: int) -> str:
    """Name of the image set of one iteration."""
    return f"iterations/{iteration:06d}"


@dataclass(frozen=True)
class StudyPaths:
    """The files of the study in ``root``."""

    root: Path

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def config(self) -> Path:
        return self.root / "study.toml"

    @property
    def index(self) -> Path:
        """The list of real images as it was read when the study was made current."""
        return self.root / "images.json"

    @property
    def iterations(self) -> Path:
        return self.root / "iterations"

    @property
    def training(self) -> Path:
        return self.root / "training"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def readings(self) -> Path:
        return self.root / "readings.sqlite"

    @property
    def catalogue(self) -> Path:
        """What was found out about the dataset's files, kept for the next run; it may be deleted."""
        return self.root / "cache"

    def file_facts(self, name: str) -> Path:
        """One fact of each file of the dataset: `hashes`, `sharpness`."""
        return self.catalogue / f"{name}.txt"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def generated(self) -> Path:
        """Images drawn on request, a folder each request."""
        return self.root / "generated"

    @property
    def lock(self) -> Path:
        """Held by the one process that changes the study."""
        return self.root / ".lock"

    @property
    def reconstruction(self) -> Path:
        """Real images passed through the VAE: {split}/{label}/00000.png."""
        return self.root / RECONSTRUCTION

    def iteration(self, iteration: int) -> Path:
        return self.iterations / f"{iteration:06d}"

    def manifest(self, iteration: int) -> Path:
        return self.iteration(iteration) / "manifest.json"

    @property
    def training_log(self) -> Path:
        """One JSON line every few optimizer steps: step, stage, loss, lr, images/s, memory."""
        return self.training / "log.jsonl"

    def stage(self, stage: str) -> Path:
        """What one stage of fine-tuning keeps: resumable states, and the U-Net it hands on."""
        return self.training / stage

    def stage_unet(self, stage: str, step: int | None = None) -> Path:
        """The U-Net at the end of a stage that another stage starts from, or at a checkpoint on the way."""
        return self.stage(stage) / ("unet" if step is None else f"unet-{step:06d}")

    def latents(self, key: str) -> Path:
        """Cached VAE latents of one base model at one resolution (a hyphen, so that it is no stage)."""
        return self.training / f"cache-latents-{key}"

    def embeddings(self, key: str) -> Path:
        """Cached text embeddings of prompts by one base model."""
        return self.training / f"cache-text-{key}.safetensors"

    def previews(self, stage: str) -> Path:
        """Images drawn while a stage trained: {step:06d}/{label}-{index}.png, the same noise for an index at every step."""
        return self.training / "previews" / stage

    def preview(self, stage: str, step: int, label: str, index: int) -> Path:
        """One of the images drawn at a checkpoint."""
        return self.previews(stage) / f"{step:06d}" / f"{label}-{index}.png"

    @property
    def tensorboard(self) -> Path:
        return self.training / "tensorboard"

    @property
    def estimate(self) -> Path:
        """What the last estimate measured: time, memory and disk of fine-tuning."""
        return self.training / "estimate.json"

    @property
    def classifier(self) -> Path:
        """Weights of the study's classifier, where it serves as an encoder."""
        return self.training / "classifier.safetensors"

    @property
    def reconstruction_manifest(self) -> Path:
        """Written last: its existence means that the reconstruction is complete."""
        return self.reconstruction / "manifest.json"

    def unet(self, iteration: int) -> Path:
        return self.iteration(iteration) / "unet"

    def samples(self, iteration: int) -> Path:
        return self.iteration(iteration) / "samples"

    def sample(self, iteration: int, label: str, index: int) -> Path:
        return self.samples(iteration) / label / f"{index:05d}.png"

    def feature_file(self, encoder: str, set_hash: str) -> Path:
        return self.features / encoder / f"{set_hash}.safetensors"

    def result(self, kind: str, name: str) -> Path:
        """``kind``: kid, ranking, coverage, neighbours, tsne, maps (by encoder), leaks, classification (by model)."""
        return self.results / kind / f"{name}.json"

    def stamp(self, step: str) -> Path:
        """What a finished pipeline step was made from."""
        return self.root / "steps" / f"{step}.json"

    def synthetic(self, key: ImageKey) -> Path:
        """The file of a synthetic image."""
        return self.root / key.image_set / "samples" / key.label / f"{key.index:05d}.png"


def find_study(name_or_path: str, root: Path) -> StudyPaths:
    """The study of that path, or of that name under ``root``.

    Raises UserError naming what was looked for where there is none.
    """
    for candidate in (Path(name_or_path), root / name_or_path):
        if (candidate / "study.toml").is_file():
            return StudyPaths(candidate.resolve())
    raise UserError(
        f"no study `{name_or_path}`: neither {Path(name_or_path) / 'study.toml'} nor "
        f"{root / name_or_path / 'study.toml'} exists; make one with `polypstudio new`"
    )


def new_study(name_or_path: str, root: Path) -> StudyPaths:
    """Where a study to be made will lie. Raises UserError if the name is unusable or something is there already."""
    path = Path(name_or_path) if "/" in name_or_path else root / name_or_path
    if not _NAME.fullmatch(path.name):
        raise UserError(
            f"study name `{path.name}`: use letters, digits, `.`, `_` and `-`, at most 64, starting with a letter or digit"
        )
    if path.exists() and any(entry.name != "jobs" for entry in path.iterdir()):  # the job that makes it is there first
        raise UserError(f"{path} exists already: choose another name, or remove the folder")
    return StudyPaths(path.resolve())
