"""Two processes give what one gives with the same global batch.

Not in the same bits: the mean of two halves' gradients is summed in another order than the mean of the whole, which in
float32 is worth some 1e-7 of a loss at the first step and grows with every step that Adam makes of it. 1e-4 after 24
steps leaves two orders of magnitude for that, and is far below what one wrong sample in a batch of 4 would move (1e-2).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_sd import runnable_study
from two_processes import together

from polypstudio.cli import main
from polypstudio.store.atomic import read_json_lines
from polypstudio.store.checkpoints import held_out_losses
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import complete_iterations, sample_files

pytestmark = pytest.mark.slow


def test_two_processes_train_and_sample_as_one_does(tmp_path: Path) -> None:
    one, two = (runnable_study(tmp_path / name, steps=20) for name in ("one", "two"))
    for verb in ("train", "sample"):
        assert main([verb, str(one.root)]) == 0
        answer = json.loads(together(verb, str(two.root), "--json"))  # of the main process alone
        assert answer["ran"]
    alone, shared = read_json_lines(one.training_log), read_json_lines(two.training_log)
    assert len(alone) == len(shared) == 2
    for a, b in zip(alone, shared, strict=True):
        assert (a["step"], a["lr"]) == (b["step"], b["lr"])
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
    for a, b in zip(held_out_losses(one), held_out_losses(two), strict=True):
        assert b.loss == pytest.approx(a.loss, rel=1e-4)
    assert complete_iterations(two) == [10, 20]
    for iteration in (10, 20):
        pairs = list(zip(sample_files(one, iteration), sample_files(two, iteration), strict=True))
        assert len(pairs) == 8
        for a, b in pairs:
            difference = np.abs(np.asarray(Image.open(a)).astype(int) - np.asarray(Image.open(b)).astype(int))
            assert difference.mean() < 1


def test_two_processes_evaluate_in_the_same_bits_as_one(tmp_path: Path) -> None:
    """The 24 images of an iteration are two of the batches that features are computed in, one for each process."""
    one = runnable_study(tmp_path / "one")
    one.config.write_text(one.config.read_text().replace("per_class = 4", "per_class = 12", 1))
    assert main(["train", str(one.root)]) == main(["sample", str(one.root)]) == 0
    two = StudyPaths(Path(shutil.copytree(tmp_path / "one", tmp_path / "two")) / one.name)
    assert main(["evaluate", str(one.root)]) == 0
    answer = json.loads(together("evaluate", str(two.root), "--json"))
    assert any(name.startswith("features-") for name in answer["ran"])
    alone, shared = (sorted(study.features.rglob("*.safetensors")) for study in (one, two))
    assert [file.name for file in alone] == [file.name for file in shared] != []
    assert [file.read_bytes() for file in alone] == [file.read_bytes() for file in shared]
    assert json.loads(together("evaluate", str(two.root), "--json"))["ran"] == {}


def test_a_batch_that_the_processes_cannot_share_is_refused(tmp_path: Path) -> None:
    study = runnable_study(tmp_path / "study")
    study.config.write_text(study.config.read_text().replace("batch_size = 4", "batch_size = 3", 1))
    with pytest.raises(AssertionError, match=r"batch_size is 3, over all processes: .* multiple of 2"):
        together("train", str(study.root))
    assert not complete_iterations(study)
