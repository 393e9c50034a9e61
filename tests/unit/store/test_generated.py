"""Images drawn on request: one folder a request, never torn, never without bounds."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from polypstudio.cli import parser
from polypstudio.records import GenerationRequest
from polypstudio.store.generated import GeneratedFolder, generated_folder, newest_generation, remove_old
from polypstudio.store.paths import StudyPaths


def request(**changes: object) -> GenerationRequest:
    values = {
        "iterations": (160, 320),
        "prompt": "a polyp",
        "label": "ad",
        "seed": 1,
        "guidance": 5.0,
        "steps": 2,
        "count": 2,
    }
    return GenerationRequest.model_validate(values | changes)


def test_the_record_names_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    folder = GeneratedFolder(tmp_path / request().key)
    folder.begin(request(), "a-job")
    for iteration, content in ((160, b"one"), (160, b"two"), (320, b"three")):
        folder.add(iteration, content)
    state = folder.read()
    assert state is not None
    assert state.job == "a-job"
    assert not state.complete
    for iteration, hashes in state.images.items():
        found = [hashlib.sha256(folder.image(iteration, i).read_bytes()).hexdigest() for i in range(len(hashes))]
        assert found == hashes
    folder.begin(request(), None)  # the same request again starts from nothing
    assert not folder.image(160, 0).exists()


def test_old_requests_make_room(tmp_path: Path) -> None:
    study = StudyPaths(tmp_path)
    for seed in range(5):
        folder = GeneratedFolder(study.generated / request(seed=seed).key)
        folder.begin(request(seed=seed), None)
        os.utime(folder.path / "generation.json", (seed, seed))
    newest = newest_generation(study)
    assert newest is not None
    assert newest.path.name == request(seed=4).key
    remove_old(study, keep=2)
    assert {path.name for path in study.generated.iterdir()} == {request(seed=seed).key for seed in (3, 4)}


def test_the_arguments_of_a_request_give_that_request() -> None:
    asked = request(prompt="a polyp,   'flat'\n--and pale", guidance=2.5)
    options = parser().parse_args(asked.arguments("study"))
    read = request(iterations=tuple(options.iteration), prompt=options.prompt, guidance=options.guidance)
    assert (read, options.study, options.label, options.count) == (asked, "study", "ad", 2)
    assert asked.prompt == "a polyp, 'flat' --and pale"


@pytest.mark.parametrize(
    "change",
    [{"iterations": ()}, {"count": 9}, {"guidance": 31}, {"steps": 0}, {"prompt": ""}, {"seed": -1}, {"label": "x"}],
)
def test_what_cannot_be_drawn_is_refused(change: dict) -> None:
    with pytest.raises(ValidationError):
        request(**change)


@pytest.mark.parametrize("key", ["", "..", "../../etc", "0123456789abcdeg", "0123456789abcdef0"])
def test_only_a_key_becomes_a_folder(tmp_path: Path, key: str) -> None:
    assert generated_folder(StudyPaths(tmp_path), key) is None
