"""Nothing half-written is ever found under its name."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from polypstudio.store import atomic


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.json"
    atomic.write_json(target, {"value": 1})

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_json(target, {"value": 2})
    assert target.read_text() == '{\n "value": 1\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic.write_json(tmp_path / "a.json", {"kid": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with atomic.new_folder(tmp_path / "unet") as folder:
            (folder / "config.json").write_text("{}")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []
    for text in ("one", "two"):
        with atomic.new_folder(tmp_path / "unet") as folder:
            (folder / "config.json").write_text(text)
            assert not (tmp_path / "unet" / "config.json").exists() or text == "two"
        assert (tmp_path / "unet" / "config.json").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["unet"]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    atomic.append_line(log, '{"step": 1}')
    with open(log, "a") as file:
        file.write('{"step": 2, "lo')
    assert atomic.read_json_lines(log) == [{"step": 1}]


def test_a_killed_writer_never_tears_a_file(tmp_path: Path) -> None:
    """A process that rewrites one file over and over is killed (-9) at many moments; the file is always whole."""
    target = tmp_path / "value.json"
    code = textwrap.dedent(f"""
        from pathlib import Path
        from polypstudio.store.atomic import write_json
        n = 0
        while True:
            n += 1
            write_json(Path({str(target)!r}), {{"head": n, "filler": "x" * 200_000, "tail": n}})
    """)
    for attempt in range(5):
        process = subprocess.Popen([sys.executable, "-c", code])
        while not target.exists():
            time.sleep(0.01)
        time.sleep(0.05 + 0.013 * attempt)
        process.kill()
        process.wait()
        value = __import__("json").loads(target.read_text())
        assert value["head"] == value["tail"]
    atomic.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["value.json"]
