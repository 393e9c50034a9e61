"""The report as one HTML file that needs nothing else: no network, no folder beside it."""

from __future__ import annotations

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from polypstudio.figures import augmentation as augmentation_figures
from polypstudio.figures.disagreement import disagreement
from polypstudio.figures.iterations import alignment_over_iterations, kid_over_iterations, margins_over_iterations
from polypstudio.figures.style import CONFIG
from polypstudio.findings import format as text
from polypstudio.findings.appearance import reviewer_sentence
from polypstudio.findings.augmentation import augmentation_sentence
from polypstudio.findings.coverage import leak_sentence
from polypstudio.findings.encoders import agreement_sentence, encoder_agreement
from polypstudio.findings.paper import SOURCE, table_1_words, table_2_words
from polypstudio.findings.ranking import RULE_NAMES, ranking_sentence, share
from polypstudio.findings.scores import mean_scores
from polypstudio.findings.words import ALARM_NAMES, iteration_sentence
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, REFERENCE_NAMES, ReferenceEvidence, StudyContents, TsneMap
from polypstudio.report.methods import methods

_TEMPLATES = Environment(
    loader=PackageLoader("polypstudio.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html_report(contents: StudyContents) -> str:
    """The whole report; plotly.js is in it once, and only if there is a figure."""
    references = [
        {
            "name": REFERENCE_NAMES[name],
            "evidence": evidence,
            "reviewer": reviewer_sentence(evidence),
            "sentences": _sentences(contents, evidence),
            "rankings": contents.ranking.references.get(name, []) if contents.ranking else [],
            "coverage": contents.coverage.references.get(name) if contents.coverage else None,
            "agreement": agreement_sentence(encoder_agreement(contents.by_encoder, name)),
            "figures": [_inline(figure) for figure in _figures(evidence)],
        }
        for name, evidence in (contents.kid.references.items() if contents.kid else ())
    ]
    result = contents.classification
    return _TEMPLATES.get_template("report.html.jinja").render(
        contents=contents,
        references=references,
        arms=[(arm, mean_scores(arm), augmentation_sentence(result, arm)) for arm in result.arms] if result else [],
        arm_figures=[
            _inline(augmentation_figures.balanced_accuracy(result)),
            _inline(augmentation_figures.differences(result)),
            _inline(augmentation_figures.confusions(result)),
        ]
        if result
        else [],
        leaks=[(each.iteration, leak_sentence(each)) for each in contents.leaks.iterations] if contents.leaks else [],
        maps=[_map_row(each) for each in contents.maps.maps] if contents.maps else [],
        methods=methods(contents),
        paper=[table_2_words(), table_1_words()],
        source=SOURCE,
        plotly=get_plotlyjs() if references or result else "",
        pathologies=PATHOLOGIES,
        names=PATHOLOGY_NAMES,
        alarms=ALARM_NAMES,
        text=text,
        ranking_sentence=ranking_sentence,
        rules=RULE_NAMES,
        share=share,
    )


def _sentences(contents: StudyContents, reference: ReferenceEvidence) -> list[str]:
    copies = {each.iteration: each for each in contents.neighbours.copies} if contents.neighbours else {}
    sentences = [
        iteration_sentence(evidence, reference, copies.get(evidence.iteration or 0))
        for evidence in reference.iterations
    ]
    if reference.reconstruction is not None:
        sentences.append(iteration_sentence(reference.reconstruction, reference))
    return sentences


def _map_row(made: TsneMap) -> list[str]:
    """What stands beside a map in numbers."""
    numbers = made.numbers
    agreement = list(numbers.agreement.values())
    return [
        made.alignment if made.iteration is None else f"iteration {made.iteration}",
        f"{made.perplexity:g}",
        str(made.seed),
        text.number(numbers.trustworthiness, 3),
        text.number(numbers.silhouette, 3),
        text.number(numbers.silhouette_features, 3),
        text.number(sum(agreement) / len(agreement)) if agreement else "–",
        "–" if numbers.shared_neighbours is None else text.number(numbers.shared_neighbours),
    ]


def _figures(evidence: ReferenceEvidence) -> list[go.Figure]:
    return [
        disagreement(evidence, height=320),
        alignment_over_iterations(evidence),
        kid_over_iterations(evidence),
        margins_over_iterations(evidence),
    ]


def _inline(figure: go.Figure) -> str:
    """A figure as a fragment of a page that holds plotly.js already."""
    return figure.to_html(full_html=False, include_plotlyjs=False, config=CONFIG)
