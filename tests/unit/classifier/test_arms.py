from __future__ import annotations

from dataclasses import replace

import pytest

from polypstudio.classifier.arms import training_sets
from polypstudio.errors import UserError


def sets(study, config, images, **changes):
    settings = config.classification.model_copy(update=changes)
    return training_sets(study, settings, images, study.root / "data")


def test_the_last_iteration_is_added_unless_others_are_named(study, config, images) -> None:
    assert [s.name for s in sets(study, config, images)] == ["real", "real + 200"]
    assert [s.iteration for s in sets(study, config, images, iterations=(200, 100))] == [None, 200, 100]


def test_synthetic_images_come_at_the_ratio_and_from_the_first_index(study, config, images) -> None:
    real, augmented = sets(study, config, images, iterations=(100,))
    assert real.counts == {"ad": 12, "non_ad": 12}
    assert augmented.counts == {"ad": 18, "non_ad": 18}
    assert augmented.synthetic_per_real == 0.5
    added = augmented.files[real.n_real :]
    assert [path.name for path in added] == [f"{n:05d}.png" for n in range(6)] * 2
    assert [path.parent.name for path in added] == augmented.labels[real.n_real :] == ["ad"] * 6 + ["non_ad"] * 6


def test_an_iteration_with_fewer_images_gives_what_it_has_and_the_ratio_says_so(study, config, images) -> None:
    augmented = sets(study, config, images, iterations=(200,))[1]
    assert augmented.counts == {"ad": 15, "non_ad": 15}
    assert augmented.synthetic_per_real == 0.25


def test_test_images_and_other_labels_are_never_trained_on(study, config, images) -> None:
    extra = replace(images[0], label="unlabelled", split="train")
    real = sets(study, config, [*images, extra])[0]
    assert len(real.files) == 24
    assert all("data/train/" in path.as_posix() for path in real.files)


def test_an_iteration_that_is_not_there(study, config, images) -> None:
    with pytest.raises(UserError, match=r"`classification\.iterations`: 300 is not complete \(there: 100, 200\)"):
        sets(study, config, images, iterations=(300,))
    study.manifest(200).unlink()
    with pytest.raises(UserError, match="200 is not complete"):
        sets(study, config, images, iterations=(200,))


def test_a_class_without_training_images(study, config, images) -> None:
    with pytest.raises(UserError, match="no training image of Non-AD"):
        sets(study, config, [image for image in images if image.label == "ad"])
