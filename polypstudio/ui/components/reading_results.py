"""Progress and results of a reading as tables, each number with its n and how its interval was made."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from polypstudio.reading.concord import Agreement
from polypstudio.reading.questions import QUESTIONS
from polypstudio.reading.scoring import ReaderResult, ReadingResults, StratumResult
from polypstudio.records import PATHOLOGY_NAMES, Estimate, ImageKey
from polypstudio.store.readings import ReaderProgress
from polypstudio.ui.components.markup import Text, card, class_name, empty, heading, paragraph, pictures, table

COLOURS = {"ad": "#D55E00", "non_ad": "#0072B2"}
INTERVALS = {
    "exact": "exact (Clopper–Pearson): one reader, taken as independent answers",
    "bootstrap": "a bootstrap over readers and over images",
}
WITH_READERS = "over readers and over images; of few readers they are wide"
NO_READING = empty("No reading yet.", "Choose images and readers above; personal links to send out come next.")
NO_ANSWERS = "No answers yet: results appear here as readers go on."
MOST_PICTURES = 24

Address = Callable[[ImageKey], str]


def results_view(progress: list[ReaderProgress], results: ReadingResults, census: str, address: Address) -> str:
    """The cards below the choice of a reading. ``address``: where the browser finds an image."""
    if results.overall is None:
        return card(*_progress(progress), paragraph(census), paragraph(NO_ANSWERS))
    cards = [
        _progress(progress),
        _strata(results, census),
        _against(results),
        _readers(results),
        _agreement(results.agreement),
        _course(results),
        _all_wrong(results, address),
    ]
    return "".join(card(*parts) for parts in cards if parts)


def image_set_name(image_set: str) -> str:
    """``iterations/000480`` -> "iteration 480", ``real/test`` -> "real, test"."""
    kind, _, name = image_set.partition("/")
    return f"iteration {int(name):,}" if kind == "iterations" else f"{kind}, {name}"


def _progress(progress: list[ReaderProgress]) -> list[Text]:
    rows = [
        [p.reader, f"{p.answered} of {p.total}", _time(p.last) if p.last else "not begun", _link(p)] for p in progress
    ]
    return [heading("Progress"), table(["reader", "answered", "last answer, UTC", "link"], rows)]


def _link(progress: ReaderProgress) -> str:
    if progress.link == "open" and progress.expires:
        return f"open until {progress.expires[:10]}"
    return progress.link


def _time(iso: str) -> str:
    return iso[:16].replace("T", " ")


def _strata(results: ReadingResults, census: str) -> list[Text]:
    rows = [
        [
            image_set_name(row.image_set),
            class_name(row.label, PATHOLOGY_NAMES[row.label]),
            f"{row.judged_real} of {row.n}",
            _percent(row.estimate),
            _interval_drawing(row),
            str(row.n_images),
        ]
        for row in results.strata
    ]
    kinds = sorted({row.interval for row in results.strata})
    return [
        heading("Judged real"),
        table(["images", "class", "judged real", "rate (95 % CI)", "0 … 100 %", "images"], rows, left=(0, 1, 4)),
        paragraph(
            "Steps 4 to 6 count as judged real, and of a pair the synthetic image when it was chosen; first showings only; "
            f"“cannot judge” is left out. Interval: {'; '.join(INTERVALS[kind] for kind in kinds)}."
        ),
        paragraph(census),
    ]


def _against(results: ReadingResults) -> list[Text]:
    """What else is told of each set and class; a column only where something was asked."""
    columns: list[tuple[str, Callable[[StratumResult], str]]] = [
        ("AUC (95 % CI)", lambda row: _two_places(row.auc)),
        ("d′ (95 % CI)", lambda row: _two_places(row.d_prime)),
        ("pathology right", lambda row: f"{_percent(row.pathology)} of {row.pathology_n}" if row.pathology else "–"),
        ("quality, 1–6", lambda row: _two_places(row.quality)),
        ("plausibility, 1–6", lambda row: _two_places(row.plausibility)),
    ]
    shown = [(name, cell) for name, cell in columns if any(cell(row) != "–" for row in results.strata)]
    if not shown:
        return []
    rows = [
        [
            image_set_name(row.image_set),
            class_name(row.label, PATHOLOGY_NAMES[row.label]),
            *(cell(row) for _, cell in shown),
        ]
        for row in results.strata
    ]
    return [
        heading("Told apart, recognised, rated"),
        table(["images", "class", *(name for name, _ in shown)], rows, left=(0, 1)),
        paragraph(
            "AUC and d′ of an iteration: against the real images of its class, as means of the readers; guessing gives 0.5 "
            "and 0. Intervals from a bootstrap over readers and over images; they are wide where readers are few."
        ),
    ]


def _readers(results: ReadingResults) -> list[Text]:
    heads = ["reader", "answers", "right (95 % CI)", "d′", "AUC", "pathology right", "same on repeat"]
    heads += ["cannot judge", "median s"]
    parts: list[Text] = [
        heading("Telling real from synthetic"),
        table(heads, [_reader_row(own) for own in results.readers]),
    ]
    overall = results.overall
    if overall and len(results.readers) > 1:
        pathology = f"; pathology right {_percent(overall.pathology)}" if overall.pathology else ""
        parts.append(
            paragraph(
                f"All readers: AUC {_two_places(overall.auc)}, d′ {_two_places(overall.d_prime)} (means of the readers)"
                f"{pathology}. Intervals from a bootstrap over readers and over images."
            )
        )
    parts.append(
        paragraph(
            "d′ from the two halves of the scale (log-linear correction), AUC from its six steps; guessing gives 0 and 0.5. "
            "Pathology is right where it is the label: of a synthetic image, the class that it was made for. A reader’s own "
            "interval is exact."
        )
    )
    return parts


def _reader_row(own: ReaderResult) -> list[Text]:
    right = f"{own.right} of {own.judged}"
    if own.right_interval:
        right += f" ({own.right_interval[0]:.0%}–{own.right_interval[1]:.0%})".replace("%", " %")
    return [
        own.reader,
        str(own.n),
        right,
        _number(own.d_prime),
        _number(own.auc),
        f"{own.pathology_right} of {own.pathology_n}",
        f"{own.repeats_same} of {own.repeats_n}",
        str(own.cannot_judge),
        f"{own.median_seconds:.1f}",
    ]


def _agreement(agreement: list[Agreement]) -> list[Text]:
    title = heading("Agreement between readers")
    if not agreement:
        return [title, paragraph("It needs two readers or more who judged the same images.")]
    rows = [
        [
            QUESTIONS[row.question].title,
            _with_interval(row.kappa, row.kappa_ci),
            str(row.kappa_images) if row.kappa_images else "–",
            _with_interval(row.alpha, row.alpha_ci),
            str(row.images),
            _with_interval(row.alpha_steps, row.alpha_steps_ci),
        ]
        for row in agreement
    ]
    heads = ["question", "Fleiss’ κ (95 % CI)", "images", "Krippendorff’s α (95 % CI)", "images"]
    heads += ["α of the six steps (95 % CI)"]
    drawn = "over images alone: two readers say nothing of others" if agreement[0].readers == 2 else WITH_READERS
    words = (
        "κ and α on the two halves of the scale: κ over the images that every reader judged, α over all that two judged; α "
        "of the steps takes them as ranks. 0 is chance, 1 full agreement; – where all answers are alike. Intervals from a "
        f"bootstrap {drawn}."
    )
    return [title, table(heads, rows), paragraph(words)]


def _course(results: ReadingResults) -> list[Text]:
    if not results.course:
        return []
    rows = [
        [
            f"{part.part} of {part.parts}",
            f"{part.right} of {part.n} ({part.right / part.n:.0%})".replace("%", " %"),
            f"{part.pathology_right} of {part.pathology_n}",
            f"{part.median_seconds:.1f}",
        ]
        for part in results.course
    ]
    change = results.change
    words = (
        f"Last quarter minus first, right answers: {100 * change.value:+.0f} points (95 % CI {100 * change.ci[0]:+.0f} to "
        f"{100 * change.ci[1]:+.0f}, Student’s t over readers)."
        if change
        else "The change from the first quarter to the last gets an interval with two readers or more."
    )
    heads = ["quarter", "real or synthetic right", "pathology right", "median s"]
    return [heading("Learning and fatigue"), table(heads, rows), paragraph(words.replace("-", "−"))]


def _all_wrong(results: ReadingResults, address: Address) -> list[Text]:
    title = heading("Images that all readers got wrong")
    if len(results.readers) < 2:
        return []
    if not results.all_wrong:
        return [title, paragraph("None: every image that two readers or more judged was told right by one of them.")]
    parts: list[Text] = [title]
    for real, words in ((True, "Real, judged synthetic by all"), (False, "Synthetic, judged real by all")):
        keys = [key for key in results.all_wrong if key.image_set.startswith("real/") == real]
        if keys:
            shown = f", the first {MOST_PICTURES}" if len(keys) > MOST_PICTURES else ""
            sets = ", ".join(sorted({image_set_name(key.image_set) for key in keys}))
            parts += [paragraph(f"{words}: {len(keys)} ({sets}){shown}"), _pictures(keys, words, address)]
    return parts


def _pictures(keys: list[ImageKey], words: str, address: Address) -> Markup:
    return pictures([address(key) for key in keys[:MOST_PICTURES]], words)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _two_places(estimate: Estimate | None) -> str:
    return _with_interval(estimate.value, estimate.ci) if estimate else "–"


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    low, high = interval or (None, None)
    return f"{_number(value)} ({_number(low)} to {_number(high)})" if interval else _number(value)


def _percent(estimate: Estimate) -> str:
    low, high = estimate.ci
    return f"{estimate.value:.0%} ({low:.0%}–{high:.0%})".replace("%", " %")


def _interval_drawing(row: StratumResult, width: int = 120) -> Markup:
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
