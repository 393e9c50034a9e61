"""Sampling an iteration, and the reconstruction control."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from currency import is_reconstructed, is_sampled
from PIL import Image
from tiny_sd import tiny_study

from polypstudio.config import StudyConfig, pathology_stage
from polypstudio.data.prompts import prompt
from polypstudio.diffusion.base import load_base
from polypstudio.diffusion.latents import pixel_batches
from polypstudio.diffusion.reconstruct import reconstruct
from polypstudio.diffusion.sample import draw, sample_iteration
from polypstudio.diffusion.train import train
from polypstudio.records import RealImage
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import labelled, load_manifest, sample_files

Sampled = tuple[StudyPaths, StudyConfig, list[RealImage], Path]


@pytest.fixture(scope="module")
def sampled(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Sampled:
    root = tmp_path_factory.mktemp("sampled")
    study, config, images = tiny_study(root, base, stages=(pathology_stage(6, 3),))
    train(study, config, images, root)
    sample_iteration(study, config, 6)
    return study, config, images, root


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def _changed(config: StudyConfig, **sampling: object) -> StudyConfig:
    return config.model_copy(update={"sampling": config.sampling.model_copy(update=sampling)})


def test_samples_are_lossless_and_carry_nothing_but_pixels(sampled: Sampled) -> None:
    study, _, _, _ = sampled
    files = sample_files(study, 6)
    assert [file.relative_to(study.samples(6)).as_posix() for file in files] == [
        f"{label}/0000{index}.png" for label in ("ad", "non_ad") for index in range(3)
    ]
    for file in files:
        with Image.open(file) as image:
            assert (image.format, image.mode, image.size, image.info) == ("PNG", "RGB", (32, 32), {})


@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_an_image_depends_on_class_and_index_alone(sampled: Sampled, batch_size: int) -> None:
    study, config, _, _ = sampled
    for label in ("ad", "non_ad"):
        drawn = draw(study, _changed(config, batch_size=batch_size), 6, label, [2, 0])
        for index, pixels in zip([2, 0], drawn, strict=True):
            assert np.abs(pixels - _pixels(study.sample(6, label, index))).max() <= 1


def test_other_noise_for_every_class_and_index(sampled: Sampled) -> None:
    study, _, _, _ = sampled
    assert len({_pixels(file).tobytes() for file in sample_files(study, 6)}) == 6


def test_manifest_tells_how_the_images_came_to_be(sampled: Sampled) -> None:
    study, config, _, _ = sampled
    manifest = load_manifest(study, 6)
    assert manifest.origin == "trained"
    assert manifest.counts == {"ad": 3, "non_ad": 3}
    assert manifest.prompts == {label: prompt(label, "high") for label in ("ad", "non_ad")}
    assert StudyConfig.model_validate(manifest.config) == config
    assert manifest.training["step"] == 6
    weights = study.unet(6) / "diffusion_pytorch_model.safetensors"
    assert manifest.hashes["unet"] == manifest.training["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    image = study.sample(6, "non_ad", 2)
    assert manifest.hashes["samples/non_ad/00002.png"] == hashlib.sha256(image.read_bytes()).hexdigest()


def test_samples_are_current_until_what_decides_them_changes(sampled: Sampled) -> None:
    study, config, _, _ = sampled
    assert is_sampled(study, config, 6)
    assert is_sampled(study, _changed(config, batch_size=1), 6)
    assert not is_sampled(study, config, 3)
    for change in ({"guidance": 2.0}, {"seed": 1}, {"steps": 4}, {"per_class": 4}):
        assert not is_sampled(study, _changed(config, **change), 6), change


def test_an_iteration_is_complete_only_with_its_samples(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, config, images = tiny_study(tmp_path, base, stages=(pathology_stage(6, 3),))
    train(study, config, images, tmp_path)
    sample_iteration(study, config, 3)

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample_iteration(study, config, 3)
    assert not is_sampled(study, config, 3)
    assert not study.manifest(3).exists()


def test_reconstructions_are_the_vae_alone(sampled: Sampled, base: Path) -> None:
    study, config, images, root = sampled
    assert not is_reconstructed(study, config, images, root)
    reconstruct(study, config, images, root)
    assert is_reconstructed(study, config, images, root)
    assert not is_reconstructed(study, config, images[1:], root)
    names = sorted(file.relative_to(study.reconstruction).as_posix() for file in study.reconstruction.rglob("*.png"))
    assert names == sorted(
        f"{split}/{label}/0000{index}.png"
        for split, count in (("train", 3), ("test", 2))
        for label in ("ad", "non_ad")
        for index in range(count)
    )
    original = labelled(images, "test")[3]  # the second Non-AD
    vae = load_base(str(base)).vae()
    with torch.inference_mode():
        pixels = next(pixel_batches([root / original.path], 32, torch.device("cpu")))
        decoded = vae.decode(vae.encode(pixels).latent_dist.mean).sample[0].permute(1, 2, 0).numpy()
    expected = (decoded.clip(-1, 1) + 1) * 127.5
    assert np.abs(expected - _pixels(study.reconstruction / "test/non_ad/00001.png")).max() < 1
