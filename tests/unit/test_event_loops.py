"""The load and attack tests' coroutines run whatever ran before them in the same process."""

from __future__ import annotations

from event_loops import run_apart


async def answer() -> str:
    return "done"


def test_a_coroutine_runs_where_a_loop_is_running_already() -> None:
    async def as_after_a_browser_test() -> str:
        return run_apart(answer())

    assert run_apart(as_after_a_browser_test()) == run_apart(answer()) == "done"
