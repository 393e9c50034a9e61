"""A real PostgreSQL for tests: the machine's, or Debian's package, in a folder of its own and on a port of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import free_port

IN_CI = bool(os.environ.get("CI"))
DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"  # the server refuses to run as root; Debian's package brings this user


@contextmanager
def running_postgres() -> Iterator[str]:
    """Yields a POLYPSTUDIO_DATABASE_URL. Skips where no server can be had; in CI that is a failure."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="polypstudio-postgres-"))
    data, port = folder / "data", free_port()
    as_user = {"user": USER, "group": USER} if os.getuid() == 0 else {}
    if as_user:
        shutil.chown(folder, USER, USER)
    secret = folder / "password"
    secret.write_text("of-this-test")
    secret.chmod(0o644)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(data), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, **as_user)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=200"
    try:
        run("initdb", "-U", USER, "--pwfile", str(secret), "--auth=scram-sha-256", "--encoding=UTF8")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql://{USER}:of-this-test@127.0.0.1:{port}/{USER}"
    finally:
        if (data / "postmaster.pid").is_file():
            run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder of the server's programs; installs Debian's package where this user may."""
    found, said = _installed(), ""
    if found is None and os.getuid() == 0 and shutil.which("apt-get"):
        said = _install()
        found = _installed()
    if found is None:
        reason = f"no PostgreSQL server: install Debian's package postgresql {said}".rstrip()
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _install() -> str:
    """Installs Debian's package; returns the last line of what apt-get said, in brackets, if that went wrong."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = None
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "postgresql"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    lines = (done.stdout + done.stderr).strip().splitlines() if done else []
    return f"({lines[-1]})" if done and done.returncode and lines else ""


def _installed() -> Path | None:
    """The newest server's; the package of the client alone leaves a folder without ``initdb``."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda file: float(file.parent.parent.name))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    return Path(found).parent if found else None
