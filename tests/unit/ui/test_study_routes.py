"""What a browser can take along of a study, and how it learns that a study has changed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from fastapi.testclient import TestClient
from PIL import Image, UnidentifiedImageError
from study_factory import ENCODER, generated_study

from polypstudio.findings import paper
from polypstudio.records import KidResult, NeighbourResult
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result, save_result
from polypstudio.store.stamp import study_stamp
from polypstudio.store.studies import data_root, load_config, load_index, save_index
from polypstudio.ui.reading_images import common_side, square_pixels
from polypstudio.ui.server import create_app

CAUGHT = [["iterations/000320", "non_ad", 1], ["real/train", "ad", 3], ["iterations/000160", "ad", 0]]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    return generated_study(tmp_path_factory.mktemp("checkpoints"), "generated", iterations=2, per_class=4, real=8)


@pytest.fixture(scope="module")
def client(study: StudyPaths) -> TestClient:
    return TestClient(create_app(study.root.parent))


def test_a_selection_is_a_table_in_its_order(client: TestClient, study: StudyPaths) -> None:
    answer = client.post(f"/study/generated/selection.csv?encoder={ENCODER}", json={"images": CAUGHT})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [[row["image_set"], row["class"], int(row["index"])] for row in rows] == CAUGHT
    assert [row["source"] for row in rows] == ["synthetic", "real", "synthetic"]
    assert [row["iteration"] for row in rows] == ["320", "", "160"]
    assert rows[1]["group"] == "train-ad-001"
    neighbours = load_result(study, NeighbourResult, ENCODER)
    assert neighbours is not None
    stored = next(c for c in neighbours.copies[1].images if (c.label, c.index) == ("non_ad", 1))
    assert float(rows[0]["cosine_distance"]) == stored.distance
    assert (rows[0]["nearest_real_class"], rows[0]["copy"]) == (stored.nearest_label, str(stored.is_copy))


def test_a_selection_is_an_archive_of_the_files_themselves(client: TestClient, study: StudyPaths) -> None:
    answer = client.post(f"/study/generated/selection.zip?encoder={ENCODER}", json={"images": CAUGHT})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("selection.csv").decode())))
        assert sorted([row["file"] for row in rows] + ["selection.csv"]) == sorted(archive.namelist())
        for row, path in zip(rows, _files(study), strict=True):
            assert archive.read(row["file"]) == path.read_bytes()


def _files(study: StudyPaths) -> list[Path]:
    return [study.sample(320, "non_ad", 1), study.root / "data/train/ad/00003.png", study.sample(160, "ad", 0)]


def test_a_selection_holds_nothing_but_images_of_the_study(client: TestClient) -> None:
    outside = [
        ["../../secret", "ad", 0],
        ["real/train", "other", 0],
        ["real/train", "ad", -1],
        ["real/train", "ad", 99],
    ]
    answer = client.post("/study/generated/selection.zip", json={"images": outside})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["selection.csv"]
    assert client.post("/study/absent/selection.zip", json={"images": CAUGHT}).status_code == 404


def test_table_2_prints_mean_and_sd_over_subsets(client: TestClient, study: StudyPaths) -> None:
    kid = load_result(study, KidResult, ENCODER)
    assert kid is not None
    text = client.get(f"/study/generated/table2.csv?encoder={ENCODER}").text
    rows = list(csv.DictReader(io.StringIO(text)))
    cell = kid.references["train"].iterations[1].cell("non_ad", "ad")
    assert float(rows[1]["synthetic_non_ad_vs_real_ad"]) == cell.subset_mean
    assert float(rows[1]["synthetic_non_ad_vs_real_ad_sd"]) == cell.subset_sd
    assert int(rows[1]["subset_size"]) == kid.subset_size
    latex = client.get(f"/study/generated/table2.tex?encoder={ENCODER}&reference=held_out").text
    best = min(e.cell("ad", "ad").subset_mean for e in kid.references["held_out"].iterations)
    assert rf"\textbf{{{best:.3f}}}".replace("-", "$-$") in latex
    assert latex.count(r"\textbf") == 4
    assert "is no standard error" in latex


@pytest.mark.parametrize(
    "query", ["", "?encoder=dinov2", "?encoder=..%2F..%2Fstudy", f"?encoder={ENCODER}&reference=x"]
)
def test_table_2_needs_what_has_been_evaluated(client: TestClient, query: str) -> None:
    assert client.get(f"/study/generated/table2.csv{query}").status_code == 404


def test_a_sheet_shows_the_samples_in_rows_and_columns(client: TestClient, study: StudyPaths) -> None:
    answer = client.get("/study/generated/sheet.png?iterations=320,160&samples=2&side=64")
    sheet = Image.open(io.BytesIO(answer.content)).convert("RGB")
    for column, step in enumerate((320, 160)):
        for row, label in enumerate(("ad", "non_ad")):
            with Image.open(study.sample(step, label, 2)) as image:
                expected = image.convert("RGB").tobytes()  # 64 pixels on disk as on the sheet
            x, y = 78 + column * 70, 26 + row * 70
            assert sheet.crop((x, y, x + 64, y + 64)).tobytes() == expected


def test_a_sheet_as_svg_holds_the_same_images(client: TestClient, study: StudyPaths) -> None:
    answer = client.get("/study/generated/sheet.svg?iterations=320,160&samples=2&side=64")
    assert answer.headers["content-type"] == "image/svg+xml"
    drawing = ElementTree.fromstring(answer.text)
    shown = [each.attrib["href"] for each in drawing.iter("{http://www.w3.org/2000/svg}image")]
    expected = [study.sample(step, label, 2) for step in (320, 160) for label in ("ad", "non_ad")]  # column by column
    for address, path in zip(shown, expected, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as image, Image.open(path) as stored:
            assert image.tobytes() == stored.convert("RGB").tobytes()
    words = [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["320", "160", "AD", "sample 2", "Non-AD", "sample 2"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("iterations=161", "has no iteration 161"),
        ("iterations=", "give whole numbers"),
        ("iterations=160&samples=a", "give whole numbers"),
        (f"iterations=160&samples={','.join(map(str, range(13)))}", "at most 12"),
    ],
)
def test_a_sheet_that_cannot_be_drawn_says_why(client: TestClient, query: str, words: str) -> None:
    answer = client.get(f"/study/generated/sheet.png?{query}")
    assert answer.status_code == 409
    assert words in answer.text


def test_the_paper_is_there_as_printed_tables(client: TestClient) -> None:
    view = client.get(f"/study/{paper.NAME}/iterations").json()
    assert len(view["printed"]) == 8
    assert all(row["margins"]["non_ad"] < 0 < row["sum"] for row in view["printed"])
    assert view["iterations"] == []
    assert "its size cannot" in view["limits"]


def test_the_stamp_changes_with_results_and_iterations_alone(tmp_path: Path) -> None:
    study = generated_study(tmp_path, "watched", iterations=2, per_class=4, real=8)
    client = TestClient(create_app(tmp_path))

    def stamp() -> str:
        found = client.get("/study/watched/stamp").json()["stamp"]
        assert found == study_stamp(study)
        return found

    seen = [stamp()]
    (study.root / "notes.txt").write_text("of no account")
    assert stamp() == seen[-1]
    kid = load_result(study, KidResult, ENCODER)
    assert kid is not None
    save_result(study, ENCODER, kid.model_copy(update={"created": "later"}))
    seen.append(stamp())
    study.manifest(320).unlink()
    seen.append(stamp())
    assert len(set(seen)) == 3
    assert client.get("/study/absent/stamp").json() == {"stamp": None}


def test_the_view_carries_the_stamp_of_what_it_shows(client: TestClient, study: StudyPaths) -> None:
    assert client.get("/study/generated/iterations").json()["stamp"] == study_stamp(study)
    content = study.sample(160, "ad", 0).read_bytes()
    address = f"/study/generated/image/iterations/000160/ad/0?v={hashlib.sha256(content).hexdigest()[:16]}"
    assert client.get(address).content == content


def test_real_images_that_only_tifffile_reads_are_shown_to_researchers_and_readers(tmp_path: Path) -> None:
    """As those of CVC-ClinicDB: Pillow has no way to open them."""
    study = generated_study(tmp_path, "tiffs", iterations=1, per_class=2, real=2, results=False)
    first, *others = load_index(study)
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    file = data_root(study, load_config(study)) / "first.tif"
    tifffile.imwrite(file, pixels, photometric="rgb", bigtiff=True, byteorder=">")
    with pytest.raises(UnidentifiedImageError):
        Image.open(file)
    save_index(study, [replace(first, path=file.name), *others])
    client = TestClient(create_app(tmp_path))
    address = f"/study/tiffs/image/real/{first.split}/{first.label}/0"
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    with Image.open(io.BytesIO(answer.content)) as shown:
        np.testing.assert_array_equal(np.asarray(shown), pixels)
    assert common_side([file]) == 96
    np.testing.assert_array_equal(square_pixels(file, 96), pixels[:, 16:112])
    file.write_bytes(file.read_bytes()[:1000])
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("query", ["", "study=generated&encoder=unheard", "study=none"])
def test_the_opening_view_is_that_of_the_choice_the_header_makes(client: TestClient, query: str) -> None:
    opening = client.get(f"/opening/iterations?{query}").json()
    assert opening == client.get(f"/study/generated/iterations?encoder={ENCODER}&reference=train").json()
    assert (opening["study"], opening["encoder"]) == ("generated", ENCODER)


def test_the_opening_view_keeps_to_the_address(client: TestClient) -> None:
    assert client.get("/opening/iterations?study=generated&reference=held_out").json()["referenceSplit"] == "test"
    assert client.get(f"/opening/iterations?study={paper.NAME}").json()["study"] == paper.NAME
