"""The report of a study as the browser downloads it."""

from __future__ import annotations

import io
import zipfile

from polypstudio.records import KidResult
from polypstudio.report.files import report_files
from polypstudio.store.contents import load_contents
from polypstudio.store.paths import StudyPaths
from polypstudio.store.results import result_names
from polypstudio.store.studies import load_config

ADDRESS = "/study/{name}/report/{file}"
ARCHIVE = "report.zip"
PAGE = "report.html"


def report_file(study: StudyPaths, encoder: str | None, name: str) -> tuple[bytes, str] | None:
    """Content and media type of the whole report as a ZIP, or of its page; None for any other name.

    ``encoder`` comes from the browser: only one by which the study was evaluated is taken.
    """
    if name not in (ARCHIVE, PAGE):
        return None
    if encoder is None or encoder not in result_names(study, KidResult):
        encoder = load_config(study).evaluation.encoder
    files = report_files(load_contents(study, encoder))
    return (files[PAGE].encode(), "text/html") if name == PAGE else (_archive(study.name, files), "application/zip")


def _archive(folder: str, files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{folder}-report/{name}", text)
    return content.getvalue()
