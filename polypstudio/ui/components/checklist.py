"""What has been done in a study, step by step, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from polypstudio.findings.format import count
from polypstudio.records import PATHOLOGIES, ClassificationResult
from polypstudio.store import results
from polypstudio.ui.context import Selection


@dataclass(frozen=True)
class Step:
    """A step of a study: what is there of it, and the command that does the rest."""

    title: str
    done: bool
    detail: str
    command: tuple[str, ...]
    advice: str


def steps(selection: Selection) -> list[Step]:
    """The steps in their order; [] if no study is chosen."""
    paths, config = selection.paths, selection.config()
    if paths is None or config is None:
        return []
    name, images, iterations = paths.name, selection.images(), selection.iterations()
    training = config.training
    expected = training.checkpoints if training else []
    missing = sorted(set(expected) - set(iterations))
    evaluated = _evaluated(selection)
    mapped = selection.tsne() is not None
    classified = results.load_result(paths, ClassificationResult, config.classification.model) is not None
    labelled = sum(image.label in PATHOLOGIES for image in images)
    return [
        Step(
            "Real images",
            bool(images),
            f"{labelled} AD or Non-AD, {len(images) - labelled} others" if images else "not read yet",
            ("run", name) if training else ("evaluate", name),
            "Read the real images, then fine-tune, sample and evaluate in one go.",
        ),
        Step(
            "Iterations",
            bool(iterations) and not missing,
            f"{len(iterations)} of {len(set(expected) | set(iterations)) or 'none'}"
            if expected
            else count(len(iterations), "iteration"),
            ("run", name) if training else ("import", name, "--iteration", "N", "--ad", "DIR", "--non-ad", "DIR"),
            "Fine-tune in two stages and draw the images of every iteration."
            if training
            else "Import synthetic images of another tool, two folders an iteration.",
        ),
        Step(
            "KID, floor, separation, alignment",
            bool(iterations) and not set(iterations) - evaluated,
            f"{len(evaluated & set(iterations))} of {len(iterations)} iterations",
            ("evaluate", name),
            "Compare the synthetic classes with the real ones.",
        ),
        Step(
            "t-SNE map", mapped, "drawn" if mapped else "not drawn", ("evaluate", name), "Draw the map of all images."
        ),
        Step(
            "Augmentation test",
            classified,
            "done" if classified else "not done",
            ("classify", name),
            "Train the classifier on real, and on real and synthetic images.",
        ),
    ]


def next_step(found: list[Step]) -> Step | None:
    """The first step that is not done."""
    return next((step for step in found if not step.done), None)


def _evaluated(selection: Selection) -> set[int]:
    """Iterations with KID evidence by the chosen encoder."""
    kid = selection.kid()
    references = kid.references.values() if kid else ()
    return {evidence.iteration for r in references for evidence in r.iterations if evidence.iteration is not None}
