"""KID as the paper's Table 2 prints it: mean and SD over subsets, one row an iteration, as CSV and LaTeX.

That SD depends on the subset size and is no standard error, which both files say; the report's own table has intervals.
"""

from __future__ import annotations

from polypstudio.findings.claims import OTHER
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, REFERENCE_NAMES, IterationEvidence, KidResult, Pathology
from polypstudio.report.tables import Row, latex_table, to_csv

PAIRS: list[tuple[Pathology, Pathology]] = [(s, r) for s in PATHOLOGIES for r in (s, OTHER[s])]


def printed_kid_csv(kid: KidResult, reference_name: str) -> str:
    """A row an iteration: mean and SD of the four cells, in the order of the paper's columns, then the subsets' size."""
    return to_csv([_row(kid, evidence) for evidence in kid.references[reference_name].iterations])  # type: ignore[index]


def _row(kid: KidResult, evidence: IterationEvidence) -> Row:
    cells = {(s, r): evidence.cell(s, r) for s, r in PAIRS}
    return {
        "iteration": evidence.iteration,
        **{
            f"synthetic_{s}_vs_real_{r}{suffix}": value
            for (s, r), cell in cells.items()
            for suffix, value in (("", cell.subset_mean), ("_sd", cell.subset_sd))
        },
        "subsets": kid.subsets,
        "subset_size": kid.subset_size,
        "encoder": kid.encoder,
    }


def printed_kid_latex(kid: KidResult, reference_name: str) -> str:
    """The same as a LaTeX table; the smallest value of each column is set in bold, as the paper does."""
    evidences = kid.references[reference_name].iterations  # type: ignore[index]
    best = {pair: min((e.cell(*pair).subset_mean for e in evidences), default=0.0) for pair in PAIRS}
    lines = []
    for evidence in evidences:
        line = [str(evidence.iteration)]
        for pair in PAIRS:
            cell = evidence.cell(*pair)
            mean = f"{cell.subset_mean:.3f}".replace("-", "$-$")
            mean = rf"\textbf{{{mean}}}" if cell.subset_mean == best[pair] else mean
            line.append(rf"{mean} $\pm$ {cell.subset_sd:.3f}")
        lines.append(line)
    heads = ["Iteration", *(f"{PATHOLOGY_NAMES[s]} vs {PATHOLOGY_NAMES[r]}" for s, r in PAIRS)]
    caption = (
        f"KID of synthetic against real images ({kid.encoder} features; real images {REFERENCE_NAMES[reference_name]}): "
        f"mean $\\pm$ SD over {kid.subsets} subsets of {kid.subset_size} images. The SD depends on the size of the "
        "subsets and is no standard error."
    )
    return latex_table(heads, lines, caption, f"tab:printed-kid-{reference_name.replace('_', '-')}")
