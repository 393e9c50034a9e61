"""Results on disk: one JSON file a kind and encoder (or model), checked against its record when read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from polypstudio.errors import UserError
from polypstudio.records import (
    ClassificationResult,
    CoverageResult,
    KidResult,
    LeakResult,
    MapsResult,
    NeighbourResult,
    RankingResult,
    Result,
    TsneResult,
)
from polypstudio.store.atomic import write_text
from polypstudio.store.paths import StudyPaths

R = TypeVar("R", bound=Result)

KINDS: dict[type[Result], str] = {
    KidResult: "kid",
    RankingResult: "ranking",
    CoverageResult: "coverage",
    TsneResult: "tsne",
    MapsResult: "maps",
    NeighbourResult: "neighbours",
    LeakResult: "leaks",
    ClassificationResult: "classification",
}


def result_path(study: StudyPaths, kind: type[Result], name: str) -> Path:
    """Where the result of that type lies; ``name`` is the encoder's or the model's."""
    return study.result(KINDS[kind], name)


def save_result(study: StudyPaths, name: str, result: Result) -> Path:
    """Writes a result; returns its file."""
    path = result_path(study, type(result), name)
    write_text(path, result.model_dump_json(indent=None if result.COMPACT else 1) + "\n")
    return path


def load_result(study: StudyPaths, kind: type[R], name: str) -> R | None:
    """The stored result, None where there is none yet; UserError if the file is not what it should be."""
    path = result_path(study, kind, name)
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise UserError(
            f"{path}: `{field}`: {problem['msg']}; delete the file and run `polypstudio evaluate`"
        ) from None


def result_names(study: StudyPaths, kind: type[Result]) -> list[str]:
    """Encoders (or models) that have a stored result of that type."""
    return sorted(path.stem for path in (study.results / KINDS[kind]).glob("*.json"))
