"""Drawing images on request from the page: starts `polypstudio generate` as a process, says how far it is, stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from polypstudio import jobs
from polypstudio.errors import UserError
from polypstudio.records import GenerationRequest, Job
from polypstudio.store.generated import GeneratedFolder, generated_folder, newest_generation
from polypstudio.store.paths import StudyPaths
from polypstudio.ui.context import Selection

ACTIVE = ("queued", "running")


def generation_routes(root: Path) -> APIRouter:
    """The routes over the studies in ``root``."""
    router = APIRouter(prefix="/study/{name}/generated")

    @router.post("")
    def start(name: str, request: GenerationRequest) -> Response:
        study = _study(root, name)
        if study is None:
            return Response(status_code=404)
        title = f"Generate at {', '.join(map(str, request.iterations))}"
        try:
            job = jobs.start(root, name, request.arguments(name), title)
        except UserError as error:
            return JSONResponse({"error": str(error)}, status_code=409)
        return JSONResponse(_status(root, study, request.key, job) | {"images": {}})

    @router.get("")
    def newest(name: str) -> Response:
        """What was drawn last, so that a reloaded page finds what it had started."""
        study = _study(root, name)
        folder = newest_generation(study) if study else None
        if study is None or folder is None:
            return JSONResponse(None)
        return JSONResponse(_status(root, study, folder.path.name, _job(root, name, folder)))

    @router.get("/{key}/jobs/{job}")
    def status(name: str, key: str, job: str) -> Response:
        study, found = _study(root, name), _find_job(root, name, job)
        if study is None or found is None or generated_folder(study, key) is None:
            return Response(status_code=404)
        return JSONResponse(_status(root, study, key, found))

    @router.post("/{key}/jobs/{job}/stop")
    def stop(name: str, key: str, job: str) -> Response:
        found = _find_job(root, name, job)
        if found is None or found.command[0] != "generate":
            return Response(status_code=404)
        jobs.stop(root, found)
        return JSONResponse({})

    @router.get("/{key}/image/{iteration:int}/{index:int}")
    def image(name: str, key: str, iteration: int, index: int) -> Response:
        study = _study(root, name)
        folder = generated_folder(study, key) if study else None
        path = folder.image(iteration, index) if folder else None
        if path is None or not path.is_file():
            return Response(status_code=404)
        return Response(path.read_bytes(), media_type="image/png", headers={"Cache-Control": "no-store"})

    return router


def _status(root: Path, study: StudyPaths, key: str, job: Job | None) -> dict[str, Any]:
    """How far a request is: its job's state and progress, and the hashes of what has been drawn."""
    folder = generated_folder(study, key)
    drawn = folder.read() if folder else None
    if drawn and job and drawn.job != job.id:
        drawn = None  # an earlier run of the same request: this job has not begun yet
    progress = jobs.progress(root, job) if job else None
    return {
        "key": key,
        "job": job.id if job else None,
        "state": job.state if job else "done",
        "active": job is not None and job.state in ACTIVE,
        "stoppable": job is not None and job.pid is not None,
        "message": job.message if job else "",
        "done": progress.done if progress else 0,
        "total": progress.total if progress else 0,
        "step": progress.message if progress else "",
        "command": jobs.shell_command(job.command, root) if job else "",
        "request": drawn.request.model_dump() if drawn else None,
        "images": drawn.images if drawn else {},
    }


def _job(root: Path, name: str, folder: GeneratedFolder) -> Job | None:
    drawn = folder.read()
    return _find_job(root, name, drawn.job) if drawn and drawn.job else None


def _find_job(root: Path, name: str, identity: str) -> Job | None:
    return next((job for job in jobs.study_jobs(root, name) if job.id == identity), None)


def _study(root: Path, name: str) -> StudyPaths | None:
    return Selection(root, name, None, "train").paths
