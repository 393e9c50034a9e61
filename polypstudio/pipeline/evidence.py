"""KID matrix with its rankings, neighbours and coverage as steps over stored features."""

from __future__ import annotations

from typing import Any

from polypstudio.config import EvaluationConfig
from polypstudio.metrics.class_evidence import KidSettings, judge
from polypstudio.metrics.features import ClassFeatures
from polypstudio.metrics.kid import check_subset_size, default_subset_size
from polypstudio.metrics.memorization import copies, copy_threshold, near_duplicates
from polypstudio.metrics.neighbours import class_agreement, real_agreement
from polypstudio.metrics.prdc import class_coverage, default_k
from polypstudio.pipeline.evaluation import (
    REFERENCES,
    ReferenceName,
    classes_of,
    evaluation_step,
    iterations_of,
    provenance,
    reconstruction_of,
)
from polypstudio.pipeline.features import Encoding
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import (
    PATHOLOGIES,
    ClassCoverage,
    CoverageResult,
    IterationCoverage,
    KidResult,
    NeighbourResult,
    Pathology,
    RankingResult,
    ReferenceCoverage,
    ReferenceEvidence,
    RuleRanking,
)
from polypstudio.store.paths import real_set
from polypstudio.store.results import save_result

RESAMPLING = {"bootstrap", "seed"}  # of the intervals of agreement and coverage
KID_SETTINGS = {"encoder", "subsets", "subset_size", "bootstrap", "permutations", "seed"}


def kid_step(encoding: Encoding) -> Step:
    """The KID matrix of every iteration against both references, and the iterations ranked by every rule."""
    study, config = encoding.context.study, encoding.context.config.evaluation
    settings = config.model_dump(include=KID_SETTINGS)

    def run(report: Report) -> None:
        real, iterations = _real(encoding), iterations_of(encoding)
        size = _subset_size(config.subset_size, _sizes(real, iterations))
        kid_settings = KidSettings(size, config.subsets, config.bootstrap, config.permutations, config.seed)
        references: dict[ReferenceName, ReferenceEvidence] = {}
        ranked: dict[ReferenceName, list[RuleRanking]] = {}
        for done, (name, split) in enumerate(REFERENCES):
            report(done, len(REFERENCES), f"against the {split} images")
            if split in real:
                reconstruction = reconstruction_of(encoding, split)
                references[name], ranked[name] = judge(real[split], iterations, kid_settings, reconstruction)
        report(len(REFERENCES), len(REFERENCES))
        made = provenance(encoding, settings)
        save_result(
            study,
            encoding.encoder,
            KidResult(**made, subsets=config.subsets, subset_size=size, references=references),
        )
        save_result(study, encoding.encoder, RankingResult(**made, draws=config.bootstrap, references=ranked))

    return evaluation_step(encoding, "kid", "KID matrix", 1, [KidResult, RankingResult], settings, run)


def neighbour_step(encoding: Encoding) -> Step:
    """Class agreement and copies by the nearest real training images, and near-duplicates among the synthetic."""
    study, config = encoding.context.study, encoding.context.config.evaluation
    k = config.neighbours

    def run(report: Report) -> None:
        real, iterations = classes_of(encoding, real_set("train")), iterations_of(encoding)
        threshold = copy_threshold(real)
        agreement, copied, duplicates = [], [], []
        for done, (iteration, synthetic) in enumerate(iterations.items()):
            report(done, len(iterations))
            agreement.append(class_agreement(real, synthetic, iteration, k, draws=config.bootstrap, seed=config.seed))
            copied.append(copies(real, synthetic, iteration, threshold))
            duplicates.append(near_duplicates(synthetic, iteration, threshold))
        report(1, 1)
        result = NeighbourResult(
            **provenance(encoding, config.model_dump(include=RESAMPLING)),
            k=k,
            real_agreement=real_agreement(real, k),
            agreement=agreement,
            copy_threshold=threshold,
            copies=copied,
            duplicates=duplicates,
        )
        save_result(study, encoding.encoder, result)

    return evaluation_step(
        encoding, "neighbours", "Nearest images", 2, [NeighbourResult], {"k": k} | _unusual(config), run
    )


def coverage_step(encoding: Encoding) -> Step:
    """Precision, recall, density and coverage of every iteration against both references."""
    study, config = encoding.context.study, encoding.context.config.evaluation
    chosen = config.coverage_neighbours

    def run(report: Report) -> None:
        real, iterations = _real(encoding), iterations_of(encoding)
        k = chosen or default_k(_sizes(real, iterations))
        references: dict[ReferenceName, ReferenceCoverage] = {}
        for done, (name, split) in enumerate(REFERENCES):
            report(done, len(REFERENCES), f"against the {split} images")
            if split in real:
                others = [classes for other, classes in real.items() if other != split]
                references[name] = _coverage(
                    real[split], iterations, reconstruction_of(encoding, split), others, k, config
                )
        report(1, 1)
        made = provenance(encoding, config.model_dump(include=RESAMPLING))
        save_result(study, encoding.encoder, CoverageResult(**made, k=k, references=references))

    return evaluation_step(encoding, "coverage", "Coverage", 1, [CoverageResult], {"k": chosen} | _unusual(config), run)


def _coverage(
    real: ClassFeatures,
    iterations: dict[int, ClassFeatures],
    reconstruction: ClassFeatures | None,
    others: list[ClassFeatures],
    k: int,
    config: EvaluationConfig,
) -> ReferenceCoverage:
    """Against one reference; ``others`` holds the real images of the other split, if there are any."""

    def judged(synthetic: ClassFeatures, name: str) -> dict[Pathology, ClassCoverage]:
        return class_coverage(real, synthetic, name, k, config.bootstrap, config.seed)

    def of(iteration: int | None, synthetic: ClassFeatures) -> IterationCoverage:
        name = "reconstruction" if iteration is None else f"iteration {iteration}"
        return IterationCoverage(iteration=iteration, per_class=judged(synthetic, name))

    return ReferenceCoverage(
        iterations=[of(iteration, synthetic) for iteration, synthetic in iterations.items()],
        yardstick=judged(others[0], "real images of the other split") if others else None,
        reconstruction=None if reconstruction is None else of(None, reconstruction),
    )


def _unusual(config: EvaluationConfig) -> dict[str, Any]:
    """The resampling's settings as far as they are not the usual ones: results without intervals stay current by these."""
    return config.model_dump(include=RESAMPLING, exclude_defaults=True)


def _real(encoding: Encoding) -> dict[str, ClassFeatures]:
    """The real images by split, as far as the encoder may judge against them."""
    return {split: classes_of(encoding, real_set(split)) for _, split in REFERENCES if real_set(split) in encoding.sets}


def _subset_size(chosen: int | None, sizes: list[int]) -> int:
    """One size for all cells: the chosen one, never clamped, or the default."""
    return default_subset_size(sizes) if chosen is None else check_subset_size(chosen, sizes)


def _sizes(real: dict[str, ClassFeatures], iterations: dict[int, ClassFeatures]) -> list[int]:
    """Of every class of every set that takes part; reconstructions are as many as their originals."""
    return [len(classes[c]) for classes in (*real.values(), *iterations.values()) for c in PATHOLOGIES]
