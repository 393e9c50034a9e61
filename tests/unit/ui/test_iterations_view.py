"""The view that feeds the Iterations tab says what the stored files say, and what to do where something is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from study_factory import ENCODER, generated_study

from polypstudio.errors import UserError
from polypstudio.records import KidResult
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result, result_path
from polypstudio.store.studies import load_manifest, save_manifest
from polypstudio.ui.components.iterations_view import iterations_view
from polypstudio.ui.context import Selection


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    return generated_study(tmp_path_factory.mktemp("checkpoints"), "generated", iterations=3, per_class=4, real=8)


def select(study: StudyPaths, reference: str = "train") -> Selection:
    return Selection(study.root.parent, study.name, ENCODER, reference)


def test_numbers_are_those_of_the_result(study: StudyPaths) -> None:
    view = iterations_view(select(study, "held_out"))
    stored = load_result(study, KidResult, ENCODER)
    assert stored is not None
    evidence = stored.references["held_out"].iterations[1]
    shown = view["iterations"][1]["evidence"]
    assert shown["cells"]["non_ad"]["ad"]["kid"] == evidence.cell("non_ad", "ad").kid
    assert shown["alignment"] == evidence.alignment.model_dump()
    assert view["referenceSplit"] == "test"


def test_it_is_json_without_nan(study: StudyPaths) -> None:
    view = iterations_view(select(study))
    assert json.loads(json.dumps(view, allow_nan=False))["study"] == "generated"


def test_every_point_of_the_map_has_its_image(study: StudyPaths) -> None:
    view = iterations_view(select(study))
    counts = {
        image_set: {c: len(p["index"]) for c, p in classes.items()}
        for image_set, classes in view["map"][0]["sets"].items()
    }
    assert counts["real/train"] == {"ad": 8, "non_ad": 8}
    for iteration in view["iterations"]:
        assert counts[iteration["set"]] == {label: len(found) for label, found in iteration["samples"].items()}


def test_versions_change_with_the_content(tmp_path: Path) -> None:
    study = generated_study(tmp_path, "generated", iterations=1, per_class=2, real=4, results=False)
    before = iterations_view(select(study))["real"]["train"]["ad"][0][0]
    (study.root / "data/train/ad/00000.png").write_bytes((study.root / "data/train/ad/00001.png").read_bytes())
    after = iterations_view(select(study))["real"]["train"]["ad"][0][0]
    assert before != after


def test_a_missing_real_image_does_not_hide_the_study(tmp_path: Path) -> None:
    study = generated_study(tmp_path, "generated", iterations=1, per_class=2, real=4, results=False)
    (study.root / "data/train/ad/00001.png").unlink()
    assert [version for version, _ in iterations_view(select(study))["real"]["train"]["ad"]].count("missing") == 1


def test_the_held_out_loss_is_that_of_each_class(tmp_path: Path) -> None:
    study = generated_study(tmp_path, "generated", iterations=2, per_class=2, real=4, results=False)
    shown = [each["loss"] for each in iterations_view(select(study))["iterations"]]
    assert [set(losses) for losses in shown] == [{"ad", "non_ad"}] * 2
    assert shown[0]["ad"] == load_manifest(study, 160).training["held_out_loss_ad"] != shown[0]["non_ad"]
    manifest = load_manifest(study, 320)
    save_manifest(study, manifest.model_copy(update={"training": {}}))  # imported, or trained without held-out images
    assert iterations_view(select(study))["iterations"][1]["loss"] == {}


@pytest.mark.parametrize(("iterations", "title"), [(0, "No iterations yet"), (1, "Images, but no evidence yet")])
def test_what_is_missing_is_said(tmp_path: Path, iterations: int, title: str) -> None:
    study = generated_study(tmp_path, "generated", iterations=iterations, per_class=2, real=4, results=False)
    assert iterations_view(select(study))["empty"]["title"] == title


def test_no_study(tmp_path: Path) -> None:
    view = iterations_view(Selection(tmp_path, None, None, "train"))
    assert view["iterations"] == []
    assert "polypstudio new" in view["empty"]["command"]


def test_a_torn_result_names_the_file(tmp_path: Path) -> None:
    study = generated_study(tmp_path, "generated", iterations=1, per_class=2, real=4, results=False)
    file = result_path(study, KidResult, ENCODER)
    file.parent.mkdir(parents=True)
    file.write_text('{"schema_version": 1, "subs')
    with pytest.raises(UserError, match="delete the file"):
        iterations_view(select(study))
