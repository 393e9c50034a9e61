"""A study's images, iterations and results read together, for a report."""

from __future__ import annotations

from polypstudio.records import (
    ClassificationResult,
    CoverageResult,
    KidResult,
    LeakResult,
    MapsResult,
    NeighbourResult,
    RankingResult,
    StudyContents,
)
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result, result_names
from polypstudio.store.studies import complete_iterations, load_config, load_index, load_manifest

LEAKS = "images"  # the leak check is of no encoder


def load_contents(study: StudyPaths, encoder: str) -> StudyContents:
    """What the study holds by ``encoder``; results that do not exist yet are None."""
    config = load_config(study)
    by_encoder = [load_result(study, KidResult, name) for name in result_names(study, KidResult)]
    return StudyContents(
        name=study.name,
        config=config,
        images=load_index(study),
        iterations=[load_manifest(study, iteration) for iteration in complete_iterations(study)],
        kid=load_result(study, KidResult, encoder),
        ranking=load_result(study, RankingResult, encoder),
        coverage=load_result(study, CoverageResult, encoder),
        neighbours=load_result(study, NeighbourResult, encoder),
        maps=load_result(study, MapsResult, encoder),
        leaks=load_result(study, LeakResult, LEAKS),
        by_encoder=[result for result in by_encoder if result is not None],
        classification=load_result(study, ClassificationResult, config.classification.model),
    )
