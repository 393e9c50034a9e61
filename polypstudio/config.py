"""A study's configuration: frozen pydantic models <-> ``study.toml``.

Everything a run needs is in here, so that a copy of it in an iteration's manifest says how that iteration came to be.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from polypstudio.errors import UserError

Ratio = Annotated[float, Field(ge=0)]
LayoutName = Literal["folder", "phantom", "sun", "sun-seg", "clinichd-segment", "clinichd-classif"]
LAYOUTS: tuple[LayoutName, ...] = get_args(LayoutName)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSource(Section):
    """A dataset beside the study's own, such as SUN for the first stage: an absolute path, and how its files lie."""

    path: str
    layout: LayoutName


class DataConfig(Section):
    """Where the real images are. A relative ``path`` starts at the study's folder."""

    path: str
    layout: LayoutName = "folder"
    also: tuple[DataSource, ...] = Field((), description="datasets that are added to it")
    definition: str = Field(
        "Labels as the dataset gives them; the dataset's own definition was not entered.",
        description="what ad and non_ad mean in this dataset: histology or endoscopist, where serrated lesions go",
    )
    phantom: bool = Field(False, description="procedural images, labelled a phantom wherever they are shown")


class PriorStage(Section):
    """Stage 1, ``polyp_prior``: many polyp and non-polyp frames with quality prompts."""

    steps: int = Field(ge=0)
    learning_rate: float = Field(1e-3, gt=0)
    ema_decay: float = Field(0.995, ge=0, lt=1)


class Mixture(Section):
    """Relative weights of what a batch of the pathology stage is drawn from."""

    labelled: Ratio = 0.75
    rehearsal: Ratio = 0.15
    unlabelled: Ratio = 0.10

    @model_validator(mode="after")
    def _something_labelled(self) -> Mixture:
        if self.labelled <= 0:
            raise ValueError("the share of labelled images must be above 0")
        return self


class PathologyStage(Section):
    """Stage 2, ``pathology``: AD/Non-AD of high quality, part of the U-Net encoder frozen."""

    steps: int = Field(gt=0)
    checkpoint_every: int = Field(gt=0)
    learning_rate: float = Field(3e-4, gt=0)
    ema_decay: float = Field(0.99, ge=0, lt=1)
    mixture: Mixture = Mixture()
    frozen: tuple[str, ...] = Field(
        ("conv_in", "time_embedding", "down_blocks.0"), description="prefixes of U-Net parameter names"
    )

    @model_validator(mode="after")
    def _at_least_one_checkpoint(self) -> PathologyStage:
        if self.checkpoint_every > self.steps:
            raise ValueError(
                f"checkpoint_every ({self.checkpoint_every}) is larger than steps ({self.steps}): no checkpoint "
                "would be saved; make it at most the number of steps"
            )
        return self

    @property
    def checkpoints(self) -> list[int]:
        """The iterations at which the stage saves, e.g. [1000, 2000, …]."""
        return list(range(self.checkpoint_every, self.steps + 1, self.checkpoint_every))


class TrainingConfig(Section):
    """How the two stages of fine-tuning run."""

    base: str = Field("tiny", description="`tiny` (ships with PolypStudio), a diffusers folder, or a hub name")
    resolution: int = Field(128, ge=32)
    batch_size: int = Field(16, gt=0)
    gradient_accumulation: int = Field(1, gt=0)
    precision: Literal["no", "bf16", "fp16"] = "no"
    caption_dropout: float = Field(0.1, ge=0, lt=1)
    seed: int = 0
    save_state_every: int = Field(100, gt=0, description="optimizer steps between two resumable states")
    polyp_prior: PriorStage
    pathology: PathologyStage


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
        polyp_prior=PriorStage(steps=1600),
        pathology=PathologyStage(steps=1280, checkpoint_every=160),
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
        polyp_prior=PriorStage(steps=20_000, learning_rate=1e-5, ema_decay=0.9999),
        pathology=PathologyStage(steps=8000, checkpoint_every=1000, learning_rate=1e-5, ema_decay=0.999),
    )


PRESETS = {"tiny": tiny_training, "paper": paper_training}
