"""Reads the datasets and keeps their list in the study."""

from __future__ import annotations

import hashlib

from polypstudio.data.listing import Listing
from polypstudio.data.sharpness import assign_quality, file_sharpness
from polypstudio.errors import UserError
from polypstudio.pipeline.context import Context
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES
from polypstudio.store.features import file_hash
from polypstudio.store.file_facts import FileFacts
from polypstudio.store.studies import save_index

MINIMUM_PER_CLASS = 4  # a KID of fewer images has no interval worth showing
HASHED_IMAGES = 5_000  # a larger dataset is known by its files' names and sizes: to read SUN's 76 GB takes an hour


def index_step(context: Context) -> Step:
    """The dataset's images with label, split, group and quality, into ``images.json``."""
    listing = context.listing

    def run(report: Report) -> None:
        for label in PATHOLOGIES:
            found = sum(image.label == label and image.split == "train" for image in listing.images)
            if found < MINIMUM_PER_CLASS:
                raise UserError(
                    f"{context.data_root}: {found} training images of {PATHOLOGY_NAMES[label]}; "
                    f"at least {MINIMUM_PER_CLASS} are needed: add images"
                )
        sharpness = FileFacts(context.study.file_facts("sharpness"), file_sharpness)
        try:
            images = assign_quality(context.data_root, listing.images, report, sharpness)
        finally:
            sharpness.write()
        save_index(context.study, images)

    return Step(
        name="index",
        title="Reading the real images",
        version=1,
        inputs={"listing": listing.digest, "images": _content_hash(context, listing)},
        settings={"layout": context.config.data.layout},
        outputs=[context.study.index],
        run=run,
    )


def index_hash(context: Context) -> str:
    """Hash of the list of real images: what every later step takes as its input."""
    return file_hash(context.study.index)


def _content_hash(context: Context, listing: Listing) -> str:
    if len(listing.images) > HASHED_IMAGES:
        return hashlib.sha256(listing.files.encode()).hexdigest()
    return context.hash_files(context.real_files(listing.images))
