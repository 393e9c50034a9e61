"""Iterations: one scrubber drives the images, the map, the matrix and the chart."""

from __future__ import annotations

from typing import Any

from polypstudio.findings import paper
from polypstudio.ui.components.iterations import iterations_component
from polypstudio.ui.context import Selection, StudyContext


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    view = iterations_component()
    context.on_selection(_chosen, outputs=view, inputs=[context.version])


def _chosen(selection: Selection, version: int) -> dict[str, Any]:
    """What the component is to show; the version makes it ask again after a job has changed the study."""
    return {
        "study": paper.NAME if selection.is_paper else selection.study,
        "encoder": selection.encoder,
        "reference": selection.reference,
        "version": version,
    }
