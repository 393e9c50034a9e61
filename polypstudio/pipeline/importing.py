"""Iterations made by other tools: two folders of images, or the weights of a diffusers training."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from polypstudio import __version__
from polypstudio.config import StudyConfig
from polypstudio.data.formats import ImageFormat, match, measure_format
from polypstudio.data.layouts import read_dataset
from polypstudio.errors import UserError
from polypstudio.progress import Report
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, IterationManifest, Pathology
from polypstudio.store.atomic import new_folder
from polypstudio.store.features import file_hash
from polypstudio.store.images import SUFFIXES, centre_square, load_rgb
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import data_root, save_manifest


def import_images(
    study: StudyPaths,
    config: StudyConfig,
    iteration: int,
    folders: Mapping[Pathology, Path],
    report: Report,
    form: ImageFormat | None = None,
) -> IterationManifest:
    """Takes two folders of synthetic images as a complete iteration; each is re-encoded as a square PNG without metadata.

    ``form``: the format of the real images, into which they are brought first; None leaves them as they are.
    Raises UserError if the iteration exists, a folder has no image, or an image cannot be read; nothing is left then.
    """
    _refuse_existing(study, iteration)
    files = {label: _images_in(folders[label], label) for label in PATHOLOGIES}
    total = sum(len(found) for found in files.values())
    hashes: dict[str, str] = {}
    matching: Counter[str] = Counter()
    with new_folder(study.samples(iteration)) as samples:
        for label in PATHOLOGIES:
            (samples / label).mkdir()
            for index, file in enumerate(files[label]):
                target = samples / label / f"{index:05d}.png"
                image, done = _taken(file, form)
                image.save(target, optimize=True)
                matching.update(done)
                hashes[f"samples/{label}/{target.name}"] = file_hash(target)
                report(len(hashes), total, file.name)
    manifest = IterationManifest(
        iteration=iteration,
        origin="imported images",
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        config=config.model_dump(mode="json"),
        versions={"polypstudio": __version__},
        hashes=hashes,
        counts={label: len(files[label]) for label in PATHOLOGIES},
        matching=dict(matching),
    )
    save_manifest(study, manifest)
    return manifest


def real_format(study: StudyPaths, config: StudyConfig) -> ImageFormat:
    """The format of the study's real training images."""
    root = data_root(study, config)
    images = [image for image in read_dataset(root, config.data.layout) if image.split == "train"]
    return measure_format([root / image.path for image in images if image.label in PATHOLOGIES])


def _taken(file: Path, form: ImageFormat | None) -> tuple[Image.Image, list[str]]:
    if form is not None:
        return match(file, form)
    pixels = load_rgb(file)
    return centre_square(Image.fromarray(pixels), min(pixels.shape[:2])), []


def weights_by_iteration(folder: Path, iteration: int | None) -> dict[int, Path]:
    """Iteration -> diffusers U-Net folder: ``folder`` (or its ``unet``), or each ``checkpoint-<step>`` of a training in it.

    Raises UserError where there is none, and where an iteration was given for several.
    """
    checkpoints = {
        int(found.name.rpartition("-")[2]): _unet_in(found)
        for found in folder.glob("checkpoint-*")
        if found.name.rpartition("-")[2].isdigit()
    }
    if not checkpoints:
        if iteration is None:
            raise UserError(f"--iteration is missing: {folder} holds no checkpoint-* that would say it")
        return {iteration: _unet_in(folder)}
    if iteration is not None and iteration not in checkpoints:
        raise UserError(f"{folder}: no checkpoint-{iteration}; there are {', '.join(map(str, sorted(checkpoints)))}")
    return {step: checkpoints[step] for step in sorted(checkpoints) if iteration in (None, step)}


def import_weights(study: StudyPaths, weights: Mapping[int, Path]) -> None:
    """Takes diffusers U-Nets as iterations, all or none where one is there already; `polypstudio sample` draws from them."""
    for iteration in weights:
        _refuse_existing(study, iteration)
    for iteration, source in weights.items():
        with new_folder(study.unet(iteration)) as target:
            for file in [source / "config.json", *source.glob("*.safetensors")]:
                shutil.copyfile(file, target / file.name)


def _unet_in(folder: Path) -> Path:
    source = folder / "unet" if (folder / "unet").is_dir() else folder
    if not (source / "config.json").is_file() or not list(source.glob("*.safetensors")):
        raise UserError(
            f"{folder}: no diffusers U-Net: expected config.json and *.safetensors in it or in its folder `unet`"
        )
    if json.loads((source / "config.json").read_text()).get("_class_name") != "UNet2DConditionModel":
        raise UserError(f"{source / 'config.json'}: not a UNet2DConditionModel; give a Stable Diffusion U-Net")
    return source


def _refuse_existing(study: StudyPaths, iteration: int) -> None:
    if iteration <= 0:
        raise UserError(f"--iteration {iteration}: give the number of optimizer steps, above 0")
    if study.manifest(iteration).is_file() or study.unet(iteration).is_dir():
        raise UserError(
            f"{study.name} has an iteration {iteration} already: choose another number, "
            f"or remove {study.iteration(iteration)}"
        )


def _images_in(folder: Path, label: Pathology) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"--{label.replace('_', '-')} {folder}: no such folder")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(f"{folder}: no image of {PATHOLOGY_NAMES[label]} ({', '.join(sorted(SUFFIXES))})")
    return files
