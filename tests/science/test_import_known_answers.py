"""Known answers through the command line: real held-out images, as they are and damaged, imported as if synthetic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from polypstudio import cli
from polypstudio.data.phantom import write_phantom
from polypstudio.findings.appearance import within_kid
from polypstudio.records import (
    PATHOLOGIES,
    CoverageResult,
    KidResult,
    NeighbourResult,
    RankingResult,
    ReferenceEvidence,
)
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result
from polypstudio.store.studies import load_config, load_manifest, save_config

pytestmark = pytest.mark.slow

ENCODER = "efficientnet-lite0"
POSING, SWAPPED, COPIED, PHANTOMS = 1, 2, 3, 4
MIXED = (41, 42, 43)
DOSES = {"blurred": (11, 12), "JPEG": (21, 22), "hue": (31, 32)}  # iterations of the lower and the higher dose
Damage = Callable[[Image.Image], Image.Image]


def blurred(radius: float) -> Damage:
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


def hue_shifted(degrees: float) -> Damage:
    def shift(image: Image.Image) -> Image.Image:
        hue, saturation, value = image.convert("HSV").split()
        moved = hue.point(lambda level: int(level + degrees * 256 / 360) % 256)
        return Image.merge("HSV", (moved, saturation, value)).convert("RGB")

    return shift


@pytest.fixture(scope="module")
def study(polyps: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """One study of the real images with every disguise as an iteration; all of it in a temporary folder."""
    root = tmp_path_factory.mktemp("root")
    work = tmp_path_factory.mktemp("disguises")

    def run(*arguments: object) -> None:
        assert cli.main([*map(str, arguments), "--root", str(root)]) == 0

    def take(iteration: int, ad: Path, non_ad: Path) -> None:
        run("import", "real", "--iteration", iteration, "--ad", ad, "--non-ad", non_ad)

    run("new", "real", "--data", polyps)
    paths = StudyPaths(root / "real")
    config = load_config(paths)
    one_map = config.evaluation.model_copy(update={"other_perplexities": (), "other_seeds": ()})
    save_config(paths, config.model_copy(update={"evaluation": one_map}))
    test, train = polyps / "test", polyps / "train"
    take(POSING, test / "ad", test / "non_ad")
    take(SWAPPED, test / "non_ad", test / "ad")
    take(COPIED, train / "ad", train / "non_ad")
    for iteration in MIXED:
        take(iteration, *half_and_half(test, work / f"mixed-{iteration}", seed=iteration))
    write_phantom(work / "phantoms", {("test", label): 32 for label in PATHOLOGIES}, seed=5)
    take(PHANTOMS, *damaged(work / "phantoms" / "test", work / "large", lambda image: image.resize((256, 256)), ".png"))
    doses: dict[str, tuple[Damage, Damage]] = {
        "blurred": (blurred(1.0), blurred(3.0)),
        "hue": (hue_shifted(10), hue_shifted(60)),
    }
    for name, damages in doses.items():
        for iteration, damage in zip(DOSES[name], damages, strict=True):
            take(iteration, *damaged(test, work / f"{name}-{iteration}", damage, ".png"))
    for iteration, quality in zip(DOSES["JPEG"], (30, 10), strict=True):
        take(iteration, *damaged(test, work / f"jpeg-{quality}", lambda image: image, ".jpg", quality=quality))
    run("evaluate", "real")
    return paths


def half_and_half(test: Path, folder: Path, seed: int) -> Iterator[Path]:
    """Two folders, each with half of the images of both classes, drawn at random."""
    files = {label: np.random.default_rng(seed).permutation(sorted((test / label).iterdir())) for label in PATHOLOGIES}
    for part in (0, 1):
        target = folder / str(part)
        target.mkdir(parents=True)
        for label in PATHOLOGIES:
            for path in files[label][part::2]:
                (target / f"{label}-{path.name}").write_bytes(path.read_bytes())
        yield target


def damaged(test: Path, folder: Path, damage: Damage, suffix: str, **options: Any) -> Iterator[Path]:
    for label in PATHOLOGIES:
        target = folder / label
        target.mkdir(parents=True)
        for path in (test / label).iterdir():
            damage(Image.open(path).convert("RGB")).save(target / f"{path.stem}{suffix}", **options)
        yield target


@pytest.fixture(scope="module")
def trained_on(study: StudyPaths) -> ReferenceEvidence:
    result = load_result(study, KidResult, ENCODER)
    assert result is not None
    return result.references["train"]


def test_held_out_images_mean_what_they_show(trained_on: Any) -> None:
    evidence = trained_on.at(POSING)
    assert trained_on.separation.kid == pytest.approx(0.0150, abs=5e-4)
    assert evidence.alignment.value == pytest.approx(0.82, abs=0.05)
    assert evidence.alignment.p < 0.05
    assert evidence.alarms == []
    assert all(evidence.cell(c, c).kid <= evidence.cell(c, c).floor for c in PATHOLOGIES)


def test_swapped_folders_raise_the_alarm(trained_on: Any) -> None:
    evidence = trained_on.at(SWAPPED)
    assert evidence.alignment.value < 0
    assert evidence.alignment.p < 0.05
    assert "swapped" in evidence.alarms


def test_half_and_half_mixtures_ignore_the_class(trained_on: Any) -> None:
    """Halves of 35 images are uneven by chance, to either side; so A is near 0 on average, and no test finds a class."""
    found = [trained_on.at(iteration) for iteration in MIXED]
    assert abs(np.mean([evidence.alignment.value for evidence in found])) < 0.3
    assert all("class_ignored" in evidence.alarms for evidence in found)


@pytest.mark.parametrize("damage", DOSES)
def test_damage_raises_the_within_class_kid_with_its_dose(trained_on: Any, damage: str) -> None:
    kids = [within_kid(trained_on.at(iteration)) for iteration in (POSING, *DOSES[damage])]
    assert kids[0] < kids[1] < kids[2]
    heavy = trained_on.at(DOSES[damage][1])
    assert any(heavy.cell(c, c).kid > heavy.cell(c, c).floor for c in PATHOLOGIES)


def test_phantoms_are_far_from_polyps(trained_on: Any) -> None:
    evidence = trained_on.at(PHANTOMS)
    assert min(cell.kid for cell in evidence.cells) > 5 * trained_on.separation.kid


def test_looks_would_not_pick_the_damaged_and_the_confidence_set_leaves_the_phantoms_out(study: StudyPaths) -> None:
    result = load_result(study, RankingResult, ENCODER)
    assert result is not None
    by_looks = next(ranked for ranked in result.references["train"] if ranked.rule == "within_kid")
    assert PHANTOMS not in by_looks.tied
    assert by_looks.picked == COPIED  # the paper's rule likes copies best: looks are no evidence


def test_training_images_are_found_out_as_copies(study: StudyPaths) -> None:
    result = load_result(study, NeighbourResult, ENCODER)
    assert result is not None
    flagged = {row.iteration: np.mean([image.is_copy for image in row.images]) for row in result.copies}
    assert flagged[COPIED] >= 0.99
    assert flagged[POSING] <= 0.05


def test_coverage_of_real_images_is_high_of_damaged_ones_lower_and_of_phantoms_nil(study: StudyPaths) -> None:
    result = load_result(study, CoverageResult, ENCODER)
    assert result is not None

    def mean(iteration: int) -> float:
        row = result.references["train"].at(iteration)
        assert row is not None
        return float(np.mean([row.per_class[c].coverage for c in PATHOLOGIES]))

    yardstick = result.references["train"].yardstick
    assert yardstick is not None
    assert mean(POSING) == pytest.approx(np.mean([yardstick[c].coverage for c in PATHOLOGIES]))  # the same images
    assert mean(COPIED) == 1
    assert mean(PHANTOMS) < 0.1
    assert mean(DOSES["blurred"][1]) < mean(POSING)


def test_lossless_images_were_brought_into_the_format_of_the_jpegs_and_jpegs_were_left_alone(study: StudyPaths) -> None:
    for iteration in (*DOSES["blurred"], *DOSES["hue"]):
        manifest = load_manifest(study, iteration)
        assert manifest.matching == {"compressed as the real images": sum(manifest.counts.values())}
    assert load_manifest(study, DOSES["JPEG"][1]).matching == {}
    assert load_manifest(study, POSING).matching == {}


def test_the_result_is_the_contract_others_build_on(study: StudyPaths) -> None:
    content = json.loads(study.result("kid", ENCODER).read_text())
    assert content["schema_version"] == 1
    assert content["subset_size"] == 15  # half of the smallest set, 31 images
    row = content["references"]["train"]["iterations"][0]
    assert [(c["synthetic"], c["real"]) for c in row["cells"]] == [
        ("ad", "ad"), ("ad", "non_ad"), ("non_ad", "ad"), ("non_ad", "non_ad"),
    ]  # fmt: skip
    assert set(row["cells"][0]) == {
        "synthetic", "real", "kid", "ci", "floor", "subset_mean", "subset_sd", "n_real", "n_synthetic",
    }  # fmt: skip
    assert set(row) >= {"iteration", "cells", "margins", "alignment", "shift", "alarms"}
    assert content["inputs"]
    assert content["settings"]["resolution"] == 256
