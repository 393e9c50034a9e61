"""The configuration of fine-tuning and sampling as a form: one list of fields says what the form holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr
from pydantic import BaseModel, ValidationError

from polypstudio.config import PRESETS, StudyConfig, TrainingConfig, describe, tiny_training
from polypstudio.errors import UserError


class Field(NamedTuple):
    """One value of ``study.toml``: its place, and how the form names and asks for it."""

    path: str
    label: str
    kind: str  # integer, number, text, list (separated by commas), or the choices separated by |


FORM: tuple[tuple[str, tuple[tuple[Field, ...], ...]], ...] = (
    (
        "Stage 1 · polyp_prior: polyp and non-polyp frames, prompts of quality",
        (
            (
                Field("training.stages.0.steps", "Steps", "integer"),
                Field("training.stages.0.learning_rate", "Learning rate", "number"),
                Field("training.stages.0.ema_decay", "EMA decay", "number"),
            ),
        ),
    ),
    (
        "Stage 2 · pathology: AD and Non-AD of high quality, an iteration every few steps",
        (
            (
                Field("training.stages.1.steps", "Steps", "integer"),
                Field("training.stages.1.checkpoint_every", "An iteration every", "integer"),
                Field("training.stages.1.learning_rate", "Learning rate", "number"),
                Field("training.stages.1.ema_decay", "EMA decay", "number"),
            ),
            (
                Field("training.stages.1.sources.0.ratio", "Weight of AD, Non-AD", "number"),
                Field("training.stages.1.sources.1.ratio", "Weight of rehearsal", "number"),
                Field("training.stages.1.sources.2.ratio", "Weight of unlabelled", "number"),
            ),
            (Field("training.stages.1.frozen", "Frozen U-Net parameters, by prefix", "list"),),
        ),
    ),
    (
        "Both stages",
        (
            (
                Field("training.base", "Base model", "text"),
                Field("training.resolution", "Resolution", "integer"),
                Field("training.precision", "Precision", "no|bf16|fp16"),
            ),
            (
                Field("training.batch_size", "Batch size", "integer"),
                Field("training.gradient_accumulation", "Accumulation", "integer"),
                Field("training.caption_dropout", "Caption dropout", "number"),
                Field("training.seed", "Seed", "integer"),
                Field("training.save_state_every", "Save state every", "integer"),
            ),
        ),
    ),
    (
        "Sampling: the same noise per class and index at every iteration",
        (
            (
                Field("sampling.per_class", "Per class", "integer"),
                Field("sampling.steps", "Sampler steps", "integer"),
                Field("sampling.guidance", "Guidance", "number"),
                Field("sampling.batch_size", "Batch size", "integer"),
                Field("sampling.seed", "Seed", "integer"),
            ),
        ),
    ),
)
FIELDS = tuple(field for _, rows in FORM for row in rows for field in row)


def component(field: Field) -> gr.components.Component:
    """The input of a field; what it accepts is decided by the configuration alone."""
    common: dict[str, Any] = {"label": field.label, "min_width": 220 if field.kind in ("text", "list") else 90}
    if "|" in field.kind:
        return gr.Dropdown(field.kind.split("|"), **common)
    if field.kind in ("integer", "number"):
        return gr.Number(precision=0 if field.kind == "integer" else None, **common)
    return gr.Textbox(max_lines=1, **common)


def form_values(config: StudyConfig) -> list[Any]:
    """What the form shows of a configuration; a study without [training] shows the tiny preset."""
    shown = config if config.training else config.model_copy(update={"training": tiny_training()})
    values = [_at(shown, field.path.split(".")) for field in FIELDS]
    return [", ".join(value) if isinstance(value, tuple) else value for value in values]


def preset_values(config: StudyConfig, preset: str) -> list[Any]:
    """As :func:`form_values`, with a preset's training."""
    return form_values(config.model_copy(update={"training": PRESETS[preset]()}))


def changed_config(config: StudyConfig, values: Sequence[Any]) -> StudyConfig:
    """The configuration with the form's values. Raises UserError naming the wrong field in one line."""
    training: TrainingConfig = config.training or tiny_training()
    data = config.model_copy(update={"training": training}).model_dump(mode="python")
    for field, value in zip(FIELDS, values, strict=True):
        *sections, name = field.path.split(".")
        section: Any = data
        for part in sections:
            section = section[int(part) if part.isdigit() else part]
        section[name] = _parsed(field, value)
    try:
        return StudyConfig.model_validate(data)
    except ValidationError as error:
        raise UserError(f"not saved: {describe(error)}") from None


def _at(model: BaseModel, path: Sequence[str]) -> Any:
    value: Any = model
    for part in path:
        value = value[int(part)] if part.isdigit() else getattr(value, part)
    return value


def _parsed(field: Field, value: Any) -> Any:
    if field.kind == "list":
        return tuple(part.strip() for part in str(value or "").split(",") if part.strip())
    return value.strip() if isinstance(value, str) else value
