"""What ships in `assets/tiny-sd`: whole, small, made by the recipe as it stands, and good enough on real images."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from PIL import Image
from safetensors import safe_open

from polypstudio.data.prompts import all_prompts, prompt
from polypstudio.diffusion.recipe.build import reconstruct
from polypstudio.diffusion.recipe.settings import RecipeSettings
from polypstudio.encoders import encode
from polypstudio.metrics.kid import kid
from polypstudio.store.images import load_rgb
from polypstudio.store.paths import TINY_BASE

MEGABYTE = 1e6


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    pipeline = StableDiffusionPipeline.from_pretrained(TINY_BASE)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def real(polyps: Path) -> np.ndarray:
    """All 227 real images at 128 px; no training has seen one of them."""
    return np.stack([load_rgb(path, 128) for path in sorted(polyps.glob("t*/*/*.jpg"))])


def test_it_is_small() -> None:
    sizes = [file.stat().st_size for file in TINY_BASE.rglob("*") if file.is_file()]
    assert sum(sizes) <= 16 * MEGABYTE
    assert max(sizes) <= 6 * MEGABYTE


@pytest.mark.parametrize("part", ["vae", "unet"])
def test_its_large_parts_are_in_half_precision(part: str) -> None:
    with safe_open(TINY_BASE / part / "diffusion_pytorch_model.safetensors", "pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"F16"}  # noqa: SIM118


def test_it_was_made_by_the_recipe_as_it_stands() -> None:
    recipe = json.loads((TINY_BASE / "recipe.json").read_text())
    assert recipe["settings"] == json.loads(json.dumps(asdict(RecipeSettings())))


def test_its_tokenizer_knows_every_word_of_the_prompts(pipeline: StableDiffusionPipeline) -> None:
    assert len(pipeline.tokenizer) <= 1000
    for text in all_prompts():
        words = text.replace(",", " ,").replace("-", " - ").split()
        assert len(pipeline.tokenizer(text).input_ids) == len(words) + 2


def test_it_draws_mucosa_in_the_light_of_an_endoscope(pipeline: StableDiffusionPipeline) -> None:
    """Reddish rather than any colour, with structure, and another picture for another noise."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(4)]
    texts = [prompt("unlabelled"), prompt("non_polyp")] * 2
    images = pipeline(texts, num_inference_steps=12, guidance_scale=3.0, generator=generators, output_type="np").images
    red, green, blue = images.mean(axis=(0, 1, 2))
    assert 0.15 < green < 0.75
    assert red > green > blue
    assert (images.std(axis=(1, 2)).mean(axis=1) > 0.05).all()
    assert np.abs(images[0] - images[2]).mean() > 0.03


@pytest.mark.slow
def test_real_images_survive_its_codec(pipeline: StableDiffusionPipeline, real: np.ndarray, tmp_path: Path) -> None:
    """By pixels, by colour, and by the KID of features, which a blurring codec of better PSNR fails."""
    vae: AutoencoderKL = pipeline.vae
    decoded = reconstruct(vae, real)
    error = (decoded.astype(float) - real) / 255
    assert np.mean(-10 * np.log10((error**2).mean(axis=(1, 2, 3)))) > 26
    assert np.abs(error.mean(axis=(1, 2))).mean() < 0.015
    assert kid(*(_features(pictures, tmp_path / name) for name, pictures in (("a", real), ("b", decoded)))) < 0.8


def _features(pictures: np.ndarray, folder: Path) -> np.ndarray:
    folder.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:03d}.png")
    return encode("efficientnet-lite0@128", sorted(folder.iterdir()))
