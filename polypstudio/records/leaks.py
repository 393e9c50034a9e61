"""Whether trivial statistics tell real from synthetic images: ``results/leaks/images.json``."""

from __future__ import annotations

from pydantic import Field

from polypstudio.records.base import Record, Result
from polypstudio.records.kid import Estimate


class LeakTest(Record):
    """A logistic regression on trivial statistics, judged out of fold; 0.5 is chance, 1 tells them all apart."""

    auc: Estimate
    strongest: str = Field(description="the single statistic that tells real from synthetic best")
    strongest_auc: float


class IterationLeak(Record):
    """What tells the synthetic images of one iteration from the real training images."""

    iteration: int
    file: LeakTest = Field(description="traces of codec, decoder and borders in the pixels")
    image: LeakTest = Field(description="mean colours, contrast, sharpness: what a picture looks like at a glance")

    @property
    def leaks(self) -> bool:
        """Whether the way the images were made gives them away."""
        return self.file.auc.ci[0] > 0.5


class LeakResult(Result):
    """``results/leaks/images.json``: of no encoder, since it looks at files and pixels."""

    iterations: list[IterationLeak]
