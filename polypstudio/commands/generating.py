"""`generate`: images on request."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from polypstudio.config import describe
from polypstudio.console import Console
from polypstudio.errors import UserError
from polypstudio.jobs import JOB_VARIABLE
from polypstudio.records import GenerationRequest
from polypstudio.stopping import stop_on_signals
from polypstudio.store.generated import GeneratedFolder, remove_old
from polypstudio.store.paths import find_study
from polypstudio.store.studies import load_config


def generate(options: argparse.Namespace) -> dict[str, Any]:
    """Draws the images of one request; the study's own samples stay as they are."""
    study = find_study(options.study, options.root)
    config = load_config(study)
    sampling = config.sampling
    prompt = options.prompt
    if prompt is None:
        from polypstudio.diffusion.fingerprint import sample_prompts, training_section

        prompt = sample_prompts(training_section(config))[options.label]
    try:
        request = GenerationRequest(
            iterations=tuple(options.iteration),
            prompt=prompt,
            label=options.label,
            seed=sampling.seed if options.seed is None else options.seed,
            guidance=sampling.guidance if options.guidance is None else options.guidance,
            steps=sampling.steps if options.steps is None else options.steps,
            count=options.count,
        )
    except ValidationError as error:
        raise UserError(describe(error)) from None
    folder = GeneratedFolder(study.generated / request.key)
    job = os.environ.get(JOB_VARIABLE)
    console = Console()
    with stop_on_signals() as stop:
        folder.begin(request, Path(job).name if job else None)
        remove_old(study)
        from polypstudio.diffusion import generate as drawing

        drawing.generate(study, config, request, folder, console.announce("Drawing images"), stop)
    console.finish()
    if not options.json:
        print(folder.path)
    return {"folder": str(folder.path), "key": request.key, "request": request.model_dump(mode="json")}
