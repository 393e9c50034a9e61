"""The command line: a user's mistake is one line that names what and how to mend it, status 2, and nothing half-written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polypstudio import cli
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small dataset in class folders."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 4)):
        for label in ("ad", "non_ad"):
            folder = tmp_path / "data" / split / label
            folder.mkdir(parents=True)
            for n in range(count):
                pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{n}.png")
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in a root of its own; returns (status, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = cli.main([*map(str, arguments), "--root", str(tmp_path / "root")])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def one_line(answer: tuple[int, str, str], *words: str) -> None:
    """The contract of a mistake."""
    status, out, err = answer
    assert status == 2, (out, err)
    assert out == ""
    message = [line for line in err.splitlines() if line.startswith("polypstudio: ")]
    assert len(message) == 1, err
    assert "Traceback" not in err
    for word in words:
        assert word in message[0]


def made(run: Callable[..., tuple[int, str, str]], data: Path, tmp_path: Path) -> StudyPaths:
    assert run("new", "study", "--data", data)[0] == 0
    return StudyPaths(tmp_path / "root" / "study")


@pytest.mark.parametrize("verb", ["train", "sample", "evaluate", "classify", "run"])
def test_no_such_study(run, verb: str) -> None:
    one_line(run(verb, "nothing"), "no study `nothing`", "polypstudio new")


@pytest.mark.parametrize("verb", ["demo", "serve", "audit", "new", "rerun", "import", "base", "train", "sample", "evaluate",
                                  "classify", "run", "report", "readings", "backup", "work"])  # fmt: skip
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([verb, "--help"])
    assert end.value.code == 0
    assert "usage: polypstudio " + verb in capsys.readouterr().out


def test_no_such_folder(run, tmp_path: Path) -> None:
    one_line(run("new", "study", "--data", tmp_path / "nowhere"), "nowhere")
    assert not (tmp_path / "root" / "study").exists()


def test_a_class_missing(run, data: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (data / split / "non_ad").rename(data / split / "spare").rename(tmp_path / f"{split}-away")
    one_line(run("new", "study", "--data", data), "non_ad")
    assert not (tmp_path / "root" / "study").exists()


def test_a_study_is_never_overwritten(run, data: Path, tmp_path: Path) -> None:
    study = made(run, data, tmp_path)
    before = study.config.read_text()
    one_line(run("new", "study", "--data", data), "exists already")
    assert study.config.read_text() == before


def test_unknown_key_in_the_configuration(run, data: Path, tmp_path: Path) -> None:
    study = made(run, data, tmp_path)
    study.config.write_text(study.config.read_text().replace("guidance", "guidence"))
    one_line(run("evaluate", "study"), "study.toml", "sampling.guidence")


def test_a_base_model_that_is_not_there(run, data: Path, tmp_path: Path) -> None:
    study = made(run, data, tmp_path)
    study.config.write_text(study.config.read_text().replace('base = "tiny"', 'base = "./no/such/model"'))
    one_line(run("train", "study"), "no/such/model")
    assert not study.iterations.exists()


def test_a_dataset_that_was_moved_away(run, data: Path, tmp_path: Path) -> None:
    made(run, data, tmp_path)
    data.rename(tmp_path / "moved")
    one_line(run("evaluate", "study"), "data.path", str(data))


def test_fewer_images_than_the_evidence_needs(run, data: Path, tmp_path: Path) -> None:
    made(run, data, tmp_path)
    for n in range(3, 6):
        (data / "train" / "ad" / f"{n}.png").unlink()
    one_line(run("evaluate", "study"), "3 training images of AD", "at least 4")


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n broken", "truncated"], ids=["empty", "broken", "truncated"]
)
def test_an_unreadable_image_is_named(run, data: Path, tmp_path: Path, content: bytes | str) -> None:
    made(run, data, tmp_path)
    victim = data / "train" / "ad" / "2.png"
    victim.write_bytes(victim.read_bytes()[:1500] if content == "truncated" else content)
    one_line(run("evaluate", "study"), "2.png")


def test_import_takes_a_pair_of_folders_and_never_overwrites(run, data: Path, tmp_path: Path) -> None:
    study = made(run, data, tmp_path)
    folders = ("--ad", data / "test" / "ad", "--non-ad", data / "test" / "non_ad")
    one_line(run("import", "study", "--iteration", 5, "--ad", data), "--non-ad")
    one_line(run("import", "study", "--iteration", 0, *folders), "--iteration")
    one_line(run("import", "study", "--iteration", 5, "--ad", tmp_path / "no", "--non-ad", data), "no such folder")
    one_line(run("import", "study", "--iteration", 5, "--weights", data), "config.json")
    assert complete_iterations(study) == []
    status, out, _ = run("import", "study", "--iteration", 5, *folders, "--json")
    assert status == 0
    assert json.loads(out)["counts"] == {"ad": 4, "non_ad": 4}
    one_line(run("import", "study", "--iteration", 5, *folders), "iteration 5 already")
    assert complete_iterations(study) == [5]


def test_a_failed_import_leaves_nothing(run, data: Path, tmp_path: Path) -> None:
    study = made(run, data, tmp_path)
    (data / "test" / "non_ad" / "3.png").write_bytes(b"")
    folders = ("--ad", data / "test" / "ad", "--non-ad", data / "test" / "non_ad")
    one_line(run("import", "study", "--iteration", 5, *folders), "3.png")
    assert not study.manifest(5).exists()
    assert list(study.iterations.rglob("*.png")) == []


def test_imported_images_carry_no_metadata(run, data: Path, tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    study = made(run, data, tmp_path)
    secret = PngInfo()
    secret.add_text("patient", "Jane Doe")
    Image.new("RGB", (64, 40), "red").save(data / "test" / "ad" / "0.png", pnginfo=secret)
    run("import", "study", "--iteration", 5, "--ad", data / "test" / "ad", "--non-ad", data / "test" / "non_ad")
    with Image.open(study.sample(5, "ad", 0)) as taken:
        assert taken.size == (40, 40)
        assert taken.info == {}
    assert b"Jane" not in study.sample(5, "ad", 0).read_bytes()


def test_a_study_that_is_being_worked_on(run, data: Path, tmp_path: Path) -> None:
    from polypstudio.store.locks import exclusive

    study = made(run, data, tmp_path)
    with exclusive(study.lock, "busy"):
        one_line(run("evaluate", "study"), "being worked on")
