"""Pure values handed between the parts: no behaviour beyond their own invariants, no disk, no torch, no UI.

Results are pydantic models because their JSON is a contract (one file under ``results/`` each); they are frozen, so a
record that was shown is the record that was computed.
"""

from __future__ import annotations

from polypstudio.records.base import (
    PATHOLOGIES,
    PATHOLOGY_MEANING,
    PATHOLOGY_NAMES,
    REFERENCE_NAMES,
    Alarm,
    Label,
    Pathology,
    Record,
    Result,
    Source,
    Split,
)
from polypstudio.records.classification import Arm, ArmRun, ClassificationResult, ClassScores
from polypstudio.records.images import ImageKey, RealImage
from polypstudio.records.jobs import Job, Progress
from polypstudio.records.kid import (
    Alignment,
    Cell,
    Estimate,
    IterationEvidence,
    KidResult,
    ReferenceEvidence,
    Separation,
)
from polypstudio.records.neighbours import (
    Copy,
    IterationCopies,
    MapPoint,
    NeighbourAgreement,
    NeighbourResult,
    TsneResult,
)
from polypstudio.records.study import IterationManifest, StudyContents
from polypstudio.records.training import HeldOutLoss

__all__ = [
    "PATHOLOGIES",
    "PATHOLOGY_MEANING",
    "PATHOLOGY_NAMES",
    "REFERENCE_NAMES",
    "Alarm",
    "Alignment",
    "Arm",
    "ArmRun",
    "Cell",
    "ClassScores",
    "ClassificationResult",
    "Copy",
    "Estimate",
    "HeldOutLoss",
    "ImageKey",
    "IterationCopies",
    "IterationEvidence",
    "IterationManifest",
    "Job",
    "KidResult",
    "Label",
    "MapPoint",
    "NeighbourAgreement",
    "NeighbourResult",
    "Pathology",
    "Progress",
    "RealImage",
    "Record",
    "ReferenceEvidence",
    "Result",
    "Separation",
    "Source",
    "Split",
    "StudyContents",
    "TsneResult",
]
