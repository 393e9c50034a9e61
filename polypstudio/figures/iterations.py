"""The KID evidence over the iterations: cells with floor and separation, margins, class alignment."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from polypstudio.figures.style import COLOURS, GRID, LINE, NEUTRAL, error_bars, faded, marker, new_figure, note
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    Alignment,
    Estimate,
    IterationEvidence,
    Pathology,
    ReferenceEvidence,
)


def kid_over_iterations(reference: ReferenceEvidence, current: int | None = None) -> go.Figure:
    """Within-class (solid) and cross-class KID (dashed); the floor and the separation of the real classes as bands."""
    figure = new_figure("KID, synthetic vs real: within a class (solid), across (dashed)", yaxis_title="KID")
    evidences = _trained(reference)
    if not evidences:
        return note(figure, "No iteration has been evaluated.")
    floor = max(evidence.cell(label, label).floor for evidence in evidences for label in PATHOLOGIES)
    _band(figure, 0, floor, "floor")
    separation = reference.separation
    _band(figure, *separation.ci, "separation")
    figure.add_hline(y=separation.kid, line={"color": NEUTRAL, "width": 1.2, "dash": "dot"})
    for synthetic in PATHOLOGIES:
        for real in PATHOLOGIES:
            _cell_line(figure, evidences, synthetic, real)
    return _finish(figure, current)


def margins_over_iterations(reference: ReferenceEvidence, current: int | None = None) -> go.Figure:
    """Margin (cross − within) of each class with its interval; below 0 a class lies nearer the other one."""
    figure = new_figure("Class margin: cross − within", yaxis_title="margin")
    evidences = _trained(reference)
    if not evidences:
        return note(figure, "No iteration has been evaluated.")
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1.4})
    for label in PATHOLOGIES:
        _estimate_line(figure, evidences, [e.margins[label] for e in evidences], COLOURS[label], PATHOLOGY_NAMES[label])
    return _finish(figure, current)


def alignment_over_iterations(reference: ReferenceEvidence, current: int | None = None) -> go.Figure:
    """Class alignment A with its interval; 1: as the real classes differ, 0: class ignored, below 0: swapped."""
    figure = new_figure("Class alignment A", yaxis_title="A", legend=False)
    evidences = _trained(reference)
    if not evidences:
        return note(figure, "No iteration has been evaluated.")
    for value, text in ((1, "as the real classes differ"), (0, "class ignored")):
        figure.add_hline(
            y=value,
            line={"color": NEUTRAL, "width": 1.4, "dash": "solid" if value == 0 else "dot"},
            annotation={"text": text, "font": {"size": 11}, "xanchor": "right", "x": 1},
        )
    _estimate_line(figure, evidences, [e.alignment for e in evidences], NEUTRAL, "A")
    figure.update_traces(
        customdata=[e.alignment.p for e in evidences],
        hovertemplate="%{x}: A %{y:.2f}, p %{customdata:.3f}<extra></extra>",
    )
    return _finish(figure, current)


def _trained(reference: ReferenceEvidence) -> list[IterationEvidence]:
    return [evidence for evidence in reference.iterations if evidence.iteration is not None]


def _cell_line(figure: go.Figure, evidences: list[IterationEvidence], synthetic: Pathology, real: Pathology) -> None:
    cells = [evidence.cell(synthetic, real) for evidence in evidences]
    within = synthetic == real
    figure.add_scatter(
        x=[evidence.iteration for evidence in evidences],
        y=[cell.kid for cell in cells],
        mode="lines+markers",
        name=f"{PATHOLOGY_NAMES[synthetic]} vs {PATHOLOGY_NAMES[real]}",
        line={"color": COLOURS[synthetic], "width": LINE, "dash": "solid" if within else "dash"},
        marker=marker(COLOURS[synthetic], size=7),
        error_y=error_bars([Estimate(value=cell.kid, ci=cell.ci) for cell in cells], COLOURS[synthetic])
        if within
        else None,
        customdata=[(cell.n_synthetic, cell.n_real) for cell in cells],
        hovertemplate="%{x}: KID %{y:.3f}, n %{customdata[0]} synthetic, %{customdata[1]} real<extra>%{fullData.name}</extra>",
    )


def _estimate_line(
    figure: go.Figure,
    evidences: list[IterationEvidence],
    estimates: Sequence[Estimate | Alignment],
    colour: str,
    name: str,
) -> None:
    figure.add_scatter(
        x=[evidence.iteration for evidence in evidences],
        y=[estimate.value for estimate in estimates],
        error_y=error_bars(estimates, colour),
        mode="lines+markers",
        name=name,
        line={"color": colour, "width": LINE},
        marker=marker(colour),
        hovertemplate="%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
    )


def _band(figure: go.Figure, low: float, high: float, name: str) -> None:
    figure.add_hrect(
        y0=low,
        y1=high,
        fillcolor=GRID if name == "floor" else faded(NEUTRAL, 0.12),
        line_width=0,
        layer="below",
        annotation={"text": name, "font": {"size": 11}, "x": 1, "xanchor": "right"},
        annotation_position="top right",
    )


def _finish(figure: go.Figure, current: int | None) -> go.Figure:
    """The common x axis, and a line at the iteration that is looked at."""
    ticks = sorted({int(x) for trace in figure.data for x in trace.x})
    figure.update_xaxes(title_text="iteration", tickvals=ticks)
    if current is not None:
        figure.add_vline(x=current, line={"color": NEUTRAL, "width": 1, "dash": "dash"})
    return figure
