"""The Iterations tab's custom component: an empty element that the scripts under ``static/iterations`` fill."""

from __future__ import annotations

import gradio as gr

from polypstudio.ui.theme import STATIC_ADDRESS

# `watch` calls back when an event in Python changes the value: another choice in the header, or a new version.
SCRIPT = f"""
import("{STATIC_ADDRESS}/iterations/main.js").then(({{ mount }}) => {{
  const view = mount(element);
  view.show(props.value);
  watch("value", () => view.show(props.value));
}});
"""


def iterations_component() -> gr.HTML:
    """Shows one study's iterations. Its value says which: {study, encoder, reference, version}.

    The browser gets the study's view from the server's own route, not through Gradio, which would compare and copy it at
    each change; scrubbing asks no server at all. (A subclass of gr.HTML would do the same, but Gradio writes a ``.pyi``
    beside the module of each subclass.)
    """
    return gr.HTML(
        html_template='<div class="ps-iterations"></div>',
        js_on_load=SCRIPT,
        apply_default_css=False,
        elem_id="iterations",
    )
