"""`polypstudio evaluate` on a small study: every result, two encoders and their agreement, the study's own classifier."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_factory import generated_study

from polypstudio import cli
from polypstudio.metrics.leaks import leak_test
from polypstudio.pipeline import leaks
from polypstudio.records import CoverageResult, KidResult, LeakResult, MapsResult, RankingResult, TsneResult
from polypstudio.store.contents import LEAKS
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result, result_names
from polypstudio.store.studies import complete_iterations, load_config, save_config

pytestmark = pytest.mark.slow

ENCODER, OTHER = "efficientnet-lite0@64", "efficientnet-lite0@32"


def evaluate(study: StudyPaths, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.main(["evaluate", str(study.root), "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """Three iterations of eight images a class, beside sixteen real ones a class and split."""
    study = generated_study(tmp_path_factory.mktemp("root"), "small", iterations=3, real=16, results=False)
    config = load_config(study)
    evaluation = config.evaluation.model_copy(update={"encoder": ENCODER, "other_perplexities": (5.0,)})
    classification = config.classification.model_copy(update={"epochs": 1, "image_size": 64, "seeds": (0,)})
    save_config(study, config.model_copy(update={"evaluation": evaluation, "classification": classification}))
    return study


def test_every_result_of_one_encoder(study: StudyPaths, capsys: pytest.CaptureFixture[str]) -> None:
    answer = evaluate(study, capsys)
    assert {"kid", "ranking", "coverage", "leaks"} <= set(answer)
    iterations = complete_iterations(study)
    maps = load_result(study, MapsResult, ENCODER)
    assert maps is not None
    assert [(each.alignment, each.iteration, each.seed) for each in maps.maps] == [
        ("joint", None, 0), ("joint", None, 0), ("joint", None, 1), ("reference", None, 0), ("reference", None, 0),
        *(("iteration", n, 0) for n in iterations),
    ]  # fmt: skip
    tsne = load_result(study, TsneResult, ENCODER)
    assert tsne is not None
    stored = [(point.x, point.y) for point in tsne.points]
    assert [point for each in maps.maps[0].sets for point in zip(each.x, each.y, strict=True)] == stored
    for each in maps.maps:
        shown = iterations if each.iteration is None else [each.iteration]
        held_out = ["real/test"] if each.alignment == "reference" else []
        assert [s.image_set for s in each.sets][::2] == [
            "real/train", *(f"iterations/{n:06d}" for n in shown), *held_out
        ]  # fmt: skip
        assert list(each.numbers.agreement) == shown
        assert (each.numbers.shared_neighbours is not None) == (each.seed == 1)
    ranking = load_result(study, RankingResult, ENCODER)
    assert ranking is not None
    for ranked in ranking.references["train"]:
        assert np.sum([each.ranks for each in ranked.iterations], axis=0) == pytest.approx(np.ones(3), abs=2e-3)
        assert ranked.picked in ranked.tied
    coverage = load_result(study, CoverageResult, ENCODER)
    assert coverage is not None
    assert coverage.k == 5
    assert coverage.references["held_out"].yardstick is not None
    leaks = load_result(study, LeakResult, LEAKS)
    assert leaks is not None
    kid = load_result(study, KidResult, ENCODER)
    assert kid is not None
    assert "bicubic, antialiased, to 64 × 64 px" in str(kid.settings["preprocessing"])
    assert evaluate(study, capsys)["ran"] == {}


def test_an_iteration_that_comes_later_leaves_the_same_results_as_all_at_once(
    study: StudyPaths, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the earlier iterations' results depend on has not changed, so they are not made again."""
    evaluate(study, capsys)
    at_once = results_of(study)
    last = complete_iterations(study)[-1]
    shutil.move(study.iteration(last), tmp_path / "held back")
    evaluate(study, capsys)
    assert results_of(study) != at_once
    shutil.move(tmp_path / "held back", study.iteration(last))
    judged: list[str] = []
    monkeypatch.setattr(leaks, "leak_test", lambda *given: judged.append("leaks") or leak_test(*given))
    evaluate(study, capsys)
    assert results_of(study) == at_once
    assert judged == ["leaks", "leaks"], "files and pixels of the new iteration alone"


def results_of(study: StudyPaths) -> dict[str, Any]:
    """Every stored result without the time it was made at."""
    read = {path.parent.name: json.loads(path.read_bytes()) for path in sorted(study.results.rglob("*.json"))}
    return {kind: {key: value for key, value in result.items() if key != "created"} for kind, result in read.items()}


def test_a_second_encoder_and_whether_it_orders_the_iterations_alike(
    study: StudyPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(study, capsys, "--encoder", OTHER)
    assert cli.main(["evaluate", str(study.root)]) == 0
    printed = capsys.readouterr().out
    assert "do the encoders agree?" in printed
    assert "on the order of 3 iterations by the lowest within-class KID, τ " in printed
    assert "of one family: no second opinion" in printed
    assert "tied: 95 % confidence set of the best" in printed


def test_the_classifier_judges_only_on_images_it_has_not_seen(
    study: StudyPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = evaluate(study, capsys, "--encoder", "classifier")
    assert answer["ran"]["classifier-as-encoder"] > 0
    assert list(answer["kid"]["references"]) == ["held_out"]
    assert list(answer["coverage"]["references"]) == ["held_out"]
    assert "real/train" not in answer["kid"]["inputs"]
    assert "classifier" in result_names(study, KidResult)
    assert evaluate(study, capsys, "--encoder", "classifier")["ran"] == {}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"subset_size": 99}, r"KID subset size 99 is above the smallest set (8 images): set it to 8 or less"),
        ({"coverage_neighbours": 30}, r"set `coverage_neighbours` below 8"),
        ({"neighbours": 400}, r"400 nearest neighbours of 32 real images: set k lower"),
    ],
)
def test_settings_that_do_not_fit_end_in_one_line_and_lose_nothing(
    study: StudyPaths, capsys: pytest.CaptureFixture[str], setting: dict[str, int], message: str
) -> None:
    evaluate(study, capsys)
    config = load_config(study)
    before = {path: path.read_bytes() for path in study.results.rglob("*.json")}
    save_config(study, config.model_copy(update={"evaluation": config.evaluation.model_copy(update=setting)}))
    try:
        assert cli.main(["evaluate", str(study.root)]) == 2
    finally:
        save_config(study, config)
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("polypstudio: ")]
    assert len(error) == 1
    assert message in error[0]
    assert all(path.read_bytes() == content for path, content in before.items())


def test_features_that_a_killed_run_left_out_are_made_and_others_are_not(
    study: StudyPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = sorted(study.features.glob(f"{ENCODER}/*.safetensors"))[0]
    content = lost.read_bytes()
    lost.unlink()
    ran = evaluate(study, capsys)["ran"]
    assert len(ran) == 1
    assert lost.read_bytes() == content


def test_results_hold_no_path_of_this_machine(study: StudyPaths, tmp_path: Path) -> None:
    for path in study.results.rglob("*.json"):
        assert str(study.root) not in path.read_text()
