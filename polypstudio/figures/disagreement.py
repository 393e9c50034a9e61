"""Where looks and evidence part: within-class KID against class alignment, one point an iteration."""

from __future__ import annotations

import plotly.graph_objects as go

from polypstudio.figures.style import COLOURS, GRID, NEUTRAL, error_bars, faded, new_figure, note
from polypstudio.findings.appearance import Comparison, appearance_against_evidence
from polypstudio.findings.words import alignment_words
from polypstudio.records import ReferenceEvidence

SYMBOLS = {"aligned": "circle", "class_ignored": "circle-open", "swapped": "x", "undecidable": "diamond-open"}
POSITIONS = ("top right", "bottom left", "top left", "bottom right")  # so that neighbours do not overlap
MEANINGS = {
    "aligned": "class shown (p < 0.05)",
    "class_ignored": "class not shown",
    "swapped": "classes swapped",
    "undecidable": "undecidable",
}


def disagreement(reference: ReferenceEvidence, height: int = 380) -> go.Figure:
    """Better looks to the right, more of the class upwards. Hollow points carry no shown class difference."""
    figure = new_figure("", height=height)
    rows = appearance_against_evidence(reference)
    if not rows:
        return note(figure, "No iteration has been evaluated.")
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1.4})
    figure.add_scatter(
        x=[row.within for row in rows],
        y=[row.alignment.value for row in rows],
        mode="lines",
        line={"color": GRID, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    positions = {row.iteration: POSITIONS[i % len(POSITIONS)] for i, row in enumerate(rows)}
    for verdict, symbol in SYMBOLS.items():
        chosen = [row for row in rows if row.verdict == verdict]
        if chosen:
            _points(figure, chosen, symbol, MEANINGS[verdict], positions)
    figure.update_xaxes(title_text="← looks less real · within-class KID · looks more real →", autorange="reversed")
    figure.update_yaxes(title_text="class alignment A")
    return figure


def _points(figure: go.Figure, rows: list[Comparison], symbol: str, name: str, positions: dict[int, str]) -> None:
    bars = error_bars([row.alignment for row in rows], faded(NEUTRAL, 0.6))
    figure.add_scatter(
        x=[row.within for row in rows],
        y=[row.alignment.value for row in rows],
        error_y=bars,
        mode="markers+text",
        text=[str(row.iteration) for row in rows],
        textposition=[positions[row.iteration] for row in rows],
        cliponaxis=False,
        name=name,
        marker={
            "symbol": symbol,
            "size": 11,
            "color": [COLOURS["ad"] if row.parts else NEUTRAL for row in rows],
            "line": {"width": 2},
        },
        customdata=[(alignment_words(row.alignment), "; ".join(row.objections) or "no objection") for row in rows],
        hovertemplate="%{text}: within-class KID %{x:.3f}<br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )
