"""Evidence with chosen values, for tests of what is said, drawn and written about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from polypstudio.records import (
    PATHOLOGIES,
    Alignment,
    Arm,
    ArmRun,
    Cell,
    ClassCoverage,
    ClassificationResult,
    ClassScores,
    CoverageResult,
    Estimate,
    ImageKey,
    IterationCoverage,
    IterationEvidence,
    IterationLeak,
    KidResult,
    LeakTest,
    MapNumbers,
    MapSet,
    MapsResult,
    Pathology,
    RankedIteration,
    RankingResult,
    ReferenceCoverage,
    ReferenceEvidence,
    Rule,
    RuleRanking,
    Separation,
    TsneMap,
)


def around(value: float, half: float = 0.01) -> Estimate:
    """An estimate with a symmetric interval."""
    return Estimate(value=value, ci=(value - half, value + half))


def evidence(
    iteration: int | None = 480,
    alignment: float | None = 0.31,
    p: float = 0.02,
    margins: tuple[float, float] = (0.03, 0.02),
    within: tuple[float, float] = (0.07, 0.08),
    half: float = 0.01,
) -> IterationEvidence:
    """One iteration; ``margins`` and ``within`` are of AD and Non-AD, ``half`` is half the width of a margin's interval."""
    own: dict[Pathology, float] = dict(zip(PATHOLOGIES, within, strict=True))
    margin: dict[Pathology, float] = dict(zip(PATHOLOGIES, margins, strict=True))
    cells = [
        Cell(
            synthetic=s,
            real=r,
            kid=own[s] + (margin[s] if s != r else 0.0),
            ci=(own[s] - 0.01, own[s] + 0.01),
            floor=0.02,
            subset_mean=own[s],
            subset_sd=0.004,
            n_real=78 if r == "ad" else 31,
            n_synthetic=32,
        )
        for s in PATHOLOGIES
        for r in PATHOLOGIES
    ]
    return IterationEvidence(
        iteration=iteration,
        cells=cells,
        margins={label: around(margin[label], half) for label in PATHOLOGIES},
        alignment=Alignment(
            value=alignment, ci=None if alignment is None else (alignment - 0.26, alignment + 0.25), p=p
        ),
        shift=around((margins[0] - margins[1]) / 2, half),
        alarms=["negative_margin_non_ad"] if margins[1] < 0 else [],
    )


def reference(*evidences: IterationEvidence, separation_p: float = 0.001) -> ReferenceEvidence:
    """All given iterations against 78 AD and 31 Non-AD real images."""
    return ReferenceEvidence(
        separation=Separation(kid=0.015, ci=(0.01, 0.02), p=separation_p),
        n_real={"ad": 78, "non_ad": 31},
        iterations=list(evidences),
    )


def kid_result(*evidences: IterationEvidence) -> KidResult:
    """A stored result with one reference."""
    return KidResult(
        encoder="efficientnet-lite0",
        subsets=100,
        subset_size=15,
        settings={"bootstrap": 1000, "permutations": 1999, "encoder_version": "lite0 2020"},
        references={"train": reference(*evidences)},
    )


def arm(
    name: str,
    truth: Sequence[Pathology],
    probabilities: Sequence[float],
    iteration: int | None = None,
    difference: Estimate | None = None,
    p: float | None = None,
) -> Arm:
    """An arm of one seed with these P(AD)."""
    predicted = ["ad" if value >= 0.5 else "non_ad" for value in probabilities]
    pairs = list(zip(truth, predicted, strict=True))
    confusion = [[pairs.count((a, b)) for b in PATHOLOGIES] for a in PATHOLOGIES]
    recall = [confusion[k][k] / sum(confusion[k]) for k in (0, 1)]
    scores = {
        label: ClassScores(precision=0.75, recall=recall[k], f1=0.7, support=sum(confusion[k]))
        for k, label in enumerate(PATHOLOGIES)
    }
    run = ArmRun(
        arm=name,
        seed=0,
        scores=scores,
        balanced_accuracy=float(np.mean(recall)),
        auc=0.8,
        confusion=confusion,
        probabilities=list(probabilities),
    )
    return Arm(
        name=name,
        iteration=iteration,
        synthetic_per_real=0.5 if iteration else 0.0,
        n_train={"ad": 78, "non_ad": 31},
        runs=[run],
        balanced_accuracy=around(run.balanced_accuracy, 0.06),
        difference=difference,
        p=p,
    )


def classification(lost: int = 4, difference: Estimate | None = None, p: float = 0.125) -> ClassificationResult:
    """40 + 40 images; the augmented arm loses ``lost`` AD images that the real arm gets right, and gains none."""
    truth: list[Pathology] = ["ad"] * 40 + ["non_ad"] * 40
    right = [0.9 if label == "ad" else 0.1 for label in truth]
    worse = [0.3] * lost + right[lost:]
    return ClassificationResult(
        model="efficientnet-lite0",
        images=[ImageKey("real/test", label, i % 40) for i, label in enumerate(truth)],
        truth=truth,
        arms=[
            arm("real", truth, right),
            arm("real + synthetic 1280", truth, worse, 1280, difference or around(-0.05, 0.06), p),
        ],
    )


def ranking_result(best: Sequence[float] = (0.2, 0.8), tied: Sequence[bool] = (False, True)) -> RankingResult:
    """Two iterations, 480 and 640, under every rule; the first number of ``best`` is the share of 480."""
    iterations = [
        RankedIteration(iteration=n, value=0.1, ranks=[share, 1 - share], tied=among)
        for n, share, among in zip((480, 640), best, tied, strict=True)
    ]
    picked = 480 if best[0] > best[1] else 640
    rules: tuple[Rule, ...] = ("within_kid", "alignment", "smaller_margin")
    rankings = [RuleRanking(rule=rule, picked=picked, iterations=iterations) for rule in rules]
    return RankingResult(encoder="efficientnet-lite0", draws=1000, references={"train": rankings})


def class_coverage(coverage: float = 0.4) -> ClassCoverage:
    """One class with this coverage."""
    return ClassCoverage(precision=0.9, recall=0.3, density=1.1, coverage=coverage, n_real=78, n_synthetic=32)


def coverage_result() -> CoverageResult:
    """One iteration, 480, and the yardstick."""
    iteration = IterationCoverage(iteration=480, per_class={label: class_coverage() for label in PATHOLOGIES})
    yardstick = {label: class_coverage(0.95) for label in PATHOLOGIES}
    return CoverageResult(
        encoder="efficientnet-lite0",
        k=5,
        references={"train": ReferenceCoverage(iterations=[iteration], yardstick=yardstick)},
    )


def leak(file: float = 0.5, half: float = 0.1) -> IterationLeak:
    """Iteration 480, told by its grid with this AUC."""
    made = LeakTest(auc=around(file, half), strongest="blockiness", strongest_auc=file)
    return IterationLeak(iteration=480, file=made, image=LeakTest(auc=around(0.7), strongest="red", strongest_auc=0.7))


def maps_result() -> MapsResult:
    """One joint map of four images."""
    numbers = MapNumbers(trustworthiness=0.981, silhouette=0.1, silhouette_features=0.2, agreement={480: 0.55})
    sets = [MapSet(image_set="real/train", label=label, x=[0.0, 1.0], y=[1.0, 0.0]) for label in PATHOLOGIES]
    joint = TsneMap(alignment="joint", iteration=None, perplexity=30, seed=0, numbers=numbers, sets=sets)
    return MapsResult(encoder="efficientnet-lite0", k=10, maps=[joint])
