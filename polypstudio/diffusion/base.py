"""The base model that is fine-tuned: a Stable Diffusion in the folder layout of diffusers' pipelines.

Importing this module is cheap: torch, diffusers and transformers are imported when a part is loaded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polypstudio.errors import UserError
from polypstudio.store.paths import TINY_BASE

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

TINY = "tiny"
MODEL_WEIGHTS = "diffusion_pytorch_model.safetensors"
# What must be in each part, and what is fetched of it from the hub.
_PARTS = {
    "vae": ("config.json", MODEL_WEIGHTS),
    "text_encoder": ("config.json", "model.safetensors"),
    "tokenizer": ("tokenizer_config.json",),
    "unet": ("config.json", MODEL_WEIGHTS),
    "scheduler": ("scheduler_config.json",),
}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_HASHED_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Base:
    """A complete base model on disk. Each call loads its part anew in float32, so that it is freed after use."""

    folder: Path

    def vae(self) -> AutoencoderKL:
        import torch
        from diffusers import AutoencoderKL

        return _loaded(self.folder / "vae", AutoencoderKL, torch_dtype=torch.float32, use_safetensors=True)

    def vae_config(self) -> dict[str, Any]:
        """The VAE's configuration, without its weights."""
        from diffusers import AutoencoderKL

        return dict(AutoencoderKL.load_config(self.folder / "vae"))

    def vae_scaling(self) -> float:
        """What latents are multiplied by to have about unit variance."""
        return float(self.vae_config().get("scaling_factor", 0.18215))

    def unet(self) -> UNet2DConditionModel:
        return load_unet(self.folder / "unet")

    def text_encoder(self) -> CLIPTextModel:
        import torch
        from transformers import CLIPTextModel
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # of loading weights, in the midst of our own
        return _loaded(self.folder / "text_encoder", CLIPTextModel, dtype=torch.float32, use_safetensors=True)

    def tokenizer(self) -> CLIPTokenizer:
        from transformers import CLIPTokenizer

        return _loaded(self.folder / "tokenizer", CLIPTokenizer)

    def noise_schedule(self) -> DDPMScheduler:
        """The forward process: betas and what the U-Net predicts (epsilon or v)."""
        from diffusers import DDPMScheduler

        return _loaded(self.folder / "scheduler", DDPMScheduler)


def load_unet(folder: Path) -> UNet2DConditionModel:
    """The U-Net of a diffusers folder, in float32."""
    import torch
    from diffusers import UNet2DConditionModel

    return _loaded(folder, UNet2DConditionModel, torch_dtype=torch.float32, use_safetensors=True)


def load_base(name: str) -> Base:
    """The base model ``name``: `tiny`, a folder, or a name on the Hugging Face hub.

    The hub is asked only for a model that is not in its cache on this machine. Raises UserError that names what is
    missing: the folder, a part of it, or the network.
    """
    folder = base_folder(name) or _from_hub(name)
    missing = _missing_file(folder)
    if missing:
        raise UserError(
            f"training.base: {folder} has no {missing}: a base model is a folder with {', '.join(_PARTS)} as "
            "StableDiffusionPipeline.save_pretrained writes it (safetensors)"
        )
    return Base(folder)


def base_folder(name: str) -> Path | None:
    """The folder that a base model is in; None for a name on the hub. UserError if it is neither."""
    folder = TINY_BASE if name == TINY else Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if name != TINY and _HUB_NAME.fullmatch(name):
        return None
    remedy = (
        "reinstall PolypStudio"
        if name == TINY
        else "give `tiny`, an existing folder, or a hub name such as `stable-diffusion-v1-5/stable-diffusion-v1-5`"
    )
    raise UserError(f"training.base: no folder {folder}: {remedy}")


def base_fingerprint(name: str) -> str:
    """Hash of a base model: names, sizes and content of its files (large ones by size only), or the hub name."""
    folder = base_folder(name)
    if folder is None:
        return hashlib.sha256(f"hub:{name}".encode()).hexdigest()
    digest = hashlib.sha256()
    for file in _part_files(folder):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()}:{size}\n".encode())
        if size <= _HASHED_BYTES:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _part_files(folder: Path) -> Iterator[Path]:
    for part in _PARTS:
        yield from sorted(file for file in (folder / part).rglob("*") if file.is_file())


def _missing_file(folder: Path) -> str | None:
    """The first file that a complete base model would have and ``folder`` has not."""
    wanted = (f"{part}/{name}" for part, names in _PARTS.items() for name in names)
    return next((name for name in wanted if not (folder / name).is_file()), None)


def _from_hub(name: str) -> Path:
    """The folder of a hub model: the cached one if it is whole, else fetched now."""
    from huggingface_hub import snapshot_download

    wanted = [f"{part}/{file}" for part, files in _PARTS.items() for file in files]
    wanted += ["tokenizer/*.json", "tokenizer/*.txt"]
    try:
        cached = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        if _missing_file(cached) is None:
            return cached
    except (OSError, ValueError):
        pass  # not in the cache
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] or type(error).__name__
        raise UserError(
            f"training.base: `{name}` is no folder here, and the hub did not give it ({reason}); check the name and the "
            "network, or download it elsewhere and give its folder"
        ) from None


def _loaded(folder: Path, kind: Any, **options: Any) -> Any:
    """``kind.from_pretrained(folder)``; UserError in one line where a file of it is broken."""
    from safetensors import SafetensorError

    try:
        return kind.from_pretrained(folder, local_files_only=True, **options)
    except (OSError, ValueError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{folder}: cannot be loaded ({reason}); restore this folder") from None
