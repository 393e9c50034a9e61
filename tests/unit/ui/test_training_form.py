"""The fine-tuning form: what it shows is what study.toml holds, whatever the stages; a wrong value is named."""

from __future__ import annotations

import re
from typing import Any

import pytest

from polypstudio.config import (
    FROZEN_PRESETS,
    DataConfig,
    SourceConfig,
    StudyConfig,
    paper_training,
    tiny_training,
)
from polypstudio.errors import UserError
from polypstudio.ui.components.estimate import estimate, peak_memory_mb
from polypstudio.ui.components.training_draft import (
    changed,
    draft_of,
    preset_draft,
    received,
    saved_config,
)
from polypstudio.ui.components.training_form import form

CONFIG = StudyConfig(title="t", data=DataConfig(path="data"), training=tiny_training())


def sent(html: str) -> dict[str, Any]:
    """What the browser's script gathers from the form's inputs."""
    values: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        name = re.search(r'name="([^"]+)"', tag)
        assert name
        value = re.search(r'value="([^"]*)"', tag)
        if "checkbox" not in tag:
            values[name[1]] = value[1] if value else ""
        elif value:
            values.setdefault(name[1], [])
            values[name[1]] += [value[1]] if " checked" in tag else []
        else:
            values[name[1]] = " checked" in tag
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', html):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        assert chosen
        values[name] = chosen[1]
    return values


def saved(draft: dict[str, Any]) -> StudyConfig:
    """What is saved of a draft after it was shown in a browser."""
    return saved_config(CONFIG, received(sent(str(form(draft)))))


@pytest.mark.parametrize("training", [tiny_training(), paper_training()], ids=["tiny", "paper"])
def test_an_untouched_form_changes_nothing(training: Any) -> None:
    config = CONFIG.model_copy(update={"training": training})
    assert saved_config(config, received(sent(str(form(draft_of(config)))))) == config


def test_a_value_reaches_its_place() -> None:
    draft = draft_of(CONFIG)
    draft["stages"][1]["sources"][1]["ratio"] = "0.3"
    draft["sampling"]["guidance"] = "3"
    draft["training"]["lora"]["rank"] = "4"
    config = saved(draft)
    assert config.training is not None
    assert config.training.stages[1].sources[1].ratio == 0.3
    assert config.training.lora.rank == 4
    assert config.sampling.guidance == 3


def test_frozen_parts_are_a_preset_s_name_or_patterns_by_commas() -> None:
    draft = draft_of(CONFIG)
    assert draft["stages"][1]["frozen"] == "first down block"
    draft["stages"][0]["frozen"] = "whole encoder"
    draft["stages"][1]["frozen"] = " conv_in , down_blocks.0,"
    training = saved(draft).training
    assert training is not None
    assert training.stages[0].frozen == FROZEN_PRESETS["whole encoder"]
    assert training.stages[1].frozen == ("conv_in", "down_blocks.0")


def test_stages_and_sources_come_and_go() -> None:
    draft = changed(draft_of(CONFIG), "add-stage")
    draft = changed(draft, "raise-stage", 2)
    draft = changed(draft, "add-source", 1)
    draft["stages"][1]["sources"][0]["ratio"] = "0.9"
    training = saved(draft).training
    assert training is not None
    assert [stage.name for stage in training.stages] == ["polyp_prior", "stage_3", "pathology"]
    assert [source.ratio for source in training.stages[1].sources] == [0.9, 0.1]
    draft = changed(changed(draft, "remove-source", 1, 1), "remove-stage", 0)
    training = saved(draft).training
    assert training is not None
    assert [stage.name for stage in training.stages] == ["stage_3", "pathology"]
    assert training.stages[0].sources == (SourceConfig(ratio=0.9),)
    assert len(changed(changed(draft, "remove-stage", 0), "remove-stage", 0)["stages"]) == 1  # one always stays


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("stages", 1, "steps"), "0", "training.stages.1.steps"),
        (("stages", 1, "steps"), "many", "training.stages.1.steps"),
        (("stages", 0, "ema_decay"), "1.5", "training.stages.0.ema_decay"),
        (("training", "resolution"), "", "training.resolution"),
        (("stages", 1, "checkpoint_every"), "9000", "checkpoint_every"),
        (("stages", 1, "sources", 0, "prompt"), "a {thing}", "a template knows"),
        (("stages", 1, "sources", 0, "labels"), [], "training.stages.1.sources.0.labels"),
        (("stages", 0, "name"), "pathology", "two stages are called pathology"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(place: tuple[Any, ...], value: Any, said: str) -> None:
    draft = draft_of(CONFIG)
    part: Any = draft
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    with pytest.raises(UserError, match=re.escape(said)) as error:
        saved(draft)
    assert "\n" not in str(error.value)


def test_ratios_that_sum_to_nothing_are_refused() -> None:
    draft = draft_of(CONFIG)
    for source in draft["stages"][1]["sources"]:
        source["ratio"] = "0"
    with pytest.raises(UserError, match="sum to 0"):
        saved(draft)


def test_presets_fill_the_form() -> None:
    assert saved(preset_draft(CONFIG, "paper")).training == paper_training()


def test_a_study_without_training_shows_the_tiny_preset() -> None:
    imported = CONFIG.model_copy(update={"training": None})
    assert draft_of(imported) == draft_of(CONFIG)
    assert saved_config(imported, draft_of(imported)) == CONFIG


def test_names_that_make_no_sense_are_left_alone() -> None:
    draft = received({"stages.7.steps": "1", "stages.x.steps": "1", "training": "1", "training.base.x": "y", "": "1"})
    assert draft["stages"] == []


def test_what_was_typed_is_escaped() -> None:
    draft = draft_of(CONFIG)
    draft["training"]["base"] = '"><script>alert(1)</script>'
    assert "<script>" not in str(form(draft))


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
