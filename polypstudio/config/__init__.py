"""A study's configuration: frozen pydantic models <-> ``study.toml``.

Everything a run needs is in here, so that a copy of it in an iteration's manifest says how that iteration came to be.
"""

from __future__ import annotations

from polypstudio.config.data import LAYOUTS, DataConfig, DataSource, LayoutName
from polypstudio.config.presets import pathology_stage, prior_stage
from polypstudio.config.stages import (
    CLASS_PROMPT,
    FROZEN_PRESETS,
    POLYP_PROMPT,
    SourceConfig,
    StageConfig,
)
from polypstudio.config.study import (
    PRESETS,
    ClassificationConfig,
    EvaluationConfig,
    SamplingConfig,
    StudyConfig,
    describe,
    format_config,
    paper_training,
    parse_config,
    tiny_training,
)
from polypstudio.config.training import LoraConfig, TrainingConfig

__all__ = [
    "CLASS_PROMPT",
    "FROZEN_PRESETS",
    "LAYOUTS",
    "POLYP_PROMPT",
    "PRESETS",
    "ClassificationConfig",
    "DataConfig",
    "DataSource",
    "EvaluationConfig",
    "LayoutName",
    "LoraConfig",
    "SamplingConfig",
    "SourceConfig",
    "StageConfig",
    "StudyConfig",
    "TrainingConfig",
    "describe",
    "format_config",
    "paper_training",
    "parse_config",
    "pathology_stage",
    "prior_stage",
    "tiny_training",
]
