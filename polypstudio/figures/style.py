"""The look of all figures: one palette that colour-blind readers can tell apart, on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from polypstudio.records import Alignment, Estimate

COLOURS: dict[str, str] = {"ad": "#D55E00", "non_ad": "#0072B2"}  # Okabe & Ito: vermillion and blue
NEUTRAL = "#767b85"  # readable on white and on near-black alike
GRID = "rgba(128, 134, 146, 0.22)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
CLEAR = "rgba(0, 0, 0, 0)"
LINE = 2.2
MARKER = 8

CONFIG: dict[str, Any] = {"displaylogo": False, "displayModeBar": False, "responsive": True}

_AXIS = {
    "gridcolor": GRID,
    "linecolor": GRID,
    "zerolinecolor": GRID,
    "ticks": "outside",
    "tickcolor": GRID,
    "automargin": True,
    "title": {"font": {"size": 12.5}},
}

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12.5, "color": NEUTRAL},
        "title": {"font": {"size": 14}, "x": 0, "xanchor": "left", "xref": "paper", "y": 1, "yanchor": "top",
                  "yref": "container", "pad": {"t": 8}},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "colorway": [COLOURS["ad"], COLOURS["non_ad"], NEUTRAL],
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        "margin": {"l": 56, "r": 16, "t": 60, "b": 44},
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "hovermode": "closest",
    }
)  # fmt: skip


def new_figure(title: str = "", height: int = 300, legend: bool = True, **layout: Any) -> go.Figure:
    """An empty figure in the common look; ``layout`` as in plotly's ``update_layout``."""
    figure = go.Figure()
    figure.update_layout(template=TEMPLATE, height=height, title_text=title, showlegend=legend)
    if not legend or not title:
        figure.update_layout(margin_t=36)
    return figure.update_layout(**layout)


def faded(colour: str, opacity: float) -> str:
    """``#rrggbb`` as an rgba colour of that opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def error_bars(estimates: Sequence[Estimate | Alignment], colour: str) -> dict[str, Any]:
    """Intervals as plotly's asymmetric error bars; none where a value or an interval is missing."""
    known = [(e.value, e.ci) if e.value is not None and e.ci is not None else (0.0, (0.0, 0.0)) for e in estimates]
    return {
        "type": "data",
        "symmetric": False,
        "array": [ci[1] - value for value, ci in known],
        "arrayminus": [value - ci[0] for value, ci in known],
        "color": colour,
        "thickness": 1.2,
        "width": 3,
    }


def marker(colour: str, real: bool = False, size: int = MARKER) -> dict[str, Any]:
    """Real images are filled, synthetic ones open."""
    inside = colour if real else CLEAR
    return {"size": size, "color": inside, "line": {"color": colour, "width": 2}, "symbol": "circle"}


def note(figure: go.Figure, text: str) -> go.Figure:
    """A figure that has nothing to draw says why."""
    figure.add_annotation(text=text, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font={"size": 13})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure
