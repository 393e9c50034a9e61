"""t-SNE maps as steps: the joint one that the dashboard opens with, then the other alignments, perplexities and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from polypstudio.config import EvaluationConfig
from polypstudio.errors import UserError
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.gram import Array
from polypstudio.metrics.neighbours import class_agreement, map_distances
from polypstudio.metrics.tsne import (
    class_silhouette,
    embedding,
    map_trustworthiness,
    reference_embedding,
    shared_neighbours,
)
from polypstudio.pipeline.evaluation import evaluation_step, provenance
from polypstudio.pipeline.features import Encoding
from polypstudio.pipeline.runner import Step, unchanged_inputs
from polypstudio.progress import Report
from polypstudio.records import (
    PATHOLOGIES,
    ImageKey,
    MapAlignment,
    MapNumbers,
    MapPoint,
    MapSet,
    MapsResult,
    TsneMap,
    TsneResult,
)
from polypstudio.store.paths import iteration_set, real_set
from polypstudio.store.results import load_result, save_result
from polypstudio.store.studies import complete_iterations

JUDGED = 3000  # images from which the numbers of a map are computed, at most
DECIMALS = 2
TSNE_VERSION = 2  # of the joint map, which the other maps stand beside


def tsne_step(encoding: Encoding) -> Step:
    """The joint map: one fit over the real images and all iterations, so that real points stand still."""
    study, config = encoding.context.study, encoding.context.config.evaluation
    settings = {"perplexity": config.perplexity, "seed": config.seed}

    def run(report: Report) -> None:
        images = _Images.of(encoding, complete_iterations(study))
        report(0, 1, f"{len(images.keys)} images")
        perplexity = fitting(config.perplexity, len(images.keys))
        points = embedding(images.features, perplexity, config.seed)
        report(1, 1)
        result = TsneResult(
            **provenance(encoding, settings),
            perplexity=perplexity,
            points=[
                MapPoint(
                    image_set=key.image_set,
                    label=key.label,
                    index=key.index,
                    x=round(x, DECIMALS),
                    y=round(y, DECIMALS),
                )
                for key, (x, y) in zip(images.keys, points.tolist(), strict=True)
            ],
        )
        save_result(study, encoding.encoder, result)

    return evaluation_step(encoding, "tsne", "t-SNE map", TSNE_VERSION, [TsneResult], settings, run)


def maps_step(encoding: Encoding) -> Step:
    """The maps in every alignment, with the numbers that say what each is worth."""
    study, config = encoding.context.study, encoding.context.config.evaluation
    names = {"perplexity", "seed", "other_perplexities", "other_seeds", "neighbours"}
    settings = {**config.model_dump(include=names), "joint_map": TSNE_VERSION}

    def run(report: Report) -> None:
        iterations = complete_iterations(study)
        plans = list(_plans(config, iterations))
        maps: list[TsneMap] = []
        before = _maps_of_unchanged_iterations(encoding, unchanged_inputs(study, step))
        for done, plan in enumerate(plans):
            report(done, len(plans), f"{plan.alignment}, perplexity {plan.perplexity:g}")
            kept = before.get(plan.iteration)
            maps.append(kept or _map(encoding, plan, iterations, maps[0] if maps else None, config))
        report(len(plans), len(plans))
        result = MapsResult(**provenance(encoding, settings), k=config.neighbours, maps=maps)
        save_result(study, encoding.encoder, result)

    step = evaluation_step(encoding, "maps", "t-SNE in three alignments", 1, [MapsResult], settings, run)
    return step


def _maps_of_unchanged_iterations(encoding: Encoding, unchanged: frozenset[str]) -> dict[int | None, TsneMap]:
    """The stored maps of the real images and one iteration each, where nothing that they show has changed."""
    if not {"encoder", real_set("train")} <= unchanged:
        return {}
    stored = load_result(encoding.context.study, MapsResult, encoding.encoder)
    maps = [] if stored is None else stored.maps
    return {
        each.iteration: each
        for each in maps
        if each.iteration is not None and iteration_set(each.iteration) in unchanged
    }


def fitting(perplexity: float, n: int) -> float:
    """The perplexity, or what ``n`` images allow; the result says which it was."""
    return min(perplexity, (n - 1) / 3)


@dataclass(frozen=True)
class _Plan:
    alignment: MapAlignment
    perplexity: float
    seed: int
    iteration: int | None = None


def _plans(config: EvaluationConfig, iterations: Sequence[int]) -> Iterator[_Plan]:
    """Every map to be made; the first is the joint one of the study's perplexity and seed.

    Maps of single iterations cannot be compared with each other anyhow, so that one perplexity is enough of them.
    """
    perplexities = dict.fromkeys((config.perplexity, *config.other_perplexities))
    for perplexity in perplexities:
        yield _Plan("joint", perplexity, config.seed)
    for seed in config.other_seeds:
        yield _Plan("joint", config.perplexity, seed)
    for perplexity in perplexities:
        yield _Plan("reference", perplexity, config.seed)
    for iteration in iterations:
        yield _Plan("iteration", config.perplexity, config.seed, iteration)


@dataclass(frozen=True)
class _Images:
    """The real training images and other sets: features (n, d) and keys (n,), in the order of their sets."""

    encoding: Encoding
    iterations: Sequence[int]
    features: np.ndarray
    keys: list[ImageKey]

    @classmethod
    def of(cls, encoding: Encoding, iterations: Sequence[int], others: Sequence[str] = ()) -> _Images:
        names = [real_set("train"), *(iteration_set(n) for n in iterations), *others]
        features = np.concatenate([encoding.features(name) for name in names])
        return cls(encoding, iterations, features, [key for name in names for key in encoding.sets[name].keys])

    @property
    def n_real(self) -> int:
        return len(self.encoding.sets[real_set("train")].keys)

    def agreement(self, points: Array, k: int) -> dict[int, float]:
        """k-NN class agreement of each iteration on a map (n, 2)."""
        groups = self.encoding.sets[real_set("train")].groups
        real = _by_class(points[: self.n_real], self.keys[: self.n_real], groups)
        found = {}
        for iteration in self.iterations:
            rows = [i for i, key in enumerate(self.keys) if key.image_set == iteration_set(iteration)]
            synthetic = _by_class(points[rows], [self.keys[row] for row in rows])
            found[iteration] = round(class_agreement(real, synthetic, iteration, k, map_distances).overall, 4)
        return found

    def sets(self, points: Array) -> list[MapSet]:
        places: dict[tuple, list[Array]] = {}
        for key, point in zip(self.keys, points, strict=True):
            places.setdefault((key.image_set, key.label), []).append(point)
        return [
            MapSet(
                image_set=image_set, label=label, **dict(zip("xy", np.round(rows, DECIMALS).T.tolist(), strict=True))
            )
            for (image_set, label), rows in places.items()
        ]


def _map(
    encoding: Encoding, plan: _Plan, all_iterations: Sequence[int], first: TsneMap | None, config: EvaluationConfig
) -> TsneMap:
    """One map; ``first`` is the joint map of the study's perplexity and seed, with which one of another seed is compared."""
    # Held-out images are what classifiers are judged on: the map of the real ones shows them, placed like synthetic ones.
    held_out = [real_set("test")] if plan.alignment == "reference" and real_set("test") in encoding.sets else []
    images = _Images.of(encoding, all_iterations if plan.iteration is None else [plan.iteration], held_out)
    perplexity = fitting(plan.perplexity, images.n_real if plan.alignment == "reference" else len(images.keys))
    if first is None:
        points = _stored(encoding, images.keys)
    elif plan.alignment == "reference":
        real, synthetic = np.split(images.features, [images.n_real])
        points = np.concatenate(reference_embedding(real, synthetic, perplexity, plan.seed))
    else:
        points = embedding(images.features, perplexity, plan.seed)
    other_seed = first is not None and plan.alignment == "joint" and plan.seed != first.seed
    return TsneMap(
        alignment=plan.alignment,
        iteration=plan.iteration,
        perplexity=perplexity,
        seed=plan.seed,
        numbers=_numbers(images, points, _points_of(first) if other_seed and first else None, config),
        sets=images.sets(points),
    )


def _numbers(images: _Images, points: Array, first_seed: Array | None, config: EvaluationConfig) -> MapNumbers:
    k = config.neighbours
    chosen = np.arange(len(points))
    if len(points) > JUDGED:
        chosen = np.sort(np.random.default_rng(config.seed).choice(len(points), JUDGED, replace=False))
    is_ad = np.array([key.label == "ad" for key in images.keys])[chosen]
    return MapNumbers(
        trustworthiness=round(map_trustworthiness(images.features[chosen], points[chosen], k), 4),
        silhouette=round(class_silhouette(points[chosen], is_ad, "euclidean"), 4),
        silhouette_features=round(class_silhouette(images.features[chosen], is_ad, "cosine"), 4),
        agreement=images.agreement(points, k),
        shared_neighbours=None if first_seed is None else round(shared_neighbours(first_seed, points, k), 4),
    )


def _by_class(points: Array, keys: Sequence[ImageKey], groups: Sequence[str] | None = None) -> ClassFeatures:
    parts = {}
    for label in PATHOLOGIES:
        rows = [i for i, key in enumerate(keys) if key.label == label]
        parts[label] = FeatureSet(points[rows], None if groups is None else [groups[row] for row in rows])
    return ClassFeatures(**parts)


def _stored(encoding: Encoding, keys: list[ImageKey]) -> Array:
    """The joint map that the step before has made."""
    result = load_result(encoding.context.study, TsneResult, encoding.encoder)
    if result is None or [(p.image_set, p.label, p.index) for p in result.points] != keys:
        raise UserError(
            f"{encoding.context.study.name}: its t-SNE map is of other images; run `polypstudio evaluate` again"
        )
    return np.array([(point.x, point.y) for point in result.points])


def _points_of(made: TsneMap) -> Array:
    return np.concatenate([np.column_stack([each.x, each.y]) for each in made.sets])
