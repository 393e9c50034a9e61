"""Do the encoders agree on the order of the iterations? Described by Kendall's τ: iterations of one run are no sample."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import sqrt

from polypstudio.findings.appearance import within_kid
from polypstudio.findings.format import number
from polypstudio.findings.ranking import RULE_NAMES
from polypstudio.records import PATHOLOGIES, IterationEvidence, KidResult, Record, Rule

RULES: tuple[Rule, ...] = ("within_kid", "alignment", "smaller_margin")


class EncoderPair(Record):
    """How alike two encoders order the iterations by one rule. ``tau`` is None where one of them sees no order."""

    first: str
    second: str
    rule: Rule
    tau: float | None
    n: int
    same_family: bool


def encoder_agreement(results: Sequence[KidResult], reference: str, rules: Sequence[Rule] = RULES) -> list[EncoderPair]:
    """Every pair of encoders by every rule, over the iterations that both have judged against this reference."""
    judged = [result for result in results if reference in result.references]
    pairs = []
    for first, second in combinations(judged, 2):
        rows = [
            {row.iteration: row for row in result.references[reference].iterations}  # type: ignore[index]
            for result in (first, second)
        ]
        common = sorted(n for n in rows[0].keys() & rows[1].keys() if n is not None)
        for rule in rules:
            x, y = ([_value(each[n], rule) for n in common] for each in rows)
            pairs.append(
                EncoderPair(
                    first=first.encoder or "",
                    second=second.encoder or "",
                    rule=rule,
                    tau=kendall_tau(x, y),
                    n=len(common),
                    same_family=_family(first) == _family(second),
                )
            )
    return pairs


def kendall_tau(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Kendall's τ-b of two orders of the same things (Kendall 1945); None where one of them is all ties."""
    signs = [((x[i] > x[j]) - (x[i] < x[j]), (y[i] > y[j]) - (y[i] < y[j])) for i, j in combinations(range(len(x)), 2)]
    untied_x, untied_y = sum(a != 0 for a, _ in signs), sum(b != 0 for _, b in signs)
    if not untied_x or not untied_y:
        return None
    return sum(a * b for a, b in signs) / sqrt(untied_x * untied_y)


def agreement_words(pair: EncoderPair) -> str:
    """One pair as a clause; of two encoders of one family it says that this is no second opinion."""
    if pair.tau is None:
        return f"{pair.first} and {pair.second}: no order to compare by the {RULE_NAMES[pair.rule]}"
    if pair.tau >= 0.6:
        verdict = "agree"
    elif pair.tau >= 0.2:
        verdict = "agree in part"
    else:
        verdict = "do not agree" if pair.tau > -0.2 else "contradict each other"
    family = " (of one family: no second opinion)" if pair.same_family else ""
    return (
        f"{pair.first} and {pair.second} {verdict} on the order of {pair.n} iterations by the {RULE_NAMES[pair.rule]}, "
        f"τ {number(pair.tau)}{family}"
    )


def agreement_sentence(pairs: Sequence[EncoderPair]) -> str:
    """All pairs; with a single encoder, that nobody has been asked for a second opinion."""
    if not pairs:
        return (
            "One encoder alone has judged these iterations; evaluate with another, of another family, to see whether it "
            "orders them alike."
        )
    return "; ".join(agreement_words(pair) for pair in pairs) + "."


def _value(row: IterationEvidence, rule: Rule) -> float:
    if rule == "within_kid":
        return -within_kid(row)
    margins = [row.margins[label].value for label in PATHOLOGIES]
    return sum(margins) if rule == "alignment" else min(margins)


def _family(result: KidResult) -> str:
    """As recorded with the result, or, in results of older versions, the network's name."""
    return str(result.settings.get("encoder_family") or (result.encoder or "").partition("@")[0])
