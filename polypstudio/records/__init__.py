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
from polypstudio.records.coverage import ClassCoverage, CoverageResult, IterationCoverage, ReferenceCoverage
from polypstudio.records.generation import Generation, GenerationRequest
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
from polypstudio.records.leaks import IterationLeak, LeakResult, LeakTest
from polypstudio.records.maps import MapAlignment, MapNumbers, MapPoint, MapSet, MapsResult, TsneMap, TsneResult
from polypstudio.records.neighbours import (
    Copy,
    IterationCopies,
    IterationDuplicates,
    NeighbourAgreement,
    NeighbourResult,
    SyntheticImage,
)
from polypstudio.records.ranking import RankedIteration, RankingResult, Rule, RuleRanking
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
    "ClassCoverage",
    "ClassScores",
    "ClassificationResult",
    "Copy",
    "CoverageResult",
    "Estimate",
    "Generation",
    "GenerationRequest",
    "HeldOutLoss",
    "ImageKey",
    "IterationCopies",
    "IterationCoverage",
    "IterationDuplicates",
    "IterationEvidence",
    "IterationLeak",
    "IterationManifest",
    "Job",
    "KidResult",
    "Label",
    "LeakResult",
    "LeakTest",
    "MapAlignment",
    "MapNumbers",
    "MapPoint",
    "MapSet",
    "MapsResult",
    "NeighbourAgreement",
    "NeighbourResult",
    "Pathology",
    "Progress",
    "RankedIteration",
    "RankingResult",
    "RealImage",
    "Record",
    "ReferenceCoverage",
    "ReferenceEvidence",
    "Result",
    "Rule",
    "RuleRanking",
    "Separation",
    "Source",
    "Split",
    "StudyContents",
    "SyntheticImage",
    "TsneMap",
    "TsneResult",
]
