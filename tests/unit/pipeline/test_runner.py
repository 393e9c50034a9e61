"""The runner skips what is current, and only that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from polypstudio.pipeline.runner import Step, run_steps, unchanged_inputs
from polypstudio.progress import Report, silent
from polypstudio.stopping import Stopped
from polypstudio.store.paths import StudyPaths


class Work:
    """Two steps, the second of which depends on the first one's output."""

    def __init__(self, root: Path) -> None:
        self.study = StudyPaths(root)
        self.source, self.version, self.power = "5", 1, 2
        self.fail = False

    def steps(self) -> Iterator[Step]:
        first = self.study.root / "first.txt"

        def copy(report: Report) -> None:
            first.write_text(self.source)

        def raise_to_power(report: Report) -> None:
            if self.fail:
                raise RuntimeError("broken")
            (self.study.root / "second.txt").write_text(str(int(first.read_text()) ** self.power))

        yield Step("first", "First", self.version, {"source": self.source}, {}, [first], copy)
        yield Step(
            "second", "Second", 1, {"first": first.read_text()}, {"power": self.power}, [self.study.root / "second.txt"],
            raise_to_power,
        )  # fmt: skip

    def run(self) -> list[str]:
        return list(run_steps(self.study, self.steps(), lambda step: silent).ran)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_a_second_run_does_nothing(work: Work) -> None:
    assert work.run() == ["first", "second"]
    assert work.run() == []


def test_what_depends_on_unchanged_inputs_alone_may_be_taken_from_the_earlier_output(tmp_path: Path) -> None:
    study, output = StudyPaths(tmp_path), tmp_path / "sum.txt"

    def step(inputs: dict[str, str], version: int = 1, power: int = 1) -> Step:
        return Step("sum", "Sum", version, inputs, {"power": power}, [output], lambda report: output.write_text("1"))  # type: ignore[arg-type,return-value]

    before, now = {"real": "1", "iteration 1": "2"}, {"real": "1", "iteration 1": "5", "iteration 2": "3"}
    assert unchanged_inputs(study, step(before)) == frozenset(), "never run"
    run_steps(study, [step(before)], lambda step: silent)
    assert unchanged_inputs(study, step(now)) == {"real"}
    assert unchanged_inputs(study, step(now, version=2)) == frozenset(), "made by another version"
    assert unchanged_inputs(study, step(now, power=2)) == frozenset(), "made with other settings"
    output.write_text("torn off")
    assert unchanged_inputs(study, step(now)) == frozenset(), "no longer what was written"


def test_a_changed_setting_reruns_its_step_alone(work: Work) -> None:
    work.run()
    work.power = 3
    assert work.run() == ["second"]
    assert (work.study.root / "second.txt").read_text() == "125"


def test_a_changed_input_reruns_what_depends_on_it(work: Work) -> None:
    work.run()
    work.source = "6"
    assert work.run() == ["first", "second"]


def test_a_step_whose_inputs_come_out_the_same_is_not_followed(work: Work) -> None:
    work.run()
    work.version = 2
    assert work.run() == ["first"]


def test_a_missing_or_truncated_output_is_made_again(work: Work) -> None:
    work.run()
    (work.study.root / "second.txt").unlink()
    assert work.run() == ["second"]
    (work.study.root / "second.txt").write_text("")
    assert work.run() == ["second"]


def test_a_failed_step_is_not_stamped(work: Work) -> None:
    work.fail = True
    with pytest.raises(RuntimeError):
        work.run()
    work.fail = False
    assert work.run() == ["second"]


def test_stop_ends_between_two_steps(work: Work) -> None:
    asked = iter([False, True])
    with pytest.raises(Stopped):
        run_steps(work.study, work.steps(), lambda step: silent, stop=lambda: next(asked))
    assert work.run() == ["second"]
