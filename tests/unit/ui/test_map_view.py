"""What the map shows is what is stored: its points, and what they can be coloured by."""

from __future__ import annotations

from pathlib import Path

import pytest
from map_factory import add_maps
from study_factory import ENCODER, generated_study

from polypstudio.reading.design import ReadingDesign, Stratum, make_items
from polypstudio.records import ClassificationResult, MapsResult
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result, result_path
from polypstudio.ui.components.map_view import available_alignments, colour_values, map_view
from polypstudio.ui.context import Selection


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    return generated_study(tmp_path_factory.mktemp("checkpoints"), "generated", iterations=2, per_class=4, real=8)


def select(study: StudyPaths, encoder: str = ENCODER) -> Selection:
    return Selection(study.root.parent, study.name, encoder, "train")


def test_a_study_of_an_older_version_has_its_one_map(tmp_path: Path) -> None:
    older = generated_study(tmp_path, "older", iterations=1, per_class=4, real=12)
    result_path(older, MapsResult, ENCODER).unlink()
    assert available_alignments(select(older)) == ["joint"]
    (joint,) = map_view(select(older), "joint")
    assert joint["iteration"] is None
    assert len(joint["sets"]["iterations/000160"]["ad"]["x"]) == 4


def test_each_alignment_has_its_points(study: StudyPaths) -> None:
    stored = add_maps(study, held_out=8)
    assert available_alignments(select(study)) == ["joint", "reference", "iteration"]
    (reference,) = map_view(select(study), "reference")
    kept = next(each for each in stored.maps if each.alignment == "reference")
    for each in kept.sets:
        shown = reference["sets"][each.image_set][each.label]
        assert shown["index"] == list(range(len(each.x)))
        assert shown["x"] == pytest.approx(each.x, abs=6e-4)
    assert [each["iteration"] for each in map_view(select(study), "iteration")] == [160, 320]
    assert map_view(select(study), "no such") == []


@pytest.mark.parametrize("encoder", ["", "dinov2", "../../study"])
def test_an_encoder_that_made_nothing_has_no_map(study: StudyPaths, encoder: str) -> None:
    assert available_alignments(select(study, encoder)) == []
    assert map_view(select(study, encoder), "joint") == []


def test_classifier_errors_are_those_of_the_real_arm(study: StudyPaths) -> None:
    stored = load_result(study, ClassificationResult, ENCODER)
    assert stored is not None
    shown = colour_values(select(study))["classifier"]["values"]
    runs = stored.arms[0].runs
    for i, (image_set, label, index) in enumerate(stored.images):
        wrong = sum((run.probabilities[i] >= 0.5) != (stored.truth[i] == "ad") for run in runs) / len(runs)
        assert shown[image_set][label][index] == wrong
    assert sum(value for classes in shown["real/test"].values() for value in classes.values()) > 0


def test_a_scheme_names_the_maps_that_show_its_images(tmp_path: Path) -> None:
    older = generated_study(tmp_path, "generated", iterations=1, per_class=4, real=12)
    assert colour_values(select(older))["classifier"]["maps"] == []  # judged on held-out images: no map holds them
    add_maps(older, held_out=12)
    assert colour_values(select(older))["classifier"]["maps"] == ["reference"]
    result_path(older, MapsResult, ENCODER).unlink()
    assert colour_values(select(older))["classifier"]["maps"] == []


def test_reader_scores_are_means_of_first_showings(tmp_path: Path) -> None:
    study = generated_study(tmp_path, "read", iterations=1, per_class=2, real=4, results=False)
    assert colour_values(select(study))["readers"] is None
    strata = (Stratum(image_set="real/test", per_class=2), Stratum(image_set="iterations/000160", per_class=2))
    design = ReadingDesign(strata=strata, repeats=0.25, block_size=20)
    available = {(stratum.image_set, label): 2 for stratum in strata for label in ("ad", "non_ad")}
    items = make_items(design, available)
    name = readings.create_design(study, design, items, image_size=64)
    for steps, link in zip((5, 2), readings.add_readers(study, name, ["R1", "R2"]), strict=True):
        reader = readings.find_reader([study], link.token)
        assert reader is not None
        for act in range(design.n_showings):
            showing = readings.place(reader).showings[0]
            readings.submit(
                reader, readings.Answer(showing, f"{link.reader}-{act}", {"source": steps, "pathology": 3}, 2.0)
            )
    shown = colour_values(select(study))["readers"]
    assert shown["words"].startswith("mean of 2 readers")
    values = [value for sets in shown["values"].values() for classes in sets.values() for value in classes.values()]
    assert values == [3.5] * len(items)
