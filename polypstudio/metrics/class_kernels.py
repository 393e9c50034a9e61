"""KID between real and synthetic classes as a formula on nine mean kernel values.

Every quantity here holds for one weighting of the images; with a batch of weights (draws, n) it becomes an array
(draws,). So the full-sample value, the subsets and the bootstrap are the same code under three weightings.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from polypstudio.errors import UserError
from polypstudio.metrics.features import ClassFeatures, FeatureSet, check_widths, checked
from polypstudio.metrics.gram import Array, Codes, Draws, Features, KernelBlock, Sums, as_computed
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, Pathology

Weights = Mapping[Pathology, Draws]
Pair = tuple[Pathology, Pathology]  # (synthetic class, real class)
Same = Literal["image", "group"]  # which pairs are left out: those of one image, or those of one group

OPPOSITE: dict[Pathology, Pathology] = {"ad": "non_ad", "non_ad": "ad"}
SAMES: tuple[Same, Same] = ("image", "group")
PAIRS: tuple[Pair, ...] = tuple((synthetic, real) for synthetic in PATHOLOGIES for real in PATHOLOGIES)


@dataclass(frozen=True)
class CodedSet:
    """Checked features (n, d) of one class, and integer codes (n,): equal codes are the same image, the same group."""

    features: Features
    image: Codes
    group: Codes

    def __len__(self) -> int:
        return len(self.features)


CodedClasses = Mapping[Pathology, CodedSet]


def code_real(real: ClassFeatures) -> dict[Pathology, CodedSet]:
    """The real sets, groups numbered over both classes. Raises UserError for a class that lies in a single group."""
    arrays = _checked(real, "real")
    names = {c: _group_names(real[c], c, len(arrays[c])) for c in PATHOLOGIES}
    numbers = {name: number for number, name in enumerate(dict.fromkeys([*names["ad"], *names["non_ad"]]))}
    for c in PATHOLOGIES:
        if len(set(names[c])) < 2:
            raise UserError(f"real {PATHOLOGY_NAMES[c]}: all images are of one group, intervals need 2: add groups")
    first = {"ad": 0, "non_ad": len(arrays["ad"])}
    return {
        c: CodedSet(
            arrays[c],
            first[c] + np.arange(len(arrays[c])),
            np.array([numbers[name] for name in names[c]], dtype=np.intp),
        )
        for c in PATHOLOGIES
    }


def code_synthetic(synthetic: ClassFeatures, real: CodedClasses, name: str) -> dict[Pathology, CodedSet]:
    """The synthetic sets: reconstructions bear the codes of their sources, other images codes of their own."""
    arrays = _checked(synthetic, name)
    check_widths({"real": real["ad"].features, name: arrays["ad"]})
    own = 1 + max(int(codes.max()) for s in real.values() for codes in (s.image, s.group))
    coded: dict[Pathology, CodedSet] = {}
    for c in PATHOLOGIES:
        sources = synthetic[c].sources
        if sources is not None:
            index = np.asarray(sources, dtype=np.intp)
            coded[c] = CodedSet(arrays[c], real[c].image[index], real[c].group[index])
            continue
        names = _group_names(synthetic[c], c, len(arrays[c]))
        numbers = {group: number for number, group in enumerate(dict.fromkeys(names))}
        group = own + np.array([numbers[group] for group in names], dtype=np.intp)
        coded[c] = CodedSet(arrays[c], own + np.arange(len(names)), group)
        own += len(names)
    return coded


def _checked(classes: ClassFeatures, name: str) -> dict[Pathology, Features]:
    arrays = {c: as_computed(checked(classes[c].features, f"{name} {PATHOLOGY_NAMES[c]}")) for c in PATHOLOGIES}
    check_widths({f"{name} {PATHOLOGY_NAMES[c]}": arrays[c] for c in PATHOLOGIES})
    return arrays


def _group_names(images: FeatureSet, pathology: Pathology, n: int) -> Sequence[Hashable]:
    if images.groups is None:
        return [(pathology, index) for index in range(n)]
    if len(images.groups) != n:
        raise UserError(f"{PATHOLOGY_NAMES[pathology]}: {len(images.groups)} groups for {n} images: name one for each")
    return list(images.groups)


@dataclass(frozen=True)
class RealMeans:
    """Mean kernel values among the real images: within each class, and between the classes. Arrays (draws,)."""

    within: Mapping[Pathology, Array]
    between: Array

    def separation(self) -> Array:
        """KID of real AD against real Non-AD, ‖μ_rAD − μ_rNon‖² in the kernel's feature space."""
        return self.within["ad"] + self.within["non_ad"] - 2.0 * self.between


@dataclass(frozen=True)
class ClassMeans:
    """Mean kernel values of one iteration: within its classes, and between synthetic and real ones. Arrays (draws,)."""

    real: RealMeans
    within: Mapping[Pathology, Array]
    between: Mapping[Pair, Array]

    def kid(self, synthetic: Pathology, real: Pathology) -> Array:
        """One cell of the KID matrix."""
        return self.within[synthetic] + self.real.within[real] - 2.0 * self.between[synthetic, real]

    def margin(self, pathology: Pathology) -> Array:
        """Cross − within of one synthetic class: negative when it is nearer to the other real class."""
        return self.kid(pathology, OPPOSITE[pathology]) - self.kid(pathology, pathology)

    def alignment_numerator(self) -> Array:
        """⟨μ_sAD − μ_sNon, μ_rAD − μ_rNon⟩ = half the sum of the margins."""
        return (self.margin("ad") + self.margin("non_ad")) / 2.0

    def shift(self) -> Array:
        """How far both synthetic classes lean to real AD (+) or to real Non-AD (−)."""
        return (self.margin("ad") - self.margin("non_ad")) / 2.0


class RealBlocks:
    """Gram blocks among the real images, without the pairs of one image or of one group."""

    def __init__(self, real: CodedClasses) -> None:
        ad, non_ad = (real[c] for c in PATHOLOGIES)
        within = {c: KernelBlock.of_one(real[c].features) for c in PATHOLOGIES}
        between = KernelBlock.between(ad.features, non_ad.features)
        self._within = {(c, same): _without(within[c], real[c], real[c], same) for c in PATHOLOGIES for same in SAMES}
        self._between = {same: _without(between, ad, non_ad, same) for same in SAMES}

    def means(self, weights: Weights, same: Same) -> RealMeans:
        """The mean kernel values under weights {class: (draws, n)}."""
        within = {c: self.within(c, same).mean(weights[c], weights[c]) for c in PATHOLOGIES}
        return RealMeans(within, self._between[same].mean(weights["ad"], weights["non_ad"]))

    def within(self, pathology: Pathology, same: Same) -> KernelBlock:
        """The block of one class."""
        return self._within[pathology, same]

    def relabelled_separation(self, first: Draws) -> Array:
        """KID between the images labelled 1 and those labelled 0 (draws, n of both classes, AD first).

        No pair of one group counts. What the images labelled 0 hold follows from what all and what those labelled 1 do.
        """
        n_ad = len(self._of_each["ad"].total)
        labels: Weights = {"ad": first[:, :n_ad], "non_ad": first[:, n_ad:]}
        ones = self._summed(labels)
        with_all = _sum(_weighted(labels[c], self._of_each[c]) for c in PATHOLOGIES)
        everything = _sum(_weighted(np.ones((1, len(each.total))), each) for each in self._of_each.values())
        between, zeros = with_all - ones, everything - with_all - (with_all - ones)
        return ones.mean() + zeros.mean() - 2.0 * between.mean()

    @cached_property
    def _of_each(self) -> dict[Pathology, Sums]:
        """For each image, kernel and weight summed over all images of other groups."""
        ones = {c: np.ones(self._within[c, "group"].shape[0]) for c in PATHOLOGIES}
        across = self._between["group"]
        return {
            "ad": self._within["ad", "group"].of_each(ones["ad"]) + across.of_each(ones["non_ad"]),
            "non_ad": self._within["non_ad", "group"].of_each(ones["non_ad"]) + across.of_each_second(ones["ad"]),
        }

    def _summed(self, weights: Weights) -> Sums:
        """Over all pairs of both classes, each pair in both orders."""
        across = self._between["group"].sums(weights["ad"], weights["non_ad"])
        return _sum([*(self._within[c, "group"].sums(weights[c], weights[c]) for c in PATHOLOGIES), across, across])


class SyntheticBlocks:
    """Gram blocks of one iteration: within its classes, and against the real ones; only reconstructions share codes."""

    def __init__(self, synthetic: CodedClasses, real: CodedClasses) -> None:
        self.synthetic = synthetic
        within = {c: KernelBlock.of_one(synthetic[c].features) for c in PATHOLOGIES}
        between = {(s, r): KernelBlock.between(synthetic[s].features, real[r].features) for s, r in PAIRS}
        self._within = {
            (c, same): _without(within[c], synthetic[c], synthetic[c], same) for c in PATHOLOGIES for same in SAMES
        }
        self._between = {
            ((s, r), same): _without(between[s, r], synthetic[s], real[r], same) for s, r in PAIRS for same in SAMES
        }

    def real_difference(self, pathology: Pathology) -> Array:
        """⟨φ(x), μ_rAD − μ_rNon⟩ of each synthetic image x of one class (n,).

        No image is compared with real images of its own group, which only a reconstruction has.
        """
        blocks = {r: self._between[(pathology, r), "group"] for r in PATHOLOGIES}
        means = {r: block.of_each(np.ones(block.shape[1])).mean() for r, block in blocks.items()}
        return means["ad"] - means["non_ad"]

    def means(self, synthetic: Weights, real: Weights, real_means: RealMeans, same: Same) -> ClassMeans:
        """The mean kernel values under weights {class: (draws, n)} of synthetic and real images."""
        within = {c: self._within[c, same].mean(synthetic[c], synthetic[c]) for c in PATHOLOGIES}
        between = {pair: self._between[pair, same].mean(synthetic[pair[0]], real[pair[1]]) for pair in PAIRS}
        return ClassMeans(real_means, within, between)


def _without(block: KernelBlock, x: CodedSet, y: CodedSet, same: Same) -> KernelBlock:
    return block.without_equal(getattr(x, same), getattr(y, same))


def _weighted(weights: Draws, each: Sums) -> Sums:
    """What weighted images hold together: weights (draws, n), each (n,) -> (draws,)."""
    weights = weights.astype(np.float64, copy=False)
    return Sums(weights @ each.total, weights @ each.weight)


def _sum(sums: Iterable[Sums]) -> Sums:
    return functools.reduce(operator.add, sums)
