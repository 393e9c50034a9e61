"""Which iteration is best, and how sure that is: ``results/ranking/<encoder>.json``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from polypstudio.records.base import Record, Result

Rule = Literal["within_kid", "alignment", "smaller_margin"]


class RankedIteration(Record):
    """One iteration under one selection rule."""

    iteration: int
    value: float = Field(description="what the rule orders by, from all images")
    ranks: list[float] = Field(description="share of the bootstrap draws in which it has rank 1 (best), 2, …")
    tied: bool = Field(description="not shown to be worse than the best: in the 95 % confidence set of the best")

    @property
    def best(self) -> float:
        """Share of the bootstrap draws in which it is the best."""
        return self.ranks[0]


class RuleRanking(Record):
    """All iterations under one selection rule; ``picked`` is the one that the rule picks from all images."""

    rule: Rule
    picked: int
    iterations: list[RankedIteration]

    @property
    def tied(self) -> list[int]:
        """The iterations among which the data do not decide."""
        return [each.iteration for each in self.iterations if each.tied]


class RankingResult(Result):
    """``results/ranking/<encoder>.json``: every selection rule against both references."""

    COMPACT: ClassVar[bool] = True

    draws: int
    references: dict[Literal["train", "held_out"], list[RuleRanking]]
