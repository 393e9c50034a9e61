"""What all steps of one run share: the study, its configuration, its real images and their content hashes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from polypstudio.config import StudyConfig, TrainingConfig
from polypstudio.data.catalogue import Catalogue
from polypstudio.data.layouts import list_study
from polypstudio.data.listing import Listing
from polypstudio.errors import UserError
from polypstudio.records import RealImage
from polypstudio.store.features import image_set_hash
from polypstudio.store.file_facts import FileFacts, known_hashes
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import data_root, load_config, load_index, sample_files


@dataclass
class Context:
    """One run over a study. ``images`` is filled by the step that reads the dataset."""

    study: StudyPaths
    config: StudyConfig

    @classmethod
    def of(cls, study: StudyPaths) -> Context:
        return cls(study, load_config(study))

    @cached_property
    def data_root(self) -> Path:
        root = data_root(self.study, self.config)
        if not root.is_dir():
            raise UserError(
                f"{self.study.config}: `data.path`: no folder {root}; put the images there, or correct the path"
            )
        return root

    @cached_property
    def listing(self) -> Listing:
        """The datasets as their folders say it now (qualities not measured yet)."""
        return list_study(self.config.data, self.data_root, Catalogue(self.study.catalogue))

    @property
    def images(self) -> list[RealImage]:
        """The real images as the study's index has them."""
        return load_index(self.study)

    @property
    def training(self) -> TrainingConfig:
        if self.config.training is None:
            raise UserError(
                f"{self.study.config}: no [training] section: this study only imports iterations; "
                "make a study with `polypstudio new … --preset tiny` to train"
            )
        return self.config.training

    @cached_property
    def hash_of(self) -> FileFacts:
        """``hash_of(file)``: its content hash, read once for as long as the file stays what it was."""
        return known_hashes(self.study)

    def hash_files(self, files: Iterable[Path]) -> str:
        """Hash of an ordered set of files."""
        try:
            return image_set_hash([self.hash_of(path) for path in files])
        finally:
            self.hash_of.write()

    def real_files(self, images: Iterable[RealImage]) -> list[Path]:
        """The files of real images."""
        return [self.data_root / image.path for image in images]

    def sample_files(self, iteration: int) -> list[Path]:
        """The synthetic images of an iteration, AD then Non-AD."""
        return sample_files(self.study, iteration)
