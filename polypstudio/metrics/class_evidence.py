"""What KID says about the classes: separation of the real ones, and per iteration cells, margins, alignment, alarms.

The value of each quantity is the full-sample unbiased MMD², as the literature defines it. Its interval comes from a
bootstrap over groups in which no pair of one group counts: images of one patient resemble each other, and counting
such pairs inflates every within-set mean. With one image a group the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from polypstudio.metrics.class_kernels import (
    PAIRS,
    ClassMeans,
    CodedClasses,
    RealBlocks,
    SyntheticBlocks,
    Weights,
    code_real,
    code_synthetic,
)
from polypstudio.metrics.features import ClassFeatures
from polypstudio.metrics.gram import Array, Draws
from polypstudio.metrics.kid import check_subset_size, subset_draws
from polypstudio.metrics.ranking import Scores, rankings, rule_scores
from polypstudio.metrics.uncertainty import (
    block_permutations,
    floor,
    generator,
    group_weights,
    interval,
    permutation_p,
    ratio_interval,
)
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    Alarm,
    Alignment,
    Cell,
    Estimate,
    IterationEvidence,
    Pathology,
    ReferenceEvidence,
    RuleRanking,
    Separation,
)

SIGNIFICANCE = 0.05
FEW_IMAGES = 50


@dataclass(frozen=True)
class KidSettings:
    """How the evidence is resampled. ``subset_size`` is one for all cells of a study (kid.default_subset_size)."""

    subset_size: int
    subsets: int = 100
    draws: int = 1000
    permutations: int = 1999
    seed: int = 0


class Reference:
    """The real images that iterations are judged against, with everything about them that is computed only once.

    Evidence on an iteration depends on the reference, the iteration and the settings, never on other iterations. All
    iterations see the same draws of real images and, index by index, of synthetic ones: differences between
    iterations, whose images at one index start from the same noise, are then compared draw by draw.
    """

    def __init__(self, real: ClassFeatures, settings: KidSettings) -> None:
        self.settings = settings
        self.real = code_real(real)
        check_subset_size(settings.subset_size, (len(self.real[c]) for c in PATHOLOGIES))
        self._blocks = RealBlocks(self.real)
        self._drawn = self._group_weights()
        self._subsets = self._subset_weights(self.real, "real subsets")
        self._everyone: Weights = {c: np.ones((1, len(self.real[c]))) for c in PATHOLOGIES}
        self._point_means = self._blocks.means(self._everyone, "image")
        self._drawn_means = self._blocks.means(self._drawn, "group")
        self._subset_means = self._blocks.means(self._subsets, "image")
        self._floors: dict[tuple[Pathology, int], float] = {}
        self.separation = self._separation()

    def judge(self, iteration: int | None, synthetic: ClassFeatures) -> tuple[IterationEvidence, Scores]:
        """Evidence on one iteration (None: the reconstruction), and its scores under every selection rule.

        Raises UserError on bad features.
        """
        name = "reconstruction" if iteration is None else f"iteration {iteration}"
        sets = code_synthetic(synthetic, self.real, name)
        check_subset_size(self.settings.subset_size, (len(sets[c]) for c in PATHOLOGIES))
        blocks = SyntheticBlocks(sets, self.real)
        everyone: Weights = {c: np.ones((1, len(sets[c]))) for c in PATHOLOGIES}
        point = blocks.means(everyone, self._everyone, self._point_means, "image")
        drawn = blocks.means(self._synthetic_weights(synthetic, sets), self._drawn, self._drawn_means, "group")
        subset_weights = self._subset_weights(sets, "synthetic subsets")
        subset = blocks.means(subset_weights, self._subsets, self._subset_means, "image")
        margins = {c: _estimate(point.margin(c), drawn.margin(c)) for c in PATHOLOGIES}
        alignment = self._alignment(point, drawn, blocks)
        found = IterationEvidence(
            iteration=iteration,
            cells=[self._cell(pair[0], pair[1], point, drawn, subset, len(sets[pair[0]])) for pair in PAIRS],
            margins=margins,
            alignment=alignment,
            shift=_estimate(point.shift(), drawn.shift()),
            alarms=alarms(self.separation, margins, alignment),
        )
        return found, rule_scores(point, drawn)

    def _separation(self) -> Separation:
        groups = np.concatenate([self.real[c].group for c in PATHOLOGIES])
        is_ad = np.repeat([True, False], [len(self.real[c]) for c in PATHOLOGIES])
        # What is exchangeable is not an image but the block of images of one class in one group.
        blocks = np.unique(2 * groups + is_ad, return_inverse=True)[1]
        rng = generator(self.settings.seed, "separation")
        relabelled = block_permutations(blocks, is_ad, self.settings.permutations, rng)
        observed, *permuted = self._blocks.relabelled_separation(np.vstack([is_ad, relabelled]))
        return Separation(
            kid=float(self._point_means.separation()[0]),
            ci=interval(self._drawn_means.separation()),
            p=permutation_p(float(observed), np.array(permuted)),
        )

    def _cell(
        self, synthetic: Pathology, real: Pathology, point: ClassMeans, drawn: ClassMeans, subset: ClassMeans, n: int
    ) -> Cell:
        subset_kids = subset.kid(synthetic, real)
        return Cell(
            synthetic=synthetic,
            real=real,
            kid=float(point.kid(synthetic, real)[0]),
            ci=interval(drawn.kid(synthetic, real)),
            floor=self._floor(real, n),
            subset_mean=float(subset_kids.mean()),
            subset_sd=float(subset_kids.std()),
            n_real=len(self.real[real]),
            n_synthetic=n,
        )

    def _floor(self, real: Pathology, n_synthetic: int) -> float:
        if (real, n_synthetic) not in self._floors:
            rng = generator(self.settings.seed, "floor", real, str(n_synthetic))
            block, groups = self._blocks.within(real, "group"), self.real[real].group
            self._floors[real, n_synthetic] = floor(block, groups, n_synthetic, self.settings.draws, rng)
        return self._floors[real, n_synthetic]

    def _alignment(self, point: ClassMeans, drawn: ClassMeans, blocks: SyntheticBlocks) -> Alignment:
        separation = float(point.real.separation()[0])
        value = float(point.alignment_numerator()[0]) / separation if separation > 0 else None
        ci = ratio_interval(drawn.alignment_numerator(), drawn.real.separation())
        return Alignment(value=value, ci=ci if value is not None else None, p=self._alignment_p(blocks))

    def _alignment_p(self, blocks: SyntheticBlocks) -> float:
        """Two-sided p of "class ignored": the numerator of A is a difference of means, its labels are permuted.

        An image x scores s(x) = ⟨φ(x), μ_rAD − μ_rNon⟩, and the numerator is the mean score of synthetic AD minus that
        of synthetic Non-AD.
        """
        scores = np.concatenate([blocks.real_difference(c) for c in PATHOLOGIES])
        sets = blocks.synthetic
        is_ad = np.repeat([True, False], [len(sets[c]) for c in PATHOLOGIES])
        labels = 2 * np.concatenate([sets[c].group for c in PATHOLOGIES]) + is_ad
        rng = generator(self.settings.seed, "alignment")
        relabelled = block_permutations(labels, is_ad, self.settings.permutations, rng)
        observed, *permuted = np.abs(_mean_difference(scores, np.vstack([is_ad, relabelled])))
        return permutation_p(float(observed), np.array(permuted))

    def _group_weights(self) -> Weights:
        groups = np.concatenate([self.real[c].group for c in PATHOLOGIES])
        weights = group_weights(groups, self.settings.draws, generator(self.settings.seed, "real"))
        n_ad = len(self.real["ad"])
        return {"ad": weights[:, :n_ad], "non_ad": weights[:, n_ad:]}

    def _synthetic_weights(self, synthetic: ClassFeatures, sets: CodedClasses) -> Weights:
        """Reconstructions are drawn with their sources, other synthetic images independently within each class."""
        weights: dict[Pathology, Draws] = {}
        for c in PATHOLOGIES:
            sources = synthetic[c].sources
            rng = generator(self.settings.seed, "synthetic", c)
            own = sources is None
            weights[c] = group_weights(sets[c].group, self.settings.draws, rng) if own else self._drawn[c][:, sources]
        return weights

    def _subset_weights(self, sets: CodedClasses, purpose: str) -> Weights:
        size, subsets = self.settings.subset_size, self.settings.subsets
        return {
            c: subset_draws(len(sets[c]), size, subsets, generator(self.settings.seed, purpose, c)) for c in PATHOLOGIES
        }


def judge(
    real: ClassFeatures,
    synthetic: Mapping[int, ClassFeatures],
    settings: KidSettings,
    reconstruction: ClassFeatures | None = None,
) -> tuple[ReferenceEvidence, list[RuleRanking]]:
    """All iterations, and the reconstruction control, against one reference; and the iterations ranked by every rule.

    Raises UserError on bad features.
    """
    reference = Reference(real, settings)
    judged = {iteration: reference.judge(iteration, synthetic[iteration]) for iteration in sorted(synthetic)}
    found = ReferenceEvidence(
        separation=reference.separation,
        n_real=real.counts(),
        iterations=[each for each, _ in judged.values()],
        reconstruction=None if reconstruction is None else reference.judge(None, reconstruction)[0],
        warnings=reference_warnings(real.counts(), reference.separation),
    )
    return found, rankings({iteration: scores for iteration, (_, scores) in judged.items()}, settings.seed)


def evidence(
    real: ClassFeatures,
    synthetic: Mapping[int, ClassFeatures],
    settings: KidSettings,
    reconstruction: ClassFeatures | None = None,
) -> ReferenceEvidence:
    """The evidence alone."""
    return judge(real, synthetic, settings, reconstruction)[0]


def alarms(separation: Separation, margins: Mapping[Pathology, Estimate], alignment: Alignment) -> list[Alarm]:
    """What a reader must not overlook, in the order of records.Alarm."""
    raised: list[Alarm] = []
    if margins["ad"].value < 0:
        raised.append("negative_margin_ad")
    if margins["non_ad"].value < 0:
        raised.append("negative_margin_non_ad")
    if separation.p > SIGNIFICANCE:
        raised.append("undecidable")
    elif alignment.p > SIGNIFICANCE:
        raised.append("class_ignored")
    if alignment.value is not None and alignment.value < 0 and alignment.p <= SIGNIFICANCE:
        raised.append("swapped")
    return raised


def reference_warnings(n_real: Mapping[Pathology, int], separation: Separation) -> list[str]:
    """What limits this reference as a yardstick, one sentence each."""
    found = [
        f"Only {n} real {PATHOLOGY_NAMES[c]} images (below {FEW_IMAGES}): intervals are wide."
        for c, n in n_real.items()
        if n < FEW_IMAGES
    ]
    low, high = separation.ci
    if not low <= separation.kid <= high:
        found.append(
            f"Separation {separation.kid:.4f} lies outside its interval ({low:.4f} to {high:.4f}), which leaves out "
            "pairs of one group: images of one group are much alike here, and plain KID is biased by them."
        )
    return found


def _estimate(point: Array, draws: Array) -> Estimate:
    return Estimate(value=float(point[0]), ci=interval(draws))


def _mean_difference(scores: Array, first: Draws) -> Array:
    """Mean score of the images labelled 1 minus that of the others: scores (n,), labels (draws, n) -> (draws,)."""
    n_first = first.sum(axis=1, dtype=np.float64)
    total = first.astype(np.float64) @ scores
    return total / n_first - (scores.sum() - total) / (first.shape[1] - n_first)
