"""Practice on a public demo, whose truth is no secret: a small reading that anyone may start, with a summary."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from polypstudio.errors import UserError
from polypstudio.reading.design import ReadingDesign, Stratum, random_id
from polypstudio.reading.scoring import StratumResult, score
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.studies import complete_iterations, list_studies
from polypstudio.ui.reading_images import available_images, create_reading

log = logging.getLogger(__name__)

N_REAL, N_SYNTHETIC, N_ITERATIONS = 6, 2, 3  # images a class; images a class and iteration; iterations


def start_practice(root: Path) -> str | None:
    """Adds a practice reader to the first study that has real and synthetic images; returns their token."""
    for study in list_studies(root):
        try:
            body = practice_design(study)
            stored = next((d for d in readings.list_designs(study, practice=True) if d.body == body), None)
            design = stored.id if stored else create_reading(study, body, practice=True)
            return readings.add_readers(study, design, [random_id()])[0].token
        except UserError as error:
            log.info("no practice on %s: %s", study.name, error)
    return None


def practice_design(study: StudyPaths) -> ReadingDesign:
    """A few real images and a few of the first, a middle and the last iteration; UserError where either is missing."""
    iterations = complete_iterations(study)
    places = np.linspace(0, len(iterations) - 1, min(len(iterations), N_ITERATIONS)).round().astype(int)
    counts = available_images(study, [real_set(split) for split in ("test", "train")])
    split = next((s for s in ("test", "train") if all(counts[real_set(s), label] for label in PATHOLOGIES)), None)
    if split is None or not iterations:
        raise UserError(f"{study.name}: a practice reading needs real images of both classes and an iteration")
    n_real = min(N_REAL, *(counts[real_set(split), label] for label in PATHOLOGIES))
    strata = [Stratum(image_set=real_set(split), per_class=n_real)]
    strata += [Stratum(image_set=iteration_set(iterations[i]), per_class=N_SYNTHETIC) for i in places]
    return ReadingDesign(strata=tuple(strata), repeats=0)


def practice_summary(reader: readings.ReaderSession) -> dict[str, Any]:
    """How a practice reader did, with the truth."""
    result = score(readings.load_readings(reader.study, reader.design, reader.code))
    own = result.readers[0]
    return {
        "status": "summary",
        "rows": [_summary_row(row) for row in result.strata],
        "d_prime": own.d_prime,
        "pathology": [own.pathology_right, own.pathology_n],
    }


def _summary_row(row: StratumResult) -> dict[str, Any]:
    kind, _, name = row.image_set.partition("/")
    origin = "real" if kind == "real" else f"synthetic, iteration {int(name):,}"
    return {"name": f"{PATHOLOGY_NAMES[row.label]}, {origin}", "judged_real": row.judged_real, "n": row.n}
