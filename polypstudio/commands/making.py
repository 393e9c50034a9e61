"""`audit`, `new`, `rerun`, `import` and `base`: what comes in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from polypstudio.commands import steps
from polypstudio.config import LAYOUTS, DataSource
from polypstudio.console import Console
from polypstudio.errors import UserError
from polypstudio.records import Pathology
from polypstudio.store.paths import find_study, new_study
from polypstudio.store.studies import load_config


def audit_data(options: argparse.Namespace) -> dict[str, Any]:
    """Prints what is in a dataset and what is wrong with it."""
    from polypstudio.data.audit import audit

    console = Console()
    found = audit(options.path, options.layout, console.announce("Reading the images"), open_images=not options.counts)
    console.finish()
    if not options.json:
        print("\n".join(found.lines()))
    return found.model_dump(mode="json")


def new(options: argparse.Namespace) -> dict[str, Any]:
    """Makes a study."""
    from polypstudio.pipeline.creation import create

    console = Console()
    study = new_study(options.study, options.root)
    report = console.announce("Reading the images")
    also = [_source(text) for text in options.also]
    config, listing = create(study, options.data, options.layout, options.base, options.preset, report, also)
    console.finish()
    if not options.json:
        for line in (*listing.notes, *(f"not as published: {text}" for text in listing.departures)):
            print(line)
        print(f"{study.config} written. Next: polypstudio run {options.study}")
    return {
        "study": str(study.root),
        "config": config.model_dump(mode="json"),
        "notes": listing.notes,
        "departures": listing.departures,
    }


def _source(text: str) -> DataSource:
    """A dataset to be added, as LAYOUT:FOLDER."""
    layout, colon, folder = text.partition(":")
    if not colon or layout not in LAYOUTS or not folder:
        raise UserError(f"--also {text}: write LAYOUT:FOLDER, such as sun:/data/SUN; layouts are {', '.join(LAYOUTS)}")
    return DataSource(path=str(Path(folder).expanduser().resolve()), layout=layout)


def rerun(options: argparse.Namespace) -> dict[str, Any]:
    """Makes a study from another one and runs it; a study that was begun this way is gone on with."""
    from polypstudio.pipeline import creation

    source = find_study(options.source, options.root)
    if not (options.root / options.study / "study.toml").is_file():
        creation.rerun(source, steps.config_of(options, source), new_study(options.study, options.root))
    options.encoder = options.config = None  # from here on the copy's own
    return steps.run_all(options)


def import_iteration(options: argparse.Namespace) -> dict[str, Any]:
    """Takes an iteration from outside, or all checkpoints of a training with diffusers."""
    from polypstudio.pipeline.importing import import_images, import_weights, real_format, weights_by_iteration

    study = find_study(options.study, options.root)
    images = options.ad is not None and options.non_ad is not None
    if images == (options.weights is not None) or (options.ad is None) != (options.non_ad is None):
        raise UserError("give either --ad DIR and --non-ad DIR, or --weights DIR")
    if images and options.iteration is None:
        raise UserError("--iteration is missing: give the number of optimizer steps that made these images")
    taken = [options.iteration]
    answer: dict[str, Any]
    with steps.working_on(study) as console:
        if options.weights is not None:
            weights = weights_by_iteration(options.weights, options.iteration)
            import_weights(study, weights)
            taken = list(weights)
            following, answer = "sample", {"iterations": taken, "origin": "imported weights"}
        else:
            folders: dict[Pathology, Path] = {"ad": options.ad, "non_ad": options.non_ad}
            config = load_config(study)
            form = None if options.as_is else real_format(study, config)
            report = console.announce("Taking the images")
            manifest = import_images(study, config, options.iteration, folders, report, form)
            following, answer = "evaluate", manifest.model_dump(mode="json", exclude={"config", "hashes"})
    if not options.json:
        for done, images in answer.get("matching", {}).items():
            print(f"{done}: {images} images")
        print(f"iteration {', '.join(map(str, taken))} taken. Next: polypstudio {following} {options.study}")
    return answer


def make_base(options: argparse.Namespace) -> dict[str, Any]:
    """Trains the tiny Stable Diffusion; an interrupted training is resumed from its work folder."""
    from polypstudio.diffusion.recipe.build import build_tiny_base
    from polypstudio.diffusion.recipe.settings import RecipeSettings

    settings = RecipeSettings().with_steps(options.codec_steps, options.prior_steps)
    console = Console()
    build_tiny_base(options.output, options.work, settings, console.announce("Tiny Stable Diffusion"))
    console.finish()
    return {"base": str(options.output)}
