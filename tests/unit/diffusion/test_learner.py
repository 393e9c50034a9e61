"""What a stage changes and what it must not: freezing, the average, the resumable state."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from polypstudio.diffusion.base import load_base
from polypstudio.diffusion.ema import Ema
from polypstudio.diffusion.learner import Learner
from polypstudio.diffusion.schedule import learning_rate
from polypstudio.diffusion.trained_part import freeze

FROZEN = ("conv_in", "time_embedding", "down_blocks.0")


def _learner(base: Path) -> Learner:
    unet = load_base(str(base)).unet().to(memory_format=torch.channels_last)
    freeze(unet, FROZEN)
    return Learner(unet, ema_decay=0.9)


def _step(learner: Learner, number: int) -> None:
    generator = torch.Generator().manual_seed(number)
    config = learner.unet.config
    latents = torch.randn((2, config.in_channels, 8, 8), generator=generator)
    text = torch.randn((2, 4, config.cross_attention_dim), generator=generator)
    learner.unet(latents, torch.tensor([10, 900]), text).sample.square().mean().backward()
    for group in learner.optimizer.param_groups:
        group["lr"] = 1e-2
    learner.optimizer.step()
    learner.optimizer.zero_grad()
    learner.update(number)


def test_frozen_parts_are_bit_identical_and_absent_from_the_optimizer(base: Path) -> None:
    learner = _learner(base)
    before = {name: tensor.clone() for name, tensor in learner.unet.named_parameters()}
    for number in range(1, 4):
        _step(learner, number)
    optimized = {id(p) for group in learner.optimizer.param_groups for p in group["params"]}
    for name, parameter in learner.unet.named_parameters():
        frozen = name.startswith(FROZEN)
        assert torch.equal(parameter, before[name]) == frozen, name
        assert (id(parameter) in optimized) != frozen, name


def test_average_follows_its_definition() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    ema = Ema([weight], decay=0.5)
    expected = 1.0
    for step, value in enumerate([2.0, 4.0, 8.0], start=1):
        with torch.no_grad():
            weight.fill_(value)
        ema.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert ema.averages[0].item() == pytest.approx(expected)


def test_average_follows_a_parameter_that_was_given_other_memory() -> None:
    """As wrappers for several devices do after the average was made."""
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    ema = Ema([weight], decay=0.5)
    weight.data = torch.tensor([100.0])
    ema.update(1)
    assert ema.averages[0].item() > 1


def test_averages_take_the_place_of_the_weights_for_a_while(base: Path) -> None:
    learner = _learner(base)
    for number in range(1, 4):
        _step(learner, number)
    weights = [parameter.detach().clone() for parameter in learner.parameters]
    with learner.averages_in_place():
        assert all(torch.equal(p, a) for p, a in zip(learner.parameters, learner.ema.averages, strict=True))
        assert not all(torch.equal(p, w) for p, w in zip(learner.parameters, weights, strict=True))
    assert all(torch.equal(p, w) for p, w in zip(learner.parameters, weights, strict=True))


def test_a_restored_state_goes_on_in_the_same_bits(base: Path, tmp_path: Path) -> None:
    straight, first, second = _learner(base), _learner(base), _learner(base)
    for number in range(1, 6):
        _step(straight, number)
    for number in range(1, 4):
        _step(first, number)
    first.save_state(tmp_path, 3, "made like this", {"loss": 1})
    assert second.load_state(tmp_path, "made in another way", at_most=9)[0] == 0
    assert second.load_state(tmp_path, "made like this", at_most=2)[0] == 0
    assert second.load_state(tmp_path, "made like this", at_most=9) == (3, {"loss": 1})
    for number in range(4, 6):
        _step(second, number)
    for a, b in zip(straight.parameters, second.parameters, strict=True):
        assert torch.equal(a, b)
    for a, b in zip(straight.ema.averages, second.ema.averages, strict=True):
        assert torch.equal(a, b)


def test_only_the_newest_state_is_kept_and_a_torn_one_is_passed_over(base: Path, tmp_path: Path) -> None:
    learner = _learner(base)
    for number in range(1, 3):
        _step(learner, number)
        learner.save_state(tmp_path, number, "f")
    assert [folder.name for folder in tmp_path.iterdir()] == ["state-000002"]
    torn = tmp_path / "state-000003"
    torn.mkdir()
    (torn / "state.json").write_text('{"step": 3, "updates": 3, "fingerprint": "f"}')
    assert _learner(base).load_state(tmp_path, "f", at_most=9)[0] == 2


def test_a_checkpoint_is_a_diffusers_folder_of_averaged_half_precision_weights(base: Path, tmp_path: Path) -> None:
    learner = _learner(base)
    _step(learner, 1)
    learner.save_checkpoint(tmp_path / "unet", {"step": 1})
    saved = UNet2DConditionModel.from_pretrained(tmp_path / "unet", torch_dtype=torch.float16)
    averages = dict(zip(learner.trained, learner.ema.averages, strict=True))
    for name, parameter in saved.named_parameters():
        expected = averages.get(name, learner.unet.get_parameter(name))
        assert torch.equal(parameter, expected.half()), name


def test_a_given_warm_up_is_kept() -> None:
    rates = [learning_rate(step, 100, 1.0, warm_up=40) for step in range(1, 101)]
    assert rates[19] == 0.5
    assert rates[39] == 1.0 == max(rates)
    assert learning_rate(1, 100, 1.0, warm_up=0) > 0.999


def test_learning_rate_warms_up_and_falls_to_nothing() -> None:
    rates = [learning_rate(step, 1000, 2e-4) for step in range(1, 1001)]
    assert rates[49] == pytest.approx(2e-4) == max(rates)
    assert rates[0] == pytest.approx(2e-4 / 50)
    assert 0 < rates[-1] < 1e-8
    assert rates[49:] == sorted(rates[49:], reverse=True)
