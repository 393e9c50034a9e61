"""The dashboard: a header that says which study, by which encoder, against which real images; and the tabs below it."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from polypstudio.errors import UserError
from polypstudio.findings import paper
from polypstudio.store.studies import load_config
from polypstudio.ui.choices import encoder_choices, reference_choices, study_choices
from polypstudio.ui.context import StudyContext
from polypstudio.ui.tabs import augmentation, findings, fine_tune, iterations, readers, study
from polypstudio.ui.theme import STATIC, STATIC_ADDRESS

TABS = (
    ("Study", study),
    ("Fine-tune", fine_tune),
    ("Iterations", iterations),
    ("Augmentation", augmentation),
    ("Readers", readers),
    ("Findings", findings),
)
BRAND = """
<div class="ps-brand"><b>PolypStudio</b>
<span>Does an image that looks right <em>mean</em> the right thing?</span></div>
"""
DOORS = """
<div class="ps-doors">
<button type="button" class="ps-dark" aria-label="Light or dark" title="Light or dark"
 onclick="polypstudio.switchTheme()"><span aria-hidden="true">◐</span></button>
<a class="ps-door" href="/read" target="_blank" rel="noopener">Rate images</a></div>
"""
# The heaviest script of the page runs, and those of its heaviest tab are fetched, while the page itself is being built.
HEAD = "".join(
    [
        f'<script src="{STATIC_ADDRESS}/page.js"></script>',
        f'<script id="plotly" async src="{STATIC_ADDRESS}/plotly/plotly.min.js"></script>',
        f'<script type="module" src="{STATIC_ADDRESS}/iterations/main.js"></script>',
        *(
            f'<link rel="modulepreload" href="{STATIC_ADDRESS}/iterations/{module.name}">'
            for module in sorted((STATIC / "iterations").glob("*.js"))
        ),
    ]
)


def build_studio(root: Path, demo: bool = False) -> gr.Blocks:
    """The dashboard over the studies in ``root``. ``demo``: everyone sees it, and the truth of its images is public."""
    with gr.Blocks(title="PolypStudio", analytics_enabled=False, fill_width=True) as page:
        context = _header(root, demo, page)
        # A visitor first reads what the question is; a researcher, or a link to a view, goes straight to the iterations.
        with gr.Tabs(selected="Study" if demo else "Iterations", elem_id="tabs") as tabs:
            for name, tab in TABS:
                with gr.Tab(name, id=name):
                    tab.build(context)
        if demo:
            page.load(_tab_of_link, None, tabs, queue=False, show_progress="hidden", api_visibility="private")
    return page


def _tab_of_link(request: gr.Request) -> Any:
    """The tab that the address asks for: one with iterations in it is a view of them."""
    return gr.Tabs(selected="Iterations") if "a" in dict(request.query_params) else gr.skip()


def _header(root: Path, demo: bool, page: gr.Blocks) -> StudyContext:
    """The header with its events: loading the page, and each choice in it, redraws the tabs."""
    with gr.Row(elem_id="header"):
        gr.HTML(BRAND, apply_default_css=False, js_on_load=None, elem_id="brand")
        chosen_study = gr.Dropdown([], label="Study", elem_id="study-choice", min_width=120, scale=2)
        phantom = gr.HTML("", apply_default_css=False, js_on_load=None, elem_id="phantom")
        encoder = gr.Dropdown([], label="Encoder", elem_id="encoder-choice", min_width=120)
        reference = gr.Dropdown([], label="Reference", elem_id="reference-choice", min_width=120)
        gr.HTML(DOORS, apply_default_css=False, js_on_load=None, elem_id="doors")
    version = gr.State(0)
    context = StudyContext(root, demo, page, chosen_study, encoder, reference, version)

    def open_page(request: gr.Request) -> tuple[Any, ...]:
        wanted = dict(request.query_params)
        choices, name = study_choices(root, wanted.get("study"))
        return gr.Dropdown(choices=choices, value=name), *describe(name, wanted.get("encoder"), wanted.get("reference"))

    def describe(name: str | None, encoder: str | None = None, reference: str | None = None) -> tuple[Any, ...]:
        return _describe(context, name, encoder, reference)

    event: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    about = [phantom, encoder, reference]
    context.refresh(page.load(open_page, None, [chosen_study, *about], **event))
    context.refresh(chosen_study.input(describe, chosen_study, about, **event))
    context.refresh(encoder.input(describe, context.choices, about, **event))
    context.refresh(reference.input(lambda: None, **event))
    return context


def _describe(context: StudyContext, name: str | None, encoder: str | None, reference: str | None) -> tuple[Any, ...]:
    """The phantom label, and the choices of encoder and reference, of a study; what is asked for is kept if it exists."""
    paths = context.selection(name, None, None).paths
    if paths is None:
        return (
            _label("read-only", paper.SOURCE) if name == paper.NAME else "",
            gr.Dropdown(choices=[], value=None),
            gr.Dropdown(choices=[], value=None),
        )
    try:
        encoders, encoder = encoder_choices(paths, encoder)
        references, reference = reference_choices(paths, encoder, reference)
        data = load_config(paths).data
    except UserError as error:
        raise gr.Error(str(error), title="This study cannot be read", print_exception=False) from None
    return (
        _label("phantom, not patients", data.definition) if data.phantom else "",
        gr.Dropdown(choices=encoders, value=encoder),
        gr.Dropdown(choices=references, value=reference),
    )


def _label(text: str, explained: str) -> str:
    return f'<span class="ps-phantom" title="{html.escape(explained)}">{text}</span>'
