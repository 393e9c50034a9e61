"""The fine-tuning form: what it shows is what study.toml holds, and a wrong value is named."""

from __future__ import annotations

import pytest

from polypstudio.config import DataConfig, StudyConfig, paper_training, tiny_training
from polypstudio.errors import UserError
from polypstudio.ui.components.estimate import estimate, peak_memory_mb
from polypstudio.ui.components.training_form import FIELDS, changed_config, form_values, preset_values

CONFIG = StudyConfig(title="t", data=DataConfig(path="data"), training=tiny_training())


def position(path: str) -> int:
    return [field.path for field in FIELDS].index(path)


def changed(path: str, value: object) -> list[object]:
    values = form_values(CONFIG)
    values[position(path)] = value
    return values


def test_an_untouched_form_changes_nothing() -> None:
    assert changed_config(CONFIG, form_values(CONFIG)) == CONFIG


def test_a_value_reaches_its_place() -> None:
    config = changed_config(CONFIG, changed("training.stages.1.sources.1.ratio", 0.3))
    assert config.training is not None
    assert config.training.stages[1].sources[1].ratio == 0.3
    assert changed_config(CONFIG, changed("sampling.guidance", 3)).sampling.guidance == 3


def test_frozen_parameters_are_a_list_by_commas() -> None:
    config = changed_config(CONFIG, changed("training.stages.1.frozen", " conv_in , down_blocks.0,"))
    assert config.training is not None
    assert config.training.stages[1].frozen == ("conv_in", "down_blocks.0")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("training.stages.1.steps", 0, "training.stages.1.steps"),
        ("training.stages.0.ema_decay", 1.5, "training.stages.0.ema_decay"),
        ("training.resolution", None, "training.resolution"),
        ("training.stages.1.checkpoint_every", 9000, "checkpoint_every"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(path: str, value: object, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        changed_config(CONFIG, changed(path, value))
    assert "\n" not in str(error.value)


def test_presets_fill_the_form() -> None:
    values = preset_values(CONFIG, "paper")
    assert values[position("training.resolution")] == 512
    assert changed_config(CONFIG, values).training == paper_training()


def test_a_study_without_training_shows_the_tiny_preset() -> None:
    imported = CONFIG.model_copy(update={"training": None})
    assert form_values(imported) == form_values(CONFIG)


def test_the_estimate_is_measured_or_says_nothing() -> None:
    training = tiny_training()
    assert [stage.seconds for stage in estimate(training, [])] == [None, None]
    log = [
        {"stage": "polyp_prior", "step": 10, "images_per_second": speed, "memory_mb": 900.0} for speed in (80, 100, 900)
    ]
    prior, pathology = estimate(training, log)
    assert prior.seconds == 1600 * 16 / 100
    assert pathology.images_per_second == 100
    assert peak_memory_mb(log) == 900
    assert peak_memory_mb([]) is None
