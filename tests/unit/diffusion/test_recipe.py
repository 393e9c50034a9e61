"""The recipe of the tiny Stable Diffusion: its pictures, its tokenizer, its trainings, and the folder they make."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from torch import nn

from polypstudio.data.prompts import NEGATIVE, all_prompts, prompt
from polypstudio.diffusion.recipe import codec as codec_module
from polypstudio.diffusion.recipe import training
from polypstudio.diffusion.recipe.build import build_tiny_base, reconstruct
from polypstudio.diffusion.recipe.codec import chroma, colour_statistics, to_tensor, train_codec, turned
from polypstudio.diffusion.recipe.dead_leaves import dead_leaves
from polypstudio.diffusion.recipe.prior import prior_prompts
from polypstudio.diffusion.recipe.settings import OptimizerSettings, RecipeSettings, TextSettings
from polypstudio.diffusion.recipe.text import embed, merges_for, new_text_encoder, new_tokenizer
from polypstudio.errors import UserError
from polypstudio.progress import silent

TINY = RecipeSettings(size=32, workers=1)
TINY = replace(
    TINY,
    codec=replace(
        TINY.codec,
        channels=(8, 16),
        leaves=6,
        phantoms=2,
        phases=tuple(replace(p, optimizer=replace(p.optimizer, steps=3, batch=4)) for p in TINY.codec.phases),
    ),
    text=replace(TINY.text, width=16, heads=2),
    prior=replace(
        TINY.prior,
        channels=(8, 16),
        heads=2,
        phantoms=4,
        leaves=2,
        optimizer=replace(TINY.prior.optimizer, steps=3, batch=4),
    ),
)


class Killed(Exception):
    """Stands for a process that ends in the middle of a training."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def tiny_base(work: Path) -> Path:
    """A Stable Diffusion made by the whole recipe, at a size that takes seconds."""
    folder = work / "tiny-sd"
    build_tiny_base(folder, work, TINY, silent)
    return folder


# --- pictures


def test_dead_leaves_are_pictures_that_their_seed_decides() -> None:
    picture = dead_leaves(7, 64)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, dead_leaves(7, 64))
    assert np.abs(picture.astype(int) - dead_leaves(8, 64)).mean() > 5


def test_dead_leaves_have_the_spectrum_of_natural_images() -> None:
    """Amplitudes fall about as 1/f (Field 1987): slope between -2 and -1 on average, and no flat pictures."""
    grey = np.stack([dead_leaves(seed, 64).mean(axis=2) for seed in range(40)])
    assert (grey.std(axis=(1, 2)) > 4).all()
    window = np.hanning(64)[:, None] * np.hanning(64)
    amplitude = np.abs(np.fft.fft2((grey - grey.mean(axis=(1, 2), keepdims=True)) * window)).mean(axis=0)
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64))
    kept = (frequency > 2 / 64) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[kept]), np.log(amplitude[kept]), 1)[0]
    assert -2 < slope < -1


# --- words


@pytest.fixture(scope="module")
def tokenizer():  # type: ignore[no-untyped-def]
    return new_tokenizer(prior_prompts() + all_prompts(), TextSettings().length)


def test_every_word_of_the_prompts_is_one_token(tokenizer) -> None:  # type: ignore[no-untyped-def]
    assert len(tokenizer) <= 1000
    for text in all_prompts():
        words = text.replace(",", " ,").replace("-", " - ").split()
        tokens = tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids)
        assert tokens == ["<|startoftext|>", *(f"{word}</w>" for word in words), "<|endoftext|>"]
        assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).split() == words


@pytest.mark.parametrize("text", ["serrated lesions", "lésion n° 3", "息肉", "x-_/!?"])
def test_other_words_are_spelled_and_never_unknown(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    inner = tokenizer(text).input_ids[1:-1]
    assert tokenizer.unk_token_id not in inner
    assert tokenizer.decode(inner).replace(" ", "") == text.replace(" ", "")


def test_merges_build_every_word() -> None:
    def apply(word: str) -> list[str]:
        parts = [*word[:-1], word[-1] + "</w>"]
        for left, right in merges_for(words):
            for i in reversed(range(len(parts) - 1)):
                if parts[i : i + 2] == [left, right]:
                    parts[i : i + 2] = [left + right]
        return parts

    words = ["colonoscopy", "colon", "coco", "of", "polyp"]
    assert [apply(word) for word in words] == [[f"{word}</w>"] for word in words]


def test_prompts_of_the_classes_are_far_apart(tokenizer) -> None:  # type: ignore[no-untyped-def]
    encoder = new_text_encoder(tokenizer, TextSettings(), seed=0)
    adenoma, other, nothing = embed([prompt("ad"), prompt("non_ad"), NEGATIVE], tokenizer, encoder)
    assert adenoma.shape == (TextSettings().length, TextSettings().width)
    for pair in ((adenoma, other), (adenoma, nothing)):
        assert torch.corrcoef(torch.stack([e.flatten() for e in pair]))[0, 1] < 0.9


# --- the codec's loss


def test_statistics_and_chroma_see_a_tint_that_brightness_does_not_show() -> None:
    grey = torch.zeros(1, 3, 8, 8)
    red = grey.clone()
    red[:, 0, :4] += 0.6
    assert chroma(red)[0, 0].tolist() == [[pytest.approx(0.6)] * 2, [0.0, 0.0]]
    assert torch.equal(chroma(grey + 0.3), chroma(grey))
    assert colour_statistics(red)[0].tolist() == pytest.approx([0.3, 0, 0, 0.3024, 0, 0], abs=1e-3)


def test_turning_moves_pixels_and_changes_none() -> None:
    batch = to_tensor(np.stack([dead_leaves(seed, 32) for seed in range(2)]))
    results = [turned(batch, torch.Generator().manual_seed(seed)) for seed in range(12)]
    assert any(not torch.equal(result, batch) for result in results)
    assert len({tuple(result[0, 0].flatten().tolist()) for result in results}) > 4
    for result in results:
        assert torch.equal(result[1, 2].flatten().sort().values, batch[1, 2].flatten().sort().values)


# --- training


def test_training_leaves_the_average_and_finds_a_minimum(tmp_path: Path) -> None:
    model = nn.Linear(2, 1, bias=False)
    target = torch.tensor([[2.0, -1.0]])

    def loss(generator: torch.Generator) -> dict[str, torch.Tensor]:
        x = torch.randn(16, 2, generator=generator)
        return {"squared": ((model(x) - x @ target.T) ** 2).mean()}

    settings = OptimizerSettings(steps=300, batch=32, learning_rate=0.05, warm_up=5, weight_decay=0.0, ema_decay=0.9)
    seconds = training.train(model, loss, settings, 0, tmp_path, silent)
    assert seconds > 0
    torch.testing.assert_close(model.weight.detach(), target, atol=0.02, rtol=0)
    average = torch.load(tmp_path / "state.pt", weights_only=True)["average"]
    assert torch.equal(average[0], model.weight)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(20, 301, 20))
    assert lines[-1]["squared"] < lines[0]["squared"]


def test_an_interrupted_codec_ends_in_the_same_weights(
    work: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of the second phase, with the state of the step before on disk."""
    for cache in work.glob("*.npy"):
        (tmp_path / cache.name).symlink_to(cache)
    whole, _ = train_codec(TINY, work, silent)  # trained by the fixture; here its state is only read

    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    calls = 0

    def dying(*arguments):  # type: ignore[no-untyped-def]
        inner = codec_loss(*arguments)

        def loss(generator: torch.Generator) -> dict[str, torch.Tensor]:
            nonlocal calls
            calls += 1
            if calls > 4 * training.SHARES:
                raise Killed
            return inner(generator)

        return loss

    codec_loss = codec_module.codec_loss
    with monkeypatch.context() as patch:
        patch.setattr(codec_module, "codec_loss", dying)
        with pytest.raises(Killed):
            train_codec(TINY, tmp_path, silent)
    assert torch.load(tmp_path / "codec-colour" / "state.pt", weights_only=True)["step"] == 1

    resumed, _ = train_codec(TINY, tmp_path, silent)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


# --- the folder


def test_the_folder_is_a_stable_diffusion(tiny_base: Path) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_base)
    pipeline.set_progress_bar_config(disable=True)

    def draw(seed: int) -> np.ndarray:
        generator = torch.Generator().manual_seed(seed)
        return pipeline(prompt("ad"), num_inference_steps=2, generator=generator, output_type="np").images

    assert draw(0).shape == (1, 32, 32, 3)
    assert np.isfinite(draw(0)).all()
    np.testing.assert_array_equal(draw(0), draw(0))
    assert not np.array_equal(draw(0), draw(1))
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.safety_checker is None


def test_latents_have_unit_variance_after_scaling(work: Path, tiny_base: Path) -> None:
    vae = StableDiffusionPipeline.from_pretrained(tiny_base).vae
    pictures = np.load(max(work.glob("draw_phantom-*.npy"), key=lambda file: file.stat().st_size))
    with torch.no_grad():
        latents = vae.encode(to_tensor(pictures)).latent_dist.sample(torch.Generator().manual_seed(0))
    assert float(latents.std() * vae.config.scaling_factor) == pytest.approx(1, abs=0.1)
    assert reconstruct(vae, pictures).shape == pictures.shape


def test_the_recipe_is_written_with_what_came_out(tiny_base: Path) -> None:
    text = (tiny_base / "recipe.json").read_text()
    recipe = json.loads(text)
    assert recipe["settings"]["codec"]["phases"][1]["optimizer"]["steps"] == 3
    assert set(recipe["reconstruction_psnr_db"]) == {"phantom", "dead_leaves"}
    assert str(tiny_base.parent) not in text


def test_a_second_call_takes_up_what_is_there(work: Path, tiny_base: Path) -> None:
    before = {f.name: f.read_bytes() for f in tiny_base.rglob("*.safetensors")}
    build_tiny_base(tiny_base, work, TINY, silent)
    assert {f.name: f.read_bytes() for f in tiny_base.rglob("*.safetensors")} == before
    with pytest.raises(UserError, match="other settings"):
        build_tiny_base(tiny_base, work, TINY.with_steps(codec=8), silent)


def test_steps_are_shared_by_the_codecs_phases() -> None:
    settings = RecipeSettings().with_steps(codec=100, prior=7)
    assert abs(sum(phase.optimizer.steps for phase in settings.codec.phases) - 100) <= 1
    assert settings.codec.phases[0].optimizer.steps > settings.codec.phases[1].optimizer.steps > 0
    assert settings.prior.optimizer.steps == 7
    assert RecipeSettings().with_steps() == RecipeSettings()
