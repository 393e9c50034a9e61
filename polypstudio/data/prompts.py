"""The words a diffusion model is told for each class."""

from __future__ import annotations

from typing import get_args

from polypstudio.config import CLASS_PROMPT
from polypstudio.config.words import Quality
from polypstudio.records import Label

NEGATIVE = ""  # the empty prompt is what caption dropout trains as "unconditional"

_SUBJECTS: dict[Label, str] = {
    "ad": "an adenomatous polyp",
    "non_ad": "a non-adenomatous polyp",
    "unlabelled": "a polyp",
    "non_polyp": "the colon without a polyp",
}


def prompt(label: Label, quality: Quality = "high", template: str = CLASS_PROMPT) -> str:
    """The prompt of one class at one image quality.

    Of a template's words, ``{class}`` tells the classes apart and ``{polyp}`` only whether there is a polyp.
    """
    polyp = _SUBJECTS["non_polyp" if label == "non_polyp" else "unlabelled"]
    return template.format_map({"class": _SUBJECTS[label], "polyp": polyp, "quality": quality})


def all_prompts() -> list[str]:
    """Every prompt that :func:`prompt` can give: what a tokenizer has to know."""
    return [prompt(label, quality) for label in get_args(Label) for quality in get_args(Quality)]
