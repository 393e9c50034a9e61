from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_sd import save_random_sd


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model of random weights, as a diffusers folder. Shared: copy it before changing it."""
    return save_random_sd(tmp_path_factory.mktemp("base"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """These models are too small for two threads to help, and waiting threads cost much on a busy machine."""
    torch.set_num_threads(1)
