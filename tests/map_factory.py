"""Maps, coverage and readings added to a generated study: what its newest records would hold. Shapes only, no claims."""

from __future__ import annotations

from study_factory import ENCODER

from polypstudio.records import (
    PATHOLOGIES,
    ClassCoverage,
    CoverageResult,
    IterationCoverage,
    MapNumbers,
    MapSet,
    MapsResult,
    ReferenceCoverage,
    TsneMap,
    TsneResult,
)
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.results import load_result, save_result
from polypstudio.store.studies import complete_iterations

NUMBERS = MapNumbers(trustworthiness=0.91, silhouette=0.1, silhouette_features=0.05, agreement=0.6)
HELD_OUT = 24  # real images a class and split of a generated study


def add_maps(study: StudyPaths, held_out: int = HELD_OUT) -> MapsResult:
    """The joint map as stored; one of the real images, held-out ones included; one for each iteration, turned by a quarter."""
    joint = load_result(study, TsneResult, ENCODER)
    assert joint is not None
    sets = _sets(joint)
    real = [each for each in sets if each.image_set == real_set("train")]
    test = [
        MapSet(image_set=real_set("test"), label=label, x=[float(i) for i in range(held_out)], y=[side] * held_out)
        for side, label in ((-60.0, "ad"), (60.0, "non_ad"))
    ]
    turned = [each.model_copy(update={"x": each.y, "y": [-x for x in each.x]}) for each in sets]
    maps = [_map("joint", None, sets), _map("reference", None, [*turned, *test])]
    for step in complete_iterations(study):
        own = [each for each in sets if each.image_set == iteration_set(step)]
        maps.append(_map("iteration", step, [*real, *own]))
    result = MapsResult(encoder=ENCODER, k=5, maps=maps)
    save_result(study, ENCODER, result)
    return result


def add_coverage(study: StudyPaths, n: int = 24) -> None:
    """Coverage that rises with the iterations, and a yardstick above it."""

    def both(value: float) -> dict:
        return {
            label: ClassCoverage(precision=value, recall=value, density=value, coverage=value, n_real=n, n_synthetic=n)
            for label in PATHOLOGIES
        }

    steps = complete_iterations(study)
    reference = ReferenceCoverage(
        iterations=[
            IterationCoverage(iteration=step, per_class=both(0.2 + 0.5 * i / len(steps)))
            for i, step in enumerate(steps)
        ],
        yardstick=both(0.9),
    )
    save_result(study, ENCODER, CoverageResult(encoder=ENCODER, k=5, references={"train": reference}))


def _sets(result: TsneResult) -> list[MapSet]:
    grouped: dict[tuple, list] = {}
    for point in result.points:
        grouped.setdefault((point.image_set, point.label), []).append(point)
    return [
        MapSet(image_set=image_set, label=label, x=[p.x for p in points], y=[p.y for p in points])
        for (image_set, label), points in grouped.items()
    ]


def _map(alignment: str, iteration: int | None, sets: list[MapSet]) -> TsneMap:
    return TsneMap(alignment=alignment, iteration=iteration, perplexity=10, seed=0, numbers=NUMBERS, sets=sets)
