"""Fine-tuning, sampling and the reconstruction control as steps. Torch is imported only when one has to run."""

from __future__ import annotations

from collections.abc import Iterator

from polypstudio.diffusion.fingerprint import (
    reconstruction_fingerprint,
    sampling_fingerprint,
    stage_fingerprints,
)
from polypstudio.pipeline.context import Context
from polypstudio.pipeline.runner import Step
from polypstudio.progress import Report
from polypstudio.stopping import Stop


def train_step(context: Context, stop: Stop) -> Step:
    """All stages: a U-Net for every checkpoint of the last one."""
    study, checkpoints = context.study, context.training.checkpoints
    fingerprints = stage_fingerprints(context.config, context.images, context.data_root, context.hash_of)
    context.hash_of.write()

    def run(report: Report) -> None:
        from polypstudio.diffusion.train import train

        train(study, context.config, context.images, context.data_root, report, stop, context.hash_of)

    return Step(
        name="train",
        title="Fine-tuning",
        version=1,
        inputs=fingerprints,
        settings={"checkpoints": checkpoints},
        outputs=[study.unet(iteration) for iteration in checkpoints],
        run=run,
        together=True,
    )


def sample_steps(context: Context) -> Iterator[Step]:
    """One step an iteration that has a U-Net."""
    study, config = context.study, context.config
    for folder in sorted(study.iterations.glob("[0-9]*/unet")):
        iteration = int(folder.parent.name)

        def run(report: Report, iteration: int = iteration) -> None:
            from polypstudio.diffusion.sample import sample_iteration

            sample_iteration(study, config, iteration, report)

        yield Step(
            name=f"sample-{iteration:06d}",
            title=f"Sampling iteration {iteration}",
            version=1,
            inputs={"weights, base and settings": sampling_fingerprint(study, config, iteration)},
            settings=config.sampling.model_dump(exclude={"batch_size"}),
            outputs=[study.samples(iteration), study.manifest(iteration)],
            run=run,
            together=True,
        )


def reconstruction_step(context: Context) -> Step:
    """The control: the real images through the autoencoder, which the U-Net can at best reach."""
    study = context.study
    made_from = reconstruction_fingerprint(context.config, context.images, context.data_root, context.hash_of)
    context.hash_of.write()

    def run(report: Report) -> None:
        from polypstudio.diffusion.reconstruct import reconstruct

        reconstruct(study, context.config, context.images, context.data_root, report)

    return Step(
        name="reconstruction",
        title="Reconstruction control",
        version=1,
        inputs={"images and base": made_from},
        settings={"resolution": context.training.resolution},
        outputs=[study.reconstruction],
        run=run,
    )
