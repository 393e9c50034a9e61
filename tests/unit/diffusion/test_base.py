"""Base models: what is loaded, and what is said where a part is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from polypstudio.diffusion.base import base_fingerprint, load_base
from polypstudio.errors import UserError


def test_parts_load_in_single_precision(base: Path, tmp_path: Path) -> None:
    half = shutil.copytree(base, tmp_path / "half")
    load_base(str(base)).unet().half().save_pretrained(half / "unet")
    loaded = load_base(str(half))
    assert loaded.unet().dtype == loaded.vae().dtype == loaded.text_encoder().dtype == torch.float32
    assert loaded.noise_schedule().config.prediction_type == "epsilon"
    assert loaded.vae_scaling() == pytest.approx(loaded.vae().config.scaling_factor)


@pytest.mark.parametrize("part", ["vae", "unet", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(base: Path, tmp_path: Path, part: str) -> None:
    incomplete = shutil.copytree(base, tmp_path / "incomplete")
    shutil.rmtree(incomplete / part)
    with pytest.raises(UserError, match=f"has no {part}/"):
        load_base(str(incomplete))


def test_broken_weights_are_named_in_one_line(base: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(base, tmp_path / "broken")
    weights = broken / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="vae: cannot be loaded") as raised:
        load_base(str(broken)).vae()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "nowhere"])
def test_no_such_folder(name: str) -> None:
    with pytest.raises(UserError, match="no folder"):
        load_base(name)


def test_a_hub_model_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="`nobody/nothing` is no folder here, and the hub did not give it") as raised:
        load_base("nobody/nothing")
    assert "\n" not in str(raised.value)


def test_fingerprint_follows_the_content(base: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(base, tmp_path / "copy")
    assert base_fingerprint(str(copy)) == base_fingerprint(str(base))
    (copy / "README.md").write_text("not a part of the model")
    assert base_fingerprint(str(copy)) == base_fingerprint(str(base))
    (copy / "scheduler" / "scheduler_config.json").write_text("{}")
    assert base_fingerprint(str(copy)) != base_fingerprint(str(base))


def test_deciding_what_is_current_imports_no_torch() -> None:
    code = (
        "import sys, polypstudio.diffusion.fingerprint; sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
