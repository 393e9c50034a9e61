"""Known answers through the command line: real held-out images imported as if they were synthetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polypstudio import cli
from polypstudio.records import KidResult, NeighbourResult
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result

ENCODER = "efficientnet-lite0"
POSING, SWAPPED, COPIED = 1, 2, 3


@pytest.fixture(scope="module")
def study(polyps: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """Iteration 1: the test images under their own class; 2: under the other class; 3: the training images."""
    root = tmp_path_factory.mktemp("root")

    def run(*arguments: object) -> None:
        assert cli.main([*map(str, arguments), "--root", str(root)]) == 0

    run("new", "real", "--data", polyps)
    ad, non_ad = polyps / "test" / "ad", polyps / "test" / "non_ad"
    run("import", "real", "--iteration", POSING, "--ad", ad, "--non-ad", non_ad)
    run("import", "real", "--iteration", SWAPPED, "--ad", non_ad, "--non-ad", ad)
    run(
        "import",
        "real",
        "--iteration",
        COPIED,
        "--ad",
        polyps / "train" / "ad",
        "--non-ad",
        polyps / "train" / "non_ad",
    )
    run("evaluate", "real")
    return StudyPaths(root / "real")


@pytest.fixture(scope="module")
def trained_on(study: StudyPaths) -> Any:
    result = load_result(study, KidResult, ENCODER)
    assert result is not None
    return result.references["train"]


@pytest.mark.slow
def test_held_out_images_mean_what_they_show(trained_on: Any) -> None:
    evidence = trained_on.at(POSING)
    assert trained_on.separation.kid == pytest.approx(0.0150, abs=5e-4)
    assert evidence.alignment.value == pytest.approx(0.82, abs=0.05)
    assert evidence.alignment.p < 0.05
    assert evidence.alarms == []


@pytest.mark.slow
def test_swapped_folders_raise_the_alarm(trained_on: Any) -> None:
    evidence = trained_on.at(SWAPPED)
    assert evidence.alignment.value < 0
    assert evidence.alignment.p < 0.05
    assert "swapped" in evidence.alarms


@pytest.mark.slow
def test_training_images_are_found_out_as_copies(study: StudyPaths) -> None:
    result = load_result(study, NeighbourResult, ENCODER)
    assert result is not None
    flagged = {row.iteration: sum(i.is_copy for i in row.images) / len(row.images) for row in result.copies}
    assert flagged[COPIED] >= 0.99
    assert flagged[POSING] <= 0.05


@pytest.mark.slow
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
