"""A study's images, iterations and results read together, for a report."""

from __future__ import annotations

from polypstudio.records import ClassificationResult, KidResult, NeighbourResult, StudyContents
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result
from polypstudio.store.studies import complete_iterations, load_config, load_index, load_manifest


def load_contents(study: StudyPaths, encoder: str) -> StudyContents:
    """What the study holds by ``encoder``; results that do not exist yet are None."""
    config = load_config(study)
    return StudyContents(
        name=study.name,
        config=config,
        images=load_index(study),
        iterations=[load_manifest(study, iteration) for iteration in complete_iterations(study)],
        kid=load_result(study, KidResult, encoder),
        neighbours=load_result(study, NeighbourResult, encoder),
        classification=load_result(study, ClassificationResult, config.classification.model),
    )
