"""What every tab is built with: the root, the header's choices, and loaders of what a study holds.

A tab is built once. What it shows is redrawn by functions registered with :meth:`StudyContext.on_selection`: they get
the :class:`Selection` of the header and return the values of their output components. They run when the page is
loaded, when a choice in the header changes, and after :meth:`StudyContext.refresh`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from polypstudio.config import StudyConfig
from polypstudio.errors import UserError
from polypstudio.findings import paper
from polypstudio.records import (
    CoverageResult,
    KidResult,
    NeighbourResult,
    RealImage,
    ReferenceCoverage,
    ReferenceEvidence,
    TsneResult,
)
from polypstudio.store import results, studies
from polypstudio.store.paths import StudyPaths

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selection:
    """The header's choices: a study under ``root`` (None where there is none), an encoder and a reference."""

    root: Path
    study: str | None
    encoder: str | None
    reference: str
    is_paper: bool = False  # the paper's printed tables are chosen: no study, and only the tab Iterations shows them

    @property
    def paths(self) -> StudyPaths | None:
        """The chosen study, looked up among those under the root: a name from a browser never becomes a path."""
        return next((study for study in studies.list_studies(self.root) if study.name == self.study), None)

    def config(self) -> StudyConfig | None:
        paths = self.paths
        return studies.load_config(paths) if paths else None

    def images(self) -> list[RealImage]:
        """The real images of the study; [] before the first `run` or `evaluate`."""
        paths = self.paths
        return studies.load_index(paths) if paths else []

    def iterations(self) -> list[int]:
        """The complete iterations, ascending."""
        paths = self.paths
        return studies.complete_iterations(paths) if paths else []

    def result(self, kind: type[results.R]) -> results.R | None:
        """The stored result of that type by the chosen encoder, None where there is none yet."""
        paths = self.paths
        if paths is None or self.encoder not in results.result_names(paths, kind):  # a browser's name becomes no path
            return None
        return results.load_result(paths, kind, self.encoder)

    def kid(self) -> KidResult | None:
        return self.result(KidResult)

    def tsne(self) -> TsneResult | None:
        return self.result(TsneResult)

    def neighbours(self) -> NeighbourResult | None:
        return self.result(NeighbourResult)

    def evidence(self) -> ReferenceEvidence | None:
        """The KID evidence against the chosen reference."""
        kid = self.kid()
        return kid.references.get(self.reference) if kid else None  # type: ignore[call-overload]

    def coverage(self) -> ReferenceCoverage | None:
        """Precision, recall, density and coverage against the chosen reference."""
        result = self.result(CoverageResult)
        return result.references.get(self.reference) if result else None  # type: ignore[call-overload]


@dataclass(frozen=True)
class StudyContext:
    """What a tab's ``build`` gets. ``study``, ``encoder``, ``reference`` are the header's components."""

    root: Path
    demo: bool
    page: gr.Blocks
    study: gr.Dropdown
    encoder: gr.Dropdown
    reference: gr.Dropdown
    version: gr.State

    @property
    def choices(self) -> list[gr.Dropdown]:
        """The header's components, as inputs of an event."""
        return [self.study, self.encoder, self.reference]

    def selection(self, study: str | None, encoder: str | None, reference: str | None) -> Selection:
        """The selection of the values of :attr:`choices`."""
        is_paper = study == paper.NAME
        return Selection(self.root, None if is_paper else study, encoder, reference or "train", is_paper)

    def on_selection(self, render: Callable[..., Any], outputs: Any, inputs: Sequence[Any] = (), **event: Any) -> None:
        """Redraws ``outputs`` by ``render(selection, *inputs)`` whenever what is chosen, or its content, changes."""
        self.listen(self.version.change, render, outputs, inputs, show_progress="hidden", **event)

    def listen(
        self,
        trigger: Callable[..., Any],
        act: Callable[..., Any],
        outputs: Any = None,
        inputs: Sequence[Any] = (),
        **event: Any,
    ) -> Any:
        """``trigger`` (``button.click`` …) calls ``act(selection, *inputs)``; a UserError is shown as a notice.

        Returns Gradio's dependency, so that ``.then`` can follow.
        """

        @functools.wraps(act)
        def call(study: str | None, encoder: str | None, reference: str | None, *values: Any) -> Any:
            try:
                return act(self.selection(study, encoder, reference), *values)
            except UserError as error:
                raise gr.Error(str(error), title="This needs mending", print_exception=False) from None

        del call.__wrapped__  # Gradio reads the signature, which is this one
        event = {"api_visibility": "private", "queue": False} | event
        return trigger(call, inputs=[*self.choices, *inputs], outputs=outputs, **event)

    def on_act(self, block: gr.HTML, act: Callable[..., Any], outputs: Any = None, inputs: Sequence[Any] = ()) -> Any:
        """What ``acting_block`` is asked for: ``act(selection, asked, *inputs)``, where ``asked`` holds the pressed
        button's data, the choice of a list, and the values of all inputs of the block."""

        def call(
            study: str | None, encoder: str | None, reference: str | None, event: gr.EventData, *values: Any
        ) -> Any:
            try:
                return act(self.selection(study, encoder, reference), event._data or {}, *values)
            except UserError as error:
                raise gr.Error(str(error), title="This needs mending", print_exception=False) from None

        settings: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
        return block.submit(
            call, inputs=[*self.choices, *inputs], outputs=outputs, **settings
        )  # queued: notices need it

    def refresh(self, after: Any) -> Any:
        """Redraws all tabs after an event, e.g. ``context.refresh(context.listen(button.click, …))``."""
        # Through the queue: only there does Gradio tell the page that a gr.State has changed.
        event: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
        return after.then(lambda version: version + 1, self.version, self.version, **event)
