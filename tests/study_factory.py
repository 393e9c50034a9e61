"""Generated studies: complete, valid and small, for tests and screenshots.

The images are soft blobs on a tinted ground, the features Gaussian clouds in which the synthetic classes come to
differ as the real ones do. Everything read off them is made by the project's own metrics.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from sklearn_scores import judge as judge_run

from polypstudio.config import DataConfig, EvaluationConfig, SamplingConfig, StudyConfig, tiny_training
from polypstudio.metrics.class_evidence import KidSettings, judge
from polypstudio.metrics.classification import balanced_accuracy, mcnemar_p, paired_difference
from polypstudio.metrics.features import ClassFeatures, FeatureSet
from polypstudio.metrics.kid import default_subset_size
from polypstudio.metrics.memorization import copies, copy_threshold, near_duplicates
from polypstudio.metrics.neighbours import class_agreement, real_agreement
from polypstudio.metrics.prdc import class_coverage
from polypstudio.metrics.tsne import embedding
from polypstudio.records import (
    PATHOLOGIES,
    Arm,
    ClassificationResult,
    CoverageResult,
    ImageKey,
    IterationCoverage,
    IterationManifest,
    KidResult,
    MapAlignment,
    MapNumbers,
    MapPoint,
    MapSet,
    MapsResult,
    NeighbourResult,
    Pathology,
    RankingResult,
    RealImage,
    ReferenceCoverage,
    TsneMap,
    TsneResult,
)
from polypstudio.store.features import file_hash, image_set_hash, save_features
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.results import save_result
from polypstudio.store.studies import labelled, sample_files, save_config, save_index, save_manifest

ENCODER = "efficientnet-lite0"
WIDTH = 16
SEEDS = (0, 1, 2)
PROMPTS: dict[Pathology, str] = {
    "ad": "high quality colonoscopy image of an adenomatous polyp",
    "non_ad": "high quality colonoscopy image of a non-adenomatous polyp",
}
TINT = {"ad": (196, 92, 74), "non_ad": (206, 138, 116)}

SPLITS: dict[Literal["train", "held_out"], str] = {"train": "train", "held_out": "test"}

Features = dict[tuple[str, Pathology], np.ndarray]


def generated_study(
    root: Path,
    name: str,
    iterations: int = 8,
    per_class: int = 8,
    real: int = 24,
    size: int = 64,
    seed: int = 0,
    title: str = "Generated study",
    results: bool = True,
) -> StudyPaths:
    """Writes a study with ``iterations`` checkpoints 160 steps apart and ``real`` images per class and split.

    With ``results=False`` it holds images and manifests only, as a study that was not evaluated.
    """
    study = StudyPaths(root / name)
    random = np.random.default_rng(seed)
    steps = [160 * (i + 1) for i in range(iterations)]
    config = _config(title, per_class)
    save_config(study, config)
    index = _real_images(study, real, size, random)
    save_index(study, index)
    for position, step in enumerate(steps):
        _iteration(study, step, (position + 1) / iterations, per_class, size, seed)
    if results and steps:
        features = _features(study, index, steps, per_class, random)
        kid, ranking = _kid(features, steps, config.evaluation)
        save_result(study, ENCODER, kid)
        save_result(study, ENCODER, ranking)
        save_result(study, ENCODER, _coverage(features, steps))
        save_result(study, ENCODER, _tsne(features, config.evaluation))
        save_result(study, ENCODER, _maps(features, steps))
        save_result(study, ENCODER, _neighbours(features, steps, config.evaluation))
        save_result(study, ENCODER, _classification(index, steps[-1], random))
    return study


def _config(title: str, per_class: int) -> StudyConfig:
    return StudyConfig(
        title=title,
        description="Blobs and Gaussian clouds: for tests and screenshots only.",
        data=DataConfig(
            path="data", layout="folder", phantom=True, definition="ad: reddish blobs; non_ad: pale blobs. No patients."
        ),
        training=tiny_training(),
        sampling=SamplingConfig(per_class=per_class),
        evaluation=EvaluationConfig(bootstrap=100, permutations=99, subsets=20, perplexity=10, neighbours=5),
    )


def _picture(label: str, detail: float, size: int, random: np.random.Generator) -> np.ndarray:
    """uint8 (size, size, 3): a dark ground, folds of light, one round blob; more ``detail`` gives a finer texture."""
    y, x = np.mgrid[0:size, 0:size] / size
    picture = np.zeros((size, size, 3))
    ground = np.array((150, 84, 70)) + random.normal(0, 10, 3)
    fold = 0.75 + 0.25 * np.sin(
        random.uniform(8, 14) * (x * random.normal() + y * random.normal()) + random.uniform(0, 6)
    )
    picture += ground * fold[..., None]
    cx, cy, radius = *random.uniform(0.32, 0.68, 2), random.uniform(0.14, 0.26)
    inside = 1 / (1 + np.exp((np.hypot(x - cx, y - cy) - radius) * 40))[..., None]
    picture += (np.array(TINT[label]) + random.normal(0, 12, 3) - picture) * inside
    picture += random.normal(0, 4 + 18 * (1 - detail), (size, size, 1))
    picture *= (1.15 - 0.9 * np.hypot(x - 0.5, y - 0.5))[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _save(picture: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def _real_images(study: StudyPaths, count: int, size: int, random: np.random.Generator) -> list[RealImage]:
    index = []
    for split in ("train", "test"):
        for label in PATHOLOGIES:
            for i in range(count):
                path = f"{split}/{label}/{i:05d}.png"
                _save(_picture(label, 1.0, size, random), study.root / "data" / path)
                index.append(RealImage(path=path, label=label, split=split, group=f"{split}-{label}-{i // 2:03d}"))
    return index


def _iteration(study: StudyPaths, step: int, progress: float, per_class: int, size: int, seed: int) -> None:
    hashes = {}
    for position, label in enumerate(PATHOLOGIES):
        for i in range(per_class):
            random = np.random.default_rng([seed, position, i])  # the same noise per (class, index) at each iteration
            path = study.sample(step, label, i)
            picture = _picture(label, progress, size, random)
            picture[:2, :2] = step % 251  # no two iterations share an image
            _save(picture, path)
            hashes[f"samples/{label}/{i:05d}.png"] = file_hash(path)
    manifest = IterationManifest(
        iteration=step,
        origin="trained",
        created="2026-01-01T00:00:00+00:00",
        seed=1234,
        prompts=PROMPTS,
        negative_prompt="blurred",
        sampler={"name": "DPM-Solver++", "steps": 20, "guidance": 5.0},
        hashes=hashes,
        counts=dict.fromkeys(PATHOLOGIES, per_class),
        training={
            "step": step,
            "held_out_loss_ad": 0.4 - 0.1 * progress,
            "held_out_loss_non_ad": 0.45 - 0.1 * progress,
        },
    )
    save_manifest(study, manifest)


def _features(
    study: StudyPaths, index: list[RealImage], steps: list[int], per_class: int, random: np.random.Generator
) -> Features:
    """Features by (image set, class), stored in the study too: AD and Non-AD are 2 SD apart along one axis."""
    features: Features = {}

    def cloud(image_set: str, label: Pathology, count: int, difference: float, shift: float) -> None:
        points = random.normal(0, 1, (count, WIDTH))
        points[:, 0] += difference if label == "ad" else -difference
        points[:, 1] += shift
        features[image_set, label] = points.astype(np.float32)

    for split in ("train", "test"):
        for label in PATHOLOGIES:
            cloud(real_set(split), label, sum(i.split == split and i.label == label for i in index), 1.0, 0.0)
    for step in steps:
        progress = step / steps[-1]
        for label in PATHOLOGIES:
            cloud(iteration_set(step), label, per_class, -0.3 + 1.1 * progress, 2.2 - 1.6 * progress)
            features[iteration_set(step), label][:, 0] += 0.5 * progress  # both classes lean to real AD
    data = study.root / "data"
    files = {real_set(s): [data / i.path for i in labelled(index, s)] for s in ("train", "test")}
    files |= {iteration_set(step): sample_files(study, step) for step in steps}
    for image_set, paths in files.items():
        both = np.concatenate([features[image_set, label] for label in PATHOLOGIES])
        save_features(study, ENCODER, image_set_hash([file_hash(path) for path in paths]), both)
    return features


def _classes(features: Features, image_set: str, groups: bool) -> ClassFeatures:
    """One image set as the metrics take it; real images come in groups of two, as in the index."""

    def of(label: Pathology) -> FeatureSet:
        rows = features[image_set, label]
        return FeatureSet(rows, [f"{image_set}-{label}-{i // 2}" for i in range(len(rows))] if groups else None)

    return ClassFeatures(ad=of("ad"), non_ad=of("non_ad"))


def _kid(features: Features, steps: list[int], settings: EvaluationConfig) -> tuple[KidResult, RankingResult]:
    size = default_subset_size(len(rows) for rows in features.values())
    kid_settings = KidSettings(size, settings.subsets, settings.bootstrap, settings.permutations, settings.seed)
    synthetic = {step: _classes(features, iteration_set(step), groups=False) for step in steps}
    judged = {
        name: judge(_classes(features, real_set(split), groups=True), synthetic, kid_settings)
        for name, split in SPLITS.items()
    }
    kid = KidResult(
        encoder=ENCODER,
        subsets=settings.subsets,
        subset_size=size,
        settings={"bootstrap": settings.bootstrap, "permutations": settings.permutations},
        references={name: evidence for name, (evidence, _) in judged.items()},
    )
    ranking = RankingResult(
        encoder=ENCODER, draws=settings.bootstrap, references={name: ranked for name, (_, ranked) in judged.items()}
    )
    return kid, ranking


def _coverage(features: Features, steps: list[int], k: int = 3) -> CoverageResult:
    real = {name: _classes(features, real_set(split), groups=False) for name, split in SPLITS.items()}
    synthetic = {step: _classes(features, iteration_set(step), groups=False) for step in steps}
    others = {"train": "held_out", "held_out": "train"}
    return CoverageResult(
        encoder=ENCODER,
        k=k,
        references={
            name: ReferenceCoverage(
                iterations=[
                    IterationCoverage(
                        iteration=step, per_class=class_coverage(classes, synthetic[step], "synthetic", k)
                    )
                    for step in steps
                ],
                yardstick=class_coverage(classes, real[others[name]], "real", k),
            )
            for name, classes in real.items()
        },
    )


def _maps(features: Features, steps: list[int]) -> MapsResult:
    """A map of each alignment, drawn with the first two features in place of t-SNE, which would take seconds."""

    def drawn(alignment: MapAlignment, iteration: int | None, perplexity: float) -> TsneMap:
        shown = [real_set("train"), *(iteration_set(n) for n in (steps if iteration is None else [iteration]))]
        sets = [
            MapSet(image_set=name, label=label, **dict(zip("xy", rows[:, :2].T.round(2).tolist(), strict=True)))
            for (name, label), rows in features.items()
            if name in shown
        ]
        numbers = MapNumbers(
            trustworthiness=0.9,
            silhouette=0.1,
            silhouette_features=0.2,
            agreement=dict.fromkeys(steps if iteration is None else [iteration], 0.55),
        )
        return TsneMap(
            alignment=alignment, iteration=iteration, perplexity=perplexity, seed=0, numbers=numbers, sets=sets
        )

    maps = [drawn("joint", None, 10.0), drawn("joint", None, 5.0), drawn("reference", None, 10.0)]
    return MapsResult(encoder=ENCODER, k=5, maps=maps + [drawn("iteration", step, 10.0) for step in steps])


def _tsne(features: Features, settings: EvaluationConfig) -> TsneResult:
    keys = [
        ImageKey(image_set, label, i)
        for (image_set, label), rows in features.items()
        if image_set != real_set("test")
        for i in range(len(rows))
    ]
    rows = np.concatenate([rows for (image_set, _), rows in features.items() if image_set != real_set("test")])
    points = embedding(rows, settings.perplexity, settings.seed)
    return TsneResult(
        encoder=ENCODER,
        perplexity=settings.perplexity,
        points=[
            MapPoint(image_set=key.image_set, label=key.label, index=key.index, x=x, y=y)
            for key, (x, y) in zip(keys, points.tolist(), strict=True)
        ],
    )


def _neighbours(features: Features, steps: list[int], settings: EvaluationConfig) -> NeighbourResult:
    real = _classes(features, real_set("train"), groups=True)
    synthetic = {step: _classes(features, iteration_set(step), groups=False) for step in steps}
    threshold = copy_threshold(real)
    return NeighbourResult(
        encoder=ENCODER,
        k=settings.neighbours,
        real_agreement=real_agreement(real, settings.neighbours),
        agreement=[class_agreement(real, synthetic[step], step, settings.neighbours, draws=100) for step in steps],
        copy_threshold=threshold,
        copies=[copies(real, synthetic[step], step, threshold) for step in steps],
        duplicates=[near_duplicates(synthetic[step], step, threshold) for step in steps],
    )


def _classification(index: list[RealImage], step: int, random: np.random.Generator) -> ClassificationResult:
    """Two arms whose classifiers guess with a little skill, judged on the held-out images."""
    images = labelled(index, "test")
    truth: list[Pathology] = [image.label for image in images]  # type: ignore[misc]
    groups = [image.group for image in images]
    sign = np.array([1 if label == "ad" else -1 for label in truth])

    def guesses(skill: float) -> list[np.ndarray]:
        return [np.clip(random.normal(0.5 + skill * sign, 0.2), 0, 1) for _ in SEEDS]

    def arm(name: str, iteration: int | None, runs: list[np.ndarray], baseline: list[np.ndarray] | None) -> Arm:
        return Arm(
            name=name,
            iteration=iteration,
            synthetic_per_real=0.5 if iteration else 0.0,
            n_train=Counter(image.label for image in labelled(index, "train")),
            runs=[judge_run(name, seed, truth, run) for seed, run in zip(SEEDS, runs, strict=True)],
            balanced_accuracy=balanced_accuracy(truth, runs, groups, draws=100),
            difference=paired_difference(truth, runs, baseline, groups, draws=100) if baseline else None,
            p=mcnemar_p(truth, np.mean(baseline, axis=0), np.mean(runs, axis=0)) if baseline else None,
        )

    real, mixed = guesses(0.16), guesses(0.15)
    numbers = {label: iter(range(len(truth))) for label in PATHOLOGIES}
    return ClassificationResult(
        model=ENCODER,
        images=[ImageKey(real_set("test"), label, next(numbers[label])) for label in truth],
        truth=truth,
        arms=[arm("real", None, real, None), arm(f"real + synthetic {step}", step, mixed, real)],
    )
