"""The augmentation test: balanced accuracy of each arm, differences to the real arm, confusion matrices."""

from __future__ import annotations

import plotly.graph_objects as go

from polypstudio.figures.style import CLEAR, COLOURS, NEUTRAL, error_bars, faded, marker, new_figure, note
from polypstudio.findings.scores import mean_confusion
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, ClassificationResult, Pathology


def balanced_accuracy(result: ClassificationResult) -> go.Figure:
    """Mean over seeds with its interval, one dot a seed; filled: real images alone, open: with synthetic ones."""
    figure = new_figure("Balanced accuracy, 95 % CI and each seed", height=290, legend=False)
    names = [arm.name for arm in result.arms]
    figure.add_hline(
        y=0.5,
        line={"color": NEUTRAL, "width": 1.2, "dash": "dot"},
        annotation={"text": "chance", "font": {"size": 11}, "xanchor": "left", "x": 0},
    )
    for arm in result.arms:
        figure.add_scatter(
            x=[arm.name] * len(arm.runs),
            y=[run.balanced_accuracy for run in arm.runs],
            mode="markers",
            marker={"size": 6, "color": faded(NEUTRAL, 0.7)},
            text=[f"seed {run.seed}" for run in arm.runs],
            hovertemplate="%{text}: %{y:.3f}<extra></extra>",
        )
        figure.add_scatter(
            x=[arm.name],
            y=[arm.balanced_accuracy.value],
            error_y=error_bars([arm.balanced_accuracy], NEUTRAL),
            mode="markers",
            marker=marker(NEUTRAL, real=arm.iteration is None, size=12),
            hovertemplate="%{x}: %{y:.3f}<extra></extra>",
        )
    figure.update_xaxes(categoryorder="array", categoryarray=names)
    return figure


def differences(result: ClassificationResult) -> go.Figure:
    """Δ balanced accuracy of each arm to the real arm, paired, with its interval, by iteration."""
    figure = new_figure("Δ balanced accuracy against real images alone", height=290, legend=False)
    compared = [(arm, arm.difference) for arm in result.arms if arm.difference is not None]
    if not compared:
        return note(figure, "No arm with synthetic images has been trained.")
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1.4})
    figure.add_scatter(
        x=[arm.name for arm, _ in compared],
        y=[difference.value for _, difference in compared],
        error_y=error_bars([difference for _, difference in compared], NEUTRAL),
        mode="markers",
        marker=marker(NEUTRAL, size=12),
        customdata=[float("nan") if arm.p is None else arm.p for arm, _ in compared],
        hovertemplate="%{x}: %{y:+.3f}, McNemar p %{customdata:.3f}<extra></extra>",
    )
    return figure


def confusions(result: ClassificationResult) -> go.Figure:
    """The arms' confusion matrices side by side, mean over seeds, shaded by the share of the true class."""
    figure = new_figure("Confusion matrices: rows true, columns predicted", height=250, legend=False)
    n = len(result.arms)
    for k, arm in enumerate(result.arms):
        for i, row in enumerate(mean_confusion(arm)):
            for j, value in enumerate(row):
                _square(figure, i, 2.5 * k + j, PATHOLOGIES[i], value, sum(row))
    columns = [2.5 * k + j for k in range(n) for j in (0, 1)]
    predicted = [PATHOLOGY_NAMES[label] for _ in range(n) for label in PATHOLOGIES]
    for k, arm in enumerate(result.arms):
        figure.add_annotation(x=2.5 * k + 0.5, y=-0.62, text=arm.name, showarrow=False, yanchor="bottom")
    axis = {"showgrid": False, "zeroline": False, "ticks": ""}
    figure.update_xaxes(range=[-0.6, max(2.5 * n, 5) - 0.9], tickvals=columns, ticktext=predicted, **axis)
    names = [PATHOLOGY_NAMES[label] for label in PATHOLOGIES]
    figure.update_yaxes(range=[1.55, -0.95], tickvals=[0, 1], ticktext=names, **axis)
    return figure


def _square(figure: go.Figure, row: int, x: float, label: Pathology, value: float, total: float) -> None:
    """One square of a confusion matrix, in the colour of the true class."""
    share = value / total if total else 0.0
    box = {"x0": x - 0.48, "x1": x + 0.48, "y0": row - 0.48, "y1": row + 0.48}
    colour = faded(COLOURS[label], 0.06 + 0.34 * share)
    figure.add_shape(type="rect", **box, fillcolor=colour, line={"color": CLEAR}, layer="below")
    text = f"<b>{value:.1f}</b><br>{share:.0%}".replace(".0</b>", "</b>")
    figure.add_annotation(x=x, y=row, text=text, showarrow=False)
