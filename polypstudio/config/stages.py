"""``[[training.stages]]``: what a stage of fine-tuning draws from, with which words, and what of the U-Net it trains."""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from polypstudio.config.section import Section
from polypstudio.config.words import LABELS, Label, Quality

CLASS_PROMPT = "a colonoscopy image of {class}, {quality} quality"
POLYP_PROMPT = "a colonoscopy image of {polyp}, {quality} quality"
PROMPT_WORDS = ("class", "polyp", "quality")

FROZEN_PRESETS: dict[str, tuple[str, ...]] = {
    "none": (),
    "first down block": ("conv_in", "time_embedding", "down_blocks.0"),
    "whole encoder": ("conv_in", "time_embedding", "down_blocks"),
}


def _patterns(value: Any) -> Any:
    """A preset's name, alone or as the only pattern, stands for its patterns."""
    name = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    return FROZEN_PRESETS.get(name, value) if isinstance(name, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_patterns)]


class SourceConfig(Section):
    """Training images that are drawn alike, and the words for them."""

    name: str = Field("", description="what messages call it; empty: its labels")
    labels: tuple[Label, ...] = Field(LABELS, min_length=1)
    ratio: float | None = Field(None, ge=0, description="share of a batch, relative to the stage's other sources")
    balance: Literal["images", "classes"] = Field(
        "images", description="whether every image of the source is drawn equally often, or every class"
    )
    quality: Quality | None = Field(None, description="only images of that quality; unset: all")
    min_sharpness: float = Field(0, ge=0, lt=1, description="measured sharpness (0 to 1) below which none is drawn")
    prompt: str = Field(CLASS_PROMPT, description="template over {class}, {polyp} and {quality}")

    @field_validator("prompt")
    @classmethod
    def _known_words(cls, prompt: str) -> str:
        try:
            words = [word for _, word, _, _ in string.Formatter().parse(prompt) if word is not None]
        except ValueError as error:
            raise ValueError(f"not a template ({error})") from None
        unknown = [word for word in words if word not in PROMPT_WORDS]
        if unknown:
            known = ", ".join(f"{{{word}}}" for word in PROMPT_WORDS)
            raise ValueError(f"a template knows {known}, not {{{unknown[0]}}}")
        return prompt

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name or ", ".join(self.labels)


class StageConfig(Section):
    """One stage. It starts from the U-Net at the end of the stage before; only the last one's checkpoints are iterations."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    steps: int = Field(gt=0)
    checkpoint_every: int | None = Field(
        None, gt=0, description="steps between two checkpoints; unset: at the end only"
    )
    learning_rate: float = Field(gt=0)
    warm_up: int | None = Field(
        None, ge=0, description="steps to the full learning rate; unset: a twentieth, at most 100"
    )
    ema_decay: float = Field(ge=0, lt=1)
    trainable: tuple[str, ...] = Field(
        (), description="patterns of U-Net parameters to be trained; empty: all not frozen"
    )
    frozen: Patterns = Field((), description="patterns of U-Net parameters that stay as they are, or a preset's name")
    sources: tuple[SourceConfig, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> StageConfig:
        every = self.checkpoint_every
        if every is not None and every > self.steps:
            raise ValueError(
                f"checkpoint_every ({every}) is larger than steps ({self.steps}): no checkpoint would be saved; make it "
                "at most the number of steps"
            )
        if self.warm_up is not None and self.warm_up > self.steps:
            raise ValueError(f"warm_up ({self.warm_up}) is larger than steps ({self.steps})")
        ratios = [source.ratio for source in self.sources]
        if len(ratios) > 1 and None in ratios:
            raise ValueError(f"stage {self.name} has {len(ratios)} sources: give each of them a ratio")
        if None not in ratios and not sum(ratio or 0 for ratio in ratios):
            raise ValueError(f"the ratios of stage {self.name}'s sources sum to 0: make one of them larger than 0")
        return self

    @property
    def checkpoints(self) -> list[int]:
        """The steps at which the stage saves, e.g. [1000, 2000, …]; its end is one of them unless it ends in between."""
        every = self.checkpoint_every or self.steps
        return list(range(every, self.steps + 1, every))
