"""Runs the command line in several processes that work together, on the CPU of this machine."""

from __future__ import annotations

import os
import subprocess
import sys


def together(*arguments: str, count: int = 2) -> str:
    """What ``count`` processes of `polypstudio` printed; they meet by gloo at a free port."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1"}
    run = subprocess.run(
        [*command, "-m", "polypstudio", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
