"""The base of all sections of ``study.toml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Frozen, and strict about unknown keys, so that a misspelling is named and not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")
