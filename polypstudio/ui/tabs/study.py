"""Study: what it is, the paper's point on its own images, what has been done, what to do next, and the data."""

from __future__ import annotations

from collections import Counter

import gradio as gr
from markupsafe import Markup

from polypstudio import jobs
from polypstudio.errors import UserError
from polypstudio.findings.appearance import Comparison, appearance_against_evidence, headline
from polypstudio.findings.format import number
from polypstudio.findings.words import iteration_sentence
from polypstudio.records import (
    PATHOLOGIES,
    PATHOLOGY_MEANING,
    PATHOLOGY_NAMES,
    ImageKey,
    Pathology,
    RealImage,
    ReferenceEvidence,
)
from polypstudio.store.paths import StudyPaths, iteration_set, real_set
from polypstudio.store.studies import load_manifest
from polypstudio.ui.components.checklist import Step, next_step, steps
from polypstudio.ui.components.demo import is_read_only
from polypstudio.ui.components.job_panel import build_job_panel, start_on
from polypstudio.ui.components.markup import (
    Text,
    block,
    card,
    class_name,
    command_line,
    element,
    empty,
    heading,
    join,
    paragraph,
    pictures,
    table,
    tables_only,
)
from polypstudio.ui.context import Selection, StudyContext
from polypstudio.ui.images import address_of, image_address, sample_version

FEW = 50
IN_POINT = 5
IN_SAMPLE = 9
LABEL_NAMES = {**PATHOLOGY_NAMES, "unlabelled": "unlabelled polyp", "non_polyp": "no polyp"}
SPLIT_NAMES = {"train": "trained on", "test": "held out"}
NO_STUDY = "Make one: polypstudio new NAME --data FOLDER --layout folder --preset tiny"


def build(context: StudyContext) -> None:
    """Builds the tab inside the current ``gr.Tab``."""
    point = block("study-point")
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=380):
            done = block("study-steps")
            go = gr.Button("Run it", variant="primary", visible=False, elem_id="study-run")
            build_job_panel(context, "study-jobs")
        with gr.Column(scale=7, min_width=480):
            data = block("study-data")

    def progress(selection: Selection) -> tuple[str, gr.Button]:
        found = steps(selection)
        following = next_step(found)
        startable = following is not None and "N" not in following.command and not is_read_only(context, selection)
        return steps_card(selection, found), gr.Button(visible=startable)

    context.on_selection(point_card, point)
    context.on_selection(progress, [done, go])
    context.on_selection(data_card, data)
    start_on(context, go, _next_command)


def point_card(selection: Selection) -> str:
    """What the study is, and the question of the paper asked of its own images: do they mean what they show?"""
    paths, config = selection.paths, selection.config()
    if selection.is_paper:
        return tables_only()
    if paths is None or config is None:
        return empty("There is no study here yet.", command_line(NO_STUDY))
    about = [
        element(
            "h2", join([config.title, Markup(' <span class="pst-tag">phantom</span>') if config.data.phantom else ""])
        ),
        paragraph(config.description, "pst-soft") if config.description else "",
        paragraph(join([element("b", "AD, Non-AD: "), config.data.definition]), "pst-soft"),
    ]
    evidence = selection.evidence()
    rows = appearance_against_evidence(evidence) if evidence else []
    if evidence is None or not rows:
        return card(*about)
    best = min(rows, key=lambda row: row.looks_rank)
    images = _point_images(selection, paths, best.iteration)
    answer = element("div", _answer(best, evidence), "pst-answer")
    return card(element("div", join(about)), element("div", join([images, answer]), "pst-point"), kind="pst-about")


def _point_images(selection: Selection, paths: StudyPaths, iteration: int) -> Markup:
    """Per class: some real images, and synthetic ones of the iteration that looks most real."""
    manifest, index = load_manifest(paths, iteration), selection.images()
    rows = []
    for label in PATHOLOGIES:
        count = manifest.counts.get(label, 0)
        synthetic = [
            image_address(paths.name, ImageKey(iteration_set(iteration), label, i), sample_version(manifest, label, i))
            for i in range(min(IN_POINT, count))
        ]
        name = PATHOLOGY_NAMES[label]
        rows.append(
            [
                class_name(label, name),
                pictures(_real(paths, index, "train", label, IN_POINT), f"real {name}"),
                pictures(synthetic, f"synthetic {name}"),
            ]
        )
    return table(["", "real", f"synthetic, iteration {iteration}"], rows, left=(0, 1, 2))


def _answer(best: Comparison, evidence: ReferenceEvidence) -> Markup:
    """The verdict on the iteration that looks best."""
    at = evidence.at(best.iteration)
    value = "–" if best.alignment.value is None else number(best.alignment.value)
    return join(
        [
            paragraph("They look right. Do they mean the right thing?", "pst-question"),
            Markup('<p class="pst-value">A = {}</p>').format(value),
            paragraph(headline(best), "pst-verdict" if best.objections else "pst-verdict good"),
            paragraph(iteration_sentence(at, evidence) if at else ""),
            paragraph(
                "Class alignment A is 1 if synthetic AD and Non-AD differ as the real ones do, 0 if the class is "
                f"ignored, below 0 if they are swapped. {best.iteration} looks most real by within-class KID.",
                "pst-soft",
            ),
        ]
    )


def steps_card(selection: Selection, found: list[Step]) -> str:
    """What has been done, with counts, and the one thing to do next with its command."""
    if not found:
        return ""
    lines = [["✓" if step.done else "○", step.title, element("span", step.detail, "pst-soft")] for step in found]
    following = next_step(found)
    advice: list[Text] = (
        [paragraph("All steps are done. Open Iterations and scrub, or Findings for the words and the report.")]
        if following is None
        else [
            paragraph(join([element("b", "Next: "), following.advice])),
            command_line(jobs.shell_command(following.command, selection.root)),
        ]
    )
    return card(heading("What has been done"), table(["", "", ""], lines, left=(0, 1, 2)), *advice, kind="pst-steps")


def _next_command(selection: Selection) -> tuple[str, list[str], str]:
    following = next_step(steps(selection))
    if following is None or selection.study is None:
        raise UserError("all steps are done already")
    return selection.study, list(following.command), following.title


def data_card(selection: Selection) -> str:
    """The audit of the real images, and some of them."""
    paths, index = selection.paths, selection.images()
    if paths is None:
        return ""
    if not index:
        return empty("The real images have not been read yet.", "The next step reads them.")
    samples = join(
        [
            join(
                [
                    paragraph(join([class_name(label, PATHOLOGY_NAMES[label]), f" {PATHOLOGY_MEANING[label]}"])),
                    pictures(_real(paths, index, "train", label, IN_SAMPLE), f"real {PATHOLOGY_NAMES[label]}"),
                ]
            )
            for label in PATHOLOGIES
        ]
    )
    return card(heading("Real images"), audit_table(index), *_audit_warnings(index), samples)


def audit_table(index: list[RealImage]) -> Markup:
    """Images and groups by class and split."""
    images: Counter[tuple[str, str]] = Counter((image.split, image.label) for image in index)
    groups = {key: len({i.group for i in index if (i.split, i.label) == key}) for key in images}
    labels = [label for label in LABEL_NAMES if any(label == key[1] for key in images)]
    rows = []
    for split, name in SPLIT_NAMES.items():
        counts = [images[split, label] for label in labels]
        cells = [
            f"{count} in {groups[split, label]} groups" if count else "–"
            for label, count in zip(labels, counts, strict=True)
        ]
        rows.append([name, *cells, str(sum(counts))])
    heads = [class_name(label, LABEL_NAMES[label]) for label in labels]
    return table(["", *heads, "all"], rows)


def _audit_warnings(index: list[RealImage]) -> list[Markup]:
    """What limits these data: leaking groups, few images."""
    groups = {split: {image.group for image in index if image.split == split} for split in SPLIT_NAMES}
    shared = len(groups["train"] & groups["test"])
    found = []
    if shared:
        found.append(f"{shared} groups are in both splits: held-out results are too good.")
    images: Counter[tuple[str, str]] = Counter((image.split, image.label) for image in index)
    few = [
        f"{images[split, label]} {PATHOLOGY_NAMES[label]} ({SPLIT_NAMES[split]})"
        for split in SPLIT_NAMES
        for label in PATHOLOGIES
        if images[split, label] < FEW
    ]
    if few:
        found.append(f"Fewer than {FEW} images: {', '.join(few)}. Intervals are wide.")
    return [paragraph(text, "pst-warn") for text in found]


def _real(paths: StudyPaths, index: list[RealImage], split: str, label: Pathology, most: int) -> list[str]:
    """Addresses of some real images, spread evenly over the set so that they are not all of one group."""
    count = sum(image.split == split and image.label == label for image in index)
    chosen = sorted({i * count // most for i in range(most)}) if count else []
    return [address_of(paths, ImageKey(real_set(split), label, i)) for i in chosen if i < count]
