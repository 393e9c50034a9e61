"""The evidence as tables: long CSV for machines, LaTeX in the shape of the paper's tables, with what these leave out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from polypstudio.findings.format import estimate, interval, number, p_value
from polypstudio.findings.scores import mean_scores
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    REFERENCE_NAMES,
    Alignment,
    ClassificationResult,
    Estimate,
    IterationEvidence,
    KidResult,
    ReferenceEvidence,
)

Row = dict[str, Any]
RECONSTRUCTION = "reconstruction"


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as CSV; None is an empty field."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def cell_rows(kid: KidResult) -> list[Row]:
    """One row for each cell of the KID matrix of each iteration against each reference."""
    return [
        {
            "encoder": kid.encoder,
            "reference": name,
            "iteration": _name(evidence),
            "synthetic": cell.synthetic,
            "real": cell.real,
            "kid": cell.kid,
            "ci_low": cell.ci[0],
            "ci_high": cell.ci[1],
            "floor": cell.floor,
            "subset_mean": cell.subset_mean,
            "subset_sd": cell.subset_sd,
            "subset_size": kid.subset_size,
            "subsets": kid.subsets,
            "n_real": cell.n_real,
            "n_synthetic": cell.n_synthetic,
        }
        for name, reference in kid.references.items()
        for evidence in _all(reference)
        for cell in evidence.cells
    ]


def iteration_rows(kid: KidResult) -> list[Row]:
    """One row for each iteration against each reference: margins, alignment, shift, separation, alarms."""
    return [
        {
            "encoder": kid.encoder,
            "reference": name,
            "iteration": _name(evidence),
            **_flat("margin_ad", evidence.margins["ad"]),
            **_flat("margin_non_ad", evidence.margins["non_ad"]),
            **_flat("alignment", evidence.alignment),
            "alignment_p": evidence.alignment.p,
            **_flat("shift", evidence.shift),
            "separation": reference.separation.kid,
            "separation_ci_low": reference.separation.ci[0],
            "separation_ci_high": reference.separation.ci[1],
            "separation_p": reference.separation.p,
            "alarms": " ".join(evidence.alarms),
        }
        for name, reference in kid.references.items()
        for evidence in _all(reference)
    ]


def run_rows(result: ClassificationResult) -> list[Row]:
    """One row for each training of the classifier, with the arm's interval and test beside."""
    return [
        {
            "model": result.model,
            "arm": arm.name,
            "iteration": arm.iteration,
            "synthetic_per_real": arm.synthetic_per_real,
            "seed": run.seed,
            **{
                f"{score}_{label}": getattr(run.scores[label], score)
                for label in PATHOLOGIES
                for score in ("precision", "recall", "f1", "support")
            },
            "balanced_accuracy": run.balanced_accuracy,
            "auc": run.auc,
            **_flat("arm_balanced_accuracy", arm.balanced_accuracy),
            **_flat("arm_difference", arm.difference),
            "arm_mcnemar_p": arm.p,
        }
        for arm in result.arms
        for run in arm.runs
    ]


def kid_latex(kid: KidResult, reference_name: str) -> str:
    """A table in the shape of the paper's Table 2, with intervals, floor, alignment and separation."""
    reference = kid.references[reference_name]  # type: ignore[index]
    pairs = [(s, r) for s in PATHOLOGIES for r in (s, next(o for o in PATHOLOGIES if o != s))]
    heads = [f"{PATHOLOGY_NAMES[s]} vs {PATHOLOGY_NAMES[r]}" for s, r in pairs]
    lines = []
    for evidence in _all(reference):
        cells = [evidence.cell(s, r) for s, r in pairs]
        values = [_with_interval(Estimate(value=c.kid, ci=c.ci)) for c in cells]
        lines.append([_name(evidence), *values, _alignment(evidence.alignment)])
    floors = [f"{max(e.cell(s, r).floor for e in _all(reference)):.3f}" for s, r in pairs]
    lines.append(["floor", *floors, ""])
    separation = reference.separation
    caption = (
        f"KID of synthetic against real images ({kid.encoder} features; real images {REFERENCE_NAMES[reference_name]}: "
        f"{_counts(reference)}), full-sample unbiased estimate with 95 \\% CI. Separation of the real classes "
        f"{_plain(number(separation.kid, 4))} (CI {_plain(interval(separation.ci, 4))}, "
        f"{_latex_p(separation.p)}). A: class alignment; floor: 95 \\% quantile of two random draws from one real class."
    )
    return latex_table(["Iteration", *heads, "A"], lines, caption, f"tab:kid-{reference_name.replace('_', '-')}")


def classification_latex(result: ClassificationResult) -> str:
    """A table in the shape of the paper's Table 1, with intervals, the paired difference and its test."""
    heads = ["Training data", "Class", "Precision", "Recall", "F1", "Balanced accuracy", "Difference"]
    lines = []
    for arm in result.arms:
        difference = "" if arm.difference is None else _with_interval(arm.difference)
        if arm.p is not None:
            difference += f", {_latex_p(arm.p)}"
        for label, scores in mean_scores(arm).items():
            first = label == PATHOLOGIES[0]
            lines.append(
                [
                    _escape(arm.name) if first else "",
                    PATHOLOGY_NAMES[label],
                    *(f"{scores[score]:.3f}" for score in ("precision", "recall", "f1")),
                    _with_interval(arm.balanced_accuracy) if first else "",
                    difference if first else "",
                ]
            )
    seeds = max(len(arm.runs) for arm in result.arms)
    caption = (
        f"{_escape(result.model)} trained on real and on real and synthetic images, judged on {len(result.truth)} real "
        f"images; means over {seeds} seeds, 95 \\% CI; p: exact McNemar test against real images alone."
    )
    return latex_table(heads, lines, caption, "tab:classification")


def _all(reference: ReferenceEvidence) -> Iterator[IterationEvidence]:
    """The iterations, then the reconstruction control if there is one."""
    yield from reference.iterations
    if reference.reconstruction is not None:
        yield reference.reconstruction


def _name(evidence: IterationEvidence) -> str:
    return RECONSTRUCTION if evidence.iteration is None else str(evidence.iteration)


def _flat(name: str, value: Estimate | Alignment | None) -> Row:
    low, high = (value.ci if value else None) or (None, None)
    return {name: value.value if value else None, f"{name}_ci_low": low, f"{name}_ci_high": high}


def _counts(reference: ReferenceEvidence) -> str:
    return ", ".join(f"{reference.n_real[label]} {PATHOLOGY_NAMES[label]}" for label in PATHOLOGIES)


def _with_interval(value: Estimate) -> str:
    return _plain(estimate(value, 3)).replace("(CI ", "(")


def _alignment(alignment: Alignment) -> str:
    value = "--" if alignment.value is None else _plain(number(alignment.value))
    ci = "" if alignment.ci is None else f" ({_plain(interval(alignment.ci))})"
    return f"{value}{ci}, {_latex_p(alignment.p)}"


def _latex_p(p: float) -> str:
    return "$p < 0.001$" if p < 0.001 else f"$p$ {p_value(p).removeprefix('p ')}"


def _plain(text: str) -> str:
    """Minus and dash as LaTeX writes them."""
    return text.replace("−", "$-$").replace("–", "--")


def _escape(text: str) -> str:
    return "".join(f"\\{c}" if c in "&%$#_{}" else c for c in text)


def latex_table(heads: Sequence[str], lines: Sequence[Sequence[str]], caption: str, label: str) -> str:
    """A whole ``table`` environment; heads and cells are LaTeX already."""
    body = "\n".join(" & ".join(line) + r" \\" for line in lines)
    columns = "l" * len(heads)
    return (
        f"\\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n\\label{{{label}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\hline\n{' & '.join(heads)} \\\\\n\\hline\n{body}\n\\hline\n"
        f"\\end{{tabular}}\n\\end{{table}}\n"
    )
