"""Drawing on request gives what sampling gives, and stops between two images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_sd import tiny_study

from polypstudio.config import StudyConfig, pathology_stage
from polypstudio.diffusion.fingerprint import sample_prompts, training_section
from polypstudio.diffusion.generate import generate
from polypstudio.diffusion.sample import sample_iteration
from polypstudio.diffusion.train import train
from polypstudio.errors import UserError
from polypstudio.records import GenerationRequest
from polypstudio.stopping import Stopped
from polypstudio.store.generated import GeneratedFolder
from polypstudio.store.paths import StudyPaths


@pytest.fixture(scope="module")
def study(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyPaths, StudyConfig]:
    root = tmp_path_factory.mktemp("generated")
    study, config, images = tiny_study(root, base, stages=(pathology_stage(6, 3),))
    train(study, config, images, root)
    sample_iteration(study, config, 6)
    return study, config


def ask(config: StudyConfig, **changes: object) -> GenerationRequest:
    own = config.sampling
    values = {"iterations": (3, 6), "prompt": sample_prompts(training_section(config))["non_ad"], "label": "non_ad",
              "seed": own.seed, "guidance": own.guidance, "steps": own.steps, "count": 2}  # fmt: skip
    return GenerationRequest.model_validate(values | changes)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_the_studys_own_words_and_seed_draw_its_own_samples(study: tuple[StudyPaths, StudyConfig]) -> None:
    paths, config = study
    request = ask(config)
    folder = GeneratedFolder(paths.generated / request.key)
    folder.begin(request, None)
    told: list[tuple[float, float]] = []
    generate(paths, config, request, folder, lambda done, total, message="": told.append((done, total)))
    state = folder.read()
    assert state is not None
    assert state.complete
    assert told[-1] == (4, 4)
    for index in range(2):
        drawn, sampled = pixels(folder.image(6, index)), pixels(paths.sample(6, "non_ad", index))
        assert np.abs(drawn - sampled).max() <= 1
    assert np.abs(pixels(folder.image(3, 0)) - pixels(folder.image(6, 0))).max() > 1  # other weights, the same noise


def test_other_words_draw_other_images(study: tuple[StudyPaths, StudyConfig]) -> None:
    paths, config = study
    images = []
    for words in (sample_prompts(training_section(config))["ad"], sample_prompts(training_section(config))["non_ad"]):
        request = ask(config, prompt=words, iterations=(6,), count=1)
        folder = GeneratedFolder(paths.generated / request.key)
        folder.begin(request, None)
        generate(paths, config, request, folder)
        images.append(pixels(folder.image(6, 0)))
    assert np.abs(images[0] - images[1]).max() > 1


def test_it_stops_between_two_images_and_keeps_what_is_drawn(study: tuple[StudyPaths, StudyConfig]) -> None:
    paths, config = study
    request = ask(config, seed=5)
    folder = GeneratedFolder(paths.generated / request.key)
    folder.begin(request, None)
    asked = iter([False, True])
    with pytest.raises(Stopped, match="after 1 of 4 images"):
        generate(paths, config, request, folder, stop=lambda: next(asked))
    state = folder.read()
    assert state is not None
    assert {step: len(hashes) for step, hashes in state.images.items()} == {3: 1}


def test_an_iteration_without_weights_is_named(study: tuple[StudyPaths, StudyConfig], tmp_path: Path) -> None:
    paths, config = study
    with pytest.raises(UserError, match="no weights at iteration 4"):
        generate(paths, config, ask(config, iterations=(4,)), GeneratedFolder(tmp_path / "none"))
