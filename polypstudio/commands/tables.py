"""What `evaluate` and `run` print: the KID matrix, the rankings, the coverage, and whether encoders agree."""

from __future__ import annotations

from polypstudio.findings.encoders import agreement_words, encoder_agreement
from polypstudio.findings.ranking import ranking_sentence
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    CoverageResult,
    KidResult,
    LeakResult,
    Pathology,
    RankingResult,
    StudyContents,
)

# The columns of the paper's Table 2: within and across the classes, first of synthetic AD, then of synthetic Non-AD.
PAIRS: tuple[tuple[Pathology, Pathology], ...] = (
    ("ad", "ad"),
    ("ad", "non_ad"),
    ("non_ad", "non_ad"),
    ("non_ad", "ad"),
)


def evidence_lines(contents: StudyContents) -> list[str]:
    """All tables of a study that has been evaluated; [] where it has not."""
    if contents.kid is None:
        return []
    lines = matrix_lines(contents.kid)
    lines += ranking_lines(contents.ranking) if contents.ranking else []
    lines += coverage_lines(contents.coverage) if contents.coverage else []
    lines += leak_lines(contents.leaks) if contents.leaks else []
    return lines + agreement_lines(contents.by_encoder)


def matrix_lines(result: KidResult) -> list[str]:
    """The KID matrix of every iteration as a table for a terminal."""
    lines = []
    for name, reference in result.references.items():
        separation = reference.separation
        counts = ", ".join(f"{reference.n_real[label]} {PATHOLOGY_NAMES[label]}" for label in PATHOLOGIES)
        lines += [
            "",
            f"{result.encoder} · real images: {name} ({counts}) · separation {separation.kid:.4f}, p {separation.p:.3f}",
            f"{'iteration':>12} {'AD|AD':>9} {'AD|Non':>9} {'Non|Non':>9} {'Non|AD':>9} "
            f"{'margin AD':>10} {'margin Non':>10} {'A':>7} {'CI':>15} {'p':>6}  alarms",
        ]
        for row in [*reference.iterations, *([reference.reconstruction] if reference.reconstruction else [])]:
            kids = " ".join(f"{row.cell(x, y).kid:9.4f}" for x, y in PAIRS)
            margins = " ".join(f"{row.margins[label].value:10.4f}" for label in PATHOLOGIES)
            value = "–" if row.alignment.value is None else f"{row.alignment.value:.2f}"
            ci = "–" if row.alignment.ci is None else "–".join(f"{bound:.2f}" for bound in row.alignment.ci)
            lines.append(
                f"{row.iteration or 'reconstruct.':>12} {kids} {margins} {value:>7} {ci:>15} "
                f"{row.alignment.p:6.3f}  {' '.join(row.alarms)}"
            )
        lines += [f"warning: {warning}" for warning in reference.warnings]
    return lines


def ranking_lines(result: RankingResult) -> list[str]:
    """What every selection rule picks, and what is tied with it."""
    lines = ["", f"which iteration? ({result.draws} resamples; tied: 95 % confidence set of the best)"]
    for name, ranked in result.references.items():
        lines += [f"{name:>12}  {ranking_sentence(ranking)}" for ranking in ranked]
    return lines


def coverage_lines(result: CoverageResult) -> list[str]:
    """Precision, recall, density and coverage of every iteration, with the other split's real images as the yardstick."""
    lines = []
    for name, reference in result.references.items():
        rows = [(str(row.iteration), row.per_class) for row in reference.iterations]
        if reference.reconstruction is not None:
            rows.append(("reconstruct.", reference.reconstruction.per_class))
        if reference.yardstick is not None:
            rows.append(("real images", reference.yardstick))
        heads = "  ".join(f"{PATHOLOGY_NAMES[label]:>6}: prec. recall density cover." for label in PATHOLOGIES)
        lines += ["", f"coverage of real images: {name} (k {result.k})", f"{'iteration':>12}  {heads}"]
        for row, classes in rows:
            values = "  ".join(
                f"{'':>7} {c.precision:5.2f} {c.recall:6.2f} {c.density:7.2f} {c.coverage:6.2f}"
                for c in (classes[label] for label in PATHOLOGIES)
            )
            lines.append(f"{row:>12}  {values}")
    return lines


def leak_lines(result: LeakResult) -> list[str]:
    """The iterations that traces of codec, decoder or borders give away, and how far a glance does."""
    lines = ["", "leak check: do trivial statistics tell real from synthetic? (AUC; 0.5 is chance)"]
    for each in result.iterations:
        made, image = each.file.auc, each.image.auc
        lines.append(
            f"{each.iteration:>12}  grid, borders {made.value:.2f} ({made.ci[0]:.2f}–{made.ci[1]:.2f})   colours, contrast, "
            f"sharpness {image.value:.2f} ({image.ci[0]:.2f}–{image.ci[1]:.2f})   {'leak' if each.leaks else ''}".rstrip()
        )
    return lines


def agreement_lines(results: list[KidResult]) -> list[str]:
    """Whether the encoders that have judged the study agree on the order of its iterations; [] for a single one."""
    lines = []
    for reference in ("train", "held_out"):
        pairs = encoder_agreement(results, reference)
        lines += [f"{reference:>12}  {agreement_words(pair)}" for pair in pairs]
    return ["", "do the encoders agree? (Kendall's τ, descriptive)", *lines] if lines else []
