"""``[training]``: the stages of fine-tuning, and what they have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from polypstudio.config.presets import pathology_stage, prior_stage
from polypstudio.config.section import Section
from polypstudio.config.stages import StageConfig
from polypstudio.config.words import Pathology

_PATHOLOGIES: tuple[Pathology, ...] = ("ad", "non_ad")

Precision = Annotated[Literal["no", "bf16", "fp16"], BeforeValidator(lambda value: "no" if value == "fp32" else value)]


class LoraConfig(Section):
    """The adapters of ``method = "lora"``."""

    rank: int = Field(16, gt=0)
    alpha: int = Field(16, gt=0, description="the adapters' output is scaled by alpha / rank")
    targets: tuple[str, ...] = Field(
        ("to_q", "to_k", "to_v", "to_out.0"), min_length=1, description="ends of the names of the layers that get one"
    )


class TrainingConfig(Section):
    """How fine-tuning runs: a list of stages, each from the end of the one before."""

    base: str = Field("tiny", description="`tiny` (ships with PolypStudio), a diffusers folder, or a hub name")
    resolution: int = Field(128, ge=32)
    batch_size: int = Field(16, gt=0, description="images at once, over all processes")
    gradient_accumulation: int = Field(1, gt=0)
    gradient_checkpointing: bool = Field(False, description="saves memory; a step takes about a third longer")
    precision: Precision = "no"
    method: Literal["full", "lora"] = "full"
    lora: LoraConfig = LoraConfig()
    min_snr_gamma: float | None = Field(None, gt=0, description="min-SNR weighting of the loss, usually 5; unset: none")
    caption_dropout: float = Field(0.1, ge=0, lt=1)
    seed: int = 0
    save_state_every: int = Field(100, gt=0, description="optimizer steps between two resumable states")
    held_out_images: int = Field(
        32, ge=0, description="held-out images a class whose loss is measured at every checkpoint; 0: none"
    )
    previews: int = Field(2, ge=0, description="images a class drawn at every checkpoint, from the same noise; 0: none")
    tensorboard: bool = Field(False, description="write the log for TensorBoard too")
    stages: tuple[StageConfig, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _two_stages(cls, given: Any) -> Any:
        """Reads the two fixed stages of studies that were made before stages were a list."""
        if not isinstance(given, dict) or not given.keys() & {"polyp_prior", "pathology"}:
            return given
        rest = {key: value for key, value in given.items() if key not in ("polyp_prior", "pathology")}
        prior, pathology = given.get("polyp_prior") or {}, given.get("pathology") or {}
        stages = [_from_prior(prior)] if prior.get("steps") else []
        return rest | {"stages": [*stages, _from_pathology(pathology)]}

    @model_validator(mode="after")
    def _names_and_classes(self) -> TrainingConfig:
        names = [stage.name for stage in self.stages]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two stages are called {twice}: give each a name of its own")
        for label in _PATHOLOGIES:
            self.class_prompt(label)
        return self

    @property
    def checkpoints(self) -> list[int]:
        """The iterations that the study will have: the checkpoints of the last stage."""
        return self.stages[-1].checkpoints

    @property
    def images_per_step(self) -> int:
        """Images an optimizer step."""
        return self.batch_size * self.gradient_accumulation

    def class_prompt(self, label: Pathology) -> str:
        """The template of the words that the last stage learns a class with, and that it is drawn with afterwards."""
        last = self.stages[-1]
        for source in last.sources:
            if label in source.labels and "{class}" in source.prompt and source.ratio != 0:
                return source.prompt
        raise ValueError(
            f"the last stage, {last.name}, has no source with {label} among its labels and {{class}} in its prompt: "
            "it would not learn what to draw for that class"
        )


def _from_prior(given: dict[str, Any]) -> dict[str, Any]:
    """The stage that the old section ``[training.polyp_prior]`` stood for; what is wrong in it is found by the schema."""
    return prior_stage(steps=1).model_dump(exclude={"steps"}) | given


def _from_pathology(given: dict[str, Any]) -> dict[str, Any]:
    """As :func:`_from_prior`, of ``[training.pathology]`` with its ``mixture`` of ratios by source."""
    stage = pathology_stage(steps=1, checkpoint_every=1).model_dump(exclude={"steps", "checkpoint_every"})
    ratios = dict(given.get("mixture") or {})
    for source in stage["sources"]:
        source["ratio"] = ratios.pop(source["name"], source["ratio"])
    unknown = {f"mixture.{name}": ratio for name, ratio in ratios.items()}
    return stage | {key: value for key, value in given.items() if key != "mixture"} | unknown
