"""Figures draw the records' numbers, in the one look of the project."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest
from evidence_factory import classification, evidence, reference

from polypstudio.figures import augmentation, training
from polypstudio.figures.disagreement import disagreement
from polypstudio.figures.iterations import alignment_over_iterations, kid_over_iterations, margins_over_iterations
from polypstudio.figures.style import CLEAR, COLOURS, error_bars, faded, marker
from polypstudio.records import Alignment, Estimate

RUN = reference(
    evidence(160, 0.1, 0.4, within=(0.2, 0.22)),
    evidence(320, None, 0.3, within=(0.1, 0.12)),
    evidence(480, 0.6, 0.01, margins=(0.03, -0.02)),
    evidence(None, 0.9, 0.01),
)
OVER_ITERATIONS = (kid_over_iterations, margins_over_iterations, alignment_over_iterations)
LOG = [
    {"stage": stage, "step": step, "loss": 1.0 / step, "lr": 1e-3, "images_per_second": 90.0}
    for stage in ("polyp_prior", "pathology")
    for step in range(10, 210, 10)
]


def texts(figure: go.Figure) -> str:
    return " ".join(note.text for note in figure.layout.annotations)


@pytest.mark.parametrize("draw", OVER_ITERATIONS)
def test_iterations_are_on_the_x_axis_and_the_reconstruction_is_not(draw: object) -> None:
    figure = draw(RUN)  # type: ignore[operator]
    assert {tuple(trace.x) for trace in figure.data} == {(160, 320, 480)}
    assert list(figure.layout.xaxis.tickvals) == [160, 320, 480]


def test_kid_lines_hold_the_four_cells_and_the_bands_the_floor_and_the_separation() -> None:
    figure = kid_over_iterations(RUN)
    lines = {trace.name: list(trace.y) for trace in figure.data}
    assert lines["AD vs AD"] == [0.2, 0.1, 0.07]
    assert lines["Non-AD vs AD"] == pytest.approx([0.24, 0.14, 0.06])
    bands = [(shape.y0, shape.y1) for shape in figure.layout.shapes if shape.type == "rect"]
    assert bands == [(0, 0.02), (0.01, 0.02)]


def test_margins_are_drawn_with_their_intervals() -> None:
    trace = margins_over_iterations(RUN).data[1]
    assert list(trace.y) == [0.02, 0.02, -0.02]
    assert list(trace.error_y.array) == pytest.approx([0.01] * 3)


def test_an_undefined_alignment_is_a_gap_without_an_interval() -> None:
    trace = alignment_over_iterations(RUN).data[0]
    assert list(trace.y) == [0.1, None, 0.6]
    assert trace.error_y.array[1] == trace.error_y.arrayminus[1] == 0


def test_error_bars_span_the_interval() -> None:
    bars = error_bars([Estimate(value=1.0, ci=(0.7, 1.1)), Alignment(value=0.5, ci=None, p=0.2)], COLOURS["ad"])
    assert bars["array"] == pytest.approx([0.1, 0])
    assert bars["arrayminus"] == pytest.approx([0.3, 0])


def test_real_is_filled_and_synthetic_open() -> None:
    assert marker(COLOURS["ad"], real=True)["color"] == COLOURS["ad"]
    assert marker(COLOURS["ad"])["color"] == CLEAR
    assert faded("#D55E00", 0.5) == "rgba(213, 94, 0, 0.5)"


def test_disagreement_tells_shown_from_not_shown_and_marks_where_they_part() -> None:
    run = reference(
        evidence(160, 0.1, 0.4, within=(0.2, 0.2)),
        evidence(320, 0.6, 0.01, within=(0.1, 0.1)),
        evidence(480, 0.2, 0.3, within=(0.07, 0.07)),
    )
    figure = disagreement(run)
    points = {trace.name: trace for trace in figure.data if trace.name}
    assert list(points["class shown (p < 0.05)"].text) == ["320"]
    assert list(points["class not shown"].text) == ["160", "480"]
    assert points["class not shown"].marker.color[1] == COLOURS["ad"] != points["class not shown"].marker.color[0]
    assert figure.layout.xaxis.autorange == "reversed"  # better looks to the right


def test_arms_with_every_seed_and_differences_of_the_augmented_ones() -> None:
    result = classification(lost=4)
    dots = [trace for trace in augmentation.balanced_accuracy(result).data if trace.marker.size == 6]
    assert [list(trace.y) for trace in dots] == [[1.0], [0.95]]
    change = augmentation.differences(result).data[0]
    assert list(change.x) == ["real + synthetic 1280"]
    assert list(change.y) == [-0.05]


def test_confusion_matrices_hold_all_counts() -> None:
    figure = augmentation.confusions(classification(lost=4))
    assert len([shape for shape in figure.layout.shapes if shape.type == "rect"]) == 8
    for text in ("<b>40</b><br>100%", "<b>36</b><br>90%", "<b>4</b><br>10%"):
        assert text in texts(figure)


def test_training_curves_by_stage() -> None:
    figure = training.loss(LOG)
    drawn = [trace for trace in figure.data if trace.name == "pathology"]
    assert list(drawn[0].x) == list(range(10, 210, 10))
    assert len(drawn) == 2  # as logged, and its running mean
    assert list(training.throughput(LOG).data[0].y) == [90.0] * 20


def test_running_mean_is_centred_and_shortens_at_the_ends() -> None:
    assert training.running_mean([1.0, 2.0, 6.0, 3.0], 3) == pytest.approx([1.5, 3.0, 11 / 3, 4.5])


@pytest.mark.parametrize(
    "figure",
    [*(draw(reference()) for draw in OVER_ITERATIONS), disagreement(reference()), training.loss([])],
)
def test_an_empty_figure_says_so(figure: go.Figure) -> None:
    assert texts(figure)


@pytest.mark.parametrize("figure", [kid_over_iterations(RUN), disagreement(RUN), training.loss(LOG)])
def test_figures_lie_on_any_background(figure: go.Figure) -> None:
    layout = figure.layout.template.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == CLEAR
    assert "system-ui" in layout.font.family
