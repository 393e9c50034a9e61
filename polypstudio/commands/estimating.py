"""`estimate`: what fine-tuning will take, before it starts."""

from __future__ import annotations

import argparse
from typing import Any

from polypstudio.commands.steps import working_on
from polypstudio.store.paths import find_study


def estimate(options: argparse.Namespace) -> dict[str, Any]:
    """Measures time, memory and disk on a few steps, and prints them with what would fit where it does not."""
    from polypstudio.diffusion.estimate import estimate as measure
    from polypstudio.pipeline.context import Context
    from polypstudio.pipeline.index import index_step
    from polypstudio.pipeline.runner import run_steps

    study = find_study(options.study, options.root)
    with working_on(study) as console:
        context = Context.of(study)
        run_steps(study, [index_step(context)], lambda step: console.announce(step.title))
        report = console.announce("Measuring a few steps")
        answer = measure(study, context.config, context.images, context.data_root, report)
    if not options.json:
        print("\n".join(_lines(answer)))
    return answer


def _lines(answer: dict[str, Any]) -> list[str]:
    memory, disk, encoding = answer["memory"], answer["disk"], answer["encoding"]
    lines = [f"{encoding['images']} images to encode: {_duration(encoding['seconds'])}"] if encoding["images"] else []
    lines += [
        f"stage {stage['name']}: {stage['steps']} steps of {stage['seconds_per_step']:.3f} s: {_duration(stage['seconds'])}"
        for stage in answer["stages"]
    ]
    return [
        *lines,
        f"in all {_duration(answer['seconds'])} on {answer['device']}",
        f"memory {memory['needed_bytes'] / 2**30:.1f} of {memory['available_bytes'] / 2**30:.1f} GiB, "
        f"disk {disk['needed_bytes'] / 2**30:.2f} of {disk['free_bytes'] / 2**30:.1f} GiB",
        *(answer["problems"] or ["it fits"]),
    ]


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
