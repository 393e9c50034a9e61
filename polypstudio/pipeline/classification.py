"""The augmentation test as a step."""

from __future__ import annotations

import time

from polypstudio.pipeline.context import Context
from polypstudio.pipeline.index import index_hash
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.records import ClassificationResult
from polypstudio.store.paths import iteration_set
from polypstudio.store.results import result_path, save_result
from polypstudio.store.studies import complete_iterations, labelled


def classification_step(context: Context) -> Step:
    """EfficientNet trained on real, and on real and synthetic images, judged on the held-out real ones."""
    study, settings = context.study, context.config.classification
    iterations = list(settings.iterations) or complete_iterations(study)[-1:]
    real = [image for split in ("train", "test") for image in labelled(context.images, split)]

    inputs = {
        "real": context.hash_files(context.real_files(real)),
        "index": index_hash(context),
        **{iteration_set(n): context.hash_files(context.sample_files(n)) for n in iterations},
    }

    def run(report: Report) -> None:
        from polypstudio.classifier.run import run_arms

        result = run_arms(study, context.config, context.images, context.data_root, report)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        save_result(study, settings.model, result.model_copy(update={"inputs": inputs, "created": created}))

    return Step(
        name=f"classification-{settings.model}",
        title="Augmentation test",
        version=1,
        inputs=inputs,
        settings=settings.model_dump(mode="json"),
        outputs=[result_path(study, ClassificationResult, settings.model)],
        run=run,
    )
