"""``study.toml`` as a whole: its remaining sections, and reading and writing it."""

from __future__ import annotations

import tomllib
from typing import Annotated

import tomli_w
from pydantic import Field, ValidationError

from polypstudio.config.data import DataConfig
from polypstudio.config.presets import pathology_stage, prior_stage
from polypstudio.config.section import Section
from polypstudio.config.training import TrainingConfig
from polypstudio.errors import UserError

PerplexityValue = Annotated[float, Field(gt=1)]


class SamplingConfig(Section):
    """How every iteration is sampled: the same noise per (class, index) at all of them."""

    per_class: int = Field(32, gt=0)
    steps: int = Field(20, gt=0)
    guidance: float = Field(5.0, ge=0)
    batch_size: int = Field(16, gt=0)
    seed: int = 1234


class EvaluationConfig(Section):
    """How the evidence is made."""

    encoder: str = "efficientnet-lite0"
    subsets: int = Field(100, gt=0)
    subset_size: int | None = Field(None, gt=1, description="default: min(100, half of the smallest set)")
    bootstrap: int = Field(1000, ge=100)
    permutations: int = Field(1999, ge=99)
    perplexity: float = Field(30.0, gt=1)
    neighbours: int = Field(10, gt=0)
    seed: int = 0
    coverage_neighbours: int | None = Field(
        None, gt=0, description="k of precision, recall, density and coverage; default: min(5, smallest set - 1)"
    )
    other_perplexities: tuple[PerplexityValue, ...] = Field((10.0, 50.0), description="of further t-SNE maps")
    other_seeds: tuple[int, ...] = Field((1,), description="of further t-SNE maps: what another start changes")


class ClassificationConfig(Section):
    """The augmentation test: real against real + synthetic."""

    model: str = Field("efficientnet-lite0", description="efficientnet-lite0 (offline ImageNet weights) or a timm name")
    pretrained: bool = True
    epochs: int = Field(6, gt=0)
    image_size: int = Field(128, ge=32)
    batch_size: int = Field(32, gt=0)
    learning_rate: float = Field(3e-4, gt=0)
    seeds: tuple[int, ...] = (0, 1, 2)
    iterations: tuple[int, ...] = Field((), description="empty: the last iteration only")
    synthetic_per_real: float = Field(0.5, gt=0)


class StudyConfig(Section):
    """``study.toml``."""

    title: str
    description: str = ""
    data: DataConfig
    training: TrainingConfig | None = Field(None, description="absent in a study that only imports iterations")
    sampling: SamplingConfig = SamplingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    classification: ClassificationConfig = ClassificationConfig()


def parse_config(text: str, where: str) -> StudyConfig:
    """Reads ``study.toml``; a wrong field ends in a UserError that names it. ``where`` names the file in the error."""
    try:
        return StudyConfig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{where}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise UserError(f"{where}: {describe(error)}") from None


def describe(error: ValidationError) -> str:
    """The first problem of a validation in one line: which field, what is wrong, what was given."""
    problem = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"]) or "the file"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"unknown key `{field}`: remove it, or look for a misspelling{more}"
    if problem["type"] == "missing":
        return f"`{field}` is missing: add it{more}"
    given = "" if isinstance(problem.get("input"), dict) else f", got {problem.get('input')!r}"
    return f"`{field}`: {problem['msg'].removeprefix('Value error, ')}{given}{more}"


def format_config(config: StudyConfig) -> str:
    """The text of ``study.toml`` (TOML has no null: unset fields are left out)."""
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))


def tiny_training() -> TrainingConfig:
    """Fine-tuning of the shipped tiny model that two CPU cores finish in minutes."""
    return TrainingConfig(
        base="tiny",
        stages=(prior_stage(steps=1600), pathology_stage(steps=1280, checkpoint_every=160)),
    )


def paper_training() -> TrainingConfig:
    """Our reading of the paper's run: Stable Diffusion 1.5, eight checkpoints from 1k to 8k of the pathology stage."""
    return TrainingConfig(
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        resolution=512,
        batch_size=4,
        gradient_accumulation=4,
        precision="fp16",
        save_state_every=500,
        stages=(
            prior_stage(steps=20_000, learning_rate=1e-5, ema_decay=0.9999),
            pathology_stage(steps=8000, checkpoint_every=1000, learning_rate=1e-5, ema_decay=0.999),
        ),
    )


PRESETS = {"tiny": tiny_training, "paper": paper_training}
