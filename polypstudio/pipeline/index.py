"""Reads the dataset and keeps its list in the study."""

from __future__ import annotations

import hashlib

from polypstudio.data.sharpness import assign_quality
from polypstudio.errors import UserError
from polypstudio.pipeline.context import Context
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES
from polypstudio.store.features import file_hash
from polypstudio.store.studies import save_index

MINIMUM_PER_CLASS = 4  # a KID of fewer images has no interval worth showing


def index_step(context: Context) -> Step:
    """The dataset's images with label, split, group and quality, into ``images.json``."""
    listing = context.listing
    text = "\n".join(image.model_dump_json(exclude={"sharpness"}) for image in listing)

    def run(report: Report) -> None:
        for label in PATHOLOGIES:
            found = sum(image.label == label and image.split == "train" for image in listing)
            if found < MINIMUM_PER_CLASS:
                raise UserError(
                    f"{context.data_root}: {found} training images of {PATHOLOGY_NAMES[label]}; "
                    f"at least {MINIMUM_PER_CLASS} are needed: add images"
                )
        save_index(context.study, assign_quality(context.data_root, listing, report))

    return Step(
        name="index",
        title="Reading the real images",
        version=1,
        inputs={
            "listing": hashlib.sha256(text.encode()).hexdigest(),
            "images": context.hash_files(context.real_files(listing)),
        },
        settings={"layout": context.config.data.layout},
        outputs=[context.study.index],
        run=run,
    )


def index_hash(context: Context) -> str:
    """Hash of the list of real images: what every later step takes as its input."""
    return file_hash(context.study.index)
