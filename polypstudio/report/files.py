"""The files of a report, by name."""

from __future__ import annotations

from polypstudio.records import StudyContents
from polypstudio.report.html import html_report
from polypstudio.report.methods import methods
from polypstudio.report.tables import (
    cell_rows,
    classification_latex,
    coverage_rows,
    iteration_rows,
    kid_latex,
    ranking_rows,
    run_rows,
    to_csv,
)


def report_files(contents: StudyContents) -> dict[str, str]:
    """File name -> text: report.html and methods.txt always, tables of what has been evaluated."""
    files = {"report.html": html_report(contents), "methods.txt": "\n\n".join(methods(contents)) + "\n"}
    if contents.kid is not None:
        files["kid_cells.csv"] = to_csv(cell_rows(contents.kid))
        files["iterations.csv"] = to_csv(iteration_rows(contents.kid))
        for name in contents.kid.references:
            files[f"kid_{name}.tex"] = kid_latex(contents.kid, name)
    if contents.ranking is not None:
        files["rankings.csv"] = to_csv(ranking_rows(contents.ranking))
    if contents.coverage is not None:
        files["coverage.csv"] = to_csv(coverage_rows(contents.coverage))
    if contents.classification is not None:
        files["classification.csv"] = to_csv(run_rows(contents.classification))
        files["classification.tex"] = classification_latex(contents.classification)
    return files
