"""What the clinicians' page may ask for, and all that it is told: places and one-time addresses, never what an image is.

The one exception is the summary of a complete practice reading, on a demo whose truth is public.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polypstudio.errors import UserError
from polypstudio.reading.design import ReadingDesign, Stratum, make_items, random_id
from polypstudio.reading.png import plain_png
from polypstudio.reading.scoring import CANNOT_JUDGE, HIGHEST, JudgedReal, score
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, ImageKey
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.studies import complete_iterations, list_studies, load_config
from polypstudio.ui.images import image_file, real_files

log = logging.getLogger(__name__)

IMAGE_ADDRESS = "/reading-image"
LARGEST_SIDE = 1024
PRACTICE_REAL, PRACTICE_SYNTHETIC, PRACTICE_ITERATIONS = 6, 2, 3  # images a class; a class and iteration; iterations
UNKNOWN: dict[str, Any] = {"status": "unknown"}

Token = Annotated[str, Field(min_length=1, max_length=64)]
Step = Annotated[int, Field(ge=CANNOT_JUDGE, le=HIGHEST)]


class Message(BaseModel):
    """What the page sends. Fields that an act does not need stay empty."""

    model_config = ConfigDict(extra="forbid")

    reader: Token
    showing: Token = "-"
    submit: Token = "-"
    source: Step | None = None
    pathology: Step | None = None
    seconds: float = Field(0.0, ge=0, le=86_400, allow_inf_nan=False)


class ReadingDesk:
    """Answers the page for all studies under ``root``. With ``demo``, anyone may start a practice reading."""

    def __init__(self, root: Path, demo: bool) -> None:
        self.root = root
        self.demo = demo

    def functions(self) -> list[Callable[[Any], dict[str, Any]]]:
        """The functions that the page calls by name, each with one message (plain functions, as Gradio marks them)."""

        def open_reading(data: Any) -> dict[str, Any]:
            return self._act(data, lambda reader, message: self._state(reader, readings.place(reader)))

        def answer_showing(data: Any) -> dict[str, Any]:
            return self._act(data, self._answer)

        def undo_answer(data: Any) -> dict[str, Any]:
            return self._act(data, lambda reader, message: self._state(reader, readings.undo(reader, message.submit)))

        def image_address(data: Any) -> dict[str, Any]:
            return self._act(data, lambda reader, message: {"address": readings.issue_address(reader, message.showing)})

        def start_practice(data: Any) -> dict[str, Any]:
            token = self.start_practice() if self.demo else None
            return {"status": "started", "reader": token} if token else self._unknown()

        def practice_summary(data: Any) -> dict[str, Any]:
            return self._act(data, self._summary)

        return [open_reading, answer_showing, undo_answer, image_address, start_practice, practice_summary]

    def start_practice(self) -> str | None:
        """Adds a practice reader to the first study that has real and synthetic images; returns their token."""
        for study in list_studies(self.root):
            try:
                return _join_practice(study)
            except UserError as error:
                log.info("no practice on %s: %s", study.name, error)
        return None

    def image(self, address: str) -> bytes | None:
        """The PNG behind a one-time address, which is used up by it; None for a guess, a second use, a lost file."""
        found = readings.redeem_address(list_studies(self.root), address)
        file = image_file(found[0], found[1]) if found else None
        try:
            return plain_png(square_pixels(file, found[2])) if found and file else None
        except OSError:
            return None

    def _act(self, data: Any, act: Callable[[readings.ReaderSession, Message], dict[str, Any]]) -> dict[str, Any]:
        try:
            message = Message.model_validate(data)
        except ValidationError:
            return self._unknown()
        reader = readings.find_reader(list_studies(self.root), message.reader)
        return act(reader, message) if reader else self._unknown()

    def _unknown(self) -> dict[str, Any]:
        return UNKNOWN | {"demo": self.demo}

    def _state(self, reader: readings.ReaderSession, place: readings.Place) -> dict[str, Any]:
        return {
            "status": "complete" if place.complete else "reading",
            "practice": reader.practice,
            "phantom": load_config(reader.study).data.phantom,
            "position": place.position,
            "total": place.total,
            "block_size": reader.body.block_size,
            "questions": reader.body.questions,
            "image_size": reader.image_size,
            "minutes": round(reader.body.expected_minutes),
            "showings": place.showings,
        }

    def _answer(self, reader: readings.ReaderSession, message: Message) -> dict[str, Any]:
        steps = {"source": message.source, "pathology": message.pathology}
        if any((steps[question] is not None) != (question in reader.body.questions) for question in steps):
            return self._state(reader, readings.place(reader))
        answer = readings.Answer(message.showing, message.submit, message.source, message.pathology, message.seconds)
        return self._state(reader, readings.submit(reader, answer))

    def _summary(self, reader: readings.ReaderSession, message: Message) -> dict[str, Any]:
        if not reader.practice or not readings.place(reader).complete:
            return self._unknown()
        result = score(readings.load_readings(reader.study, reader.design, reader.code))
        own = result.pooled
        return {
            "status": "summary",
            "rows": [_summary_row(row) for row in result.judged_real],
            "d_prime": own.d_prime if own else None,
            "pathology": [own.pathology_right, own.pathology_n] if own else [0, 0],
        }


def _join_practice(study: StudyPaths) -> str:
    """Adds a practice reader to a study; returns their token. UserError where the study has no images for it."""
    body = practice_design(study)
    stored = next((design for design in readings.list_designs(study, practice=True) if design.body == body), None)
    design = stored.id if stored else create_reading(study, body, practice=True)
    return readings.add_readers(study, design, [random_id()])[0].token


def create_reading(study: StudyPaths, body: ReadingDesign, practice: bool = False) -> str:
    """Draws the items of a design and stores it; returns its id. UserError where there are too few images."""
    sets = [stratum.image_set for stratum in body.strata]
    items = make_items(body, available_images(study, sets))
    files = [image_file(study, item.image) for item in items]
    return readings.create_design(study, body, items, common_side([file for file in files if file]), practice)


def available_images(study: StudyPaths, image_sets: list[str]) -> dict[tuple[str, str], int]:
    """(image set, class) -> number of images."""
    counts: dict[tuple[str, str], int] = {}
    for image_set in image_sets:
        for label in PATHOLOGIES:
            if image_set.startswith("real/"):
                counts[image_set, label] = len(real_files(study, image_set.removeprefix("real/"), label))
            else:
                folder = study.synthetic(ImageKey(image_set, label, 0)).parent
                counts[image_set, label] = sum(1 for _ in folder.glob("[0-9]*.png"))
    return counts


def practice_design(study: StudyPaths) -> ReadingDesign:
    """A few real images and a few of the first, a middle and the last iteration; UserError where either is missing."""
    iterations = complete_iterations(study)
    places = np.linspace(0, len(iterations) - 1, min(len(iterations), PRACTICE_ITERATIONS)).round().astype(int)
    counts = available_images(study, [real_set(split) for split in ("test", "train")])
    split = next((s for s in ("test", "train") if all(counts[real_set(s), label] for label in PATHOLOGIES)), None)
    if split is None or not iterations:
        raise UserError(f"{study.name}: a practice reading needs real images of both classes and an iteration")
    n_real = min(PRACTICE_REAL, *(counts[real_set(split), label] for label in PATHOLOGIES))
    strata = [Stratum(image_set=real_set(split), per_class=n_real)]
    strata += [Stratum(image_set=iteration_set(iterations[i]), per_class=PRACTICE_SYNTHETIC) for i in places]
    return ReadingDesign(strata=tuple(strata), repeats=0)


def common_side(files: list[Path]) -> int:
    """The side in pixels at which all images can be shown without one of them being enlarged: sharpness tells.

    Raises UserError naming a file that cannot be read.
    """
    from PIL import Image

    sides = [LARGEST_SIDE]
    for file in files:
        try:
            with Image.open(file) as image:
                sides.append(min(image.size))
        except OSError:
            raise UserError(f"{file}: cannot be read, so no reading can show it; restore the image") from None
    return min(sides)


def square_pixels(file: Path, side: int) -> np.ndarray:
    """uint8 (side, side, 3): the central square of an image, resized with antialiasing. OSError if unreadable."""
    from PIL import Image, ImageOps

    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return np.asarray(ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS))


def _summary_row(row: JudgedReal) -> dict[str, Any]:
    kind, _, name = row.image_set.partition("/")
    origin = "real" if kind == "real" else f"synthetic, iteration {int(name):,}"
    return {"name": f"{PATHOLOGY_NAMES[row.label]}, {origin}", "judged_real": row.judged_real, "n": row.n}
