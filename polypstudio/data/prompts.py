"""The words a diffusion model is told for each class."""

from __future__ import annotations

from typing import Literal, get_args

from polypstudio.records import Label

Quality = Literal["high", "low"]

NEGATIVE = ""  # the empty prompt is what caption dropout trains as "unconditional"

_SUBJECTS: dict[Label, str] = {
    "ad": "an adenomatous polyp",
    "non_ad": "a non-adenomatous polyp",
    "unlabelled": "a polyp",
    "non_polyp": "the colon without a polyp",
}


def prompt(label: Label, quality: Quality = "high") -> str:
    """The prompt of one class at one image quality."""
    return f"a colonoscopy image of {_SUBJECTS[label]}, {quality} quality"


def all_prompts() -> list[str]:
    """Every prompt that :func:`prompt` can give: what a tokenizer has to know."""
    return [prompt(label, quality) for label in get_args(Label) for quality in get_args(Quality)]
