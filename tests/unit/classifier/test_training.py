from __future__ import annotations

import numpy as np
import pytest
import torch

from polypstudio.classifier.augmentation import augment
from polypstudio.classifier.network import create_classifier
from polypstudio.classifier.training import Schedule, fine_tune, predict
from polypstudio.errors import UserError

SCHEDULE = Schedule(steps=12, batch_size=8, learning_rate=1e-3)


def train(pixels: np.ndarray, classes: np.ndarray, seed: int = 0):
    torch.manual_seed(seed)
    classifier = create_classifier("efficientnet-lite0", pretrained=True)
    fine_tune(classifier, pixels, classes, SCHEDULE, seed)
    return classifier


def test_red_and_blue_are_learned_and_a_seed_fixes_all(squares) -> None:
    unseen, classes = squares(20, 100)
    first = predict(train(*squares(16, 0)), unseen, 16)
    assert first.dtype == np.float64
    assert np.mean((first >= 0.5) == (classes == 0)) > 0.95
    np.testing.assert_array_equal(predict(train(*squares(16, 0)), unseen, 16), first)
    assert np.abs(predict(train(*squares(16, 0), seed=1), unseen, 16) - first).max() > 1e-4


def test_shuffled_labels_teach_nothing(squares) -> None:
    """Half of each colour is called AD: predictions cannot follow the colour."""
    pixels, _ = squares(16, 0)
    unseen, classes = squares(40, 100)
    p_ad = predict(train(pixels, np.tile([0, 1], 16)), unseen, 16)
    assert abs(np.mean((p_ad >= 0.5) == (classes == 0)) - 0.5) < 0.2


def test_predictions_do_not_depend_on_the_batch(squares) -> None:
    classifier = train(*squares(8, 0))
    unseen, _ = squares(5, 100)
    np.testing.assert_allclose(predict(classifier, unseen, 3), predict(classifier, unseen, 10), atol=1e-5)


def test_rare_and_common_class_weigh_the_same(squares) -> None:
    """Images without a cue, 3 AD to 21 Non-AD: an unweighted classifier settles near P(AD) = 0.13."""
    red = squares(24, 0)[0][:24]
    torch.manual_seed(0)
    classifier = create_classifier("efficientnet-lite0", pretrained=True)
    fine_tune(classifier, red, np.array([0] * 3 + [1] * 21), Schedule(12, batch_size=24, learning_rate=1e-3), seed=0)
    assert 0.3 < predict(classifier, red, 24).mean() < 0.7


def test_augmentation_turns_mirrors_and_tints_but_keeps_the_class_colour(squares) -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:16, :8] = 200
    batch = torch.from_numpy(np.stack([image] * 64))
    changed = augment(batch, torch.Generator().manual_seed(0))
    assert changed.shape == batch.shape
    assert (changed.min() >= 0, changed.max() <= 255) == (True, True)
    assert len({tuple((one[..., 0] > 100).flatten().tolist()) for one in changed}) == 8
    red = augment(torch.from_numpy(squares(8, 0)[0][:8]), torch.Generator().manual_seed(0))
    assert (red[..., 0].mean(dim=(1, 2)) > red[..., 2].mean(dim=(1, 2)) + 80).all()
    again = augment(batch, torch.Generator().manual_seed(0))
    assert torch.equal(again, changed)


def test_normalisation_keeps_its_statistics_only_if_pretrained(squares) -> None:
    for pretrained in (True, False):
        torch.manual_seed(0)
        classifier = create_classifier("efficientnet-lite0", pretrained)
        before = classifier.module.get_buffer("bn1.running_mean").clone()
        fine_tune(classifier, *squares(4, 0), Schedule(1, batch_size=8, learning_rate=1e-3), seed=0)
        assert torch.equal(classifier.module.get_buffer("bn1.running_mean"), before) == pretrained


def test_any_timm_network_will_do(squares) -> None:
    classifier = create_classifier("efficientnet_b0", pretrained=False)
    assert predict(classifier, squares(1, 0)[0], 2).shape == (2,)


def test_an_unknown_network() -> None:
    with pytest.raises(UserError, match="timm has no model `efficientnet_z9`"):
        create_classifier("efficientnet_z9", pretrained=False)


def test_pretrained_weights_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("we couldn't connect\nlong explanation")

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(UserError, match=r"weights of `efficientnet_b0` cannot be had .we couldn't connect.; go online"):
        create_classifier("efficientnet_b0", pretrained=True)
