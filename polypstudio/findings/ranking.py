"""Which iteration is best, by which rule, and how sure that is, in words."""

from __future__ import annotations

from collections.abc import Sequence

from polypstudio.findings.format import percent
from polypstudio.records import Rule, RuleRanking

RULE_NAMES: dict[Rule, str] = {
    "within_kid": "lowest within-class KID",
    "alignment": "highest class alignment",
    "smaller_margin": "largest smaller margin",
}
RULE_MEANINGS: dict[Rule, str] = {
    "within_kid": "The paper's rule: looks alone, each class against its own real images.",
    "alignment": "That the classes differ as the real ones do.",
    "smaller_margin": "That no class lies nearer the other real class than its own.",
}


def ranking_sentence(ranking: RuleRanking) -> str:
    """By the highest class alignment, 8000 is picked and best in 41 % of resamples; 4000, 6000 and 8000 are tied."""
    picked = next(each for each in ranking.iterations if each.iteration == ranking.picked)
    start = f"By the {RULE_NAMES[ranking.rule]}, {picked.iteration} is picked"
    if len(ranking.iterations) == 1:
        return f"{start}: there is no other."
    return f"{start} and best in {share(picked.best)} of resamples; {_tied_words(ranking)}."


def share(value: float) -> str:
    """A share of draws; 0 % and 100 % only where it is all or nothing."""
    if 0 < value < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= value < 1 else percent(value)


def listed(names: Sequence[object]) -> str:
    """1, 2 and 3."""
    words = [str(name) for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _tied_words(ranking: RuleRanking) -> str:
    """What the data do not decide, at 95 % confidence."""
    if len(ranking.tied) == len(ranking.iterations):
        return f"all {len(ranking.tied)} iterations are tied"
    if len(ranking.tied) == 1:
        return "all others are shown to be worse"
    return f"{listed(ranking.tied)} are tied"
