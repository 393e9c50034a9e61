"""Random numbers as a pure function of what they are for: nothing to save, nothing that depends on the order of work."""

from __future__ import annotations

import hashlib

import torch


def generator_for(*what: int | str) -> torch.Generator:
    """A CPU generator seeded by e.g. (seed, stage, step). The same names give the same numbers on every machine."""
    digest = hashlib.sha256("/".join(map(str, what)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
