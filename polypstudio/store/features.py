"""Feature arrays on disk: one safetensors file an encoder and image set, named by the hash of the images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from polypstudio.store.atomic import write_bytes
from polypstudio.store.paths import StudyPaths


def file_hash(path: Path) -> str:
    """sha256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def image_set_hash(hashes: Sequence[str]) -> str:
    """Hash of an image set: of its images' content hashes, in order."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:24]


def save_features(study: StudyPaths, encoder: str, set_hash: str, features: np.ndarray) -> None:
    """Stores float32 features of shape (n, d)."""
    write_bytes(study.feature_file(encoder, set_hash), save({"features": np.asarray(features, np.float32)}))


def load_features(study: StudyPaths, encoder: str, set_hash: str) -> np.ndarray | None:
    """The stored features (n, d), float32, or None where there are none (or only a file that cannot be read)."""
    path = study.feature_file(encoder, set_hash)
    if not path.is_file():
        return None
    try:
        return load_file(path)["features"]
    except (SafetensorError, KeyError, OSError):
        return None
