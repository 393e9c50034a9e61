"""The leak check as a step: of images, not of features, so it is the same for every encoder."""

from __future__ import annotations

import time

from polypstudio.data.trivial import FILE_STATISTICS, IMAGE_STATISTICS, trivial_statistics
from polypstudio.metrics.gram import Array
from polypstudio.metrics.leaks import leak_test
from polypstudio.pipeline.features import Encoding
from polypstudio.pipeline.runner import Step, unchanged_inputs
from polypstudio.progress import Report
from polypstudio.records import IterationLeak, LeakResult
from polypstudio.store.contents import LEAKS
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.results import load_result, result_path, save_result
from polypstudio.store.studies import complete_iterations

OF_FILES, OF_IMAGE = slice(0, len(FILE_STATISTICS)), slice(len(FILE_STATISTICS), None)


def leak_step(encoding: Encoding) -> Step:
    """Real training images against every iteration by trivial statistics; iterations judged already are left alone."""
    study, seed = encoding.context.study, encoding.context.config.evaluation.seed
    iterations = complete_iterations(study)
    real = real_set("train")
    inputs = {name: encoding.set_hash(name) for name in (real, *(iteration_set(n) for n in iterations))}
    settings = {"seed": seed, "resolution": encoding.resolution}

    def run(report: Report) -> None:
        judged = _judged_before(study, unchanged_inputs(study, step))
        new = [n for n in iterations if n not in judged]
        of_real = _statistics(encoding, real) if new else None
        for done, iteration in enumerate(new):
            report(done, len(new), f"iteration {iteration}")
            if of_real is not None:
                judged[iteration] = _judge(encoding, iteration, of_real, seed)
        report(1, 1)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        found = [judged[n] for n in iterations]
        save_result(study, LEAKS, LeakResult(inputs=inputs, settings=settings, created=created, iterations=found))

    step = Step(
        name="leaks",
        title="Leak check",
        version=1,
        inputs=inputs,
        settings=settings,
        outputs=[result_path(study, LeakResult, LEAKS)],
        run=run,
    )
    return step


def _judged_before(study: StudyPaths, unchanged: frozenset[str]) -> dict[int, IterationLeak]:
    """The stored findings that depend on unchanged images alone."""
    before = load_result(study, LeakResult, LEAKS) if real_set("train") in unchanged else None
    found = [] if before is None else before.iterations
    return {each.iteration: each for each in found if iteration_set(each.iteration) in unchanged}


def _judge(encoding: Encoding, iteration: int, real: Array, seed: int) -> IterationLeak:
    synthetic, groups = _statistics(encoding, iteration_set(iteration)), encoding.sets[real_set("train")].groups
    file, image = (
        leak_test(real[:, part], synthetic[:, part], groups, called, seed)
        for part, called in ((OF_FILES, FILE_STATISTICS), (OF_IMAGE, IMAGE_STATISTICS))
    )
    return IterationLeak(iteration=iteration, file=file, image=image)


def _statistics(encoding: Encoding, name: str) -> Array:
    return trivial_statistics(encoding.sets[name].files, encoding.resolution)
