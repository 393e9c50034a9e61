"""Which steps each command runs, in order. Plans are lazy: a step is declared when those before it have run."""

from __future__ import annotations

from collections.abc import Iterator

from polypstudio.pipeline.classification import classification_step
from polypstudio.pipeline.context import Context
from polypstudio.pipeline.diffusion import reconstruction_step, sample_steps, train_step
from polypstudio.pipeline.evidence import coverage_step, kid_step, neighbour_step
from polypstudio.pipeline.features import Encoding, feature_steps
from polypstudio.pipeline.index import index_step
from polypstudio.pipeline.leaks import leak_step
from polypstudio.pipeline.maps import maps_step, tsne_step
from polypstudio.pipeline.own_classifier import CLASSIFIER, classifier_encoding, classifier_step
from polypstudio.pipeline.runner import Step
from polypstudio.stopping import Stop


def training(context: Context, stop: Stop) -> Iterator[Step]:
    """`polypstudio train`"""
    yield index_step(context)
    yield train_step(context, stop)


def sampling(context: Context) -> Iterator[Step]:
    """`polypstudio sample`: every iteration that has weights, then the reconstruction control."""
    yield index_step(context)
    yield from sample_steps(context)
    yield reconstruction_step(context)


def evaluation(context: Context, encoder: str) -> Iterator[Step]:
    """`polypstudio evaluate`"""
    yield index_step(context)
    if encoder == CLASSIFIER:
        yield from _evaluation_by_classifier(context)
        return
    encoding = Encoding.of(context, encoder)
    yield leak_step(encoding)
    yield from feature_steps(encoding)
    yield kid_step(encoding)
    yield neighbour_step(encoding)
    yield coverage_step(encoding)
    yield tsne_step(encoding)
    yield maps_step(encoding)


def _evaluation_by_classifier(context: Context) -> Iterator[Step]:
    """Against the held-out images alone; copies and maps need the training images, which the classifier has seen."""
    yield classifier_step(context)
    encoding = classifier_encoding(context)
    yield from feature_steps(encoding)
    yield kid_step(encoding)
    yield coverage_step(encoding)


def augmentation(context: Context) -> Iterator[Step]:
    """`polypstudio classify`"""
    yield index_step(context)
    yield classification_step(context)


def everything(context: Context, encoder: str, stop: Stop) -> Iterator[Step]:
    """`polypstudio run`: all of the above; a study without [training] has nothing to train or sample."""
    if context.config.training is not None:
        yield from training(context, stop)
        yield from sampling(context)
    yield from evaluation(context, encoder)
    yield from augmentation(context)
