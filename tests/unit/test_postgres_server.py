"""Where no PostgreSQL can be had, its tests are skipped with a reason; in CI they fail, so that nobody takes them for run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import postgres_server
import pytest


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the server, whose apt-get finds no package."""

    def no_package(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        assert command[0] == "apt-get"
        return subprocess.CompletedProcess(command, 100, "", "E: Unable to locate package postgresql\n")

    monkeypatch.setattr(postgres_server, "_installed", lambda: None)
    monkeypatch.setattr(postgres_server.os, "getuid", lambda: 0)
    monkeypatch.setattr(postgres_server.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(postgres_server.subprocess, "run", no_package)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(("in_ci", "outcome"), [(True, pytest.fail.Exception), (False, pytest.skip.Exception)])
def test_no_server_fails_in_ci_and_is_skipped_elsewhere(
    monkeypatch: pytest.MonkeyPatch, in_ci: bool, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(postgres_server, "IN_CI", in_ci)
    with pytest.raises(outcome, match=r"package postgresql .*Unable to locate"), postgres_server.running_postgres():
        pass


def test_the_newest_server_counts_and_a_client_alone_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "DEBIAN", tmp_path)
    monkeypatch.setattr(postgres_server.shutil, "which", lambda name: None)
    for version, programs in (("9.6", ("psql", "initdb")), ("15", ("psql", "initdb")), ("17", ("psql",))):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for program in programs:
            (folder / program).touch()
    assert postgres_server._installed() == tmp_path / "15" / "bin"
    (tmp_path / "15" / "bin" / "initdb").unlink()
    (tmp_path / "9.6" / "bin" / "initdb").unlink()
    assert postgres_server._installed() is None
