"""The header's choices: which studies, encoders and references there are, and which of them are chosen at first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from polypstudio.findings import paper
from polypstudio.records import REFERENCE_NAMES, KidResult
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import load_result, result_names
from polypstudio.store.studies import list_studies, load_config
from polypstudio.ui.context import Selection

FIRST_STUDY = "demo"


def study_choices(root: Path, wanted: str | None) -> tuple[list[str], str | None]:
    """The studies with the paper's tables at the end, and the one that is chosen: the wanted one if it exists."""
    names = [paths.name for paths in list_studies(root)]
    first = FIRST_STUDY if FIRST_STUDY in names else next(iter(names), None)
    choices = [*names, paper.NAME]
    return choices, wanted if wanted in choices else first


def encoder_choices(paths: StudyPaths, wanted: str | None) -> tuple[list[str], str]:
    """The encoders that a study was evaluated by, or is to be, and the chosen one. Raises UserError for a bad study.toml."""
    own = load_config(paths).evaluation.encoder
    encoders = result_names(paths, KidResult) or [own]
    default = own if own in encoders else encoders[0]
    return encoders, wanted if wanted in encoders else default


def reference_choices(paths: StudyPaths, encoder: str, wanted: str | None) -> tuple[list[tuple[str, str]], str]:
    """(what is shown, value) of the references that a study was evaluated against, and the chosen one's value."""
    kid = load_result(paths, KidResult, encoder)
    if kid is None:
        return [(REFERENCE_NAMES["train"], "train")], "train"
    found: list[tuple[str, str]] = [
        (f"{REFERENCE_NAMES[name]} ({sum(evidence.n_real.values())})", name)
        for name, evidence in kid.references.items()
    ]
    return found, next((name for _, name in found if name == wanted), found[0][1])


def opening_selection(root: Path, wanted: Mapping[str, str]) -> Selection:
    """What a page whose address asks for ``wanted`` opens with: the same that its header will say."""
    _, name = study_choices(root, wanted.get("study"))
    if name == paper.NAME:
        return Selection(root, None, None, "train", is_paper=True)
    opened = Selection(root, name, None, "train")
    if opened.paths is None:
        return opened
    _, encoder = encoder_choices(opened.paths, wanted.get("encoder"))
    _, reference = reference_choices(opened.paths, encoder, wanted.get("reference"))
    return Selection(root, name, encoder, reference)
