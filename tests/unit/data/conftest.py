"""Small datasets on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Writes one small image with noise of its own to each of the given paths below the returned folder."""

    def write_images(*paths: str, metadata: str | None = None) -> Path:
        for number, path in enumerate(paths):
            pixels = np.random.default_rng(number).integers(0, 256, (24, 24, 3), dtype=np.uint8)
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / path)
        if metadata is not None:
            (tmp_path / "metadata.csv").write_text(metadata)
        return tmp_path

    return write_images


@pytest.fixture
def split_paths() -> list[str]:
    """The least that a split dataset needs."""
    return ["train/ad/1.png", "train/non_ad/1.png", "test/ad/1.png", "test/non_ad/1.png"]
