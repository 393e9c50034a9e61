"""A Stable Diffusion of random weights that trains in milliseconds, and a study for it: the shape without the knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from polypstudio.config import (
    ClassificationConfig,
    DataConfig,
    EvaluationConfig,
    SamplingConfig,
    StudyConfig,
    TrainingConfig,
    pathology_stage,
    prior_stage,
)
from polypstudio.data.prompts import all_prompts
from polypstudio.records import Label, RealImage
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import save_config

RESOLUTION = 32
_LENGTH = 16


def save_random_sd(
    folder: Path,
    latent_channels: int = 4,
    prediction: str = "epsilon",
    unet_channels: tuple[int, ...] = (8, 16),
    vae_channels: tuple[int, ...] = (8, 8),
) -> Path:
    """Writes a complete `StableDiffusionPipeline` folder; the same arguments give the same weights."""
    torch.manual_seed(0)
    levels = len(unet_channels)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(vae_channels),
        up_block_types=("UpDecoderBlock2D",) * len(vae_channels),
        block_out_channels=vae_channels,
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=4,
        mid_block_add_attention=False,
        sample_size=RESOLUTION,
    )
    unet = UNet2DConditionModel(
        sample_size=RESOLUTION // 2 ** (len(vae_channels) - 1),
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * (levels - 1)),
        up_block_types=(*("CrossAttnUpBlock2D",) * (levels - 1), "UpBlock2D"),
        block_out_channels=unet_channels,
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=8,
        cross_attention_dim=16,
    )
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=_text_encoder(),
        tokenizer=_tokenizer(),
        unet=unet,
        scheduler=DDPMScheduler(
            prediction_type=prediction, beta_schedule="scaled_linear", steps_offset=1, clip_sample=False
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def _words() -> list[str]:
    return sorted(
        {word.strip(",") for prompt in all_prompts() for word in prompt.replace("-", " ").split()} | {",", "-"}
    )


def _tokenizer() -> CLIPTokenizer:
    """One token a word of the prompts, each spelt out by merges of its letters."""
    merges: list[tuple[str, str]] = []
    pieces = {"<|startoftext|>", "<|endoftext|>"}
    for word in _words():
        letters = [*word[:-1], word[-1] + "</w>"]
        pieces.update(letters)
        whole = letters[0]
        for letter in letters[1:]:
            merges.append((whole, letter))
            whole += letter
            pieces.add(whole)
    vocabulary = {piece: number for number, piece in enumerate(sorted(pieces))}
    return CLIPTokenizer(vocab=vocabulary, merges=list(dict.fromkeys(merges)), model_max_length=_LENGTH)


def _text_encoder() -> CLIPTextModel:
    vocabulary = _tokenizer().get_vocab()
    config = CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=_LENGTH,
        bos_token_id=vocabulary["<|startoftext|>"],
        eos_token_id=vocabulary["<|endoftext|>"],
        pad_token_id=vocabulary["<|endoftext|>"],
    )
    return CLIPTextModel(config)


def tiny_study(folder: Path, base: Path, **training: object) -> tuple[StudyPaths, StudyConfig, list[RealImage]]:
    """A study with 3 training and 2 test images a label (in ``folder``) that trains on ``base`` within a second.

    ``training`` replaces fields of its [training] section.
    """
    images = []
    pixels = np.random.default_rng(0)
    for split, count in (("train", 3), ("test", 2)):
        for label in get_args(Label):
            for number in range(count):
                path = f"{split}-{label}-{number}.png"
                Image.fromarray(pixels.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(folder / path)
                images.append(RealImage(path=path, label=label, split=split, group=f"{split}{number}", quality="high"))
    fields = {
        "base": str(base),
        "resolution": RESOLUTION,
        "batch_size": 4,
        "save_state_every": 2,
        "stages": (prior_stage(4), pathology_stage(6, 3)),
    }
    config = StudyConfig(
        title="tiny",
        data=DataConfig(path="."),
        training=TrainingConfig(**(fields | training)),
        sampling=SamplingConfig(per_class=3, steps=3, batch_size=4),
    )
    return StudyPaths(folder / "study"), config, images


def runnable_study(folder: Path, name: str = "study", steps: int = 6, save_state_every: int = 2) -> StudyPaths:
    """Writes a study that has everything `polypstudio run` needs, at a size that runs in seconds; two iterations.

    Its base model and its data lie in ``folder``, beside it.
    """
    folder.mkdir()
    _, config, _ = tiny_study(
        folder,
        save_random_sd(folder / "base"),
        save_state_every=save_state_every,
        stages=(prior_stage(4), pathology_stage(steps, steps // 2, unlabelled=0)),
    )
    pixels = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 4)):
        for label in ("ad", "non_ad"):
            images = folder / "data" / split / label
            images.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(pixels.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(images / f"{number}.png")
    config = config.model_copy(
        update={
            "data": DataConfig(path="../data"),
            "sampling": SamplingConfig(per_class=4, steps=3, batch_size=4),
            "evaluation": EvaluationConfig(
                encoder="efficientnet-lite0@32", bootstrap=100, permutations=99, perplexity=5, neighbours=3
            ),
            "classification": ClassificationConfig(epochs=1, image_size=32, seeds=(0,)),
        }
    )
    study = StudyPaths(folder / name)
    save_config(study, config)
    return study
