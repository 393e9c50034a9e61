"""What of a U-Net is trained: patterns, adapters, and what a frozen part does not cost."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

from polypstudio.config import FROZEN_PRESETS, LoraConfig, StageConfig, TrainingConfig, pathology_stage
from polypstudio.diffusion.base import load_base
from polypstudio.diffusion.learner import Learner
from polypstudio.diffusion.stage_run import new_learner
from polypstudio.diffusion.stages import Stage
from polypstudio.diffusion.trained_part import add_adapters, freeze
from polypstudio.errors import UserError

LORA = LoraConfig(rank=4, alpha=8)


def _trained(unet: torch.nn.Module) -> set[str]:
    return {name for name, parameter in unet.named_parameters() if parameter.requires_grad}


def _answer(unet: UNet2DConditionModel) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn((2, unet.config.in_channels, 8, 8), generator=generator)
    text = torch.randn((2, 4, unet.config.cross_attention_dim), generator=generator)
    return unet(latents, torch.tensor([10, 900]), text).sample


def _one_step(learner: Learner) -> None:
    _answer(learner.unet).square().mean().backward()
    for group in learner.optimizer.param_groups:
        group["lr"] = 1e-2
    learner.optimizer.step()
    learner.optimizer.zero_grad()
    learner.update(1)


def test_a_pattern_is_a_whole_part_of_the_name() -> None:
    layers = torch.nn.ModuleDict({"block": torch.nn.Linear(2, 2), "block2": torch.nn.Linear(2, 2)})
    freeze(layers, ["block"])
    assert _trained(layers) == {"block2.weight", "block2.bias"}


def test_patterns_choose_what_is_trained_and_what_is_frozen(base: Path) -> None:
    unet = load_base(str(base)).unet()
    freeze(unet, frozen=["up_blocks"], trainable=["*.attn2"])
    assert _trained(unet)
    assert all(".attn2." in name and not name.startswith("up_blocks") for name in _trained(unet))
    freeze(unet, [])
    assert _trained(unet) == {name for name, _ in unet.named_parameters()}


def test_a_pattern_that_matches_nothing_is_named(base: Path) -> None:
    unet = load_base(str(base)).unet()
    with pytest.raises(UserError, match=r"frozen: .* begins with `down_blocks\.9`; its parts are .*mid_block"):
        freeze(unet, ["conv_in", "down_blocks.9"])
    with pytest.raises(UserError, match=r"trainable: .* begins with `attn3`"):
        freeze(unet, [], ["attn3"])
    with pytest.raises(UserError, match="the whole U-Net is frozen"):
        freeze(unet, sorted({name.split(".")[0] for name, _ in unet.named_parameters()}))


@pytest.mark.parametrize("preset", sorted(FROZEN_PRESETS))
def test_a_frozen_part_before_which_nothing_is_trained_costs_no_backward(base: Path, preset: str) -> None:
    unet = load_base(str(base)).unet()
    freeze(unet, FROZEN_PRESETS[preset])
    recorded: dict[str, bool] = {}

    def record(name: str):
        return lambda module, inputs, output: recorded.update(
            {name: (output if torch.is_tensor(output) else output[0]).requires_grad}
        )

    parts = {"conv_in": unet.conv_in, "time_embedding": unet.time_embedding, "mid_block": unet.mid_block}
    parts |= {f"down_blocks.{n}": block for n, block in enumerate(unet.down_blocks)}
    for name, part in parts.items():
        part.register_forward_hook(record(name))
    _answer(unet)
    frozen = {"none": set(), "first down block": {"conv_in", "time_embedding", "down_blocks.0"}}.get(
        preset, set(parts) - {"mid_block"}
    )
    assert {name for name, backward in recorded.items() if not backward} == frozen


class _Kept:
    """A tensor for as long as a backward pass may need it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_frozen_encoder_is_run_once_and_keeps_nothing(base: Path, checkpointing: bool) -> None:
    """Nothing of the down path is kept for a backward pass, run again in it, given a gradient, optimised or averaged."""
    stage = pathology_stage(2, 2, frozen=FROZEN_PRESETS["whole encoder"])
    learner = _new_learner(base, TrainingConfig(stages=(stage,), gradient_checkpointing=checkpointing))
    unet, runs = learner.unet, []
    kept: weakref.WeakSet[_Kept] = weakref.WeakSet()
    unet.mid_block.register_forward_pre_hook(lambda *_: runs.append(len(kept)))
    unet.down_blocks[0].resnets[0].register_forward_hook(lambda *_: runs.append("encoder"))

    def keep(tensor: torch.Tensor) -> _Kept:
        kept.add(held := _Kept(tensor))
        return held

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda held: held.tensor):
        loss = _answer(unet).square().mean()
    assert len(kept) > 0, "the rest is trained"
    loss.backward()
    assert runs == ["encoder", 0], "run once, with nothing kept when the middle begins"
    frozen = [p for name, p in unet.named_parameters() if name.split(".")[0] in FROZEN_PRESETS["whole encoder"]]
    assert frozen
    assert all(parameter.grad is None for parameter in frozen)
    optimised = {id(p) for group in learner.optimizer.param_groups for p in group["params"]}
    assert not optimised & {id(parameter) for parameter in frozen}
    assert len(learner.ema.averages) == len(optimised) == len(list(unet.parameters())) - len(frozen)


def test_freezing_the_encoder_saves_its_whole_backward(base: Path) -> None:
    """By arithmetic: what a frozen encoder saves is twice its forward pass (gradients of its input and of its weights)."""
    back, encoder = {}, 0
    for preset in ("none", "whole encoder"):
        unet = load_base(str(base)).unet()
        freeze(unet, FROZEN_PRESETS[preset])
        with FlopCounterMode(display=False, depth=None) as ahead:
            loss = _answer(unet).square().mean()
        with FlopCounterMode(display=False) as counter:
            loss.backward()
        back[preset] = counter.get_total_flops()
        counts = ahead.get_flop_counts()
        names = [
            f"UNet2DConditionModel.{name}" for name in ("conv_in", "time_embedding", "down_blocks.0", "down_blocks.1")
        ]
        encoder = sum(sum(counts[name].values()) for name in names)
    assert back["none"] - back["whole encoder"] == pytest.approx(2 * encoder, rel=0.1)


def test_gradient_checkpointing_changes_no_gradient(base: Path) -> None:
    gradients = []
    for checkpointing in (False, True):
        training = TrainingConfig(stages=(pathology_stage(2, 2),), gradient_checkpointing=checkpointing)
        learner = _new_learner(base, training)
        _answer(learner.unet).square().mean().backward()
        gradients.append([parameter.grad for parameter in learner.parameters])
    for plain, checkpointed in zip(*gradients, strict=True):
        assert torch.allclose(plain, checkpointed, rtol=1e-5, atol=1e-7)


def _new_learner(base: Path, training: TrainingConfig) -> Learner:
    config: StageConfig = training.stages[-1]
    made = Stage(config.name, (), config.steps, 1e-3, 0.9, (2,), frozen=config.frozen)
    return new_learner(load_base(str(base)).unet(), training, made, torch.device("cpu"))


def _adapted(base: Path, **settings: object) -> Learner:
    return _new_learner(base, TrainingConfig(stages=(pathology_stage(2, 2),), method="lora", lora=LORA, **settings))


def test_adapters_begin_without_effect_and_in_the_same_bits(base: Path) -> None:
    plain = load_base(str(base)).unet()
    torch.manual_seed(1)
    first = _adapted(base)
    torch.manual_seed(2)
    second, other = _adapted(base), _adapted(base, seed=1)
    with torch.no_grad():
        assert torch.equal(_answer(first.unet), _answer(plain.to(memory_format=torch.channels_last)))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters, second.parameters, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters, other.parameters, strict=True))


def test_only_adapters_outside_the_frozen_part_are_trained(base: Path) -> None:
    learner = _adapted(base)
    assert all(".lora_" in name for name in learner.trained)
    unet = load_base(str(base)).unet()
    freeze(unet, ["down_blocks", "mid_block"])
    add_adapters(unet, LORA, (0,))
    assert {name.split(".")[0] for name in _trained(unet)} == {"up_blocks"}
    with pytest.raises(UserError, match=r"training\.lora\.targets: no trainable linear layer .* to_nowhere"):
        add_adapters(load_base(str(base)).unet(), LoraConfig(targets=("to_nowhere",)), (0,))


def test_a_checkpoint_of_adapters_is_a_plain_u_net_and_an_adapter_for_diffusers(base: Path, tmp_path: Path) -> None:
    learner = _adapted(base)
    _one_step(learner)
    with torch.no_grad(), learner.averages_in_place():
        expected = _answer(learner.unet)
    learner.save_checkpoint(tmp_path / "unet", {"step": 1})
    merged = UNet2DConditionModel.from_pretrained(tmp_path / "unet")
    before = load_base(str(base)).unet()
    assert set(merged.state_dict()) == set(before.state_dict())
    pipeline = StableDiffusionPipeline.from_pretrained(base, safety_checker=None, requires_safety_checker=False)
    pipeline.load_lora_weights(tmp_path / "unet" / "lora")
    with torch.no_grad():
        effect = (expected - _answer(before)).abs().max()
        assert (expected - _answer(merged)).abs().max() < 0.05 * effect  # float16 of weights
        assert (expected - _answer(pipeline.unet)).abs().max() < 0.05 * effect


def test_adapters_resume_in_the_same_bits(base: Path, tmp_path: Path) -> None:
    straight, again = _adapted(base), _adapted(base)
    _one_step(straight)
    straight.save_state(tmp_path, 1, "f")
    _one_step(straight)
    assert again.load_state(tmp_path, "f", at_most=9)[0] == 1
    _one_step(again)
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters, again.parameters, strict=True))
