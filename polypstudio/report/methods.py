"""The paragraph that a methods section needs, from what the study's files say about how they were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from polypstudio import __version__
from polypstudio.config import SourceConfig, StageConfig, TrainingConfig
from polypstudio.findings.format import count
from polypstudio.findings.ranking import RULE_NAMES, listed
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    ClassificationResult,
    CoverageResult,
    IterationManifest,
    KidResult,
    MapsResult,
    NeighbourResult,
    RankingResult,
    RealImage,
    Rule,
    StudyContents,
)


def methods(contents: StudyContents) -> list[str]:
    """Paragraphs in the order in which a paper tells them; what was not done is not mentioned."""
    config = contents.config
    paragraphs = [_data(contents.images, config.data.definition, config.data.phantom)]
    trained = [manifest for manifest in contents.iterations if manifest.origin == "trained"]
    if config.training is not None and trained:
        paragraphs.append(_training(config.training, trained))
    imported = [manifest for manifest in contents.iterations if manifest.origin != "trained"]
    if imported:
        paragraphs.append(_imported(imported))
    sampled = [manifest for manifest in contents.iterations if manifest.sampler]
    if sampled:
        paragraphs.append(_sampling(sampled[-1]))
    if contents.kid is not None:
        paragraphs.append(_evidence(contents.kid))
    if contents.ranking is not None:
        paragraphs.append(_ranking(contents.ranking))
    if contents.coverage is not None:
        paragraphs.append(_coverage(contents.coverage))
    if contents.neighbours is not None:
        paragraphs.append(_copies(contents.neighbours))
    if contents.maps is not None:
        paragraphs.append(_maps(contents.maps))
    if contents.leaks is not None:
        paragraphs.append(_leaks())
    if contents.classification is not None:
        paragraphs.append(_classification(contents.classification))
    return [paragraph for paragraph in paragraphs if paragraph] + [f"Made with PolypStudio {__version__}."]


def _data(images: list[RealImage], definition: str, phantom: bool) -> str:
    if not images:
        return ""
    parts = []
    both = {i.group for i in images if i.split == "train"} & {i.group for i in images if i.split == "test"}
    shared = f"{len(both)} groups are" if both else "No group is"
    for split, name in (("train", "training"), ("test", "held-out")):
        counts = Counter(image.label for image in images if image.split == split)
        groups = {image.group for image in images if image.split == split and image.label in PATHOLOGIES}
        if groups:
            classes = " and ".join(f"{counts[label]} {PATHOLOGY_NAMES[label]}" for label in PATHOLOGIES)
            parts.append(f"{classes} {name} images of {len(groups)} groups")
    kind = "Procedural phantom images, not images of patients, were used" if phantom else "Real images were used"
    return f"{kind}: {'; '.join(parts)}. Class definition: {definition.rstrip('.')}. {shared} in both splits."


def _training(training: TrainingConfig, trained: list[IterationManifest]) -> str:
    base = "the tiny Stable Diffusion that ships with PolypStudio" if training.base == "tiny" else training.base
    return (
        f"The U-Net of {base} was fine-tuned at {training.resolution} × {training.resolution} pixels (AdamW"
        f"{_adapters(training)}; batch size {training.images_per_step}; caption dropout {training.caption_dropout:g}; "
        f"{_weighting(training)}seed {training.seed}). {' '.join(_stage(stage) for stage in training.stages)} "
        f"{_quality(trained)}"
        f"Iterations ({', '.join(str(manifest.iteration) for manifest in trained)}) are optimizer steps of the last stage."
    )


def _quality(trained: list[IterationManifest]) -> str:
    """By what images without a stated quality were called good or bad, as the last checkpoint has it."""
    threshold = trained[-1].training.get("quality_threshold") if trained else None
    if threshold is None:
        return ""
    return f"Images without a stated quality were called low quality below a sharpness of {threshold:.3f} (Crété et al. 2007). "


def _adapters(training: TrainingConfig) -> str:
    return f" on LoRA adapters of rank {training.lora.rank}" if training.method == "lora" else ""


def _weighting(training: TrainingConfig) -> str:
    return "" if training.min_snr_gamma is None else f"min-SNR weighting, γ = {training.min_snr_gamma:g}; "


def _stage(stage: StageConfig) -> str:
    sources = "; ".join(_source(source) for source in stage.sources if source.ratio != 0)
    return (
        f"Stage {stage.name}: {stage.steps} steps, learning rate {stage.learning_rate:g}, EMA {stage.ema_decay:g}; "
        f"frozen: {', '.join(stage.frozen) or 'nothing'}; images: {sources}."
    )


def _source(source: SourceConfig) -> str:
    details = [
        f"{source.quality} quality" if source.quality else "",
        f"sharpness of {source.min_sharpness:g} or more" if source.min_sharpness else "",
        "classes in equal parts" if source.balance == "classes" and len(source.labels) > 1 else "",
        "" if source.ratio is None else f"weight {source.ratio:g}",
        f"“{source.prompt}”",
    ]
    names = " and ".join(PATHOLOGY_NAMES.get(label, label.replace("_", "-")) for label in source.labels)
    return f"{names} ({', '.join(detail for detail in details if detail)})"


def _imported(imported: list[IterationManifest]) -> str:
    origins = ", ".join(f"{manifest.iteration} ({manifest.origin.removeprefix('imported ')})" for manifest in imported)
    done: Counter[str] = Counter()
    for manifest in imported:
        done.update(manifest.matching)
    matched = "; ".join(f"{what} ({count(n, 'image')})" for what, n in done.items())
    text = f"Taken from outside PolypStudio: iterations {origins}."
    return f"{text} Their images were matched to the format of the real ones: {matched}." if matched else text


def _sampling(manifest: IterationManifest) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in manifest.sampler.items())
    prompts = "; ".join(f"{PATHOLOGY_NAMES[label]}: “{prompt}”" for label, prompt in manifest.prompts.items())
    counts = " and ".join(f"{manifest.counts.get(label, 0)} {PATHOLOGY_NAMES[label]}" for label in PATHOLOGIES)
    seed = "" if manifest.seed is None else f", seed {manifest.seed}, the same noise for an index at every iteration"
    return f"Each iteration was sampled with {counts} images ({settings}{seed}). Prompts: {prompts}."


def _evidence(kid: KidResult) -> str:
    settings = kid.settings
    draws, permutations = (settings.get(key, "an unrecorded number of") for key in ("bootstrap", "permutations"))
    return (
        f"KID is the unbiased squared MMD under the kernel (x·y/d + 1)³ (Gretton et al. 2012, eq. 3; Bińkowski et al. "
        f"2018) in float64, on features of {kid.encoder} ({settings.get('encoder_version', 'version not recorded')}"
        f"{_preprocessing(settings)}), of all images of a cell, against the images trained on and, apart from them, "
        f"against held-out ones. Intervals (95 %) are from {draws} bootstrap draws of groups, jointly over both classes, "
        f"without pairs within a group. Class alignment A = (margin AD + margin Non-AD) / (2 · separation), tested by "
        f"{permutations} permutations of the synthetic labels; the separation of the real classes by permutations of "
        f"theirs. The floor is the 95 % quantile of the KID of two random draws of groups from one real class at the "
        f"cell's sizes. SDs, where given, are over {kid.subsets} subsets of {kid.subset_size} images and no standard errors."
    )


def _preprocessing(settings: Mapping[str, object]) -> str:
    """How images became the encoder's input, where the result holds it."""
    if "preprocessing" not in settings:
        return ""
    return f"; centre squares reduced to {settings.get('resolution')} px, then {settings['preprocessing']}"


def _ranking(ranking: RankingResult) -> str:
    return (
        f"Iterations were ranked by {listed([RULE_NAMES[rule] for rule in _rules(ranking)])}: rank probabilities are "
        f"shares of {ranking.draws} joint bootstrap draws of groups of real images and of synthetic images, the same for "
        f"all iterations; tied are those of the 95 % confidence set of the best (largest studentised difference, against "
        f"its bootstrap distribution)."
    )


def _rules(ranking: RankingResult) -> list[Rule]:
    return [each.rule for each in next(iter(ranking.references.values()), [])]


def _coverage(coverage: CoverageResult) -> str:
    return (
        f"Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) are per class, with "
        f"k = {coverage.k} and Euclidean distances of {coverage.encoder} features; the real images of the other split, "
        f"judged in the same way, are the yardstick."
    )


def _copies(neighbours: NeighbourResult) -> str:
    return (
        f"A synthetic image counts as a copy if its cosine distance to the nearest training image is below "
        f"{neighbours.copy_threshold:.4f} ({neighbours.encoder}), the 1 % quantile of the distance between a training "
        f"image and the nearest one of another group; synthetic images nearer to each other than that are "
        f"near-duplicates. Class agreement is over the {neighbours.k} nearest real images."
    )


def _maps(maps: MapsResult) -> str:
    perplexities = ", ".join(f"{value:g}" for value in dict.fromkeys(each.perplexity for each in maps.maps))
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(each.seed for each in maps.maps))
    return (
        f"t-SNE maps (openTSNE; 50 principal components; perplexities {perplexities}; seeds {seeds}) are of the real "
        f"training images and all iterations together, of the real images alone with the synthetic ones placed by "
        f"openTSNE's transform, and of each iteration; they illustrate and prove nothing."
    )


def _leaks() -> str:
    return (
        "Leak check: logistic regressions of real training against synthetic images on an 8-pixel grid and borders, and on "
        "mean colours, contrast and sharpness, judged out of fold with groups kept together."
    )


def _classification(result: ClassificationResult) -> str:
    seeds = sorted({run.seed for arm in result.arms for run in arm.runs})
    chosen = ("epochs", "image_size", "batch_size", "learning_rate", "synthetic_per_real")
    settings = ", ".join(f"{key.replace('_', ' ')} {result.settings[key]}" for key in chosen if key in result.settings)
    return (
        f"Augmentation test: {result.model} ({settings or 'settings not recorded'}; {len(seeds)} seeds), trained on real "
        f"and on real and synthetic images and judged on the same {len(result.truth)} real images; paired differences "
        f"of balanced accuracy with bootstrap intervals, exact McNemar test on predictions averaged over seeds."
    )
