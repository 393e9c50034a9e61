"""The researcher's form: what it amounts to, what it refuses, and what is wrong among the images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from study_factory import ENCODER, generated_study

from polypstudio.errors import UserError
from polypstudio.records import NeighbourResult
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result
from polypstudio.ui.components.reading_form import codes_of, days_of, design_of_form, plan
from polypstudio.ui.context import Selection
from polypstudio.ui.reading_census import census
from polypstudio.ui.reading_images import create_reading, draw_items
from polypstudio.ui.server import create_app

FORM: dict[str, Any] = {
    "sets": ["real/test", "iterations/000160"],
    "n_real": 4,
    "n_synthetic": 3,
    "classes": ["ad", "non_ad"],
    "protocol": "single",
    "questions": ["pathology", "source"],
    "training": 0,
    "repeats": 20,
    "seed": 3,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    return generated_study(tmp_path_factory.mktemp("form"), "s", iterations=2, per_class=6, real=8)


def planned(study: StudyPaths, codes: str = "R1, R2", days: float = 30, **changes: Any) -> str:
    selection = Selection(study.root.parent, study.name, ENCODER, "train")
    return plan(selection, *(FORM | changes).values(), codes, days)


def test_the_plan_says_what_it_costs_what_it_shows_and_what_is_wrong(study: StudyPaths) -> None:
    text = planned(study)
    assert "17 showings a reader, about 3 min" in text
    assert "8 real and 6 synthetic images, 3 of them shown twice" in text
    assert "2 readers: 34 answers" in text
    assert "(3 images) near 50 %" in text
    assert "copies of real training images; 0 failed generations" in text


def test_pairs_and_training_in_the_plan(study: StudyPaths) -> None:
    text = planned(study, protocol="pairs", training=1)
    assert "6 pairs" in text
    assert "after 2 for training" in text
    assert "AUC of" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sets": []}, "choose at least one set"),
        ({"n_real": None}, "images per class"),
        ({"n_real": 9}, "real/test, ad: 9 images asked for, 8 there"),
        ({"classes": []}, "classes: "),
        ({"questions": ["quality"]}, "asks source or pathology"),
        ({"training": 40}, "training: "),
        ({"protocol": "pairs", "sets": ["real/test"]}, "needs real and synthetic images"),
        ({"codes": "Dr Müller!"}, "is no code"),
        ({"codes": "R1 R1"}, "given twice"),
        ({"codes": " "}, "no code given"),
        ({"days": 0}, "1 to 730 days"),
        ({"days": None}, "1 to 730 days"),
    ],
)
def test_what_does_not_do_is_said_in_one_line(study: StudyPaths, changes: dict[str, Any], words: str) -> None:
    text = planned(study, **changes)
    assert words in text
    assert "\n" not in text


def test_the_plan_draws_what_is_then_created(study: StudyPaths) -> None:
    body = design_of_form(**FORM)
    stored = readings.load_items(study, create_reading(study, body))
    assert {item.image for item in stored} == {item.image for item in draw_items(study, body)}


def test_questions_keep_one_order_and_a_pair_only_its_own() -> None:
    assert design_of_form(**FORM).questions == ("source", "pathology")
    both = design_of_form(**FORM | {"protocol": "pairs", "questions": ["source", "quality", "comment"]})
    assert both.questions == ("preference", "comment")


def test_codes_and_days() -> None:
    assert codes_of("R1, R2;R3\nR4") == ["R1", "R2", "R3", "R4"]
    assert days_of(30) == 30
    with pytest.raises(UserError):
        days_of(731)


def test_copies_and_failed_generations_are_counted(study: StudyPaths) -> None:
    items = draw_items(study, design_of_form(**FORM))
    found = load_result(study, NeighbourResult, ENCODER)
    assert found
    shown = [item.image for item in items if item.image.image_set == "iterations/000160"]
    copied = found.model_copy(
        update={
            "copies": [
                each.model_copy(
                    update={
                        "images": [
                            one.model_copy(
                                update={"is_copy": one.label == shown[0].label and one.index == shown[0].index}
                            )
                            for one in each.images
                        ]
                    }
                )
                for each in found.copies
            ]
        }
    )
    black, gone = (study.synthetic(key) for key in shown[1:3])
    kept = [file.read_bytes() for file in (black, gone)]
    Image.fromarray(np.full((64, 64, 3), 1, np.uint8)).save(black)
    gone.unlink()
    counted = census(study, items, copied)
    for file, content in zip((black, gone), kept, strict=True):
        file.write_bytes(content)
    assert counted.copies == {"iterations/000160": 1}
    assert counted.failed == {"iterations/000160": 2}
    assert census(study, items, None).copies is None
    assert "not looked for" in census(study, items, None).sentence()


def test_downloads_are_the_readings_and_the_checklist(study: StudyPaths) -> None:
    design = create_reading(study, design_of_form(**FORM))
    token = readings.add_readers(study, design, ["R1"])[0].token
    reader = readings.find_reader([study], token)
    assert reader is not None
    showing = readings.place(reader).showings[0]
    readings.submit(reader, readings.Answer(showing, "s", {"source": 3, "pathology": 3}, 2.0))
    client = TestClient(create_app(study.root.parent))
    base = f"/study/{study.name}/reading/{design}"
    table = client.get(f"{base}/readings.csv")
    assert "attachment" in table.headers["content-disposition"]
    assert showing in table.text
    assert client.get(f"{base}/readings.json").json()["format"] == "polypstudio readings"
    results = client.get(f"{base}/results.json").json()
    assert [own["reader"] for own in results["readers"]] == ["R1"]
    checklist = client.get(f"{base}/reporting.md").text
    assert "1 readers, 0 complete; 1 answers count" in checklist
    assert "No patients." in checklist
    for wrong in (
        f"{base}/readings.sqlite",
        f"/study/{study.name}/reading/x/readings.csv",
        "/study/x/reading/y/readings.csv",
    ):
        assert client.get(wrong).status_code == 404
    assert token not in table.text + client.get(f"{base}/readings.json").text


def test_a_public_demo_has_no_downloads_of_readings(study: StudyPaths) -> None:
    design = create_reading(study, design_of_form(**FORM))
    client = TestClient(create_app(study.root.parent, demo=True))
    assert client.get(f"/study/{study.name}/reading/{design}/readings.json").status_code == 404


def test_results_of_an_empty_root_are_nothing(tmp_path: Path) -> None:
    assert plan(Selection(tmp_path, None, None, "train"), *FORM.values(), "R1", 30) == ""
