"""The leak check: chance where nothing tells the sets apart, certain where something does, groups kept together."""

from __future__ import annotations

import numpy as np
import pytest

from polypstudio.errors import UserError
from polypstudio.metrics.leaks import leak_test
from polypstudio.records import IterationLeak

NAMES = ("first", "second")


def groups(n: int, size: int = 1) -> list[str]:
    return [f"case {i // size}" for i in range(n)]


def test_a_statistic_that_differs_is_found_and_named() -> None:
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(60, 2)), rng.normal(size=(40, 2)) + np.array([0, 4])
    found = leak_test(real, synthetic, groups(60), NAMES)
    assert found.auc.value > 0.95
    assert found.auc.ci[0] > 0.9
    assert found.strongest == "second"
    assert found.strongest_auc > 0.95
    assert IterationLeak(iteration=1, file=found, image=found).leaks


def test_sets_alike_rarely_raise_the_alarm() -> None:
    raised = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = leak_test(rng.normal(size=(60, 2)), rng.normal(size=(40, 2)), groups(60), NAMES, draws=200)
        raised.append(found.auc.ci[0] > 0.5)
    assert np.mean(raised) <= 0.1


def test_images_of_one_patient_in_two_folds_would_look_like_a_leak() -> None:
    """Ten patients of twelve images: by patient there is nothing to learn; by image the model knows the patients."""
    apart, together = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        real = np.repeat(rng.normal(size=(10, 40)), 12, axis=0) + 0.05 * rng.normal(size=(120, 40))
        synthetic, names = rng.normal(size=(60, 40)), [str(i) for i in range(40)]
        together.append(leak_test(real, synthetic, groups(120, 12), names, draws=20).auc.value)
        apart.append(leak_test(real, synthetic, groups(120), names, draws=20).auc.value)
    assert np.mean(together) < np.mean(apart) - 0.1


def test_too_few_images() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="needs 2 groups of real and 2 synthetic"):
        leak_test(np.zeros((9, 2)), np.zeros((4, 2)), ["one case"] * 9, NAMES)
    assert 0 <= leak_test(rng.normal(size=(6, 2)), rng.normal(size=(3, 2)), groups(6, 2), NAMES).auc.value <= 1
