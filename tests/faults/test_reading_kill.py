"""Many readers at once while their server is killed (-9): what was acknowledged is there once, and nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres_server import running_postgres
from servers import free_port
from simulated_readers import ReadingServer, run_load

from polypstudio.store.readings.database import URL_VARIABLE

READERS, SHOWINGS, THINK, KILLS = 12, 20, 0.4, 3


@pytest.mark.slow
def test_no_acknowledged_reading_is_lost_or_stored_twice(tmp_path: Path) -> None:
    servers = [ReadingServer(tmp_path, free_port())]
    found = run_load(tmp_path, READERS, SHOWINGS, THINK, KILLS, servers)
    print(found)
    assert (found["acknowledged"], found["stored"]) == (READERS * SHOWINGS, READERS * SHOWINGS)
    assert found["lost"] == found["twice"] == found["different"] == 0


@pytest.mark.slow
def test_the_same_with_two_hosts_on_one_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers go from one server to the other whenever theirs is killed."""
    with running_postgres() as url:
        monkeypatch.setenv(URL_VARIABLE, url)
        servers = [ReadingServer(tmp_path, free_port()) for _ in range(2)]
        found = run_load(tmp_path, READERS, SHOWINGS, THINK, KILLS, servers)
        print(found)
        assert not list(tmp_path.rglob("readings.sqlite"))
    assert (found["acknowledged"], found["stored"]) == (READERS * SHOWINGS, READERS * SHOWINGS)
    assert found["lost"] == found["twice"] == found["different"] == 0
