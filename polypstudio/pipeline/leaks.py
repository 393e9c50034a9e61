"""The leak check as a step: of images, not of features, so it is the same for every encoder."""

from __future__ import annotations

import time

from polypstudio.metrics.leaks import leak_test
from polypstudio.pipeline.features import Encoding
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import IterationLeak, LeakResult
from polypstudio.store.contents import LEAKS
from polypstudio.store.paths import iteration_set, real_set
from polypstudio.store.results import result_path, save_result
from polypstudio.store.studies import complete_iterations


def leak_step(encoding: Encoding) -> Step:
    """Real training images against every iteration by trivial statistics."""
    study, seed = encoding.context.study, encoding.context.config.evaluation.seed
    iterations = complete_iterations(study)
    names = [real_set("train"), *(iteration_set(n) for n in iterations)]
    inputs = {name: encoding.set_hash(name) for name in names}
    settings = {"seed": seed, "resolution": encoding.resolution}

    def run(report: Report) -> None:
        from polypstudio.data.trivial import FILE_STATISTICS, IMAGE_STATISTICS, trivial_statistics

        of_files = slice(0, len(FILE_STATISTICS))
        of_image = slice(len(FILE_STATISTICS), None)
        statistics = {}
        for done, name in enumerate(names):
            report(done, len(names), name)
            statistics[name] = trivial_statistics(encoding.sets[name].files, encoding.resolution)
        real, groups = statistics[names[0]], encoding.sets[names[0]].groups
        found = []
        for iteration in iterations:
            synthetic = statistics[iteration_set(iteration)]
            file, image = (
                leak_test(real[:, part], synthetic[:, part], groups, called, seed)
                for part, called in ((of_files, FILE_STATISTICS), (of_image, IMAGE_STATISTICS))
            )
            found.append(IterationLeak(iteration=iteration, file=file, image=image))
        report(1, 1)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        save_result(study, LEAKS, LeakResult(inputs=inputs, settings=settings, created=created, iterations=found))

    return Step(
        name="leaks",
        title="Leak check",
        version=1,
        inputs=inputs,
        settings=settings,
        outputs=[result_path(study, LeakResult, LEAKS)],
        run=run,
    )
