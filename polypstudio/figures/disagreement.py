"""Where looks and evidence part: within-class KID against class alignment, one point an iteration."""

from __future__ import annotations

import plotly.graph_objects as go

from polypstudio.figures.style import COLOURS, GRID, NEUTRAL, error_bars, faded, new_figure, note
from polypstudio.findings.appearance import Comparison, appearance_against_evidence
from polypstudio.findings.words import alignment_words
from polypstudio.records import ReferenceEvidence

SYMBOLS = {"aligned": "circle", "class_ignored": "circle-open", "swapped": "x", "undecidable": "diamond-open"}
LABEL_STEPS = (18, 42, 66)  # pixels from a point to its label: neighbours by looks take turns, above and below
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
    for verdict, symbol in SYMBOLS.items():
        chosen = [row for row in rows if row.verdict == verdict]
        if chosen:
            _points(figure, chosen, symbol, MEANINGS[verdict])
    _label(figure, rows)
    figure.update_xaxes(title_text="← looks less real · within-class KID · looks more real →", autorange="reversed")
    figure.update_yaxes(title_text="class alignment A")
    return figure


def _label(figure: go.Figure, rows: list[Comparison]) -> None:
    """Names the points by iteration, so that those of one place can still be told apart."""
    placed = sorted((row for row in rows if row.alignment.value is not None), key=lambda row: row.within)
    for position, row in enumerate(placed):
        distance = LABEL_STEPS[position // 2 % len(LABEL_STEPS)]
        figure.add_annotation(
            x=row.within,
            y=row.alignment.value,
            text=str(row.iteration),
            ax=0,
            ay=-distance if position % 2 else distance,
            showarrow=True,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=GRID,
            standoff=6,
        )


def _points(figure: go.Figure, rows: list[Comparison], symbol: str, name: str) -> None:
    bars = error_bars([row.alignment for row in rows], faded(NEUTRAL, 0.6))
    figure.add_scatter(
        x=[row.within for row in rows],
        y=[row.alignment.value for row in rows],
        error_y=bars,
        mode="markers",
        text=[str(row.iteration) for row in rows],
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
