"""What the clinicians' page may ask for, and all that it is told: places and one-time addresses, never what an image is.

There are two exceptions: a training item once it has been answered, and the summary of a complete practice reading on a
demo whose truth is public.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polypstudio.errors import UserError
from polypstudio.reading.order import block_of, can_undo
from polypstudio.reading.png import plain_png
from polypstudio.reading.questions import QUESTIONS, valid_answers
from polypstudio.records import PATHOLOGY_NAMES
from polypstudio.store import readings
from polypstudio.store.readings import Place, ReaderSession, TrainingItem
from polypstudio.store.studies import list_studies, load_config
from polypstudio.ui.images import image_file
from polypstudio.ui.reading_images import square_pixels
from polypstudio.ui.reading_practice import practice_summary, start_practice

IMAGE_ADDRESS = "/reading-image"
NOBODY = "-"
UNKNOWN: dict[str, Any] = {"status": "unknown"}

Token = Annotated[str, Field(min_length=1, max_length=64)]


class Message(BaseModel):
    """What the page sends. Fields that an act does not need stay empty."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reader: Token = NOBODY
    showing: Token = NOBODY
    side: Annotated[int, Field(ge=0, le=1)] = 0
    submit: Token = NOBODY
    answers: dict[str, int | str | None] = {}
    seconds: float = Field(0.0, ge=0, le=86_400, allow_inf_nan=False)
    zoom: float | None = Field(None, ge=1, le=100, allow_inf_nan=False)
    brightness: float | None = Field(None, ge=0, le=10, allow_inf_nan=False)


Act = Callable[[ReaderSession, Message], dict[str, Any]]


def parse(data: Any) -> Message | None:
    """A message of the page; None for anything else."""
    try:
        return Message.model_validate(data)
    except ValidationError:
        return None


class ReadingDesk:
    """Answers the page for all studies under ``root``. With ``demo``, anyone may start a practice reading."""

    def __init__(self, root: Path, demo: bool) -> None:
        self.root = root
        self.demo = demo
        self.acts: dict[str, Act] = {
            "open_reading": self._open,
            "answer_showing": self._answer,
            "undo_answer": lambda reader, message: _state(reader, readings.undo(reader, message.submit)),
            "image_address": self._address,
            "practice_summary": self._summary,
        }

    def act(self, name: str, message: Message) -> dict[str, Any] | None:
        """What an act yields, by its name; None for a personal link that is nobody's."""
        reader = readings.find_reader(list_studies(self.root), message.reader)
        return self.acts[name](reader, message) if reader else None

    def practise(self) -> dict[str, Any]:
        """Starts a practice reading; on anything but a demo, nothing."""
        token = start_practice(self.root) if self.demo else None
        return {"status": "started", "reader": token} if token else self.unknown()

    def unknown(self) -> dict[str, Any]:
        """What whoever has no valid link is told."""
        return UNKNOWN | {"demo": self.demo}

    def image(self, address: str) -> bytes | None:
        """The PNG behind a one-time address, which is used up by it; None for a guess, a second use, a lost file."""
        found = readings.redeem_address(list_studies(self.root), address)
        file = image_file(found[0], found[1]) if found else None
        try:
            return plain_png(square_pixels(file, found[2])) if found and file else None
        except UserError:
            return None

    def _open(self, reader: ReaderSession, message: Message) -> dict[str, Any]:
        body = reader.body
        reading = {
            "practice": reader.practice,
            "phantom": load_config(reader.study).data.phantom,
            "protocol": body.protocol,
            "questions": [QUESTIONS[name].model_dump() for name in body.questions],
            "image_size": reader.image_size,
            "minutes": round(body.expected_minutes),
            "training": body.n_training,
        }
        return _state(reader, readings.place(reader)) | {"reading": reading}

    def _answer(self, reader: ReaderSession, message: Message) -> dict[str, Any]:
        if not valid_answers(reader.body.questions, message.answers):
            return _state(reader, readings.place(reader))
        answer = readings.Answer(
            message.showing, message.submit, message.answers, message.seconds, message.zoom, message.brightness
        )
        state = _state(reader, readings.submit(reader, answer))
        taught = readings.feedback(reader, message.showing) if reader.body.n_training else None
        return state | ({"feedback": _feedback(taught)} if taught else {})

    def _address(self, reader: ReaderSession, message: Message) -> dict[str, Any]:
        return {"address": readings.issue_address(reader, message.showing, message.side)}

    def _summary(self, reader: ReaderSession, message: Message) -> dict[str, Any]:
        if not reader.practice or not readings.place(reader).complete:
            return self.unknown()
        return practice_summary(reader)


def _state(reader: ReaderSession, place: Place) -> dict[str, Any]:
    return {
        "status": "complete" if place.complete else "reading",
        "position": place.position,
        "total": place.total,
        "block": block_of(reader.body, place.position).model_dump(),
        "undo": can_undo(reader.body, place.position),
        "showings": place.showings,
    }


def _feedback(taught: TrainingItem) -> dict[str, Any]:
    """What a training item was: its class, and whether it is real or which of the two is."""
    label = PATHOLOGY_NAMES[taught.image.label]
    if taught.pair:
        return {"label": label, "real_side": "left" if taught.swapped else "right"}
    return {"label": label, "real": taught.image.image_set.startswith("real/")}
