"""One reader's answers on one showing, as the results take them."""

from __future__ import annotations

from polypstudio.reading.questions import CANNOT_JUDGE, HIGHEST, LOWEST
from polypstudio.records import ImageKey, Record


class Reading(Record):
    """One reader's answers on one showing: steps 1 … 6, 0 for "cannot judge", None where the question was not asked.

    ``image``: of a pair, the synthetic one; ``swapped``: the real one stood on the left. ``seconds``: from the image
    on screen to the answer, pauses left out. ``position``: among all showings of the reader, training included.
    """

    reader: str
    image: ImageKey
    repeat: bool
    position: int
    swapped: bool = False
    source: int | None = None
    pathology: int | None = None
    quality: int | None = None
    plausibility: int | None = None
    preference: int | None = None
    reason: int | None = None
    comment: str | None = None
    seconds: float
    zoom: float | None = None
    brightness: float | None = None

    @property
    def is_real(self) -> bool:
        return self.image.image_set.startswith("real/")

    @property
    def is_pair(self) -> bool:
        return self.preference is not None

    @property
    def judged_real(self) -> bool | None:
        """Of a pair: whether the synthetic image was taken for the real one."""
        if self.preference is not None:
            return not self.chose_real
        return _upper_half(self.source)

    @property
    def judged_ad(self) -> bool | None:
        return _upper_half(self.pathology)

    @property
    def chose_real(self) -> bool:
        """Of a pair: whether the real image was found."""
        return (self.preference == 1) == self.swapped

    @property
    def source_right(self) -> bool | None:
        """Whether real and synthetic were told apart; None where that was not judged."""
        return None if self.judged_real is None else self.judged_real == self.is_real

    @property
    def pathology_right(self) -> bool | None:
        """Whether the half of the scale is the label: of a synthetic image, the class that it was made for."""
        return None if self.judged_ad is None else self.judged_ad == (self.image.label == "ad")


def _upper_half(step: int | None) -> bool | None:
    return None if step is None or step == CANNOT_JUDGE else step > (LOWEST + HIGHEST) / 2
