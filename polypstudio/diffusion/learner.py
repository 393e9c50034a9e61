"""The U-Net of one stage with what its training changes, and the resumable state of that on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from polypstudio.config import LoraConfig
from polypstudio.diffusion.base import MODEL_WEIGHTS
from polypstudio.diffusion.ema import Ema
from polypstudio.diffusion.tensors import write_tensors
from polypstudio.diffusion.trained_part import adapters, merged
from polypstudio.store.atomic import new_folder, write_json
from polypstudio.store.checkpoints import CHECKPOINT_RECORD
from polypstudio.store.features import file_hash

_MOMENTS = ("exp_avg", "exp_avg_sq")
_ADAPTERS = Path("lora", "pytorch_lora_weights.safetensors")  # within a checkpoint, where adapters were trained


class Learner:
    """A U-Net whose trainable parameters (those that require a gradient) follow AdamW and are followed by an average.

    ``lora``: the settings of the adapters where it is they that are trained.
    """

    def __init__(self, unet: UNet2DConditionModel, ema_decay: float, lora: LoraConfig | None = None) -> None:
        self.unet, self.lora = unet, lora
        self.trained = {name: p for name, p in unet.named_parameters() if p.requires_grad}
        self.parameters = list(self.trained.values())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=0.0, weight_decay=1e-2, fused=True)
        self.ema = Ema(self.parameters, ema_decay)

    def update(self, step: int) -> None:
        """Lets the average follow after optimizer step ``step``."""
        self.ema.update(step)

    @contextmanager
    def averages_in_place(self) -> Iterator[None]:
        """The U-Net with its averaged weights for as long as the block lasts."""
        weights = [parameter.detach().clone() for parameter in self.parameters]
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.ema.averages)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, weights)

    def averaged(self) -> dict[str, Tensor]:
        """All weights of the U-Net, those that are trained as their averages; with adapters, under peft's names."""
        return self.unet.state_dict() | dict(zip(self.trained, self.ema.averages, strict=True))

    def save_checkpoint(self, folder: Path, record: Mapping[str, str | int | float]) -> None:
        """Writes the averaged weights in float16 as a diffusers folder, with ``record`` and the weights' hash beside.

        Adapters are merged into them, and kept beside them too.
        """
        weights = self.averaged()
        with new_folder(folder) as temporary:
            config = json.loads(self.unet.to_json_string())
            config.pop("_name_or_path", None)  # a path of this machine, which a study that is moved would carry along
            write_json(temporary / "config.json", config)
            if self.lora is not None:
                (temporary / _ADAPTERS).parent.mkdir()
                _save_half(adapters(weights, self.lora), temporary / _ADAPTERS)
                weights = merged(weights, self.lora)
            _save_half(weights, temporary / MODEL_WEIGHTS)
            write_json(temporary / CHECKPOINT_RECORD, {**record, "sha256": file_hash(temporary / MODEL_WEIGHTS)})

    def save_state(self, folder: Path, step: int, fingerprint: str, watched: Mapping[str, Any] | None = None) -> None:
        """Adds the state after ``step`` to ``folder`` and then removes older ones. ``watched`` is kept with it."""
        tensors = {}
        for (name, parameter), average in zip(self.trained.items(), self.ema.averages, strict=True):
            moments = {key: self.optimizer.state[parameter][key] for key in _MOMENTS}
            for kind, tensor in {"weight": parameter.detach(), "ema": average, **moments}.items():
                tensors[f"{kind}.{name}"] = tensor
        state = folder / f"state-{step:06d}"
        with new_folder(state) as temporary:
            write_tensors(tensors, temporary / "state.safetensors")
            updates = self.optimizer.state[self.parameters[0]]["step"].item()  # fewer than steps where fp16 overflowed
            record = {"step": step, "updates": updates, "fingerprint": fingerprint, "watched": dict(watched or {})}
            write_json(temporary / "state.json", record)
        for other in folder.glob("state-*"):
            if other != state:
                shutil.rmtree(other)

    def load_state(self, folder: Path, fingerprint: str, at_most: int) -> tuple[int, dict[str, Any]]:
        """Takes up the newest whole state of this fingerprint that is not past step ``at_most``.

        Returns its step and what was watched; 0 and nothing where there is no such state.
        """
        for state in sorted(folder.glob("state-*"), reverse=True):
            try:
                record = json.loads((state / "state.json").read_bytes())
                if record["fingerprint"] != fingerprint or record["step"] > at_most:
                    continue
                tensors = load_file(state / "state.safetensors")
            except (OSError, ValueError, SafetensorError):
                continue
            self._restore(tensors, record["updates"])
            return int(record["step"]), record.get("watched", {})
        return 0, {}

    @torch.no_grad()
    def _restore(self, tensors: dict[str, Tensor], updates: float) -> None:
        """Copies into place, so that every tensor keeps its memory layout: another one could round differently."""
        for (name, parameter), average in zip(self.trained.items(), self.ema.averages, strict=True):
            parameter.copy_(tensors[f"weight.{name}"])
            average.copy_(tensors[f"ema.{name}"])
            moments = {key: torch.empty_like(parameter).copy_(tensors[f"{key}.{name}"]) for key in _MOMENTS}
            count = torch.tensor(updates, device=parameter.device)
            self.optimizer.state[parameter] = {"step": count, **moments}


def _save_half(weights: Mapping[str, Tensor], path: Path) -> None:
    half = {name: tensor.to(torch.float16) for name, tensor in weights.items()}
    write_tensors(half, path, metadata={"format": "pt"})
