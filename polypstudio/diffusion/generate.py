"""Drawing on request: one prompt and the same noise through several iterations, an image at a time."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from polypstudio.config import StudyConfig
from polypstudio.diffusion.base import load_base, load_unet
from polypstudio.diffusion.fingerprint import training_section
from polypstudio.diffusion.sampler import Sampler
from polypstudio.errors import UserError
from polypstudio.progress import Report, silent
from polypstudio.records import PATHOLOGIES, GenerationRequest
from polypstudio.stopping import Stopped, never
from polypstudio.store.generated import GeneratedFolder
from polypstudio.store.paths import StudyPaths


def generate(
    study: StudyPaths,
    config: StudyConfig,
    request: GenerationRequest,
    folder: GeneratedFolder,
    report: Report = silent,
    stop: Callable[[], bool] = never,
) -> None:
    """Draws the request's images into ``folder``, which was begun. Stops between two images; what is drawn is kept.

    Raises UserError for an iteration without weights.
    """
    check_weights(study, request)
    settings = {"seed": request.seed, "guidance": request.guidance, "steps": request.steps}
    asked = config.model_copy(update={"sampling": config.sampling.model_copy(update=settings)})
    prompts = dict.fromkeys(PATHOLOGIES, request.prompt)
    base = load_base(training_section(config).base)
    total = len(request.iterations) * request.count
    done = 0
    for iteration in request.iterations:
        report(done, total, f"iteration {iteration}: loading the weights")
        sampler = Sampler(asked, base, load_unet(study.unet(iteration)), prompts=prompts)
        for index in range(request.count):
            if stop():
                raise Stopped(f"stopped after {done} of {total} images; they are kept")
            (pixels,) = sampler.draw([(request.label, index)])
            content = io.BytesIO()
            Image.fromarray(pixels).save(content, "PNG", optimize=True)
            folder.add(iteration, content.getvalue())
            done += 1
            report(done, total, f"iteration {iteration}")


def check_weights(study: StudyPaths, request: GenerationRequest) -> None:
    """Raises UserError if an iteration of the request has no weights here."""
    for iteration in request.iterations:
        if not study.unet(iteration).is_dir():
            raise UserError(
                f"{study.name}: no weights at iteration {iteration} ({study.unet(iteration)}): images can be drawn only at "
                "iterations that were trained here, or whose weights were imported"
            )
