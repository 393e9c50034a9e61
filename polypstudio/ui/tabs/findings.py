"""Findings: where looks and evidence part, in words that can be quoted, and the report to take along."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import gradio as gr
from markupsafe import Markup

from polypstudio import jobs
from polypstudio.figures.disagreement import disagreement
from polypstudio.findings.appearance import Comparison, appearance_against_evidence, reviewer_sentence
from polypstudio.findings.augmentation import augmentation_sentence
from polypstudio.findings.encoders import agreement_sentence, encoder_agreement
from polypstudio.findings.format import interval, number, p_value
from polypstudio.findings.paper import SOURCE, table_1_words, table_2_words
from polypstudio.findings.ranking import ranking_sentence, share
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    REFERENCE_NAMES,
    ClassificationResult,
    KidResult,
    RankedIteration,
    RankingResult,
    Rule,
    RuleRanking,
)
from polypstudio.report.methods import methods
from polypstudio.store.contents import load_contents
from polypstudio.store.results import load_result, result_names
from polypstudio.ui.components import export
from polypstudio.ui.components.markup import (
    Text,
    block,
    card,
    command_line,
    element,
    empty,
    heading,
    join,
    paragraph,
    table,
    tables_only,
)
from polypstudio.ui.context import Selection, StudyContext

Ranks = dict[Rule, dict[int, RankedIteration]]
CLASS_WORDS = {
    "aligned": "class shown",
    "class_ignored": "class not shown",
    "swapped": "swapped",
    "undecidable": "undecidable",
}


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    words = block("findings-words")
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=380):
            plot = gr.Plot(show_label=False, elem_id="findings-plot")
        with gr.Column(scale=7, min_width=480):
            comparison = block("findings-table")
    about = block("findings-methods")
    context.on_selection(words_card, words)
    context.on_selection(_plot, plot)
    context.on_selection(comparison_card, comparison)
    context.on_selection(methods_card, about)


def words_card(selection: Selection) -> str:
    """The sentences a reviewer would want, and the doors to the report."""
    if selection.is_paper:
        return tables_only()
    if selection.study is None:
        return empty("There is no study here yet.", command_line("polypstudio new NAME --data FOLDER"))
    evidence = selection.evidence()
    if evidence is None:
        command = command_line(jobs.shell_command(["evaluate", selection.study], selection.root))
        return empty("Nothing has been evaluated yet.", join(["Evaluate the iterations: ", command]))
    parts = [
        paragraph(reviewer_sentence(evidence), "pst-reviewer"),
        *[paragraph(warning, "pst-warn") for warning in evidence.warnings],
    ]
    parts += [paragraph(ranking_sentence(ranking)) for ranking in _rankings(selection)]
    if sentence := _augmentation(selection):
        parts.append(paragraph(sentence))
    return card(heading("The sentence a reviewer would want"), *parts, _doors(selection), kind="pst-lead")


def _rankings(selection: Selection) -> list[RuleRanking]:
    """The selection rules against the chosen reference; [] where the study was evaluated by an older version."""
    result = selection.result(RankingResult)
    return result.references.get(selection.reference, []) if result else []  # type: ignore[call-overload]


def _augmentation(selection: Selection) -> str:
    """The sentence on the last arm with synthetic images; empty where there is none."""
    paths, config = selection.paths, selection.config()
    result = load_result(paths, ClassificationResult, config.classification.model) if paths and config else None
    arms = [arm for arm in result.arms if arm.iteration is not None] if result else []
    return augmentation_sentence(result, arms[-1]) if result and arms else ""


def _doors(selection: Selection) -> Markup:
    query = urlencode({"encoder": selection.encoder or ""})
    address = export.ADDRESS.format(name=quote(selection.study or ""), file="{}")
    return Markup(
        '<p class="pst-doors"><a class="pst-button" href="{}?{}" download>Download the report (HTML, LaTeX, CSV)</a> '
        '<a href="{}?{}" target="_blank" rel="noopener">open it as a page</a></p>'
    ).format(address.format(export.ARCHIVE), query, address.format(export.PAGE), query)


def _plot(selection: Selection) -> gr.Plot:
    evidence = selection.evidence()
    return gr.Plot(value=disagreement(evidence) if evidence else None, visible=evidence is not None)


def comparison_card(selection: Selection) -> str:
    """Each iteration by looks and by evidence, marked where the two part."""
    evidence = selection.evidence()
    if evidence is None:
        return ""
    rows = appearance_against_evidence(evidence)
    best = {ranking.rule: {each.iteration: each for each in ranking.iterations} for ranking in _rankings(selection)}
    heads = ["iteration", "within KID", "best by looks", "A (95 % CI)", "p", "best by class", "evidence"]
    counts = ", ".join(f"{evidence.n_real[label]} {PATHOLOGY_NAMES[label]}" for label in PATHOLOGIES)
    return card(
        heading("Looks against evidence"),
        table(heads, [_row(row, best) for row in rows], left=(0, 6)),
        paragraph(
            f"Against real images {REFERENCE_NAMES[selection.reference]} ({counts}). Looks: mean of the two within-class "
            "KIDs, by which the paper picks its iteration. Best: share of bootstrap resamples in which the iteration is "
            "the best by looks, or by class alignment; =: not shown to be worse than the best (95 % confidence set). "
            "▲: among the better half by looks, without the evidence for it.",
            "pst-soft",
        ),
        paragraph(agreement_sentence(encoder_agreement(_by_encoder(selection), selection.reference)), "pst-soft"),
    )


def _by_encoder(selection: Selection) -> list[KidResult]:
    """The KID evidence of every encoder that has judged the study."""
    paths = selection.paths
    found = [load_result(paths, KidResult, name) for name in result_names(paths, KidResult)] if paths else []
    return [result for result in found if result is not None]


def _row(row: Comparison, best: Ranks) -> list[Text]:
    alignment = row.alignment
    value = "–" if alignment.value is None else number(alignment.value)
    ci = "" if alignment.ci is None else f" ({interval(alignment.ci)})"
    against = [reason for reason in row.objections if reason not in ("class ignored", "swapped", "undecidable")]
    words = "; ".join([CLASS_WORDS[row.verdict], *against])
    return [
        str(row.iteration),
        number(row.within, 3),
        _share(best, "within_kid", row),
        f"{value}{ci}",
        p_value(alignment.p).removeprefix("p "),
        _share(best, "alignment", row),
        element("span", f"▲ {words}", "pst-warn") if row.parts else words,
    ]


def _share(best: Ranks, rule: Rule, row: Comparison) -> str:
    """95 % =: the best in so many resamples, and tied with the best; the plain rank where no resample was ranked."""
    ranked = best.get(rule, {}).get(row.iteration)
    if ranked is None:
        return f"rank {row.looks_rank if rule == 'within_kid' else row.alignment_rank}"
    return f"{share(ranked.best)}{' =' if ranked.tied else ''}"


def methods_card(selection: Selection) -> str:
    """The paragraph for a methods section, and what the paper's own tables can show."""
    if selection.paths is None or selection.encoder is None:
        return ""
    told = load_contents(selection.paths, selection.encoder)
    paper = [paragraph(table_2_words()), paragraph(table_1_words()), paragraph(SOURCE, "pst-soft")]
    text = [paragraph(part) for part in methods(told)]
    return card(heading("For the methods section"), *text) + card(heading("Beside the paper"), *paper)
