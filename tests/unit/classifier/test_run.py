from __future__ import annotations

import pytest

from polypstudio.classifier.run import run_arms
from polypstudio.errors import UserError
from polypstudio.records import ClassificationResult, ImageKey


def test_the_whole_test_on_an_easy_problem(study, config, images) -> None:
    seen = []
    result = run_arms(
        study, config, images, study.root / "data", lambda done, total, message="": seen.append((done, total))
    )
    real, augmented = result.arms
    assert [arm.name for arm in result.arms] == ["real", "real + 200"]
    assert all(run.balanced_accuracy > 0.95 for arm in result.arms for run in arm.runs)
    assert [run.seed for run in real.runs] == [0, 1]
    assert (real.difference, real.p) == (None, None)
    assert augmented.difference is not None
    assert augmented.difference.value == pytest.approx(augmented.balanced_accuracy.value - real.balanced_accuracy.value)
    assert augmented.p == pytest.approx(1, abs=0.6)
    assert result.truth == ["ad"] * 8 + ["non_ad"] * 8
    assert result.images[8] == ImageKey("real/test", "non_ad", 0)
    assert result.settings["steps"] == 4 * 3
    assert seen[-1] == (4, 4)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert ClassificationResult.model_validate_json(result.model_dump_json()) == result


def test_a_test_split_without_a_class(study, config, images) -> None:
    kept = [image for image in images if (image.split, image.label) != ("test", "ad")]
    with pytest.raises(UserError, match="no test image of AD to judge a classifier on"):
        run_arms(study, config, kept, study.root / "data")


def test_a_broken_image_is_named(study, config, images) -> None:
    (study.root / "data" / images[0].path).write_bytes(b"")
    with pytest.raises(UserError, match="the file is empty"):
        run_arms(study, config, images, study.root / "data")
