"""The draft of a configuration of fine-tuning and sampling: lists of fields say what it holds, whatever the stages are.

A draft is what the inputs of a form hold, as nested dicts and lists of texts; it may be wrong until it is saved. What an
input accepts is decided by the configuration alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from polypstudio.config import FROZEN_PRESETS, PRESETS, SourceConfig, StageConfig, StudyConfig, describe, tiny_training
from polypstudio.errors import UserError

Draft = dict[str, Any]


class Field(NamedTuple):
    """One value of ``study.toml``: its place, and how the form names and asks for it."""

    path: str
    label: str
    kind: str  # number, text, list (separated by commas), frozen, labels, boolean, or the choices separated by |
    hint: str = ""  # shown in an empty input: what leaving it empty means, or what to type
    wide: bool = False


LABELS = {"ad": "AD", "non_ad": "Non-AD", "unlabelled": "unlabelled polyps", "non_polyp": "without polyp"}

STAGE = (
    Field("name", "Name", "text"),
    Field("steps", "Steps", "number"),
    Field("checkpoint_every", "A checkpoint every", "number", "at the end"),
    Field("learning_rate", "Learning rate", "number"),
    Field("warm_up", "Warm-up steps", "number", "a twentieth"),
    Field("ema_decay", "EMA decay", "number"),
    Field("frozen", "Frozen U-Net parameters", "frozen", "a preset, or patterns with commas", True),
    Field("trainable", "Trainable parameters", "list", "all that is not frozen", True),
)
SOURCE = (
    Field("name", "Name", "text"),
    Field("ratio", "Ratio", "number", "the whole batch"),
    Field("balance", "Balanced over", "images|classes"),
    Field("quality", "Quality", "|high|low", "any"),
    Field("min_sharpness", "Least sharpness", "number", "0 to 1"),
    Field("labels", "Images", "labels", "", True),
    Field("prompt", "Prompt", "text", "knows {class}, {polyp} and {quality}", True),
)
COMMON = (
    Field("base", "Base model", "text", "tiny, a diffusers folder, or a name on the hub", True),
    Field("resolution", "Resolution", "number"),
    Field("precision", "Precision", "no|bf16|fp16"),
    Field("method", "Method", "full|lora"),
    Field("lora.rank", "LoRA rank", "number"),
    Field("lora.alpha", "LoRA alpha", "number"),
    Field("batch_size", "Batch size", "number"),
    Field("gradient_accumulation", "Accumulation", "number"),
    Field("caption_dropout", "Caption dropout", "number"),
    Field("min_snr_gamma", "Min-SNR γ", "number", "off"),
    Field("seed", "Seed", "number"),
    Field("save_state_every", "Save state every", "number", "steps"),
    Field("held_out_images", "Held-out a class", "number", "0: none"),
    Field("previews", "Previews a class", "number", "0: none"),
    Field("gradient_checkpointing", "Gradient checkpointing", "boolean"),
    Field("tensorboard", "TensorBoard", "boolean"),
)
SAMPLING = (
    Field("per_class", "Images a class", "number"),
    Field("steps", "Sampler steps", "number"),
    Field("guidance", "Guidance", "number"),
    Field("batch_size", "At once", "number"),
    Field("seed", "Seed of the noise", "number"),
)


def draft_of(config: StudyConfig) -> Draft:
    """What the form shows of a configuration; a study without [training] shows the tiny preset."""
    training = config.training or tiny_training()
    return {
        "training": _shown(training, COMMON),
        "stages": [
            {**_shown(stage, STAGE), "sources": [_shown(source, SOURCE) for source in stage.sources]}
            for stage in training.stages
        ],
        "sampling": _shown(config.sampling, SAMPLING),
    }


def received(values: Mapping[str, Any]) -> Draft:
    """The draft that a browser sends: names such as ``stages.0.sources.1.ratio`` with their values."""
    draft: Draft = {"training": {}, "stages": [], "sampling": {}}
    for name, value in values.items():
        part: Any = draft
        *parents, last = name.split(".")
        if not parents or parents[0] not in draft:
            continue
        for parent, child in zip(parents, [*parents[1:], last], strict=True):
            part = _entered(part, parent, [] if child.isdigit() else {})
            if part is None:
                break
        if isinstance(part, dict):
            part[last] = value
    return draft


def changed(draft: Draft, act: str, stage: int = -1, source: int = -1) -> Draft:
    """The draft after a button was pressed that adds, removes or moves a stage or a source."""
    stages = draft["stages"]
    if act == "add-stage":
        stages.append({**_shown(_new_stage(len(stages) + 1), STAGE), "sources": [_shown(SourceConfig(), SOURCE)]})
    elif act == "remove-stage" and len(stages) > 1:
        del stages[stage]
    elif act == "raise-stage" and stage > 0:
        stages.insert(stage - 1, stages.pop(stage))
    elif act == "add-source":
        stages[stage]["sources"].append(_shown(SourceConfig(ratio=0.1), SOURCE))
    elif act == "remove-source" and len(stages[stage]["sources"]) > 1:
        del stages[stage]["sources"][source]
    return draft


def preset_draft(config: StudyConfig, preset: str) -> Draft:
    """As :func:`draft_of`, with a preset's training."""
    return draft_of(config.model_copy(update={"training": PRESETS[preset]()}))


def saved_config(config: StudyConfig, draft: Draft) -> StudyConfig:
    """The configuration with the draft's values. Raises UserError naming the wrong field in one line."""
    data = config.model_dump(mode="python")
    stages = [
        {**_parsed(stage, STAGE), "sources": [_parsed(source, SOURCE) for source in stage.get("sources", [])]}
        for stage in draft["stages"]
    ]
    kept = (data["training"] or {}).get("lora", {})
    training = _parsed(draft["training"], COMMON)
    training["lora"] = kept | training.get("lora", {})
    data["training"] = training | {"stages": stages}
    data["sampling"] |= _parsed(draft["sampling"], SAMPLING)
    try:
        return StudyConfig.model_validate(data)
    except ValidationError as error:
        raise UserError(f"not saved: {describe(error)}") from None


def _shown(model: BaseModel, fields: tuple[Field, ...]) -> Draft:
    shown: Draft = {}
    for field in fields:
        value: Any = model
        for part in field.path.split("."):
            value = getattr(value, part)
        *parents, last = field.path.split(".")
        place = shown.setdefault(parents[0], {}) if parents else shown
        place[last] = _text(field, value)
    return shown


def _text(field: Field, value: Any) -> Any:
    if field.kind == "frozen":
        return next((name for name, patterns in FROZEN_PRESETS.items() if patterns == value), ", ".join(value))
    if field.kind == "labels":
        return list(value)
    if field.kind == "list":
        return ", ".join(value)
    return value if value is None or isinstance(value, bool) else str(value)


def _parsed(values: Draft, fields: tuple[Field, ...]) -> Draft:
    """The values as the configuration takes them; what is not a number is for it to say."""
    parsed: Draft = {}
    for field in fields:
        value = found(values, field.path)
        if (field.kind == "frozen" and value not in FROZEN_PRESETS) or field.kind == "list":
            value = tuple(part.strip() for part in str(value or "").split(",") if part.strip())
        elif isinstance(value, str):
            value = value.strip()
            value = None if not value and field.kind != "text" else value
        *parents, last = field.path.split(".")
        (parsed.setdefault(parents[0], {}) if parents else parsed)[last] = value
    return parsed


def found(values: Draft, path: str) -> Any:
    value: Any = values
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _entered(part: Any, key: str, empty: Any) -> Any:
    """The part of a draft under a key, made where it is missing; None where a browser's name makes no sense."""
    if isinstance(part, dict):
        return part.setdefault(key, empty)
    if not isinstance(part, list) or not key.isdigit() or int(key) > len(part):
        return None
    if int(key) == len(part):
        part.append(empty)
    return part[int(key)]


def _new_stage(number: int) -> StageConfig:
    return StageConfig(
        name=f"stage_{number}", steps=1000, learning_rate=1e-4, ema_decay=0.99, sources=(SourceConfig(),)
    )
