"""Items of reporting guidelines that a reading's design answers, in words for a supplement. No claim of compliance.

STARD 2015: Bossuyt et al. 2015. GRRAS: Kottner et al. 2011. CLAIM: Mongan et al. 2020, updated by Tejani et al. 2024; its items
are named by their words, which hold for both versions. Item texts are shortened.
"""

from __future__ import annotations

from polypstudio.reading.design import ReadingDesign
from polypstudio.reading.intervals import RESAMPLES
from polypstudio.reading.power import Power
from polypstudio.reading.questions import QUESTIONS
from polypstudio.records import PATHOLOGY_NAMES, Record

BY_NAME = "by name"


class ReadingFacts(Record):
    """What a stored reading is, beside its design."""

    study: str
    definition: str
    phantom: bool
    version: int
    created: str
    image_size: int
    readers: int
    complete: int
    answers: int
    withdrawn: int
    power: Power


class ReportingItem(Record):
    """One item of a guideline and what the design answers to it."""

    guideline: str
    item: str
    asks: str
    answer: str


def reporting_items(design: ReadingDesign, facts: ReadingFacts) -> list[ReportingItem]:
    """The items that the design, the software and the state of the reading answer."""
    sampling, process, sizes = _sampling(design), _process(design, facts), _sizes(design, facts)
    scales, statistics, agreement = _scales(design), _statistics(), _agreement(design)
    reference = (
        f"By origin: an image is real or was generated. Pathology by the dataset's own definition: {facts.definition}"
    )
    state = f"{facts.readers} readers, {facts.complete} complete; {facts.answers} answers count, {facts.withdrawn} taken back."
    rows = [
        ("CLAIM", BY_NAME, "selection of data subsets", sampling),
        ("CLAIM", BY_NAME, "definition of the reference standard", reference),
        ("CLAIM", BY_NAME, "annotation tool", f"{process} {scales}"),
        ("CLAIM", BY_NAME, "inter- and intrarater variability", agreement),
        ("CLAIM", BY_NAME, "intended sample size and how it was determined", sizes),
        ("CLAIM", BY_NAME, "statistical measures of uncertainty", statistics),
        ("CLAIM", BY_NAME, "flow of cases", state),
        ("CLAIM", BY_NAME, "failure analysis of wrong cases", "Images that all readers got wrong are listed and shown."),
        ("STARD", "9", "consecutive, random or convenience series", sampling),
        ("STARD", "10a", "index test, in sufficient detail", f"{process} {scales}"),
        ("STARD", "10b", "reference standard", reference),
        ("STARD", "12a", "result categories and cut-offs", f"{scales} Steps 4 to 6 count as the upper judgement."),
        ("STARD", "13a", "were reference results available to the readers", _blinding(design)),
        ("STARD", "14", "methods for estimating accuracy", statistics),
        ("STARD", "15", "indeterminate results", "“Cannot judge” is left out of rates and counted apart."),
        ("STARD", "16", "missing data", "Left out; each table gives its n; κ rests on images that all judged."),
        ("STARD", "18", "intended sample size", sizes),
        ("STARD", "19", "flow of participants", state),
        ("STARD", "29", "where the protocol can be found", f"The export holds the design, version {facts.version}."),
        ("GRRAS", "6", "how the sample size was chosen", sizes),
        ("GRRAS", "7", "sampling method", sampling),
        ("GRRAS", "8", "rating process, intervals, blinding", f"{process} {_repeats(design)} {_blinding(design)}"),
        ("GRRAS", "9", "independence of ratings", "A link and an order for each reader, who sees no other's answers."),
        ("GRRAS", "10", "statistical analysis", f"{agreement} {statistics}"),
        ("GRRAS", "11", "actual numbers of raters, subjects, replicates", f"{state} {_counts(design)}"),
    ]  # fmt: skip
    return [ReportingItem(guideline=g, item=item, asks=asks, answer=answer) for g, item, asks, answer in rows]


def reporting_markdown(design: ReadingDesign, facts: ReadingFacts) -> str:
    """The items as a Markdown table, with what they are not."""
    lines = [
        f"# Reporting items: reading of {facts.study}, version {facts.version}",
        "",
        "Items of CLAIM, STARD (2015) and GRRAS (2011) that the design of this reading answers; those of CLAIM by their "
        "words, since a number may stand for another item in its version of 2020 than in that of 2024. All other items are "
        "for the authors to answer, and **this list is no claim of compliance** with any guideline.",
        *(["", "The images are phantoms, not patients."] if facts.phantom else []),
        "",
        "| guideline | item | asks for | this reading |",
        "| --- | --- | --- | --- |",
    ]
    for row in reporting_items(design, facts):
        lines.append(f"| {row.guideline} | {row.item} | {row.asks} | {_cell(row.answer)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sampling(design: ReadingDesign) -> str:
    sets = "; ".join(f"{stratum.per_class} a class from {stratum.image_set}" for stratum in design.strata)
    classes = " and ".join(PATHOLOGY_NAMES[label] for label in design.classes)
    pairs = " Every synthetic image is paired with a real one of its class." if design.is_pairs else ""
    return f"Random, by seed {design.seed}, without regard to looks: {sets} (classes: {classes}).{pairs}"


def _process(design: ReadingDesign, facts: ReadingFacts) -> str:
    shown = "two images side by side, sides balanced at random" if design.is_pairs else "one image at a time"
    return (
        f"PolypStudio's reading app in a browser: {shown}, all resized to {facts.image_size} × {facts.image_size} pixels, "
        f"in blocks of {design.block_size}, each reader in a random order of their own; zoom and brightness free and logged; "
        "no time limit, times logged; the last answer can be taken back within its block, and stays on record. "
        + (
            f"{design.n_training} training items with feedback come first."
            if design.n_training
            else "No training items."
        )
    )


def _scales(design: ReadingDesign) -> str:
    words = []
    for name in design.questions:
        question = QUESTIONS[name]
        ends = (
            f"six steps, 1 {question.low} to 6 {question.high}"
            if question.kind == "scale"
            else ", ".join(question.options)
        )
        words.append(f"{question.title} ({ends or 'optional text'})")
    return f"Questions: {'; '.join(words)}."


def _blinding(design: ReadingDesign) -> str:
    training = " except for training items, after their answer" if design.n_training else ""
    return (
        f"Readers are told neither origin nor class of an image{training}: same size and encoding, no file names or metadata, "
        "random one-time addresses. No clinical information is shown."
    )


def _repeats(design: ReadingDesign) -> str:
    return f"{design.n_repeats} items come twice, unannounced, at least {design.lag} showings apart."


def _counts(design: ReadingDesign) -> str:
    return f"{design.n_items} {'pairs' if design.is_pairs else 'images'}, {design.n_repeats} of them twice."


def _sizes(design: ReadingDesign, facts: ReadingFacts) -> str:
    area = facts.power.detectable_auc
    detectable = f", detectable AUC {area:.2f} with a power of 80 %" if area else ""
    return (
        f"{facts.power.n_readers} readers, {_counts(design)} Expected half-width of a rate's 95 % interval in the smallest set "
        f"and class ({facts.power.stratum_images} images): {100 * facts.power.half_width:.0f} points{detectable}, under the "
        "assumptions of polypstudio.reading.power."
    )


def _statistics() -> str:
    return (
        f"95 % intervals from bootstraps over readers and images ({RESAMPLES:,} resamples each over readers, images and both; "
        "their variances put together after Obuchowski and Rockette, Student's t with Satterthwaite's degrees of freedom), "
        "Clopper–Pearson for one reader; AUC from the six steps and d′ (log-linear correction), as means of the readers."
    )


def _agreement(design: ReadingDesign) -> str:
    return f"Fleiss' κ, Krippendorff's α (nominal and ordinal); agreement of each reader with themselves. {_repeats(design)}"
