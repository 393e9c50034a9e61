"""All that the Iterations tab shows of a study, as one JSON value made from stored files: nothing is computed anew.

Images are given as versions (see :mod:`polypstudio.ui.images`); the browser makes their addresses from the study's
name, the image set, the class and the index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from polypstudio.config import EvaluationConfig
from polypstudio.findings.cells import cell_words
from polypstudio.findings.words import ALARM_MEANINGS, ALARM_NAMES, iteration_sentence, unsaid_margins
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_NAMES,
    REFERENCE_NAMES,
    ClassCoverage,
    IterationCopies,
    IterationEvidence,
    NeighbourResult,
    Pathology,
    ReferenceCoverage,
    ReferenceEvidence,
    Separation,
)
from polypstudio.store.checkpoints import class_losses
from polypstudio.store.paths import StudyPaths, iteration_set
from polypstudio.store.stamp import study_stamp
from polypstudio.store.studies import load_index, load_manifest
from polypstudio.ui.components.definitions import DEFINITIONS, how_made
from polypstudio.ui.components.map_view import available_alignments, colour_values, map_view
from polypstudio.ui.components.paper_view import paper_table
from polypstudio.ui.context import Selection
from polypstudio.ui.images import file_version, real_files, sample_version

SPLIT_OF_REFERENCE = {"train": "train", "held_out": "test"}

View = dict[str, Any]


def iterations_view(selection: Selection) -> View:
    """The view of one study by one encoder against one reference.

    ``empty`` says what to do next where something is missing: no study, no iterations, no results. Raises UserError if a
    stored file cannot be read.
    """
    study, config = selection.paths, selection.config()
    if study is None or config is None:
        return {"iterations": [], "empty": _no_study()}
    stamp = study_stamp(study)  # before anything else is read: what changes meanwhile is seen at the next look
    kid, neighbours = selection.kid(), selection.neighbours()
    evidence, coverage = selection.evidence(), selection.coverage()
    iterations = [_iteration(study, step, evidence, neighbours, coverage) for step in selection.iterations()]
    return {
        "study": study.name,
        "stamp": stamp,
        "phantom": config.data.phantom,
        "definition": config.data.definition,
        "encoder": selection.encoder,
        "reference": REFERENCE_NAMES[selection.reference],
        "referenceSplit": SPLIT_OF_REFERENCE[selection.reference],
        "labels": PATHOLOGY_NAMES,
        "sampling": config.sampling.model_dump(include={"seed", "guidance", "steps"}),
        "iterations": iterations,
        "real": _real_images(study),
        "separation": evidence.separation.model_dump() if evidence else None,
        "reconstruction": _evidence(evidence.reconstruction, evidence.separation)
        if evidence and evidence.reconstruction
        else None,
        "nReal": evidence.n_real if evidence else None,
        "realAgreement": neighbours.real_agreement if neighbours else None,
        "neighbours": neighbours.k if neighbours else None,
        "maps": available_alignments(selection),
        "map": map_view(selection, "joint"),
        "colours": colour_values(selection),
        "yardstick": _coverage(coverage.yardstick) if coverage and coverage.yardstick else None,
        "paper": paper_table(),
        "warnings": evidence.warnings if evidence else [],
        "alarms": {alarm: {"name": ALARM_NAMES[alarm], "meaning": ALARM_MEANINGS[alarm]} for alarm in ALARM_NAMES},
        "definitions": {key: {"name": name, "text": text} for key, (name, text) in DEFINITIONS.items()},
        "howMade": how_made(kid, selection.reference, config.evaluation) if kid and evidence else [],
        "empty": _what_is_missing(study, selection, bool(iterations), evidence),
    }


def _iteration(
    study: StudyPaths,
    step: int,
    evidence: ReferenceEvidence | None,
    neighbours: NeighbourResult | None,
    coverage: ReferenceCoverage | None,
) -> View:
    manifest = load_manifest(study, step)
    copies = next((c for c in neighbours.copies if c.iteration == step), None) if neighbours else None
    agreement = next((a for a in neighbours.agreement if a.iteration == step), None) if neighbours else None
    at = evidence.at(step) if evidence else None
    sentence = iteration_sentence(at, evidence, copies) if at and evidence else None
    covered = coverage.at(step) if coverage else None
    return {
        "iteration": step,
        "set": iteration_set(step),
        "origin": manifest.origin,
        "prompts": manifest.prompts,
        "seed": manifest.seed,
        "sampler": ", ".join(f"{name} {value}" for name, value in manifest.sampler.items()),
        "samples": {
            label: [sample_version(manifest, label, i) for i in range(manifest.counts.get(label, 0))]
            for label in PATHOLOGIES
        },
        "evidence": _evidence(at, evidence.separation) if at and evidence else None,
        "sentence": sentence,
        "unsaid": unsaid_margins(at, sentence) if at and sentence else [],
        "agreement": agreement.model_dump() if agreement else None,
        "coverage": _coverage(covered.per_class) if covered else None,
        "loss": class_losses(manifest.training),
        "canGenerate": manifest.origin != "imported images" and study.unet(step).is_dir(),
        "nearest": _nearest(copies) if copies else None,
        "copies": sum(image.is_copy for image in copies.images) if copies else None,
    }


def _evidence(at: IterationEvidence, separation: Separation) -> View:
    """The numbers of one iteration, cells by synthetic and real class, each with what it says."""
    cells: View = {label: {} for label in PATHOLOGIES}
    for cell in at.cells:
        numbers = cell.model_dump(exclude={"synthetic", "real"})
        cells[cell.synthetic][cell.real] = numbers | {"words": cell_words(cell, separation)}
    return {
        "cells": cells,
        "margins": {label: margin.model_dump() for label, margin in at.margins.items()},
        "alignment": at.alignment.model_dump(),
        "shift": at.shift.model_dump(),
        "alarms": at.alarms,
    }


def _coverage(per_class: Mapping[Pathology, ClassCoverage]) -> View:
    return {label: found.model_dump() for label, found in per_class.items()}


def _nearest(copies: IterationCopies) -> View:
    """By class and index: [class, index, distance, is a copy] of the nearest real training image."""
    nearest: View = {label: {} for label in PATHOLOGIES}
    for copy in copies.images:
        nearest[copy.label][copy.index] = [
            copy.nearest_label, copy.nearest_index, round(copy.distance, 4), copy.is_copy
        ]  # fmt: skip
    return nearest


def _real_images(study: StudyPaths) -> View:
    """By split and class: [version, group] of each real image, in the order of the image set."""
    groups = defaultdict(list)
    for image in load_index(study):
        groups[image.split, image.label].append(image.group)
    return {
        split: {
            label: [
                [file_version(path), group]
                for path, group in zip(real_files(study, split, label), groups[split, label], strict=True)
            ]
            for label in PATHOLOGIES
        }
        for split in ("train", "test")
    }


def _no_study() -> View:
    return {
        "title": "No study yet",
        "text": "A study is one folder with real images, synthetic images at several iterations, and the evidence. "
        "Make one on the Study tab, or in a shell:",
        "command": "polypstudio new my-study --data FOLDER --layout folder --preset tiny",
    }


def _what_is_missing(
    study: StudyPaths, selection: Selection, has_iterations: bool, evidence: ReferenceEvidence | None
) -> View | None:
    if not has_iterations:
        return {
            "title": "No iterations yet",
            "text": "An iteration is a checkpoint of the fine-tuning with the images sampled from it. Start the "
            "training on the Fine-tune tab, or import images made elsewhere:",
            "command": f"polypstudio import {study.name} --iteration 1000 --ad FOLDER --non-ad FOLDER",
        }
    if evidence is None:
        return {
            "title": "Images, but no evidence yet",
            "text": f"These iterations have not been evaluated with {selection.encoder or EvaluationConfig().encoder} "
            f"against the real images {REFERENCE_NAMES[selection.reference]}. Start the evaluation on the Study tab, or:",
            "command": f"polypstudio evaluate {study.name}",
        }
    return None
