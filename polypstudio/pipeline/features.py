"""Features of every image set of a study, each encoded once, by all processes that work together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import cast

import numpy as np

from polypstudio import processes
from polypstudio.encoders import encode, encoder_family, encoder_preprocessing, encoder_version, in_shares
from polypstudio.errors import UserError
from polypstudio.pipeline.context import Context
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import PATHOLOGIES, ImageKey, Pathology, RealImage
from polypstudio.store.features import image_set_hash, load_features, save_features
from polypstudio.store.images import image_size
from polypstudio.store.paths import iteration_set, real_set, reconstruction_set
from polypstudio.store.studies import complete_iterations, labelled


@dataclass(frozen=True)
class ImageSet:
    """The AD and Non-AD images of one source, in the order of their features' rows."""

    name: str
    keys: list[ImageKey]
    files: list[Path]
    groups: list[str]

    @property
    def labels(self) -> list[str]:
        return [key.label for key in self.keys]


def image_sets(context: Context) -> dict[str, ImageSet]:
    """Real images by split, their reconstructions (where made) and every complete iteration, by name."""
    sets = [_real_set(context, split) for split in ("train", "test")]
    if context.study.reconstruction.is_dir():
        sets += [_reconstruction_set(context, split) for split in ("train", "test")]
    sets += [_synthetic_set(context, iteration) for iteration in complete_iterations(context.study)]
    return {image_set.name: image_set for image_set in sets if image_set.files}


def _numbered(name: str, images: list[RealImage]) -> list[ImageKey]:
    """The keys of real images, numbered within each class."""
    counts = dict.fromkeys(PATHOLOGIES, 0)
    keys = []
    for image in images:
        label = cast(Pathology, image.label)
        keys.append(ImageKey(name, label, counts[label]))
        counts[label] += 1
    return keys


def _real_set(context: Context, split: str) -> ImageSet:
    images = labelled(context.images, split)
    keys = _numbered(real_set(split), images)
    return ImageSet(real_set(split), keys, context.real_files(images), [image.group for image in images])


def _reconstruction_set(context: Context, split: str) -> ImageSet:
    """The reconstructed images of a split: in the order of their originals, whose groups they keep."""
    images = labelled(context.images, split)
    keys = _numbered(reconstruction_set(split), images)
    files = [context.study.reconstruction / split / key.label / f"{key.index:05d}.png" for key in keys]
    return ImageSet(reconstruction_set(split), keys, files, [image.group for image in images])


def _synthetic_set(context: Context, iteration: int) -> ImageSet:
    """Every synthetic image is a group of its own: it was drawn from its own noise."""
    files = context.sample_files(iteration)
    name = iteration_set(iteration)
    keys = [ImageKey(name, cast(Pathology, path.parent.name), int(path.stem)) for path in files]
    return ImageSet(name, keys, files, [f"{key.label}/{key.index}" for key in keys])


def common_resolution(sets: dict[str, ImageSet]) -> int:
    """The side in pixels to which every image is reduced first: the smallest among the sets' median sides.

    Without it, sharp real images against small synthetic ones would differ by resolution alone.
    """
    return min(int(median(_short_side(path) for path in image_set.files)) for image_set in sets.values())


def _short_side(path: Path) -> int:
    return min(image_size(path))


@dataclass(frozen=True)
class Encoding:
    """One encoder over the image sets of a study.

    ``version`` is what its features depend on beside the images, ``compute`` makes those of some files at a resolution.
    """

    context: Context
    encoder: str
    version: str
    family: str
    preprocessing: str
    compute: Callable[[Sequence[Path], int, Report], np.ndarray]
    sets: dict[str, ImageSet]
    resolution: int

    @classmethod
    def of(cls, context: Context, encoder: str) -> Encoding:
        """By an encoder of the catalogue."""
        sets = image_sets(context)

        def compute(files: Sequence[Path], resolution: int, report: Report) -> np.ndarray:
            return encode(encoder, files, report, resolution=resolution)

        return cls(
            context,
            encoder,
            encoder_version(encoder),
            encoder_family(encoder),
            encoder_preprocessing(encoder),
            compute,
            sets,
            common_resolution(sets),
        )

    def set_hash(self, name: str) -> str:
        """Hash of a set's images and the size they are reduced to: the name of its feature file."""
        content = self.context.hash_files(self.sets[name].files)
        return image_set_hash([content, f"{self.resolution} px"])

    def features(self, name: str) -> np.ndarray:
        """The stored features (n, d) of a set."""
        features = load_features(self.context.study, self.encoder, self.set_hash(name))
        if features is None or len(features) != len(self.sets[name].files):
            path = self.context.study.feature_file(self.encoder, self.set_hash(name))
            raise UserError(f"{path}: missing or unreadable; run `polypstudio evaluate {self.context.study.name}`")
        return features

    def inputs(self) -> dict[str, str]:
        """What every evidence step depends on."""
        hashes = {name: self.set_hash(name) for name in self.sets}
        return {**hashes, "encoder": self.version}


def feature_steps(encoding: Encoding) -> Iterator[Step]:
    """One step an image set."""
    study = encoding.context.study
    for name, image_set in encoding.sets.items():

        def run(report: Report, name: str = name, image_set: ImageSet = image_set) -> None:
            features = in_shares(lambda files: encoding.compute(files, encoding.resolution, report), image_set.files)
            if processes.is_main():
                save_features(study, encoding.encoder, encoding.set_hash(name), features)

        yield Step(
            name=f"features-{encoding.encoder}-{name.replace('/', '-')}",
            title=f"Features of {name}",
            version=1,
            inputs={"images": encoding.set_hash(name), "encoder": encoding.version},
            settings={"resolution": encoding.resolution},
            outputs=[study.feature_file(encoding.encoder, encoding.set_hash(name))],
            run=run,
            together=True,
        )
