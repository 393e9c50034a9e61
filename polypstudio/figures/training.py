"""Fine-tuning as it runs: loss and throughput from the rows of ``training/log.jsonl``, and the held-out losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from polypstudio.figures.style import COLOURS, LINE, NEUTRAL, faded, marker, new_figure, note
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, HeldOutLoss

STAGE_COLOURS = (NEUTRAL, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # by order; the two classes keep theirs
SMOOTHED_FROM = 5  # fewer points are shown as logged only
Rows = Sequence[Mapping[str, Any]]


def loss(rows: Rows) -> go.Figure:
    """Loss by optimizer step of each stage, faint as logged and strong as a running mean."""
    figure = _by_step("Loss", rows, "loss")
    for stage, colour in _stages(rows).items():
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


def held_out(losses: Sequence[HeldOutLoss]) -> go.Figure:
    """The loss of each class on held-out images, at fixed noise and timesteps, by checkpoint of the last stage."""
    figure = new_figure("Held-out loss by class, at fixed noise", height=230)
    last = losses[-1].stage if losses else None
    for label in PATHOLOGIES:
        chosen = sorted((each for each in losses if each.label == label and each.stage == last), key=lambda e: e.step)
        figure.add_scatter(
            x=[each.step for each in chosen],
            y=[each.loss for each in chosen],
            mode="lines+markers",
            name=PATHOLOGY_NAMES[label],
            line={"color": COLOURS[label], "width": LINE},
            marker=marker(COLOURS[label], real=True, size=6),
            hovertemplate="step %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title_text=f"optimizer step of {last}")
    return figure


def running_mean(values: Sequence[float], width: int) -> list[float]:
    """Centred mean over ``width`` values, shorter at both ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(0, index - width // 2), np.minimum(len(values), index + width // 2 + 1)
    return ((sums[high] - sums[low]) / (high - low)).tolist()


def _stages(rows: Rows) -> dict[str, str]:
    """The stages in the order in which they were logged, with a colour each."""
    names = dict.fromkeys(row["stage"] for row in rows if "stage" in row)
    return {name: STAGE_COLOURS[at % len(STAGE_COLOURS)] for at, name in enumerate(names)}


def _of(rows: Rows, stage: str, key: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row.get("stage") == stage and row.get(key) is not None]


def _by_step(title: str, rows: Rows, key: str) -> go.Figure:
    figure = new_figure(title, height=230, legend=key == "loss")
    for stage, colour in _stages(rows).items():
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
