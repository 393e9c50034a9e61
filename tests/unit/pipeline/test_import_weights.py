"""A training made elsewhere with diffusers: its checkpoints become iterations."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_sd import runnable_study, save_random_sd

from polypstudio.cli import main
from polypstudio.diffusion.base import load_unet


def test_checkpoints_of_a_diffusers_training_are_iterations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = runnable_study(tmp_path / "study")
    unet, elsewhere = save_random_sd(tmp_path / "base") / "unet", tmp_path / "elsewhere"
    for step in (500, 1000):
        shutil.copytree(unet, elsewhere / f"checkpoint-{step}" / "unet")
        (elsewhere / f"checkpoint-{step}" / "optimizer.bin").write_bytes(b"a pickle, never opened")
    assert main(["import", str(study.root), "--weights", str(elsewhere)]) == 0
    assert [load_unet(study.unet(step)).config.in_channels for step in (500, 1000)] == [4, 4]
    for arguments, said in (
        (["--iteration", "700"], "no checkpoint-700; there are 500, 1000"),
        ([], "has an iteration 500 already"),
    ):
        assert main(["import", str(study.root), "--weights", str(elsewhere), *arguments]) == 2
        assert said in capsys.readouterr().err
    assert main(["import", str(study.root), "--weights", str(unet)]) == 2
    assert "--iteration is missing" in capsys.readouterr().err
    assert main(["import", str(study.root), "--weights", str(unet), "--iteration", "7"]) == 0
