"""Training that is killed at any moment and run again ends in the same bits as training that was left alone."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from currency import is_trained
from diffusers import UNet2DConditionModel
from tiny_sd import save_random_sd, tiny_study

from polypstudio.config import StudyConfig, pathology_stage, prior_stage
from polypstudio.records import RealImage
from polypstudio.stopping import Stopped, stop_on_signals
from polypstudio.store.paths import StudyPaths

KILLS = 5


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    """Starts processes that have torch imported already, so that a kill hits the training and not the import."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["polypstudio.diffusion.train", "tiny_sd"])
    return context


def _train(study: StudyPaths, config: StudyConfig, images: list[RealImage], root: Path) -> None:
    import torch

    from polypstudio.diffusion.train import train

    torch.set_num_threads(1)
    with stop_on_signals() as stop:
        try:
            train(study, config, images, root, stop=stop)
        except Stopped:
            raise SystemExit(130) from None


def _material(folder: Path) -> tuple[StudyConfig, list[RealImage]]:
    _, config, images = tiny_study(
        folder,
        save_random_sd(folder / "base"),
        save_state_every=2,
        stages=(prior_stage(10), pathology_stage(20, 5)),
    )
    return config, images


def _weights(study: StudyPaths) -> dict[str, bytes]:
    return {
        file.relative_to(study.root).as_posix(): file.read_bytes()
        for file in sorted(study.root.rglob("unet/*.safetensors"))
    }


@pytest.mark.slow
def test_killed_and_resumed_is_bit_identical(
    processes: multiprocessing.context.ForkServerContext, tmp_path: Path
) -> None:
    config, images = _material(tmp_path)
    reference, killed = StudyPaths(tmp_path / "reference"), StudyPaths(tmp_path / "killed")
    process = processes.Process(target=_train, args=(reference, config, images, tmp_path))
    process.start()
    process.join()  # once for the server to import torch
    shutil.rmtree(reference.root)
    process = processes.Process(target=_train, args=(reference, config, images, tmp_path))
    started = time.monotonic()
    process.start()
    process.join()
    assert process.exitcode == 0
    seconds = time.monotonic() - started

    seed = random.randrange(10**6)
    chance = random.Random(seed)
    kills = 0
    for _ in range(50):
        process = processes.Process(target=_train, args=(killed, config, images, tmp_path))
        process.start()
        if kills < KILLS:
            process.join(chance.uniform(0.1, 0.5) * seconds)
            process.kill()
        process.join()
        for unet in killed.root.glob("iterations/*/unet"):
            UNet2DConditionModel.from_pretrained(unet)
        kills += process.exitcode == -signal.SIGKILL
        if process.exitcode == 0:
            break
    assert kills > 0, "no run was still going when it was to be killed"
    assert is_trained(killed, config, images, tmp_path)
    assert _weights(killed) == _weights(reference), f"kill seed {seed}"


@pytest.mark.slow
def test_terminated_saves_its_state_and_says_so(
    processes: multiprocessing.context.ForkServerContext, tmp_path: Path
) -> None:
    config, images = _material(tmp_path)
    assert config.training is not None
    long = config.training.model_copy(
        update={"stages": (prior_stage(100_000), pathology_stage(20, 5)), "save_state_every": 10**6}
    )
    config = config.model_copy(update={"training": long})
    study = StudyPaths(tmp_path / "study")
    process = processes.Process(target=_train, args=(study, config, images, tmp_path))
    process.start()
    while not (study.training_log.is_file() and study.training_log.read_text()):
        assert process.is_alive()
        time.sleep(0.05)
    process.terminate()
    process.join(60)
    assert process.exitcode == 130
    state = next(study.stage("polyp_prior").glob("state-*"))
    assert json.loads((state / "state.json").read_text())["step"] >= 10
