"""What a user may get wrong about fine-tuning ends in one line that names it, and nothing is lost or begun."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_sd import runnable_study

from polypstudio.cli import main
from polypstudio.diffusion import fitting, machine
from polypstudio.store.locks import exclusive
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations

Change = Callable[[StudyPaths], None]


def _edited(old: str, new: str) -> Change:
    def change(study: StudyPaths) -> None:
        text = study.config.read_text()
        assert old in text
        study.config.write_text(text.replace(old, new))

    return change


def _without_vae(study: StudyPaths) -> None:
    shutil.rmtree(study.root.parent / "base" / "vae")


MISTAKES: dict[str, tuple[Change, str]] = {
    "base without a VAE": (_without_vae, "has no vae/config.json: a base model is a folder with vae,"),
    "resolution": (
        _edited("resolution = 32", "resolution = 33"),
        "resolution is 33: this base model needs a multiple of 2",
    ),
    "ratios": (
        lambda study: study.config.write_text(
            study.config.read_text().replace("ratio = 0.75", "ratio = 0.0").replace("ratio = 0.15", "ratio = 0.0")
        ),
        "the ratios of stage pathology's sources sum to 0",
    ),
    "frozen": (_edited('"down_blocks.0"', '"down_blocks.7"'), "no parameter of the U-Net begins with `down_blocks.7`"),
    "checkpoints": (
        _edited("checkpoint_every = 3", "checkpoint_every = 7"),
        "checkpoint_every (7) is larger than steps (6)",
    ),
    "prompt": (_edited("{class}", "{klass}"), "a template knows {class}, {polyp}, {quality}, not {klass}"),
    "no such base": (
        lambda study: shutil.rmtree(study.root.parent / "base"),
        "give `tiny`, an existing folder, or a hub name",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], mistake: str) -> None:
    study = runnable_study(tmp_path / "study")
    change, said = MISTAKES[mistake]
    change(study)
    assert main(["train", str(study.root)]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("polypstudio: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not complete_iterations(study)


def test_a_study_that_is_already_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = runnable_study(tmp_path / "study")
    with exclusive(study.lock, "busy"):
        assert main(["train", str(study.root)]) == 2
    assert "is being worked on by another process; wait for it, or stop it" in capsys.readouterr().err


def test_what_was_measured_not_to_fit_is_refused_with_what_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose memory holds two images of a batch of four."""
    study = runnable_study(tmp_path / "study")
    peaks = iter([1000, 1100] * 2)  # of one image and of two, in each stage; the batch of four is not tried
    monkeypatch.setattr(machine, "available_memory", lambda: 1200)
    monkeypatch.setattr(machine, "peak_memory", lambda: next(peaks))
    said = "batch_size = 2 with gradient_accumulation = 2 would fit"
    assert main(["estimate", str(study.root)]) == 0
    assert said in capsys.readouterr().out
    assert main(["train", str(study.root)]) == 2
    assert said in capsys.readouterr().err
    _edited("batch_size = 4\ngradient_accumulation = 1", "batch_size = 2\ngradient_accumulation = 2")(study)
    assert main(["train", str(study.root)]) == 0


def test_an_estimate_is_of_the_studys_own_steps(tmp_path: Path) -> None:
    study = runnable_study(tmp_path / "study")
    assert main(["estimate", str(study.root)]) == 0
    found = json.loads(study.estimate.read_text())
    assert found["fits"]
    assert [(stage["name"], stage["steps"]) for stage in found["stages"]] == [("polyp_prior", 4), ("pathology", 6)]
    assert all(stage["seconds_per_step"] > 0 for stage in found["stages"])
    assert found["memory"]["available_bytes"] > found["memory"]["needed_bytes"] > 10**8
    assert main(["train", str(study.root)]) == 0
    written = sum(file.stat().st_size for file in study.iterations.rglob("*.safetensors"))
    assert written < found["disk"]["needed_bytes"] < 20 * written


def test_a_disk_that_is_too_small_is_refused_before_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = runnable_study(tmp_path / "study")
    monkeypatch.setattr(fitting, "free_bytes", lambda path: 10_000)
    assert main(["train", str(study.root)]) == 2
    said = capsys.readouterr().err
    assert "0.0 MiB are free" in said
    assert "take a larger checkpoint_every in stage pathology" in said
    assert not (study.training / "polyp_prior").exists()
