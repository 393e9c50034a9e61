"""Studies under a root, and what each holds."""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from polypstudio.config import StudyConfig, format_config, parse_config
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES, IterationManifest, RealImage
from polypstudio.store.atomic import write_text
from polypstudio.store.paths import StudyPaths

_IMAGES = TypeAdapter(list[RealImage])


def list_studies(root: Path) -> list[StudyPaths]:
    """The studies under ``root``, by name."""
    if not root.is_dir():
        return []
    return [StudyPaths(folder) for folder in sorted(root.iterdir()) if (folder / "study.toml").is_file()]


def load_config(study: StudyPaths) -> StudyConfig:
    """Reads ``study.toml``; UserError names a wrong field."""
    return read_config(study.config)


def read_config(file: Path) -> StudyConfig:
    """Reads a configuration from anywhere, such as a job's; UserError names a wrong field."""
    return parse_config(file.read_text(), str(file))


def save_config(study: StudyPaths, config: StudyConfig) -> None:
    """Writes ``study.toml``."""
    write_text(study.config, format_config(config))


def data_root(study: StudyPaths, config: StudyConfig) -> Path:
    """The folder of the study's real images (a relative path starts at the study)."""
    return (study.root / config.data.path).resolve()


def save_index(study: StudyPaths, images: list[RealImage]) -> None:
    """Keeps the list of real images, so that the dashboard shows them without reading the dataset anew."""
    write_text(study.index, _IMAGES.dump_json(images, indent=1, exclude_none=True).decode() + "\n")


def load_index(study: StudyPaths) -> list[RealImage]:
    """The list of real images, not to be changed; [] before the first `run` or `evaluate`."""
    if not study.index.is_file():
        return []
    about = study.index.stat()
    return _load_index(study.index, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _load_index(path: Path, size: int, changed: int) -> list[RealImage]:
    """The list as it was when the file had this size and time: every tab asks for it, and SUN's is 20 MB."""
    try:
        return _IMAGES.validate_json(path.read_bytes())
    except ValidationError:
        raise UserError(f"{path}: cannot be read; delete it and run `polypstudio evaluate`") from None


def labelled(images: list[RealImage], split: str) -> list[RealImage]:
    """The AD, then the Non-AD images of a split, each in the order of the index: the order of the image set."""
    return [image for label in PATHOLOGIES for image in images if image.split == split and image.label == label]


def count_images(images: list[RealImage]) -> dict[tuple[str, str], int]:
    """(split, label) -> number of images."""
    return dict(Counter((image.split, image.label) for image in images))


def complete_iterations(study: StudyPaths) -> list[int]:
    """Iterations whose manifest exists, ascending: those that are whole."""
    return sorted(int(path.parent.name) for path in study.iterations.glob("[0-9]*/manifest.json"))


def has_weights(study: StudyPaths) -> bool:
    """Whether a stage of fine-tuning, or an import, has left a U-Net at some iteration, sampled or not."""
    return any(study.iterations.glob("[0-9]*/unet"))


def load_manifest(study: StudyPaths, iteration: int) -> IterationManifest:
    """The manifest of a complete iteration."""
    path = study.manifest(iteration)
    try:
        return IterationManifest.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be read ({reason}); delete the iteration and run the study again") from None


def save_manifest(study: StudyPaths, manifest: IterationManifest) -> None:
    """Writes the manifest: the last file of an iteration."""
    write_text(study.manifest(manifest.iteration), manifest.model_dump_json(indent=1) + "\n")


def sample_files(study: StudyPaths, iteration: int) -> list[Path]:
    """The synthetic images of an iteration: AD, then Non-AD, by index. The order of the image set."""
    return [path for label in PATHOLOGIES for path in sorted((study.samples(iteration) / label).glob("[0-9]*.png"))]


def preview_steps(study: StudyPaths) -> list[tuple[str, int]]:
    """(stage, step) of the checkpoints at which previews were drawn, as they were drawn."""
    folders = [folder for folder in study.previews("").glob("*/[0-9]*") if folder.name.isdigit()]
    return [(folder.parent.name, int(folder.name)) for folder in sorted(folders, key=lambda f: f.stat().st_mtime)]
