"""Small pieces of HTML that the tabs share. Whatever is not :class:`Markup` already is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import gradio as gr
from markupsafe import Markup

from polypstudio.ui.theme import STATIC

Text = str | Markup


def block(elem_id: str) -> gr.HTML:
    """An empty HTML component without Gradio's own styles or scripts."""
    return gr.HTML("", apply_default_css=False, js_on_load=None, padding=False, elem_id=elem_id)


def acting_block(elem_id: str) -> gr.HTML:
    """As :func:`block`, with buttons and inputs that act: see ``StudyContext.on_act`` and ``static/acting.js``."""
    script = (STATIC / "acting.js").read_text()
    return gr.HTML("", apply_default_css=False, js_on_load=script, padding=False, elem_id=elem_id)


def button(text: str, act: str, kind: str = "", disabled: bool = False, **data: str) -> Markup:
    """A button that asks the server for ``act``; ``data`` goes along, ``sure`` is asked first."""
    more = join(Markup(' data-{}="{}"').format(name, value) for name, value in data.items())
    off = Markup(" disabled") if disabled else ""
    return Markup('<button type="button" class="pst-act {}" data-act="{}"{}{}>{}</button>').format(
        kind, act, more, off, text
    )


def join(parts: Iterable[Text]) -> Markup:
    """Pieces one after the other."""
    return Markup("").join(parts)


def element(tag: str, content: Text, kind: str = "") -> Markup:
    """``<tag class=kind>content</tag>``."""
    opening = Markup('<{} class="{}">').format(tag, kind) if kind else Markup("<{}>").format(tag)
    return opening + Markup("{}</{}>").format(content, tag)


def paragraph(content: Text, kind: str = "") -> Markup:
    return element("p", content, kind)


def heading(content: Text) -> Markup:
    return element("h3", content)


def card(*parts: Text, kind: str = "") -> str:
    """A panel, as the value of an HTML component."""
    return str(element("section", join(parts), f"pst-card {kind}".strip()))


def empty(what: str, todo: Text) -> str:
    """An empty state: what is not there, and what to do."""
    return card(element("b", what), paragraph(todo), kind="pst-empty")


def tables_only() -> str:
    """The empty state of a tab where the paper is chosen."""
    return empty(
        "The paper is here as printed tables only: they hold no such data.",
        "The tab Iterations shows what they allow one to say.",
    )


def code(text: str) -> Markup:
    return element("code", text)


def command_line(text: str) -> Markup:
    """A shell command that a click selects as a whole."""
    return element("pre", element("code", text), "pst-command")


def table(heads: Sequence[Text], rows: Iterable[Sequence[Text]], left: Sequence[int] = (0,), title: str = "") -> Markup:
    """A table whose numbers are right-aligned; ``left``: columns of words."""

    def line(tag: str, cells: Sequence[Text]) -> Markup:
        return element("tr", join(element(tag, c, "left" if i in left else "") for i, c in enumerate(cells)))

    caption = element("caption", title) if title else ""
    body = join(line("td", row) for row in rows)
    return element(
        "div",
        Markup("<table>{}<thead>{}</thead><tbody>{}</tbody></table>").format(caption, line("th", heads), body),
        "pst-table",
    )


def class_name(label: str, text: str) -> Markup:
    """A class's name with a dot in its colour."""
    return Markup('<span class="pst-class {}">{}</span>').format(label, text)


def pictures(addresses: Iterable[str], alt: str, kind: str = "") -> Markup:
    """Images in a row that wraps, loaded when they come into view."""
    images = join(
        Markup('<img src="{}" alt="{} {}" loading="lazy" width="72" height="72">').format(address, alt, i + 1)
        for i, address in enumerate(addresses)
    )
    return element("div", images, f"pst-pictures {kind}".strip())


def bar(done: float, total: float) -> Markup:
    """A progress bar."""
    return Markup('<progress value="{:g}" max="{:g}"></progress>').format(done, total or 1)


def duration(seconds: float) -> str:
    """40 s, 5 min, 2 h 10 min, 3 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 48 else f"{round(hours / 24)} days"
