"""What each stage draws from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from polypstudio.config import (
    CLASS_PROMPT,
    POLYP_PROMPT,
    SourceConfig,
    StageConfig,
    TrainingConfig,
    pathology_stage,
    prior_stage,
)
from polypstudio.data.prompts import prompt
from polypstudio.diffusion.stages import build_stages
from polypstudio.errors import UserError
from polypstudio.records import RealImage


def _images(**counts: int) -> list[RealImage]:
    return [
        RealImage(path=f"{split}/{label}{n}", label=label, split=split, group=f"{split}{n}", quality="high")
        for split in ("train", "test")
        for label, count in counts.items()
        for n in range(count)
    ]


def _training(**ratios: float) -> TrainingConfig:
    return TrainingConfig(stages=(prior_stage(10), pathology_stage(10, 5, **ratios)))


def _stage(*sources: SourceConfig, **settings: object) -> StageConfig:
    fields = {"name": "only", "steps": 10, "learning_rate": 1e-3, "ema_decay": 0.9, "sources": sources}
    return StageConfig.model_validate(fields | settings)


def test_the_test_split_is_never_drawn_from() -> None:
    stages = build_stages(_training(), _images(ad=3, non_ad=2, unlabelled=2, non_polyp=2))
    assert [stage.name for stage in stages] == ["polyp_prior", "pathology"]
    assert {image.split for stage in stages for image in stage.images} == {"train"}
    assert len(stages[0].images) == 9


def test_first_stage_does_not_tell_the_classes_apart() -> None:
    prior = build_stages(_training(), _images(ad=3, non_ad=2, unlabelled=1, non_polyp=4))[0]
    assert prior.prompts == sorted([prompt("unlabelled", "high"), prompt("non_polyp", "high")])
    assert {pool.name: pool.weight for pool in prior.pools} == {"polyp": 6, "non_polyp": 4}


def test_classes_are_drawn_in_equal_parts_whatever_their_numbers() -> None:
    pathology = build_stages(_training(), _images(ad=9, non_ad=1, unlabelled=5, non_polyp=5))[-1]
    shares = {pool.name: pool.weight for pool in pathology.pools}
    assert shares["ad"] == shares["non_ad"] == pytest.approx(0.375)
    assert shares["rehearsal_polyp"] + shares["rehearsal_non_polyp"] == pytest.approx(0.15)
    assert shares["unlabelled"] == pytest.approx(0.10)


def test_only_sharp_images_teach_the_classes() -> None:
    images = _images(ad=2, non_ad=1, unlabelled=1)
    blurred = RealImage(path="blurred", label="ad", split="train", group="g", quality="low")
    prior, pathology = build_stages(_training(), [*images, blurred])
    assert blurred not in {example.image for example in pathology.pools[0].examples}
    assert (blurred, prompt("unlabelled", "low")) in prior.pools[0].examples


def test_a_source_without_images_is_named() -> None:
    with pytest.raises(
        UserError, match=r"no unlabelled image .* source `unlabelled` of stage pathology .*set its ratio to 0"
    ):
        build_stages(_training(), _images(ad=2, non_ad=2))
    stages = build_stages(_training(unlabelled=0.0), _images(ad=2, non_ad=2))
    assert all(pool.name != "unlabelled" for pool in stages[-1].pools)


def test_a_missing_class_is_named() -> None:
    with pytest.raises(UserError, match=r"no Non-AD image of high quality .* source `labelled`"):
        build_stages(_training(), _images(ad=2, unlabelled=2))


def test_any_list_of_stages_each_from_the_end_of_the_one_before() -> None:
    frames = SourceConfig(labels=("non_polyp",), prompt=POLYP_PROMPT)
    both = SourceConfig(labels=("ad", "non_ad"))
    training = TrainingConfig(
        stages=(_stage(frames, name="frames", steps=7, checkpoint_every=3), _stage(both), _stage(both, name="last"))
    )
    first, second, last = build_stages(training, _images(ad=3, non_ad=2, non_polyp=4))
    assert [len(stage.images) for stage in (first, second, last)] == [4, 5, 5]
    assert first.checkpoints == (3, 6, 7)
    assert [stage.is_last for stage in (first, second, last)] == [False, False, True]


def test_prompts_are_templates_over_class_polyp_and_quality() -> None:
    source = SourceConfig(labels=("ad", "non_polyp"), prompt="{quality}: {class} / {polyp}", balance="classes")
    labelled = SourceConfig(labels=("ad", "non_ad"), ratio=1)
    training = TrainingConfig(stages=(_stage(source.model_copy(update={"ratio": 1.0}), labelled),))
    stage = build_stages(training, _images(ad=1, non_ad=1, non_polyp=1))[0]
    assert {example.prompt for pool in stage.pools[:2] for example in pool.examples} == {
        "high: an adenomatous polyp / a polyp",
        "high: the colon without a polyp / the colon without a polyp",
    }


def test_images_below_the_threshold_of_sharpness_are_not_drawn() -> None:
    scored = [
        replace(image, sharpness=sharpness)
        for image, sharpness in zip(_images(ad=2, non_ad=2), (0.1, 0.4, 0.2, 0.5) * 2, strict=True)
    ]
    sharp = SourceConfig(labels=("ad", "non_ad"), min_sharpness=0.3)
    stage = build_stages(TrainingConfig(stages=(_stage(sharp),)), scored)[0]
    assert [image.sharpness for image in stage.images] == [0.4, 0.5]
    with pytest.raises(UserError, match=r"with a sharpness of 0\.9 or more"):
        build_stages(TrainingConfig(stages=(_stage(sharp.model_copy(update={"min_sharpness": 0.9})),)), scored)


def test_a_source_of_ratio_0_is_not_drawn_from() -> None:
    off = SourceConfig(labels=("unlabelled",), ratio=0)
    on = SourceConfig(labels=("ad", "non_ad"), ratio=2, prompt=CLASS_PROMPT)
    stage = build_stages(TrainingConfig(stages=(_stage(off, on),)), _images(ad=1, non_ad=1))[0]
    assert [pool.name for pool in stage.pools] == ["polyp"]
