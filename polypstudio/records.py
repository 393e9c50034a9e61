"""Pure values handed between the parts: no behaviour beyond their own invariants, no disk, no torch, no UI.

Results are pydantic models because their JSON is a contract (one file under ``results/`` each); they are frozen, so a
record that was shown is the record that was computed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from polypstudio.config import StudyConfig

Pathology = Literal["ad", "non_ad"]
Label = Literal["ad", "non_ad", "unlabelled", "non_polyp"]
Split = Literal["train", "test"]
Source = Literal["real", "synthetic", "reconstruction"]
Alarm = Literal["negative_margin_ad", "negative_margin_non_ad", "class_ignored", "swapped", "undecidable"]

PATHOLOGIES: tuple[Pathology, Pathology] = ("ad", "non_ad")
PATHOLOGY_NAMES: dict[str, str] = {"ad": "AD", "non_ad": "Non-AD"}
PATHOLOGY_MEANING: dict[str, str] = {"ad": "adenomatous", "non_ad": "non-adenomatous"}
REFERENCE_NAMES: dict[str, str] = {"train": "trained on", "held_out": "held out"}


class Record(BaseModel):
    """Base of all records: immutable, and strict about unknown fields so that a newer file is not half-read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RealImage(Record):
    """One real (or phantom) image of a dataset. ``path`` is relative to the dataset's root, with forward slashes."""

    path: str
    label: Label
    split: Split
    group: str
    quality: Literal["high", "low"] | None = None


class ImageKey(NamedTuple):
    """What names an image within a study: its set, its class and its index in it.

    ``image_set`` is ``real/train``, ``real/test``, ``reconstruction/train``, ``reconstruction/test`` or ``iterations/001000``.
    """

    image_set: str
    label: Pathology
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody calls


class Estimate(Record):
    """A value with its 95 % confidence interval, in the unit of the value."""

    value: float
    ci: tuple[float, float]


class Separation(Record):
    """KID of real AD against real Non-AD, with its permutation p."""

    kid: float
    ci: tuple[float, float]
    p: float


class Cell(Record):
    """One cell of the KID matrix: synthetic X against real Y. ``floor``, ``subset_*``: see `metrics.class_evidence`."""

    synthetic: Pathology
    real: Pathology
    kid: float
    ci: tuple[float, float]
    floor: float
    subset_mean: float
    subset_sd: float
    n_real: int
    n_synthetic: int


class Alignment(Record):
    """Class alignment A with its bootstrap interval and the p of the permutation of synthetic labels.

    ``value`` is None where the separation, its unit, is not positive; ``ci`` is None where it is unbounded, because
    the separation cannot be told from zero by its bootstrap.
    """

    value: float | None
    ci: tuple[float, float] | None
    p: float


class IterationEvidence(Record):
    """What the KID says about one iteration against one reference. ``iteration`` is None for the reconstruction."""

    iteration: int | None
    cells: list[Cell]
    margins: dict[Pathology, Estimate]
    alignment: Alignment
    shift: Estimate
    alarms: list[Alarm]

    def cell(self, synthetic: Pathology, real: Pathology) -> Cell:
        """The cell of one pair of classes."""
        return next(c for c in self.cells if c.synthetic == synthetic and c.real == real)


class ReferenceEvidence(Record):
    """All iterations against one reference: the images trained on, or the held-out ones."""

    separation: Separation
    n_real: dict[Pathology, int]
    iterations: list[IterationEvidence]
    reconstruction: IterationEvidence | None = None
    warnings: list[str] = Field(default_factory=list)

    def at(self, iteration: int) -> IterationEvidence | None:
        """The evidence at one iteration, or None if it was not evaluated."""
        return next((e for e in self.iterations if e.iteration == iteration), None)


class Result(Record):
    """What every results file carries beside its content."""

    schema_version: int = 1
    encoder: str | None = None
    inputs: dict[str, str] = Field(default_factory=dict, description="name of an input -> hash of its content")
    settings: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    created: str = ""


class KidResult(Result):
    """``results/kid/<encoder>.json``: the KID matrix with its floor, separation, margins and class alignment."""

    subsets: int
    subset_size: int
    references: dict[Literal["train", "held_out"], ReferenceEvidence]


class MapPoint(Record):
    """One image on the t-SNE map."""

    image_set: str
    label: Pathology
    index: int
    x: float
    y: float


class TsneResult(Result):
    """``results/tsne/<encoder>.json``: one map; in the joint alignment real points are the same at all iterations."""

    alignment: Literal["joint"] = "joint"
    perplexity: float
    points: list[MapPoint]


class NeighbourAgreement(Record):
    """k-NN class agreement in the original feature space; 0.5 is chance (see metrics.neighbours)."""

    iteration: int
    overall: float
    per_class: dict[Pathology, float]


class Copy(Record):
    """The nearest real training image of one synthetic image, as cosine distance, and whether that is a copy."""

    label: Pathology
    index: int
    nearest_label: Pathology
    nearest_index: int
    distance: float
    is_copy: bool


class IterationCopies(Record):
    iteration: int
    images: list[Copy]


class NeighbourResult(Result):
    """``results/neighbours/<encoder>.json``: class agreement and copies, both read off nearest real images."""

    k: int
    real_agreement: float = Field(description="leave-group-out agreement of the real images: the ceiling")
    agreement: list[NeighbourAgreement]
    copy_threshold: float
    copies: list[IterationCopies]


class ClassScores(Record):
    precision: float
    recall: float
    f1: float
    support: int


class ArmRun(Record):
    """One training of the classifier: one arm with one seed, judged on one set of images."""

    arm: str
    seed: int
    scores: dict[Pathology, ClassScores]
    balanced_accuracy: float
    auc: float
    confusion: list[list[int]] = Field(description="rows: true AD, Non-AD; columns: predicted AD, Non-AD")
    probabilities: list[float] = Field(description="P(AD) of each judged image, in the order of `images`")


class Arm(Record):
    """One arm of the augmentation test: real images, or real and synthetic images of one iteration."""

    name: str
    iteration: int | None
    synthetic_per_real: float
    n_train: dict[Pathology, int]
    runs: list[ArmRun]
    balanced_accuracy: Estimate
    difference: Estimate | None = Field(None, description="balanced accuracy minus that of the real arm, paired")
    p: float | None = Field(None, description="exact McNemar against the real arm on seed-averaged predictions")


class ClassificationResult(Result):
    """``results/classification/<model>.json``: the augmentation test."""

    model: str
    images: list[ImageKey] = Field(description="the judged real images")
    truth: list[Pathology]
    arms: list[Arm]


class IterationManifest(Record):
    """``iterations/<n>/manifest.json``, written last: its existence means that the iteration is complete."""

    schema_version: int = 1
    iteration: int
    origin: Literal["trained", "imported images", "imported weights"]
    created: str
    config: dict = Field(default_factory=dict, description="the study's configuration as it ran")
    seed: int | None = None
    prompts: dict[Pathology, str] = Field(default_factory=dict)
    negative_prompt: str | None = None
    sampler: dict[str, str | int | float | bool] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    hashes: dict[str, str] = Field(default_factory=dict, description="unet, samples/ad/00000.png … -> sha256")
    counts: dict[Pathology, int] = Field(default_factory=dict)
    training: dict[str, float | int | str] = Field(default_factory=dict)


class StudyContents(Record):
    """All that a report on a study is written from, as read from its folder."""

    name: str
    config: StudyConfig
    images: list[RealImage]
    iterations: list[IterationManifest]
    kid: KidResult | None = None
    neighbours: NeighbourResult | None = None
    classification: ClassificationResult | None = None


class Progress(Record):
    """One line of a job's ``progress.jsonl``."""

    step: str
    done: float
    total: float
    message: str = ""
    time: float = 0.0


class Job(Record):
    """``jobs/<id>/job.json``: a step started from the page or the shell, as its own process."""

    id: str
    command: list[str] = Field(description="arguments after `polypstudio`, as a shell would take them")
    title: str
    study: str
    state: Literal["queued", "running", "done", "failed", "stopped", "died"]
    created: float
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    pid_started: float | None = None
    exit_status: int | None = None
    message: str = ""
