"""Images drawn on request: one folder a request, whose record is written anew after each image."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from polypstudio.records import Generation, GenerationRequest
from polypstudio.store.atomic import write_bytes, write_text
from polypstudio.store.paths import StudyPaths

KEPT = 12  # requests of a study whose images stay
_KEY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class GeneratedFolder:
    """``generated/<key>/`` of a study."""

    path: Path

    def begin(self, request: GenerationRequest, job: str | None) -> None:
        """Starts a request anew: what an earlier run of it drew is removed."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._write(Generation(request=request, job=job))

    def add(self, iteration: int, png: bytes) -> None:
        """Keeps the next image of an iteration, then the record that names it."""
        state = self.read()
        assert state is not None
        drawn = state.images.get(iteration, [])
        write_bytes(self.image(iteration, len(drawn)), png)
        images = state.images | {iteration: [*drawn, hashlib.sha256(png).hexdigest()]}
        self._write(state.model_copy(update={"images": images}))

    def image(self, iteration: int, index: int) -> Path:
        return self.path / f"{iteration:06d}" / f"{index:05d}.png"

    def read(self) -> Generation | None:
        """What has been drawn so far; None before it began."""
        try:
            return Generation.model_validate_json(self._record.read_bytes())
        except (OSError, ValidationError):
            return None

    @property
    def _record(self) -> Path:
        return self.path / "generation.json"

    def _write(self, state: Generation) -> None:
        write_text(self._record, state.model_dump_json(indent=1) + "\n")


def generated_folder(study: StudyPaths, key: str) -> GeneratedFolder | None:
    """The folder of a request by its key; None for what can be no key."""
    return GeneratedFolder(study.generated / key) if _KEY.fullmatch(key) else None


def newest_generation(study: StudyPaths) -> GeneratedFolder | None:
    """What was drawn last."""
    records = sorted(study.generated.glob("*/generation.json"), key=_modified)
    return GeneratedFolder(records[-1].parent) if records else None


def remove_old(study: StudyPaths, keep: int = KEPT) -> None:
    """Keeps the newest requests only: whoever plays for an hour should not fill the disk."""
    records = sorted(study.generated.glob("*/generation.json"), key=_modified)
    for record in records[:-keep]:
        shutil.rmtree(record.parent, ignore_errors=True)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
