"""The configuration: what goes out comes back, and a mistake names its field."""

from __future__ import annotations

import pytest

from polypstudio.config import (
    FROZEN_PRESETS,
    DataConfig,
    SourceConfig,
    StageConfig,
    StudyConfig,
    format_config,
    paper_training,
    parse_config,
    pathology_stage,
    tiny_training,
)
from polypstudio.errors import UserError


def config() -> StudyConfig:
    return StudyConfig(title="A study", data=DataConfig(path="data"), training=tiny_training())


def test_round_trip_through_toml() -> None:
    for training in (tiny_training(), paper_training(), None):
        written = config().model_copy(update={"training": training})
        assert parse_config(format_config(written), "study.toml") == written


def test_the_paper_preset_has_the_papers_eight_checkpoints() -> None:
    assert paper_training().checkpoints == [1000 * n for n in range(1, 9)]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("guidance =", "guidence =", "sampling.guidence"),
        ("per_class = 32", "per_class = 0", "sampling.per_class"),
        ('title = "A study"', "", "title"),
        ('layout = "folder"', 'layout = "heap"', "data.layout"),
        ("checkpoint_every = 160", "checkpoint_every = 9999", "larger than steps"),
        ("ratio = 0.75", "ratio = -1.0", "training.stages.1.sources.0.ratio"),
        ("steps = 1280", 'steps = "many"', "training.stages.1.steps"),
        ('name = "pathology"', 'name = "polyp_prior"', "two stages are called polyp_prior"),
        ("{class}, {quality}", "{colour}", "a template knows {class}, {polyp}, {quality}, not {colour}"),
        ("{class}, {quality}", "{class", "not a template"),
        ("{class}, {quality}", "{polyp}, {quality}", "pathology, has no source with ad among its labels and {class}"),
    ],
)
def test_a_wrong_field_is_named_in_one_line(old: str, new: str, field: str) -> None:
    text = format_config(config())
    assert old in text
    with pytest.raises(UserError) as raised:
        parse_config(text.replace(old, new), "my/study.toml")
    message = str(raised.value)
    assert field in message
    assert message.startswith("my/study.toml: ")
    assert "\n" not in message


def test_broken_toml_is_one_line() -> None:
    with pytest.raises(UserError, match=r"not valid TOML"):
        parse_config("title = ", "study.toml")


TWO_STAGES = """
title = "As it was written before stages were a list"
[data]
path = "data"
[training]
[training.polyp_prior]
steps = 1600
learning_rate = 0.001
[training.pathology]
steps = 1280
checkpoint_every = 160
frozen = ["conv_in", "time_embedding", "down_blocks.0"]
[training.pathology.mixture]
labelled = 0.75
rehearsal = 0.15
unlabelled = 0.1
"""


def test_the_two_fixed_stages_of_earlier_studies_are_read() -> None:
    assert parse_config(TWO_STAGES, "study.toml").training == tiny_training()
    without = parse_config(TWO_STAGES.replace("steps = 1600", "steps = 0"), "study.toml").training
    assert without is not None
    assert [stage.name for stage in without.stages] == ["pathology"]
    for old, new, said in (
        ("labelled = 0.75", "labeled = 0.75", "unknown key `training.stages.1.mixture.labeled`"),
        ("steps = 1280", "", "`training.stages.1.steps` is missing"),
        ("checkpoint_every = 160", "checkpoint_every = 9999", "larger than steps"),
    ):
        with pytest.raises(UserError, match=said):
            parse_config(TWO_STAGES.replace(old, new), "study.toml")


def test_a_preset_of_frozen_parts_is_its_patterns() -> None:
    for name, patterns in FROZEN_PRESETS.items():
        for given in (name, [name]):
            stage = pathology_stage(6, 3).model_dump() | {"frozen": given}
            assert StageConfig.model_validate(stage).frozen == patterns
    assert StageConfig.model_validate(pathology_stage(6, 3).model_dump() | {"frozen": ["mid_block"]}).frozen == (
        "mid_block",
    )


def test_ratios_that_sum_to_0_or_are_missing_are_refused() -> None:
    stage = pathology_stage(6, 3).model_dump()
    for ratios, said in (((0, 0, 0), "sum to 0"), ((1, None, 1), "give each of them a ratio")):
        sources = [source | {"ratio": ratio} for source, ratio in zip(stage["sources"], ratios, strict=True)]
        with pytest.raises(ValueError, match=said):
            StageConfig.model_validate(stage | {"sources": sources})
    StageConfig.model_validate(stage | {"sources": [SourceConfig()]})


def test_single_precision_has_two_names() -> None:
    section = tiny_training().model_dump() | {"precision": "fp32"}
    assert type(tiny_training()).model_validate(section).precision == "no"
