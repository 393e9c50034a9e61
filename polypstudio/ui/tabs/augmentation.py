"""Augmentation: does a classifier gain from the synthetic images, and could this test set show it?"""

from __future__ import annotations

import gradio as gr
import plotly.graph_objects as go
from markupsafe import Markup

from polypstudio import jobs
from polypstudio.errors import UserError
from polypstudio.figures import augmentation as figures
from polypstudio.findings.augmentation import Mistake, augmentation_sentence, mistakes
from polypstudio.findings.format import estimate, interval, number, p_value, signed
from polypstudio.findings.paper import table_1_words
from polypstudio.findings.scores import mean_scores
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES, Arm, ClassificationResult
from polypstudio.store.results import load_result
from polypstudio.ui.components.demo import is_read_only
from polypstudio.ui.components.job_panel import build_job_panel, start_on
from polypstudio.ui.components.markup import (
    Text,
    block,
    card,
    class_name,
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
from polypstudio.ui.images import address_of

ERRORS_SHOWN = 24


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    words = block("augmentation-words")
    start = gr.Button("Run the augmentation test", variant="primary", elem_id="augmentation-run")
    build_job_panel(context, "augmentation-jobs")
    scores = block("augmentation-scores")
    with gr.Row():
        accuracy = gr.Plot(show_label=False, elem_id="augmentation-accuracy")
        change = gr.Plot(show_label=False, elem_id="augmentation-change")
    confusion = gr.Plot(show_label=False, elem_id="augmentation-confusion")
    arm = gr.Radio([], label="Errors of the arm", elem_id="augmentation-arm")
    errors = block("augmentation-errors")

    def startable(selection: Selection) -> gr.Button:
        missing = _result(selection) is None and bool(selection.iterations())
        return gr.Button(visible=missing and not is_read_only(context, selection))

    context.on_selection(words_card, words)
    context.on_selection(startable, start)
    context.on_selection(scores_card, scores)
    context.on_selection(_plots, [accuracy, change, confusion])
    context.on_selection(_arms, [arm, errors])
    context.listen(arm.input, errors_card, errors, [arm])
    start_on(context, start, _command)


def _result(selection: Selection) -> ClassificationResult | None:
    """The stored test by the model of the study's configuration."""
    paths, config = selection.paths, selection.config()
    return load_result(paths, ClassificationResult, config.classification.model) if paths and config else None


def _command(selection: Selection) -> tuple[str, list[str], str]:
    if selection.study is None:
        raise UserError("no study is chosen")
    return selection.study, ["classify", selection.study], "Augmentation test"


def words_card(selection: Selection) -> str:
    """What each arm shows, in a sentence; or what to do where there is no result."""
    result = _result(selection)
    if result is not None:
        sentences = [paragraph(augmentation_sentence(result, arm)) for arm in result.arms if arm.iteration is not None]
        return card(*sentences, paragraph(table_1_words(), "pst-soft"), kind="pst-lead")
    if selection.is_paper:
        return tables_only()
    if not selection.iterations() or selection.study is None:
        return empty("No synthetic images to add yet.", "Make or import iterations first: see the tab Study.")
    command = command_line(jobs.shell_command(["classify", selection.study], selection.root))
    return empty("The classifier has not been trained yet.", join(["It is trained in several seeds by: ", command]))


def scores_card(selection: Selection) -> str:
    """The paper's Table 1 with intervals, seeds, paired differences and their test."""
    result = _result(selection)
    if result is None:
        return ""
    heads = ["trained on", "images", "class", "precision", "recall", "F1", "balanced accuracy", "difference", "p"]
    rows = [row for arm in result.arms for row in _arm_rows(arm)]
    seeds = max(len(arm.runs) for arm in result.arms)
    support = {label: sum(truth == label for truth in result.truth) for label in PATHOLOGIES}
    return card(
        heading(f"{result.model} on {support['ad']} AD and {support['non_ad']} Non-AD real images"),
        table(heads, rows, left=(0, 1, 2)),
        paragraph(
            f"Means over {seeds} seeds; 95 % CI from a bootstrap over groups; difference: paired, to real images alone; "
            "p: exact McNemar test on predictions averaged over seeds.",
            "pst-soft",
        ),
    )


def _arm_rows(arm: Arm) -> list[list[Text]]:
    """Two rows an arm, one a class; what belongs to both stands in the first."""
    scores = mean_scores(arm)
    difference = arm.difference
    both: list[Text] = [
        estimate(arm.balanced_accuracy, 3),
        "" if difference is None else f"{signed(difference.value, 3)} (CI {interval(difference.ci, 3)})",
        "" if arm.p is None else p_value(arm.p).removeprefix("p "),
    ]
    rows = []
    for label in PATHOLOGIES:
        first = label == PATHOLOGIES[0]
        values = [number(scores[label][score], 3) for score in ("precision", "recall", "f1")]
        name: Text = element("b", arm.name) if first else ""
        n = f"{arm.n_train[label]} {PATHOLOGY_NAMES[label]}"
        rows.append([name, n, class_name(label, PATHOLOGY_NAMES[label]), *values, *(both if first else ["", "", ""])])
    return rows


def _plots(selection: Selection) -> tuple[gr.Plot, gr.Plot, gr.Plot]:
    result = _result(selection)
    drawn: list[go.Figure | None] = (
        [None, None, None]
        if result is None
        else [figures.balanced_accuracy(result), figures.differences(result), figures.confusions(result)]
    )
    accuracy, change, confusion = (gr.Plot(value=figure, visible=figure is not None) for figure in drawn)
    return accuracy, change, confusion


def _arms(selection: Selection) -> tuple[gr.Radio, str]:
    """The choice of an arm, the last one first shown, and its errors."""
    result = _result(selection)
    if result is None:
        return gr.Radio(choices=[], value=None, visible=False), ""
    names = [arm.name for arm in result.arms]
    return gr.Radio(choices=names, value=names[-1], visible=True), errors_card(selection, names[-1])


def errors_card(selection: Selection, name: str | None) -> str:
    """The real images that an arm gets wrong, the surest errors first."""
    result, paths = _result(selection), selection.paths
    arm = next((arm for arm in result.arms if arm.name == name), None) if result else None
    if result is None or arm is None or paths is None:
        return ""
    wrong = mistakes(result, arm)
    parts = []
    for label in PATHOLOGIES:
        own = [mistake for mistake in wrong if mistake.truth == label]
        shown = join(_figure(address_of(paths, m.image), m) for m in own[:ERRORS_SHOWN])
        total = sum(truth == label for truth in result.truth)
        title = join([class_name(label, PATHOLOGY_NAMES[label]), f" taken for the other class: {len(own)} of {total}"])
        parts.append(join([paragraph(title), element("div", shown, "pst-pictures")]))
    return card(*parts, kind="pst-errors")


def _figure(address: str, mistake: Mistake) -> Markup:
    return Markup(
        '<figure><img src="{}" alt="{} taken for the other class" loading="lazy" width="72" height="72">'
        "<figcaption>P(AD) {}</figcaption></figure>"
    ).format(address, PATHOLOGY_NAMES[mistake.truth], number(mistake.probability))
