"""The U-Net of one stage with what its training changes, and the resumable state of that on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from polypstudio.diffusion.base import MODEL_WEIGHTS
from polypstudio.diffusion.ema import Ema
from polypstudio.diffusion.fingerprint import CHECKPOINT_RECORD
from polypstudio.errors import UserError
from polypstudio.store.atomic import new_folder, write_json
from polypstudio.store.features import file_hash

_MOMENTS = ("exp_avg", "exp_avg_sq")


class Learner:
    """A U-Net whose unfrozen parameters are trained by AdamW and followed by an average."""

    def __init__(self, unet: UNet2DConditionModel, frozen: Sequence[str], ema_decay: float) -> None:
        freeze(unet, frozen)
        self.unet = unet
        self.trained = {name: p for name, p in unet.named_parameters() if p.requires_grad}
        self.parameters = list(self.trained.values())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=0.0, weight_decay=1e-2, fused=True)
        self.ema = Ema(self.parameters, ema_decay)

    def update(self, step: int) -> None:
        """Lets the average follow after optimizer step ``step``."""
        self.ema.update(step)

    def save_checkpoint(self, folder: Path, record: dict[str, str | int | float]) -> None:
        """Writes the averaged weights in float16 as a diffusers folder, with ``record`` and the weights' hash beside."""
        weights = self.unet.state_dict() | dict(zip(self.trained, self.ema.averages, strict=True))
        with new_folder(folder) as temporary:
            config = json.loads(self.unet.to_json_string())
            config.pop("_name_or_path", None)  # a path of this machine, which a study that is moved would carry along
            write_json(temporary / "config.json", config)
            half = {name: tensor.to("cpu", torch.float16).contiguous() for name, tensor in weights.items()}
            save_file(half, temporary / MODEL_WEIGHTS, metadata={"format": "pt"})
            write_json(temporary / CHECKPOINT_RECORD, {**record, "sha256": file_hash(temporary / MODEL_WEIGHTS)})

    def save_state(self, folder: Path, step: int, fingerprint: str) -> None:
        """Adds the state after ``step`` to ``folder`` and then removes older ones."""
        tensors = {}
        for (name, parameter), average in zip(self.trained.items(), self.ema.averages, strict=True):
            moments = {key: self.optimizer.state[parameter][key] for key in _MOMENTS}
            for kind, tensor in {"weight": parameter.detach(), "ema": average, **moments}.items():
                tensors[f"{kind}.{name}"] = tensor.to("cpu").contiguous()
        state = folder / f"state-{step:06d}"
        with new_folder(state) as temporary:
            save_file(tensors, temporary / "state.safetensors")
            updates = self.optimizer.state[self.parameters[0]]["step"].item()  # fewer than steps where fp16 overflowed
            write_json(temporary / "state.json", {"step": step, "updates": updates, "fingerprint": fingerprint})
        for other in folder.glob("state-*"):
            if other != state:
                shutil.rmtree(other)

    def load_state(self, folder: Path, fingerprint: str, at_most: int) -> int:
        """Takes up the newest whole state of this fingerprint that is not past step ``at_most``; returns its step or 0."""
        for state in sorted(folder.glob("state-*"), reverse=True):
            try:
                record = json.loads((state / "state.json").read_bytes())
                if record["fingerprint"] != fingerprint or record["step"] > at_most:
                    continue
                tensors = load_file(state / "state.safetensors")
            except (OSError, ValueError, SafetensorError):
                continue
            self._restore(tensors, record["updates"])
            return int(record["step"])
        return 0

    @torch.no_grad()
    def _restore(self, tensors: dict[str, Tensor], updates: float) -> None:
        """Copies into place, so that every tensor keeps its memory layout: another one could round differently."""
        for (name, parameter), average in zip(self.trained.items(), self.ema.averages, strict=True):
            parameter.copy_(tensors[f"weight.{name}"])
            average.copy_(tensors[f"ema.{name}"])
            moments = {key: torch.empty_like(parameter).copy_(tensors[f"{key}.{name}"]) for key in _MOMENTS}
            count = torch.tensor(updates, device=parameter.device)
            self.optimizer.state[parameter] = {"step": count, **moments}


def freeze(unet: nn.Module, frozen: Sequence[str]) -> None:
    """Lets only parameters be trained that are under none of the dotted prefixes ``frozen``.

    Raises UserError for a prefix that matches no parameter, and where nothing would be left.
    """
    names = [name for name, _ in unet.named_parameters()]
    for prefix in frozen:
        if not any(_under(name, prefix) for name in names):
            parts = sorted({name.split(".")[0] for name in names})
            raise UserError(
                f"frozen: no parameter of the U-Net begins with `{prefix}`; its parts are {', '.join(parts)}"
            )
    for name, parameter in unet.named_parameters():
        parameter.requires_grad_(not any(_under(name, prefix) for prefix in frozen))
    if not any(parameter.requires_grad for parameter in unet.parameters()):
        raise UserError("the whole U-Net is frozen: leave a part to be trained")


def _under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix.rstrip(".") + ".")
