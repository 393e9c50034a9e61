"""t-SNE maps in their three alignments: ``results/tsne/<encoder>.json`` and ``results/maps/<encoder>.json``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from polypstudio.records.base import Pathology, Record, Result

MapAlignment = Literal["joint", "reference", "iteration"]


class MapPoint(Record):
    """One image on the t-SNE map."""

    image_set: str
    label: Pathology
    index: int
    x: float
    y: float


class TsneResult(Result):
    """``results/tsne/<encoder>.json``: one map; in the joint alignment real points are the same at all iterations."""

    COMPACT: ClassVar[bool] = True

    alignment: Literal["joint"] = "joint"
    perplexity: float
    points: list[MapPoint]


class MapSet(Record):
    """The images of one class of one image set, in the order of their index, which starts at 0."""

    image_set: str
    label: Pathology
    x: list[float]
    y: list[float]


class MapNumbers(Record):
    """What a picture is worth: how true it is to the feature space, and how far the classes part on it."""

    trustworthiness: float = Field(description="1: all neighbours on the map are neighbours in the feature space")
    silhouette: float = Field(description="of the classes AD and Non-AD on the map, -1 to 1; 0: they overlap")
    silhouette_features: float = Field(description="the same in the feature space, cosine distance")
    agreement: dict[int, float] = Field(
        description="k-NN class agreement of each iteration read off the map; trust that of the feature space"
    )
    shared_neighbours: float | None = Field(
        None, description="share of an image's neighbours that it keeps on the map of the first seed; None for that map"
    )


class TsneMap(Record):
    """One map. ``iteration`` is None unless each iteration has a map of its own."""

    alignment: MapAlignment
    iteration: int | None
    perplexity: float
    seed: int
    numbers: MapNumbers
    sets: list[MapSet]


class MapsResult(Result):
    """``results/maps/<encoder>.json``: all alignments, perplexities and seeds; ``k`` neighbours stand behind the numbers."""

    COMPACT: ClassVar[bool] = True

    k: int
    maps: list[TsneMap]
