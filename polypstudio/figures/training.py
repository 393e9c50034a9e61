"""Fine-tuning as it runs: loss and throughput from the rows of ``training/log.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from polypstudio.figures.style import COLOURS, LINE, NEUTRAL, faded, new_figure, note

STAGES = {"polyp_prior": NEUTRAL, "pathology": COLOURS["non_ad"]}
SMOOTHED_FROM = 5  # fewer points are shown as logged only
Rows = Sequence[Mapping[str, Any]]


def loss(rows: Rows) -> go.Figure:
    """Loss by optimizer step of each stage, faint as logged and strong as a running mean."""
    figure = _by_step("Loss", rows, "loss")
    for stage, colour in STAGES.items():
        chosen = _of(rows, stage, "loss")
        if len(chosen) >= SMOOTHED_FROM:
            smooth = running_mean([row["loss"] for row in chosen], max(3, len(chosen) // 20))
            figure.add_scatter(
                x=[row["step"] for row in chosen],
                y=smooth,
                mode="lines",
                name=stage,
                line={"color": colour, "width": LINE},
            )
    return figure


def throughput(rows: Rows) -> go.Figure:
    """Images per second by optimizer step of each stage."""
    return _by_step("Images per second", rows, "images_per_second")


def running_mean(values: Sequence[float], width: int) -> list[float]:
    """Centred mean over ``width`` values, shorter at both ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(0, index - width // 2), np.minimum(len(values), index + width // 2 + 1)
    return ((sums[high] - sums[low]) / (high - low)).tolist()


def _of(rows: Rows, stage: str, key: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row.get("stage") == stage and row.get(key) is not None]


def _by_step(title: str, rows: Rows, key: str) -> go.Figure:
    figure = new_figure(title, height=250, legend=key == "loss")
    for stage, colour in STAGES.items():
        chosen = _of(rows, stage, key)
        figure.add_scatter(
            x=[row["step"] for row in chosen],
            y=[row[key] for row in chosen],
            mode="lines",
            name=stage,
            line={"color": faded(colour, 0.45) if key == "loss" else colour, "width": 1.4},
            showlegend=key != "loss" or len(chosen) < SMOOTHED_FROM,
            hovertemplate="step %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
        )
    if not any(len(trace.x) for trace in figure.data):
        return note(figure, "Nothing logged yet.")
    figure.update_xaxes(title_text="optimizer step")
    return figure
