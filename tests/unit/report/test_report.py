"""The report: complete, self-contained, and with the numbers of the records."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from evidence_factory import classification, evidence, kid_result

from polypstudio.config import DataConfig, StudyConfig, tiny_training
from polypstudio.records import IterationManifest, RealImage, StudyContents
from polypstudio.report.files import report_files
from polypstudio.report.methods import methods
from polypstudio.report.tables import cell_rows, classification_latex, iteration_rows, kid_latex, to_csv

IMAGES = [
    RealImage(path=f"{split}/{label}/{i}.png", label=label, split=split, group=f"{split}{i // 2}")
    for split in ("train", "test")
    for label in ("ad", "non_ad")
    for i in range(4)
]


def contents(**changes: object) -> StudyContents:
    values = {
        "name": "polyps",
        "config": StudyConfig(
            title="Polyps <b>& more</b>",
            data=DataConfig(path="data", definition="by histology"),
            training=tiny_training(),
        ),
        "images": IMAGES,
        "iterations": [
            IterationManifest(
                iteration=480,
                origin="trained",
                created="2026-01-01",
                seed=1234,
                prompts={"ad": "an adenoma", "non_ad": "no adenoma"},
                sampler={"name": "DPM-Solver++", "steps": 20},
                counts={"ad": 32, "non_ad": 32},
            )
        ],
        "kid": kid_result(evidence(480, 0.31, 0.02, margins=(0.05, -0.03)), evidence(640, None, 0.4)),
        "classification": classification(),
    }
    return StudyContents(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return report_files(contents())


def test_all_files_are_there(files: dict[str, str]) -> None:
    assert set(files) == {
        "report.html",
        "methods.txt",
        "kid_cells.csv",
        "iterations.csv",
        "kid_train.tex",
        "classification.csv",
        "classification.tex",
    }


def test_a_study_without_results_still_has_a_report() -> None:
    found = report_files(contents(kid=None, classification=None))
    assert set(found) == {"report.html", "methods.txt"}
    assert "polypstudio evaluate polyps" in found["report.html"]
    assert "Plotly" not in found["report.html"]


def page(files: dict[str, str]) -> str:
    """The report without the scripts."""
    return re.sub(r"<script.*?</script>", "", files["report.html"], flags=re.DOTALL)


def test_the_page_needs_nothing_else(files: dict[str, str]) -> None:
    assert not re.findall(r"""(?:src|href)\s*=|@import|url\(""", page(files))
    assert not re.findall(r"<script[^>]+src", files["report.html"])
    assert files["report.html"].count("plotly.js v") == 1


def test_what_users_write_is_escaped(files: dict[str, str]) -> None:
    assert "Polyps &lt;b&gt;&amp; more&lt;/b&gt;" in page(files)


def test_the_page_says_the_sentences_and_shows_what_is_undefined_as_such(files: dict[str, str]) -> None:
    assert "both lean to real AD" in page(files)
    assert "too few for any outcome to reach" in page(files)
    assert "None" not in page(files)


def test_csv_holds_the_records_exactly(files: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(files["iterations.csv"])))
    assert [row["iteration"] for row in rows] == ["480", "640"]
    assert float(rows[0]["alignment"]) == 0.31
    assert (rows[1]["alignment"], rows[1]["alignment_ci_low"]) == ("", "")
    cells = list(csv.DictReader(io.StringIO(files["kid_cells.csv"])))
    assert len(cells) == 8
    assert {(row["synthetic"], row["real"]) for row in cells} == {
        (a, b) for a in ("ad", "non_ad") for b in ("ad", "non_ad")
    }
    assert float(cells[1]["kid"]) == 0.07 + 0.05
    assert all(row["floor"] == "0.02" and row["subset_size"] == "15" for row in cells)


def test_rows_include_the_reconstruction() -> None:
    kid = kid_result(evidence(480))
    with_control = kid.model_copy(
        update={"references": {"train": kid.references["train"].model_copy(update={"reconstruction": evidence(None)})}}
    )
    assert [row["iteration"] for row in iteration_rows(with_control)] == ["480", "reconstruction"]
    assert len(cell_rows(with_control)) == 8


def test_no_rows_no_csv() -> None:
    assert to_csv([]) == ""


@pytest.mark.parametrize("name", ["kid_train.tex", "classification.tex"])
def test_latex_is_balanced_and_plain(files: dict[str, str], name: str) -> None:
    text = files[name]
    columns = len(re.search(r"begin\{tabular\}\{(l+)\}", text).group(1))  # type: ignore[union-attr]
    body = text.split(r"\hline")[1:-1]
    for line in filter(None, "".join(body).splitlines()):
        assert line.count("&") == columns - 1
        assert line.endswith(r"\\")
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    assert text.isascii()
    assert not re.search(r"(?<!\\)[%_#]", text.replace("\\label{tab:", ""))


def test_latex_carries_what_the_printed_tables_leave_out() -> None:
    text = kid_latex(kid_result(evidence(480, -0.31, 0.0005)), "train")
    assert "Separation of the real classes 0.0150 (CI 0.0100--0.0200, $p$ 0.001)" in text
    assert "$-$0.31 ($-$0.57 to $-$0.06), $p < 0.001$" in text
    assert "floor & 0.020" in text
    assert "$-$0.050 ($-$0.110 to 0.010), $p$ 0.12" in classification_latex(classification())


def test_methods_tell_what_was_done_and_only_that() -> None:
    text = " ".join(methods(contents()))
    assert "4 AD and 4 Non-AD training images of 2 groups; 4 AD and 4 Non-AD held-out images of 2 groups" in text
    assert "No group is in both splits" in text
    assert "1000 bootstrap draws of groups" in text
    assert "1999 permutations of the synthetic labels" in text
    assert "100 subsets of 15 images" in text
    assert "lite0 2020" in text
    assert "as a copy" not in text
    assert "KID" not in " ".join(methods(contents(kid=None)))


def test_methods_confess_a_leak_and_a_phantom() -> None:
    leaking = [replace(image, group="patient 1") for image in IMAGES]
    text = methods(contents(images=leaking, config=contents().config.model_copy(
        update={"data": DataConfig(path="data", phantom=True)}
    )))[0]  # fmt: skip
    assert "1 groups are in both splits" in text
    assert text.startswith("Procedural phantom images, not images of patients")


def test_imported_iterations_are_not_said_to_have_been_trained() -> None:
    imported = [IterationManifest(iteration=1000, origin="imported images", created="")]
    text = " ".join(methods(contents(iterations=imported)))
    assert "Taken from outside PolypStudio: iterations 1000 (images)." in text
    assert "fine-tuned" not in text
