"""Fine-tuning and sampling, killed (-9) at any moment and run again, end in the bits of a run that was left alone.

Moments are random over all of the work, and in tests of their own within what is rare: caching, and saving.
Each makes 5 kills; the 30 that are made by hand (about four minutes, log in benchmarks/results/training_kills-*.log):

    POLYPSTUDIO_KILLS=30 python -m pytest tests/faults/test_training_kill.py -m slow -k killed -q -s
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from currency import is_trained
from diffusers import UNet2DConditionModel
from killing import context, kill_and_resume, seconds_of
from tiny_sd import save_random_sd, tiny_study

from polypstudio.config import StudyConfig, pathology_stage, prior_stage
from polypstudio.records import RealImage
from polypstudio.stopping import Stopped, stop_on_signals
from polypstudio.store.atomic import sweep
from polypstudio.store.paths import StudyPaths

KILLS = int(os.environ.get("POLYPSTUDIO_KILLS", "5"))
Material = tuple[StudyConfig, list[RealImage], Path]

pytestmark = pytest.mark.slow


def _train(study: StudyPaths, config: StudyConfig, images: list[RealImage], root: Path) -> None:
    import torch

    from polypstudio.diffusion import latents
    from polypstudio.diffusion.train import train

    torch.set_num_threads(1)
    latents._CHUNK = 8
    sweep(study.root)  # as the command line does before it works on a study
    with stop_on_signals() as stop:
        try:
            train(study, config, images, root, stop=stop)
        except Stopped:
            raise SystemExit(130) from None


def _sample(study: StudyPaths, config: StudyConfig, images: list[RealImage], root: Path) -> None:
    import torch

    from polypstudio.diffusion.sample import sample_iteration

    torch.set_num_threads(1)
    sweep(study.root)
    for iteration in (5, 10):
        if not study.manifest(iteration).is_file():
            sample_iteration(study, config, iteration)


def _material(folder: Path, **training: object) -> Material:
    settings = {"save_state_every": 2, "stages": (prior_stage(10), pathology_stage(20, 5))}
    _, config, images = tiny_study(folder, save_random_sd(folder / "base"), **(settings | training))
    return config, images, folder


def _outcome(study: StudyPaths) -> dict[str, bytes]:
    """Weights, samples, previews and caches: all that a run leaves but its times."""
    kinds = ("unet/*.safetensors", "unet/training.json", "*.png", "rows.txt", "latents.f16")
    return {
        file.relative_to(study.root).as_posix(): file.read_bytes()
        for kind in kinds
        for file in sorted(study.root.rglob(kind))
    }


def _reference(work: Callable[..., None], study: StudyPaths, material: Material) -> float:
    """Leaves what an uninterrupted run gives; returns the seconds it took once torch was imported."""
    before = study.root.parent / "before"
    if study.root.exists():
        shutil.copytree(study.root, before)
    seconds_of(work, study, *material)  # once for the server to import
    shutil.rmtree(study.root)
    if before.exists():
        before.rename(study.root)
    return seconds_of(work, study, *material)


def _compare(
    work: Callable[..., None],
    reference: StudyPaths,
    killed: StudyPaths,
    material: Material,
    seconds: float,
    ended: Callable[[], None] = lambda: None,
) -> None:
    """Kills the work on ``killed`` again and again; whenever it is done, it has to equal ``reference``."""
    start = killed.root.parent / "start"
    if killed.root.exists():
        shutil.copytree(killed.root, start)

    def same() -> None:
        assert _outcome(killed) == _outcome(reference)

    def anew() -> None:
        shutil.rmtree(killed.root)
        if start.exists():
            shutil.copytree(start, killed.root)

    kill_and_resume(work, (killed, *material), seconds, KILLS, ended=ended, done=same, anew=anew)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_training_killed_anywhere(tmp_path: Path, method: str) -> None:
    material = _material(tmp_path, method=method)
    reference, killed = StudyPaths(tmp_path / "reference"), StudyPaths(tmp_path / "killed")
    seconds = _reference(_train, reference, material)

    def whole() -> None:
        for unet in killed.root.glob("iterations/*/unet"):
            UNet2DConditionModel.from_pretrained(unet)

    _compare(_train, reference, killed, material, seconds, ended=whole)
    assert is_trained(killed, *material)


def test_training_killed_while_it_saves(tmp_path: Path) -> None:
    """A state after every step and a checkpoint after every second one: most moments are moments of saving."""
    material = _material(tmp_path, save_state_every=1, stages=(pathology_stage(10, 2),), held_out_images=0, previews=0)
    reference, killed = StudyPaths(tmp_path / "reference"), StudyPaths(tmp_path / "killed")
    seconds = _reference(_train, reference, material)
    _compare(_train, reference, killed, material, seconds)


def test_caching_killed(tmp_path: Path) -> None:
    """The study's images many times over, so that encoding them is most of the work."""
    config, images, root = _material(tmp_path, stages=(pathology_stage(1, 1),), held_out_images=0, previews=0)
    many = []
    for number in range(40):
        for image in (image for image in images if image.split == "train"):
            copy = replace(image, path=f"{number}-{image.path}")
            (root / copy.path).write_bytes((root / image.path).read_bytes() + bytes([number]))  # another content
            many.append(copy)
    reference, killed = StudyPaths(tmp_path / "reference"), StudyPaths(tmp_path / "killed")
    seconds = _reference(_train, reference, (config, many, root))
    _compare(_train, reference, killed, (config, many, root), seconds)


def test_sampling_killed(tmp_path: Path) -> None:
    material = _material(tmp_path, stages=(pathology_stage(10, 5),), held_out_images=0, previews=0)
    reference, killed = StudyPaths(tmp_path / "reference"), StudyPaths(tmp_path / "killed")
    seconds_of(_train, reference, *material)
    shutil.copytree(reference.root, killed.root)
    seconds = _reference(_sample, reference, material)

    def whole() -> None:
        for manifest in killed.iterations.glob("*/manifest.json"):
            assert len(list(manifest.parent.glob("samples/*/*.png"))) == 6

    _compare(_sample, reference, killed, material, seconds, ended=whole)


def test_terminated_saves_its_state_and_says_so(tmp_path: Path) -> None:
    config, images, root = _material(
        tmp_path, stages=(prior_stage(100_000), pathology_stage(20, 5)), save_state_every=10**6
    )
    study = StudyPaths(tmp_path / "study")
    process = context().Process(target=_train, args=(study, config, images, root))
    process.start()
    while not (study.training_log.is_file() and study.training_log.read_text()):
        assert process.is_alive()
        time.sleep(0.05)
    process.terminate()
    process.join(60)
    assert process.exitcode == 130
    state = next(study.stage("polyp_prior").glob("state-*"))
    assert json.loads((state / "state.json").read_text())["step"] >= 10
