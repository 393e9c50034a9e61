"""Text embeddings of the prompts: computed once, kept on disk by the base model's content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from polypstudio import processes
from polypstudio.diffusion.base import Base
from polypstudio.diffusion.tensors import write_tensors
from polypstudio.store.atomic import new_file
from polypstudio.store.paths import StudyPaths


@torch.inference_mode()
def prompt_embeddings(base: Base, prompts: Sequence[str], device: torch.device) -> Tensor:
    """Text embeddings (n, tokens, width) of the prompts, as the U-Net's cross-attention takes them, on ``device``."""
    tokenizer, encoder = base.tokenizer(), base.text_encoder().to(device)
    length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
    tokens = tokenizer(list(prompts), padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    return encoder(tokens.input_ids.to(device))[0]


def cached_embeddings(
    study: StudyPaths, base: Base, base_hash: str, prompts: Sequence[str], device: torch.device
) -> Tensor:
    """As :func:`prompt_embeddings`, on the CPU, from the study's cache; made anew where a prompt is not in it."""
    path = study.embeddings(base_hash[:24])
    if processes.is_main() and not _holds(path, prompts):
        for other in study.training.glob(study.embeddings("*").name):
            other.unlink()
        embeddings = prompt_embeddings(base, prompts, device).cpu()
        with new_file(path) as temporary:
            write_tensors({_key(text): row.clone() for text, row in zip(prompts, embeddings, strict=True)}, temporary)
    processes.wait()
    stored = load_file(path)
    return torch.stack([stored[_key(text)] for text in prompts])


def _holds(path: Path, prompts: Sequence[str]) -> bool:
    try:
        return set(map(_key, prompts)) <= load_file(path).keys()
    except (OSError, SafetensorError):
        return False


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
