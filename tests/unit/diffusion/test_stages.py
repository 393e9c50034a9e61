"""What each stage draws from."""

from __future__ import annotations

import pytest

from polypstudio.config import Mixture, PathologyStage, PriorStage, TrainingConfig
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


def _training(prior_steps: int = 10, **mixture: float) -> TrainingConfig:
    pathology = PathologyStage(steps=10, checkpoint_every=5, mixture=Mixture(**mixture))
    return TrainingConfig(polyp_prior=PriorStage(steps=prior_steps), pathology=pathology)


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


def test_no_steps_no_stage() -> None:
    assert [stage.name for stage in build_stages(_training(0), _images(ad=1, non_ad=1, unlabelled=1))] == ["pathology"]


def test_a_source_without_images_is_named() -> None:
    with pytest.raises(UserError, match=r"training\.pathology\.mixture\.unlabelled is 0\.1 .* set it to 0"):
        build_stages(_training(), _images(ad=2, non_ad=2))
    stages = build_stages(_training(unlabelled=0.0), _images(ad=2, non_ad=2))
    assert all(pool.name != "unlabelled" for pool in stages[-1].pools)


def test_a_missing_class_is_named() -> None:
    with pytest.raises(UserError, match="no Non-AD image of high quality"):
        build_stages(_training(), _images(ad=2, unlabelled=2))
