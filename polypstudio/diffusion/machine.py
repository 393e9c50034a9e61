"""The memory of the device that is trained on: of the GPU where there is one, else of this machine (Linux)."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")


def available_memory() -> int:
    """Bytes that this process has and could have."""
    if torch.cuda.is_available():
        return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()
    return _kilobytes(Path("/proc/meminfo"), "MemAvailable") + _kilobytes(_STATUS, "VmRSS")


def reset_peak() -> None:
    """Lets :func:`peak_memory` begin anew."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):  # not allowed everywhere; then the peak is that of the process so far
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """The most bytes in use since :func:`reset_peak`."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_reserved()
    return _kilobytes(_STATUS, "VmHWM")


def _kilobytes(file: Path, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", file.read_text(), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0
