"""The two stages end to end, on a base model of random weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from currency import is_trained
from diffusers import DDPMScheduler, UNet2DConditionModel
from safetensors.torch import load_file
from tiny_sd import save_random_sd, tiny_study

from polypstudio.config import StudyConfig, pathology_stage, prior_stage
from polypstudio.data.sharpness import quality_threshold
from polypstudio.diffusion.base import load_base, load_unet
from polypstudio.diffusion.batches import Batch
from polypstudio.diffusion.fingerprint import stage_fingerprints
from polypstudio.diffusion.loss import denoising_loss, min_snr_weights
from polypstudio.diffusion.sample import sample_iteration
from polypstudio.diffusion.train import train
from polypstudio.errors import UserError
from polypstudio.records import RealImage
from polypstudio.stopping import Stopped
from polypstudio.store.atomic import read_json_lines
from polypstudio.store.checkpoints import held_out_losses
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import load_manifest

Trained = tuple[StudyPaths, StudyConfig, list[RealImage], Path]


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A study that was trained without interruption. Shared: copy it before changing it."""
    root = tmp_path_factory.mktemp("trained")
    study, config, images = tiny_study(root, base)
    train(study, config, images, root)
    return study, config, images, root


def _weights(study: StudyPaths) -> dict[str, bytes]:
    return {
        file.relative_to(study.root).as_posix(): file.read_bytes()
        for file in sorted(study.root.rglob("unet/*.safetensors"))
    }


def _copy(trained: Trained, folder: Path) -> StudyPaths:
    return StudyPaths(shutil.copytree(trained[0].root, folder / "study"))


def test_checkpoints_name_no_path_of_the_machine(trained: Trained, tmp_path: Path) -> None:
    study, *_ = trained
    for config in study.root.rglob("config.json"):
        assert str(study.root.parent) not in config.read_text()


def test_checkpoints_are_whole_and_load_with_diffusers(trained: Trained) -> None:
    study, config, images, root = trained
    assert is_trained(study, config, images, root)
    assert list(_weights(study)) == [
        "iterations/000003/unet/diffusion_pytorch_model.safetensors",
        "iterations/000006/unet/diffusion_pytorch_model.safetensors",
        "training/polyp_prior/unet/diffusion_pytorch_model.safetensors",
    ]
    for step in (3, 6):
        UNet2DConditionModel.from_pretrained(study.unet(step))
    assert not list(study.root.rglob("state-*"))


def test_frozen_parts_are_those_of_the_first_stage(trained: Trained) -> None:
    study, config, _, _ = trained
    prior, last = (load_unet(folder).state_dict() for folder in (study.stage_unet("polyp_prior"), study.unet(6)))
    assert config.training is not None
    for name, tensor in last.items():
        assert torch.equal(tensor, prior[name]) == name.startswith(config.training.stages[-1].frozen), name


def test_log_counts_both_stages(base: Path, tmp_path: Path) -> None:
    study, config, images = tiny_study(tmp_path, base, stages=(prior_stage(10), pathology_stage(20, 10)))
    reported: list[tuple[float, float]] = []
    train(study, config, images, tmp_path, lambda done, total, message="": reported.append((done, total)))
    lines = read_json_lines(study.training_log)
    assert [(line["stage"], line["step"]) for line in lines] == [
        ("polyp_prior", 10),
        ("pathology", 10),
        ("pathology", 20),
    ]
    assert all(line["loss"] > 0 and line["lr"] > 0 and line["images_per_second"] > 0 for line in lines)
    assert reported[-30:] == [(step, 30) for step in range(1, 31)]


@pytest.mark.parametrize("steps", [1, 3, 4, 8])
def test_stopped_and_resumed_ends_in_the_same_bits(trained: Trained, tmp_path: Path, steps: int) -> None:
    _, config, images, root = trained
    study = StudyPaths(tmp_path / "study")
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == steps

    with pytest.raises(Stopped, match="run again to resume"):
        train(study, config, images, root, stop=stop)
    assert not is_trained(study, config, images, root)
    train(study, config, images, root)
    assert _weights(study) == _weights(trained[0])


def test_a_removed_checkpoint_is_made_again_in_the_same_bits(trained: Trained, tmp_path: Path) -> None:
    _, config, images, root = trained
    study = _copy(trained, tmp_path)
    shutil.rmtree(study.iteration(3))
    assert not is_trained(study, config, images, root)
    reported: list[float] = []
    train(study, config, images, root, lambda done, total, message="": reported.append(done))
    assert reported[0] == 5  # the first stage's four steps are not run again
    assert _weights(study) == _weights(trained[0])


def test_nothing_is_trained_where_the_checkpoints_are_all_that_was_kept(trained: Trained, tmp_path: Path) -> None:
    _, config, images, root = trained
    study = _copy(trained, tmp_path)
    shutil.rmtree(study.training)
    train(study, config, images, root)
    assert not study.training.exists()


def test_half_precision_needs_a_gpu(trained: Trained, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    _, config, images, root = trained
    assert config.training is not None
    half = config.model_copy(update={"training": config.training.model_copy(update={"precision": "fp16"})})
    AcceleratorState._reset_state(reset_partial_state=True)  # a process has one precision
    with pytest.raises(UserError, match='precision is "fp16", which needs a GPU'):
        train(StudyPaths(tmp_path / "study"), half, images, root)
    AcceleratorState._reset_state(reset_partial_state=True)


def test_bfloat16_trains_other_weights_in_float32_and_resumes_in_the_same_bits(
    trained: Trained, tmp_path: Path
) -> None:
    _, config, images, root = trained
    assert config.training is not None
    half = config.model_copy(update={"training": config.training.model_copy(update={"precision": "bf16"})})
    straight, resumed = StudyPaths(tmp_path / "straight"), StudyPaths(tmp_path / "resumed")
    AcceleratorState._reset_state(reset_partial_state=True)  # a process has one precision
    train(straight, half, images, root)
    asked = iter([False] * 6 + [True])
    with pytest.raises(Stopped):
        train(resumed, half, images, root, stop=lambda: next(asked))
    state = load_file(next(resumed.root.rglob("state.safetensors")))
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    train(resumed, half, images, root)
    AcceleratorState._reset_state(reset_partial_state=True)
    assert _weights(resumed) == _weights(straight)
    whole, rounded = (load_unet(study.unet(6)).state_dict() for study in (trained[0], straight))
    differences = [(whole[name] - rounded[name]).abs().max().item() for name in whole]
    assert 0 < max(differences) < 0.05, "rounded a little, not another training"


def test_another_training_overwrites_nothing(trained: Trained, base: Path, tmp_path: Path) -> None:
    study = _copy(trained, tmp_path)
    root = tmp_path / "data"
    root.mkdir()
    _, config, images = tiny_study(root, base, stages=(prior_stage(4), pathology_stage(6, 2, learning_rate=0.1)))
    with pytest.raises(UserError, match=r"000003 was trained with other images or settings.*rerun study NAME"):
        train(study, config, images, root)
    assert _weights(study) == _weights(trained[0])


def test_a_changed_configuration_takes_up_no_old_state(trained: Trained, base: Path, tmp_path: Path) -> None:
    """A run that was stopped before its first checkpoint may go on with other settings, from the start."""
    study = StudyPaths(tmp_path / "study")
    _, config, images, root = trained
    asked = iter([False] * 4 + [True])
    with pytest.raises(Stopped):
        train(study, config, images, root, stop=lambda: next(asked))
    data = tmp_path / "data"
    data.mkdir()
    _, changed, others = tiny_study(data, base, stages=(prior_stage(4), pathology_stage(6, 3, learning_rate=0.1)))
    train(study, changed, others, data)
    fresh = StudyPaths(tmp_path / "fresh")
    train(fresh, changed, others, data)
    assert _weights(study) == _weights(fresh)


def test_an_imported_iteration_is_not_overwritten(trained: Trained, tmp_path: Path) -> None:
    _, config, images, root = trained
    study = StudyPaths(tmp_path / "study")
    study.iteration(3).mkdir(parents=True)
    study.manifest(3).write_text("imported")
    with pytest.raises(UserError, match="000003 was imported"):
        train(study, config, images, root)
    assert study.manifest(3).read_text() == "imported"


def test_divergence_stops_the_run_and_keeps_what_was_good(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, config, images, root = trained
    study = StudyPaths(tmp_path / "study")
    losses = 0

    def diverging(*arguments: object) -> torch.Tensor:
        nonlocal losses
        losses += 1
        return denoising_loss(*arguments) * (float("nan") if losses == 8 else 1.0)  # type: ignore[arg-type]

    monkeypatch.setattr("polypstudio.diffusion.stage_run.denoising_loss", diverging)
    with pytest.raises(UserError, match=r"step 4 of pathology: .* lower the learning_rate of stage pathology"):
        train(study, config, images, root)
    monkeypatch.undo()
    assert study.unet(3).is_dir()
    train(study, config, images, root)
    assert _weights(study) == _weights(trained[0])


def test_accumulated_batches_are_one_batch(base: Path, tmp_path: Path) -> None:
    unets = []
    for size, accumulation in ((4, 1), (2, 2)):
        folder = tmp_path / str(size)
        folder.mkdir()
        study, config, images = tiny_study(
            folder,
            base,
            batch_size=size,
            gradient_accumulation=accumulation,
            stages=(pathology_stage(2, 2, learning_rate=0.01),),
        )
        train(study, config, images, folder)
        unets.append(torch.nn.utils.parameters_to_vector(load_unet(study.unet(2)).parameters()))
    start = torch.nn.utils.parameters_to_vector(load_base(str(base)).unet().parameters())
    assert (unets[0] - unets[1]).norm() < 0.02 * (unets[0] - start).norm()


def test_each_prediction_type_has_its_target() -> None:
    def loss(prediction: str, answer: torch.Tensor) -> float:
        schedule = DDPMScheduler(prediction_type=prediction)

        class Answer(torch.nn.Module):
            def forward(self, *_: torch.Tensor) -> object:
                return type("Output", (), {"sample": answer})

        return denoising_loss(Answer(), schedule, Batch(latents, noise, timesteps, torch.zeros(2, 1, 1))).item()

    latents, noise = torch.randn(2, 2, 4, 4, 4).unbind()
    timesteps = torch.tensor([10, 700])
    alpha = DDPMScheduler().alphas_cumprod[timesteps].reshape(-1, 1, 1, 1)
    assert loss("epsilon", noise) == pytest.approx(0, abs=1e-10)
    assert loss("v_prediction", alpha.sqrt() * noise - (1 - alpha).sqrt() * latents) == pytest.approx(0, abs=1e-10)
    assert loss("v_prediction", noise) > 0.01


def test_min_snr_weighs_timesteps_by_a_signal_to_noise_ratio_that_is_cut_off() -> None:
    timesteps = torch.tensor([1, 300, 900])
    for prediction in ("epsilon", "v_prediction"):
        schedule = DDPMScheduler(prediction_type=prediction)
        alpha = schedule.alphas_cumprod[timesteps].double()
        snr = alpha / (1 - alpha)
        cut = torch.minimum(snr, torch.tensor(5.0, dtype=torch.float64))
        expected = cut / (snr + 1 if prediction == "v_prediction" else snr)
        assert torch.allclose(min_snr_weights(schedule, timesteps, 5.0).double(), expected, rtol=1e-4)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("channels", [4, 32])
def test_any_stable_diffusion_trains_resumes_and_loads_with_diffusers(
    tmp_path: Path, channels: int, prediction: str, method: str
) -> None:
    """From disk by the real loader: trained to the end, and stopped and resumed, in the same bits."""
    base = save_random_sd(tmp_path / "base", latent_channels=channels, prediction=prediction)
    study, config, images = tiny_study(
        tmp_path,
        base,
        method=method,
        min_snr_gamma=5.0,
        stages=(pathology_stage(4, 2, learning_rate=0.01),),
        previews=1,
    )
    train(study, config, images, tmp_path)
    unet = UNet2DConditionModel.from_pretrained(study.unet(4))
    assert unet.config.in_channels == channels
    moved = {
        name
        for (name, before), after in zip(load_base(str(base)).unet().named_parameters(), unet.parameters(), strict=True)
        if not torch.equal(before.half(), after.half())
    }
    assert moved
    assert not any(name.startswith(("conv_in", "time_embedding", "down_blocks.0")) for name in moved)
    assert method == "full" or all(".attn" in name for name in moved)
    assert len(list(study.previews("pathology").glob("000004/*.png"))) == 2
    resumed = StudyPaths(tmp_path / "resumed")
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        train(resumed, config, images, tmp_path, stop=lambda: next(asked))
    train(resumed, config, images, tmp_path)
    assert _weights(resumed) == _weights(study)


def test_fingerprints_follow_what_decides_the_weights(trained: Trained, base: Path, tmp_path: Path) -> None:
    _, config, images, root = trained
    before = stage_fingerprints(config, images, root)

    def changed(**training: object) -> dict[str, str]:
        assert config.training is not None
        section = config.training.model_copy(update=training)
        return stage_fingerprints(config.model_copy(update={"training": section}), images, root)

    assert changed(save_state_every=5) == before
    assert changed(stages=(prior_stage(4), pathology_stage(6, 2))) == before
    second_only = changed(stages=(prior_stage(4), pathology_stage(6, 3, frozen=())))
    assert second_only["polyp_prior"] == before["polyp_prior"]
    assert second_only["pathology"] != before["pathology"]
    for both in (changed(seed=1), changed(stages=(prior_stage(5), pathology_stage(6, 3)))):
        assert both["polyp_prior"] != before["polyp_prior"]
        assert both["pathology"] != before["pathology"]
    copy = shutil.copytree(root, tmp_path / "copy")
    assert stage_fingerprints(config, images, copy) == before
    shutil.copy(copy / images[1].path, copy / images[0].path)
    assert stage_fingerprints(config, images, copy) != before


def test_record_says_what_a_checkpoint_was_made_from(trained: Trained) -> None:
    study, config, images, root = trained
    record = json.loads((study.unet(6) / "training.json").read_text())
    assert record["fingerprint"] == stage_fingerprints(config, images, root)["pathology"]
    assert (record["step"], record["images_seen"]) == (6, 24)
    assert "quality_threshold" not in record, "every image came with its quality"


def test_record_says_below_which_sharpness_images_were_called_low(base: Path, tmp_path: Path) -> None:
    study, config, images = tiny_study(tmp_path, base, stages=(pathology_stage(1, 1),), held_out_images=0, previews=0)
    measured = [replace(image, sharpness=number / 100) for number, image in enumerate(images)]
    train(study, config, measured, tmp_path)
    sample_iteration(study, config, 1)
    for record in (json.loads((study.unet(1) / "training.json").read_text()), load_manifest(study, 1).training):
        assert record["quality_threshold"] == quality_threshold(measured) > 0


def test_held_out_loss_is_of_the_averaged_weights_at_fixed_noise(trained: Trained, tmp_path: Path) -> None:
    """The same for a run that was interrupted, by class, and not a matter of the training images."""
    study, config, images, root = trained
    record = json.loads((study.unet(6) / "training.json").read_text())
    assert record["held_out_loss_ad"] != record["held_out_loss_non_ad"]
    assert record["held_out_images"] == 4
    assert 0.5 < record["held_out_loss_ad"] < 2
    assert [(loss.stage, loss.step, loss.label) for loss in held_out_losses(study)] == [
        ("polyp_prior", 4, "ad"),
        ("polyp_prior", 4, "non_ad"),
        *(("pathology", step, label) for step in (3, 6) for label in ("ad", "non_ad")),
    ]
    again = _copy(trained, tmp_path)
    shutil.rmtree(again.iteration(6))
    train(again, config, images, root)
    assert json.loads((again.unet(6) / "training.json").read_text()) == record


def test_watching_changes_no_weight(trained: Trained, tmp_path: Path) -> None:
    _, config, images, root = trained
    assert config.training is not None
    blind = config.training.model_copy(update={"held_out_images": 0, "previews": 0})
    study = StudyPaths(tmp_path / "study")
    train(study, config.model_copy(update={"training": blind}), images, root)
    assert _weights(study) == _weights(trained[0])
    assert not held_out_losses(study)
    assert not study.previews("pathology").exists()


def test_a_loss_that_rises_far_above_what_it_was_stops_the_run(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The states of the time in which it rose are not kept: the one to come back to is from before."""
    _, config, images, root = trained
    assert config.training is not None
    stages = (pathology_stage(200, 100),)
    update = {"stages": stages, "save_state_every": 5, "held_out_images": 0, "previews": 0}
    config = config.model_copy(update={"training": config.training.model_copy(update=update)})
    steps = 0

    def rising(*arguments: object) -> torch.Tensor:
        nonlocal steps
        steps += 1
        return denoising_loss(*arguments) * (1 if steps <= 60 else 20)  # type: ignore[arg-type]

    monkeypatch.setattr("polypstudio.diffusion.stage_run.denoising_loss", rising)
    study = StudyPaths(tmp_path / "study")
    with pytest.raises(UserError, match=r"the loss has risen far above .* the last good state \(step 60\)"):
        train(study, config, images, root)
    assert [state.name for state in study.stage("pathology").glob("state-*")] == ["state-000060"]
    assert steps < 80


def test_tensorboard_gets_the_log_too(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, config, images, root = trained
    assert config.training is not None
    update = {"stages": (pathology_stage(20, 20),), "tensorboard": True, "held_out_images": 0, "previews": 0}
    config = config.model_copy(update={"training": config.training.model_copy(update=update)})
    study = StudyPaths(tmp_path / "study")
    train(study, config, images, root)
    events = EventAccumulator(str(study.tensorboard / "pathology"))
    events.Reload()
    lines = read_json_lines(study.training_log)
    assert [event.value for event in events.Scalars("loss")] == pytest.approx([line["loss"] for line in lines])
