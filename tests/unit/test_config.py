"""The configuration: what goes out comes back, and a mistake names its field."""

from __future__ import annotations

import pytest

from polypstudio.config import DataConfig, StudyConfig, format_config, paper_training, parse_config, tiny_training
from polypstudio.errors import UserError


def config() -> StudyConfig:
    return StudyConfig(title="A study", data=DataConfig(path="data"), training=tiny_training())


def test_round_trip_through_toml() -> None:
    for training in (tiny_training(), paper_training(), None):
        written = config().model_copy(update={"training": training})
        assert parse_config(format_config(written), "study.toml") == written


def test_the_paper_preset_has_the_papers_eight_checkpoints() -> None:
    assert paper_training().pathology.checkpoints == [1000 * n for n in range(1, 9)]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("guidance =", "guidence =", "sampling.guidence"),
        ("per_class = 32", "per_class = 0", "sampling.per_class"),
        ('title = "A study"', "", "title"),
        ('layout = "folder"', 'layout = "heap"', "data.layout"),
        ("checkpoint_every = 160", "checkpoint_every = 9999", "larger than steps"),
        ("labelled = 0.75", "labelled = 0.0", "labelled"),
        ("steps = 1280", 'steps = "many"', "training.pathology.steps"),
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
