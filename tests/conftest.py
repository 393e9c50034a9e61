"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two busy threads that wait for each other are slower than one

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("POLYPSTUDIO_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Material that is not part of the project: golden values and real images. Tests on it skip where it is absent."""
    if not (SHARED / "golden" / "kid.json").is_file():
        pytest.skip("../shared is absent: golden values and real images are not part of the project")
    return SHARED


@pytest.fixture(scope="session")
def polyps(shared: Path) -> Path:
    """227 real images with classes, splits and groups; private, so never copied into the project."""
    return shared / "data" / "polyps"
