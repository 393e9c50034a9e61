"""The maps of the Iterations tab as JSON values: points by image set and class, and what they can be coloured by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, get_args

from polypstudio.findings.format import count
from polypstudio.metrics.classification import predictions
from polypstudio.records import (
    PATHOLOGIES,
    ClassificationResult,
    ImageKey,
    MapAlignment,
    MapsResult,
    TsneMap,
    TsneResult,
)
from polypstudio.store.readings import list_designs, load_readings
from polypstudio.store.results import load_result
from polypstudio.ui.context import Selection

View = dict[str, Any]
ALIGNMENTS: tuple[MapAlignment, ...] = get_args(MapAlignment)
ADDRESS = "/study/{name}/map/{alignment}"


def available_alignments(selection: Selection) -> list[str]:
    """The alignments that the chosen encoder has a map in, the joint one first."""
    stored = selection.result(MapsResult)
    found = {each.alignment for each in stored.maps} if stored else set()
    if selection.tsne() is not None:
        found.add("joint")
    return [alignment for alignment in ALIGNMENTS if alignment in found]


def map_view(selection: Selection, alignment: str) -> list[View]:
    """The maps of one alignment: one for all iterations, or one for each; [] where there is none.

    Of several perplexities and seeds, the first is taken: it is the one that the study is configured with.
    """
    stored = selection.result(MapsResult)
    maps: dict[int | None, TsneMap] = {}
    for each in stored.maps if stored else []:
        if each.alignment == alignment:
            maps.setdefault(each.iteration, each)
    if maps:
        return [_stored_map(each) for each in maps.values()]
    tsne = selection.tsne() if alignment == "joint" else None
    return [_single_map(tsne)] if tsne else []


def _stored_map(each: TsneMap) -> View:
    sets: dict[str, View] = defaultdict(_no_points)
    for found in each.sets:
        sets[found.image_set][found.label] = _points(range(len(found.x)), found.x, found.y)
    return {
        "alignment": each.alignment,
        "iteration": each.iteration,
        "perplexity": each.perplexity,
        "numbers": each.numbers.model_dump(),
        "sets": sets,
    }


def _single_map(tsne: TsneResult) -> View:
    """A study evaluated before there were several maps has one, without numbers."""
    grouped: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for point in tsne.points:
        grouped[point.image_set, point.label].append(point)
    sets: dict[str, View] = defaultdict(_no_points)
    for (image_set, label), points in grouped.items():
        sets[image_set][label] = _points((p.index for p in points), (p.x for p in points), (p.y for p in points))
    return {
        "alignment": "joint",
        "iteration": None,
        "perplexity": tsne.perplexity,
        "numbers": None,
        "sets": sets,
    }


def _points(indices: Iterable[int], x: Iterable[float], y: Iterable[float]) -> View:
    return {"index": list(indices), "x": [round(value, 3) for value in x], "y": [round(value, 3) for value in y]}


def _no_points() -> View:
    return {label: _points((), (), ()) for label in PATHOLOGIES}


def colour_values(selection: Selection) -> View:
    """What the points may be coloured by, beside their class, source and copy flag: words, a value an image, and the
    alignments whose maps hold an image with a value."""
    found = {"readers": _reader_scores(selection), "classifier": _classifier_errors(selection)}
    return {
        name: scheme and scheme | {"maps": _maps_with(selection, scheme["values"])} for name, scheme in found.items()
    }


def _maps_with(selection: Selection, values: View) -> list[str]:
    """The alignments that show an image of these image sets."""
    stored, tsne = selection.result(MapsResult), selection.tsne()
    shown = {(each.alignment, points.image_set) for each in (stored.maps if stored else []) for points in each.sets}
    shown |= {("joint", point.image_set) for point in (tsne.points if tsne and not stored else [])}
    return [alignment for alignment in ALIGNMENTS if any((alignment, image_set) in shown for image_set in values)]


def _reader_scores(selection: Selection) -> View | None:
    """Mean step, 1 (surely synthetic) to 6 (surely real), of the first showings in the study's newest reading."""
    designs = list_designs(selection.paths) if selection.paths else []
    if selection.paths is None or not designs:
        return None
    steps: dict[ImageKey, list[int]] = defaultdict(list)
    readers = set()
    for reading in load_readings(selection.paths, designs[0].id):
        if reading.source and not reading.repeat:  # 0: cannot judge
            steps[reading.image].append(reading.source)
            readers.add(reading.reader)
    if not steps:
        return None
    return {
        "words": f"mean of {count(len(readers), 'reader')} in the newest reading: 1 surely synthetic … 6 surely real",
        "values": _by_image((key, round(sum(found) / len(found), 2)) for key, found in steps.items()),
    }


def _classifier_errors(selection: Selection) -> View | None:
    """Share of the real arm's seeds that name the wrong class, of each judged image."""
    paths, config = selection.paths, selection.config()
    result = load_result(paths, ClassificationResult, config.classification.model) if paths and config else None
    if result is None or not result.arms:
        return None
    runs = result.arms[0].runs
    named = [predictions(run.probabilities) for run in runs]
    wrong = [sum(each[i] != truth for each in named) / len(runs) for i, truth in enumerate(result.truth)]
    return {
        "words": f"{result.model} trained on {result.arms[0].name} images: share of {count(len(runs), 'training')} that err",
        "values": _by_image(zip(result.images, wrong, strict=True)),
    }


def _by_image(values: Iterable[tuple[ImageKey, float]]) -> View:
    """By image set and class: index -> value."""
    grouped: View = {}
    for (image_set, label, index), value in values:
        grouped.setdefault(image_set, {}).setdefault(label, {})[index] = value
    return grouped
