"""Progress and results of a reading as tables, each number with its n and how its interval was made."""

from __future__ import annotations

from markupsafe import Markup

from polypstudio.reading.scoring import JudgedReal, ReadingResults, Sensitivity
from polypstudio.records import PATHOLOGY_NAMES, Estimate
from polypstudio.store.readings import ReaderProgress
from polypstudio.ui.components.markup import Text, card, class_name, empty, heading, paragraph, table

COLOURS = {"ad": "#D55E00", "non_ad": "#0072B2"}
INTERVALS = {
    "exact": "exact (Clopper–Pearson): one reader, taken as independent answers",
    "bootstrap": "percentiles of a bootstrap over readers and over images",
}
NO_READING = empty("No reading yet.", "Choose images and readers above; personal links to send out come next.")
NO_ANSWERS = "No answers yet: results appear here as readers go on."


def results_view(progress: list[ReaderProgress], results: ReadingResults) -> str:
    """The cards below the choice of a reading."""
    if results.pooled is None:
        return card(*_progress(progress), paragraph(NO_ANSWERS))
    return "".join(
        card(*parts)
        for parts in (_progress(progress), _judged_real(results), _sensitivity(results), _agreement(results))
    )


def image_set_name(image_set: str) -> str:
    """``iterations/000480`` -> "iteration 480", ``real/test`` -> "real, test"."""
    kind, _, name = image_set.partition("/")
    return f"iteration {int(name):,}" if kind == "iterations" else f"{kind}, {name}"


def _progress(progress: list[ReaderProgress]) -> list[Text]:
    rows = [[p.reader, f"{p.answered} of {p.total}", (p.last or "not begun")[:16].replace("T", " ")] for p in progress]
    return [heading("Progress"), table(["reader", "answered", "last answer, UTC"], rows)]


def _judged_real(results: ReadingResults) -> list[Text]:
    rows = [
        [
            image_set_name(row.image_set),
            class_name(row.label, PATHOLOGY_NAMES[row.label]),
            f"{row.judged_real} of {row.n}",
            _percent(row.estimate),
            _interval_drawing(row),
            str(row.n_images),
        ]
        for row in results.judged_real
    ]
    kinds = sorted({row.interval for row in results.judged_real})
    return [
        heading("Judged real"),
        table(["images", "class", "judged real", "rate (95 % CI)", "0 … 100 %", "images"], rows, left=(0, 1, 4)),
        paragraph(
            "Steps 4 to 6 count as judged real; first showings only; “cannot judge” is left out. "
            f"Interval: {'; '.join(INTERVALS[kind] for kind in kinds)}."
        ),
    ]


def _sensitivity(results: ReadingResults) -> list[Text]:
    readers = [(own.reader, own) for own in results.readers]
    if results.pooled is not None and len(readers) > 1:
        readers.append(("all, pooled", results.pooled))
    heads = ["reader", "answers", "d′", "AUC", "pathology right", "same on repeat", "cannot judge", "median s"]
    return [
        heading("Telling real from synthetic"),
        table(heads, [_sensitivity_row(name, own) for name, own in readers]),
        paragraph(
            "d′ from the two halves of the scale (log-linear correction), AUC from its six steps; guessing gives 0 and "
            "0.5. Pathology is right where it is the label: of a synthetic image, the class that it was made for."
        ),
    ]


def _sensitivity_row(name: str, own: Sensitivity) -> list[Text]:
    return [
        name,
        str(own.n),
        _number(own.d_prime),
        _number(own.auc),
        f"{own.pathology_right} of {own.pathology_n}",
        f"{own.repeats_same} of {own.repeats_n}",
        str(own.cannot_judge),
        f"{own.median_seconds:.1f}",
    ]


def _agreement(results: ReadingResults) -> list[Text]:
    if results.kappa_source is None and results.kappa_pathology is None:
        words = "Fleiss’ κ needs two readers or more who judged the same images."
    else:
        words = (
            f"Fleiss’ κ: real or synthetic {_number(results.kappa_source)} ({results.kappa_source_images} images), "
            f"AD or Non-AD {_number(results.kappa_pathology)} ({results.kappa_pathology_images} images), over the "
            "images that every reader judged. 0 is chance, 1 full agreement."
        )
    return [heading("Agreement between readers"), paragraph(words)]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _percent(estimate: Estimate) -> str:
    low, high = estimate.ci
    return f"{estimate.value:.0%} ({low:.0%}–{high:.0%})".replace("%", " %")


def _interval_drawing(row: JudgedReal, width: int = 160) -> Markup:
    """The rate and its interval on a line from 0 to 100 %: filled for real images, open for synthetic ones."""
    low, high = row.estimate.ci
    colour = COLOURS[row.label]
    return Markup(
        '<svg width="{width}" height="14" style="display:block;overflow:visible" aria-hidden="true">'
        '<line x2="{width}" y1="7" y2="7" stroke="currentColor" opacity="0.2"/>'
        '<line x1="{low:.1f}" x2="{high:.1f}" y1="7" y2="7" stroke="{colour}" stroke-width="3"/>'
        '<circle cx="{value:.1f}" cy="7" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2"/></svg>'
    ).format(
        width=width,
        low=width * low,
        high=width * high,
        value=width * row.estimate.value,
        colour=colour,
        fill=colour if row.image_set.startswith("real/") else "var(--block-background-fill)",
    )
