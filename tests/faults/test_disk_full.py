"""A disk that is full while fine-tuning saves: one clear line, and what was saved before is whole and can be resumed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from diffusers import UNet2DConditionModel
from tiny_sd import runnable_study

from polypstudio.store.paths import StudyPaths

pytestmark = pytest.mark.slow

# Within a mount namespace of its own: a small disk, filled up before fine-tuning or after its first checkpoint, then freed.
SCRIPT = """
set -u
mount -t tmpfs -o size=64m tmpfs "$DISK" || exit 77
cp -r "$FOLDER"/. "$DISK"
[ "$FILLED" = "after a checkpoint" ] || cat /dev/zero > "$DISK/ballast" 2> /dev/null
$TRAIN "$DISK/study" 2> "$FULL" &
if [ "$FILLED" = "after a checkpoint" ]; then
  until [ -f "$DISK/study/iterations/000010/unet/training.json" ]; do sleep 0.01; done
  cat /dev/zero > "$DISK/ballast" 2> /dev/null
fi
wait $!
echo $? > "$FULL.status"
cp -r "$DISK/study" "$FULL.study"
rm "$DISK/ballast"
$TRAIN "$DISK/study" || exit 1
cp -r "$DISK/study" "$DONE"
"""


def _on_a_small_disk(folder: Path, work: Path, filled: str) -> None:
    """Trains the study in ``folder`` on a disk that is ``filled`` up, then on one with space; leaves both under
    ``work``: ``full`` (what was said), ``full.status``, ``full.study`` and ``done``."""
    disk = work / "disk"
    disk.mkdir(parents=True)
    command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", SCRIPT]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "FILLED": filled,
        "DISK": str(disk),
        "FOLDER": str(folder),
        "FULL": str(work / "full"),
        "DONE": str(work / "done"),
        "TRAIN": shlex.join([sys.executable, "-m", "polypstudio", "train"]),
    }
    try:
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    except FileNotFoundError:
        pytest.skip("no `unshare` on this machine")
    if run.returncode == 77 or "unshare failed" in run.stderr:
        pytest.skip("this machine lets nobody but root mount a small disk")
    assert run.returncode == 0, run.stderr


def _weights(study: StudyPaths) -> dict[str, bytes]:
    return {
        file.relative_to(study.root).as_posix(): file.read_bytes() for file in study.root.rglob("unet/*.safetensors")
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 4 iterations that was not trained, with its base and data."""
    study = runnable_study(tmp_path_factory.mktemp("disk") / "study", steps=40, save_state_every=1000)
    text = study.config.read_text().replace("checkpoint_every = 20", "checkpoint_every = 10")
    study.config.write_text(
        text.replace("previews = 2", "previews = 0").replace("held_out_images = 32", "held_out_images = 0")
    )
    return study.root.parent


@pytest.fixture(scope="module")
def reference(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """The same study, trained with space enough."""
    copy = shutil.copytree(folder, tmp_path_factory.mktemp("reference") / "folder")
    subprocess.run([sys.executable, "-m", "polypstudio", "train", str(copy / "study")], check=True, capture_output=True)
    return StudyPaths(copy / "study")


@pytest.mark.parametrize("filled", ["beforehand", "after a checkpoint"])
def test_a_full_disk_is_said_in_one_line_and_loses_nothing(
    folder: Path, reference: StudyPaths, tmp_path: Path, filled: str
) -> None:
    _on_a_small_disk(folder, tmp_path, filled)
    said = (tmp_path / "full").read_text().strip().splitlines()
    assert (tmp_path / "full.status").read_text().strip() == "2", said
    assert "Traceback" not in "".join(said)
    assert said[-1].endswith("the disk is full; what was saved before is kept: free some space and run again"), said
    full, done = StudyPaths(tmp_path / "full.study"), StudyPaths(tmp_path / "done")
    kept = _weights(full)
    assert (filled == "beforehand") == (not kept)
    for unet in full.iterations.glob("*/unet"):
        UNet2DConditionModel.from_pretrained(unet)
    assert not [path for path in full.root.rglob(".*") if path.suffix == ".tmp"]
    assert kept.items() <= _weights(reference).items()
    assert _weights(done) == _weights(reference)
