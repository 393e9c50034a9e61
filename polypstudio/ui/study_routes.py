"""What a browser asks of a study by its own routes, beside Gradio: images, views, maps, and what can be taken along.

A name from a browser is looked up among the studies under the root; nothing that it sends is joined to a path.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask

from polypstudio.errors import UserError
from polypstudio.findings import paper
from polypstudio.records import ImageKey
from polypstudio.report.printed_kid import printed_kid_csv, printed_kid_latex
from polypstudio.store.stamp import study_stamp
from polypstudio.ui import images
from polypstudio.ui.choices import opening_selection
from polypstudio.ui.components import export, map_view
from polypstudio.ui.components.iterations_view import iterations_view
from polypstudio.ui.components.paper_view import paper_view
from polypstudio.ui.components.selection_export import selection_csv, write_selection
from polypstudio.ui.components.sheet import MEDIA_TYPES, SheetKind, sheet_file
from polypstudio.ui.context import Selection

FOREVER = "private, max-age=31536000, immutable"
NEVER = "no-store"


class Caught(BaseModel):
    """The images of a selection: (image set, class, index)."""

    images: list[tuple[str, str, int]]


def study_routes(root: Path) -> APIRouter:
    """The routes over the studies in ``root``."""
    router = APIRouter()
    _add_images(router, root)
    _add_views(router, root)
    _add_tables(router, root)
    _add_selections(router, root)
    return router


def _add_images(router: APIRouter, root: Path) -> None:
    @router.get(images.ADDRESS)
    def image(request: Request, name: str, image_set: str, label: str, index: int) -> Response:
        study = Selection(root, name, None, "train").paths
        key = images.parse_key(image_set, label, index)
        path = images.image_file(study, key) if study and key else None
        if key is None or path is None:
            return Response(status_code=404)
        try:
            stored = path.read_bytes()
            content, kind = images.browser_image(path, stored)
        except (OSError, UserError):
            return Response(status_code=404)
        asked = request.query_params.get("v")
        if asked not in (None, images.UNHASHED, images.current_version(path, key, stored)):
            return Response(status_code=404)  # it has been replaced: another image is not shown in its place
        caching = "no-cache" if asked in (None, images.UNHASHED) else FOREVER
        return Response(content, media_type=kind, headers={"Cache-Control": caching})

    @router.get("/study/{name}/sheet.{kind}")
    def sheet(
        name: str,
        kind: SheetKind,
        iterations: str,
        samples: str = "0",
        side: Annotated[int, Query(ge=32, le=512)] = 128,
    ) -> Response:
        study = Selection(root, name, None, "train").paths
        if study is None:
            return Response(status_code=404)
        try:
            content = sheet_file(study, iterations, samples, side, kind)
        except UserError as error:
            return PlainTextResponse(str(error), status_code=409)
        return Response(content, media_type=MEDIA_TYPES[kind], headers={"Cache-Control": NEVER})


def _add_views(router: APIRouter, root: Path) -> None:
    @router.get("/study/{name}/iterations")
    def iterations(name: str, encoder: str | None = None, reference: str = "train") -> Response:
        return view_of(lambda: Selection(root, name, encoder, reference, is_paper=name == paper.NAME))

    @router.get("/opening/iterations")
    def opening(request: Request) -> Response:
        """The view that a page with this query opens with, before its header has said which it is."""
        return view_of(lambda: opening_selection(root, request.query_params))

    def view_of(select: Callable[[], Selection]) -> Response:
        try:
            selection = select()
            return _json(paper_view() if selection.is_paper else iterations_view(selection))
        except UserError as error:
            return JSONResponse({"error": str(error)}, status_code=409)

    @router.get(map_view.ADDRESS)
    def maps(name: str, alignment: str, encoder: str | None = None) -> Response:
        try:
            return _json(map_view.map_view(Selection(root, name, encoder, "train"), alignment))
        except UserError as error:
            return JSONResponse({"error": str(error)}, status_code=409)

    @router.get("/study/{name}/stamp")
    def stamp(name: str) -> Response:
        """Changes when what the tab shows of the study has changed on disk."""
        study = Selection(root, name, None, "train").paths
        return _json({"stamp": study_stamp(study) if study else None})


def _add_tables(router: APIRouter, root: Path) -> None:
    @router.get(export.ADDRESS)
    def report(name: str, file: str, encoder: str | None = None) -> Response:
        study = Selection(root, name, None, "train").paths
        try:
            found = export.report_file(study, encoder, file) if study else None
        except UserError as error:
            return PlainTextResponse(str(error), status_code=409)
        return Response(found[0], media_type=found[1]) if found else Response(status_code=404)

    @router.get("/study/{name}/table2.{kind}")
    def table2(name: str, kind: str, encoder: str = "", reference: str = "train") -> Response:
        kid = Selection(root, name, encoder, reference).kid()
        write = {"csv": printed_kid_csv, "tex": printed_kid_latex}.get(kind)
        if write is None or kid is None or reference not in kid.references:
            return Response(status_code=404)
        return _download(write(kid, reference), f"{name}-table2.{kind}")


def _add_selections(router: APIRouter, root: Path) -> None:
    @router.post("/study/{name}/selection.csv")
    def as_table(name: str, caught: Caught, encoder: str | None = None) -> Response:
        selection = Selection(root, name, encoder, "train")
        if selection.paths is None:
            return Response(status_code=404)
        return _download(selection_csv(selection, _keys(caught)), f"{name}-selection.csv")

    @router.post("/study/{name}/selection.zip")
    def as_archive(name: str, caught: Caught, encoder: str | None = None) -> Response:
        selection = Selection(root, name, encoder, "train")
        if selection.paths is None:
            return Response(status_code=404)
        with tempfile.NamedTemporaryFile(prefix="polypstudio-selection-", suffix=".zip", delete=False) as file:
            write_selection(selection, _keys(caught), file)
        remove = BackgroundTask(Path(file.name).unlink, missing_ok=True)
        return FileResponse(
            file.name, media_type="application/zip", filename=f"{name}-selection.zip", background=remove
        )


def _keys(caught: Caught) -> list[ImageKey]:
    return [key for each in caught.images if (key := images.parse_key(*each))]


def _json(value: Any) -> Response:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Response(text, media_type="application/json", headers={"Cache-Control": NEVER})


def _download(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": NEVER}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)
