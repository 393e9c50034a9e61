"""The look that both apps share: system fonts (nothing is fetched), neutral ground, colour kept for the two classes."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).parent / "static"
STATIC_ADDRESS = "/polypstudio"
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def studio_theme() -> gr.themes.Base:
    """Slate on white or on near-black; small radii; text of 14 px."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.slate,
        text_size=gr.themes.sizes.text_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_sm,
        font=FONT,
        font_mono=MONO,
    ).set(
        body_background_fill="#f6f7f9",
        body_background_fill_dark="#0e1116",
        block_background_fill="#ffffff",
        block_background_fill_dark="#161b22",
        block_border_width="1px",
        block_shadow="none",
        button_primary_background_fill="*neutral_800",
        button_primary_background_fill_hover="*neutral_700",
        button_primary_background_fill_dark="*neutral_200",
        button_primary_background_fill_hover_dark="*neutral_100",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="*neutral_900",
        link_text_color="#0b5cad",
        link_text_color_dark="#7db7ff",
    )


def stylesheet(name: str) -> str:
    """The text of a stylesheet under ``static``."""
    return (STATIC / name).read_text()
