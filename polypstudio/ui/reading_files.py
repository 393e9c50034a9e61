"""What a researcher downloads of a reading: the answers as CSV or JSON, and the reporting items that its design answers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from polypstudio.errors import UserError
from polypstudio.reading.power import power
from polypstudio.reading.reporting import ReadingFacts, reporting_markdown
from polypstudio.reading.scoring import score
from polypstudio.store import readings
from polypstudio.store.paths import StudyPaths
from polypstudio.store.studies import list_studies, load_config
from polypstudio.ui.components.markup import Markup, card, heading, paragraph

CHECKLIST, RESULTS = "reporting.md", "results.json"
KINDS = {
    "readings.csv": "text/csv",
    "readings.json": "application/json",
    RESULTS: "application/json",
    CHECKLIST: "text/markdown",
}


def reading_file_routes(root: Path) -> APIRouter:
    """``/study/<name>/reading/<design>/<file>``; it lies behind the dashboard's door."""
    router = APIRouter()

    @router.get("/study/{name}/reading/{design}/{file}")
    def download(name: str, design: str, file: str) -> Response:
        study = next((study for study in list_studies(root) if study.name == name), None)
        if study is None or file not in KINDS or design not in {d.id for d in readings.list_designs(study)}:
            return Response(status_code=404)
        try:
            text = _content(study, design, file)
        except UserError as error:
            return PlainTextResponse(str(error), status_code=409)
        headers = {"Content-Disposition": f'attachment; filename="{study.name}-{file}"', "Cache-Control": "no-store"}
        return Response(text, media_type=f"{KINDS[file]}; charset=utf-8", headers=headers)

    return router


def _content(study: StudyPaths, design: str, file: str) -> str:
    if file == CHECKLIST:
        return checklist(study, design)
    if file == RESULTS:
        return score(readings.load_readings(study, design)).model_dump_json(indent=1) + "\n"
    return readings.exported(study, file.rpartition(".")[2])[0]


def checklist(study: StudyPaths, design: str) -> str:
    """The reporting items of a stored reading as Markdown."""
    stored = next(each for each in readings.list_designs(study) if each.id == design)
    body, progress = stored.body, readings.reader_progress(study, design)
    config = load_config(study)
    drawn = [item for item in readings.load_items(study, design) if not item.training]
    n_real = 0 if body.is_pairs else sum(item.image.image_set.startswith("real/") for item in drawn)
    n_synthetic = 0 if body.is_pairs else len(drawn) - n_real
    smallest = min([s.per_class for s in body.strata if not s.is_real] or [s.per_class for s in body.strata])
    counted, withdrawn = readings.count_answers(study, design)
    facts = ReadingFacts(
        study=study.name,
        definition=config.data.definition or "not stated in the study's configuration",
        phantom=config.data.phantom,
        version=stored.version,
        created=stored.created,
        image_size=stored.image_size,
        readers=len(progress),
        complete=sum(own.answered == own.total for own in progress),
        answers=counted,
        withdrawn=withdrawn,
        power=power(max(len(progress), 1), smallest, n_real, n_synthetic),
    )
    return reporting_markdown(body, facts)


def download_links(study: StudyPaths, design: str) -> str:
    """The card with the downloads of a reading."""

    def link(file: str, words: str) -> Markup:
        address = f"/study/{quote(study.name)}/reading/{quote(design)}/{file}"
        return Markup('<a href="{}" download>{}</a>').format(address, words)

    words = [
        link("readings.csv", "readings.csv"),
        link("readings.json", "readings.json (all readings of the study, with their designs)"),
        link(RESULTS, "results.json (all results of this reading, with their intervals)"),
        link(CHECKLIST, "reporting items of CLAIM, STARD and GRRAS that this design answers (no claim of compliance)"),
    ]
    return card(heading("Downloads"), *map(paragraph, words))
