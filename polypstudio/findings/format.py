"""Numbers as text: one way to print estimates, intervals, p values and counts everywhere."""

from __future__ import annotations

from polypstudio.records import Estimate

MINUS = "−"


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign; what rounds to zero has no sign."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """A difference, always with its sign."""
    text = number(value, digits)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def interval(ci: tuple[float, float], digits: int = 2) -> str:
    """0.05–0.56; with a negative end −0.10 to 0.56, since a dash and a minus are easily confused."""
    low, high = (number(end, digits) for end in ci)
    return f"{low} to {high}" if ci[0] < 0 else f"{low}–{high}"


def estimate(value: Estimate, digits: int = 2) -> str:
    """0.31 (CI 0.05–0.56)."""
    return f"{number(value.value, digits)} (CI {interval(value.ci, digits)})"


def p_value(p: float) -> str:
    """p 0.34, p 0.02, p 0.004, p < 0.001; three digits also where two would hide the side of 0.05."""
    if p < 0.001:
        return "p < 0.001"
    return f"p {p:.3f}" if p < 0.01 or f"{p:.2f}" == "0.05" else f"p {p:.2f}"


def percent(value: float) -> str:
    """A ratio as a whole percentage."""
    return f"{number(100 * value, 0)} %"


def count(n: int, singular: str, plural: str | None = None) -> str:
    """1 copy, 2 copies, no copies."""
    noun = singular if n == 1 else plural or f"{singular}s"
    return f"{n or 'no'} {noun}"
