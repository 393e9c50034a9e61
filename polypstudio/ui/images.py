"""Addresses of a study's images: made here for the browser, and looked up here when it asks for one.

An address holds the parts of an :class:`ImageKey`. They are parsed and looked up in the store; nothing that a browser
sends is ever joined to a path as it came.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
from pathlib import Path
from urllib.parse import quote

from polypstudio.records import PATHOLOGIES, ImageKey, IterationManifest
from polypstudio.store import studies
from polypstudio.store.paths import StudyPaths, iteration_set

ADDRESS = "/study/{name}/image/{image_set:path}/{label}/{index:int}"
LARGEST_SIDE = 512  # real images may be endoscope frames of 1240 × 1080: more than any view of the dashboard shows
_SET = re.compile(
    r"real/(?P<split>train|test)|iterations/(?P<iteration>\d{1,9})|reconstruction/(?P<part>train|test)"
    r"|previews/(?P<stage>[a-z][a-z0-9_]{0,31})/(?P<step>\d{1,9})"
)
_BROWSER_FORMATS = (".png", ".jpg", ".jpeg")
_HASH_LENGTH = 16  # hexadecimal digits of a synthetic image's sha256 that its address holds
UNHASHED = "unhashed"  # in place of these where a manifest has no hash


def image_address(study: str, key: ImageKey, version: str) -> str:
    """Where the browser finds an image. ``version`` changes with its content, so that it may be kept for good."""
    return f"/study/{quote(study)}/image/{key.image_set}/{key.label}/{key.index}?v={version}"


def address_of(study: StudyPaths, key: ImageKey) -> str:
    """The address of any image of a study as it is now; for many images of one iteration see :func:`sample_version`."""
    matched = _SET.fullmatch(key.image_set)
    iteration = int(matched["iteration"]) if matched and matched["iteration"] else None
    if iteration is not None and study.manifest(iteration).is_file():
        manifest = studies.load_manifest(study, iteration)
        return image_address(study.name, key, sample_version(manifest, key.label, key.index))
    return image_address(study.name, key, file_version(image_file(study, key)))


def file_version(path: Path | None) -> str:
    """Changes when the file does; ``missing`` if there is none. Cheaper than a hash, for sets of 100,000 frames."""
    try:
        status = path.stat() if path else None
    except OSError:
        status = None
    return f"{status.st_mtime_ns:x}-{status.st_size:x}" if status else "missing"


def sample_version(manifest: IterationManifest, label: str, index: int) -> str:
    """The start of a synthetic image's sha256, as its manifest holds it."""
    return manifest.hashes.get(f"samples/{label}/{index:05d}.png", UNHASHED)[:_HASH_LENGTH]


def current_version(path: Path, key: ImageKey, content: bytes) -> str:
    """The version that an image with this file and ``content`` has now, as the addresses of its set hold it."""
    if key.image_set.startswith("iterations/"):
        return hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]
    return file_version(path)


def parse_key(image_set: str, label: str, index: int) -> ImageKey | None:
    """The parts of an address as a key; None if no study can have such an image."""
    pathology = next((each for each in PATHOLOGIES if each == label), None)
    return ImageKey(image_set, pathology, index) if _SET.fullmatch(image_set) and pathology and index >= 0 else None


def image_file(study: StudyPaths, key: ImageKey) -> Path | None:
    """The file of an image, None if the study has no such image."""
    matched = _SET.fullmatch(key.image_set)
    if not matched:
        return None
    if matched["iteration"]:
        return study.synthetic(key._replace(image_set=iteration_set(int(matched["iteration"]))))
    if matched["part"]:
        return study.reconstruction / matched["part"] / key.label / f"{key.index:05d}.png"
    if matched["stage"]:
        return study.preview(matched["stage"], int(matched["step"]), key.label, key.index)
    files = real_files(study, matched["split"], key.label)
    return files[key.index] if key.index < len(files) else None


def real_files(study: StudyPaths, split: str, label: str) -> list[Path]:
    """The real images of one split and label, in the order of the image set."""
    if not study.index.is_file():
        return []
    grouped = _real_files(study, study.index.stat().st_mtime_ns, study.config.stat().st_mtime_ns)
    return grouped.get((split, label), [])


@functools.lru_cache(maxsize=16)
def _real_files(study: StudyPaths, index_time: int, config_time: int) -> dict[tuple[str, str], list[Path]]:
    """All real files by split and label; read again when the index or the configuration has changed."""
    root = studies.data_root(study, studies.load_config(study))
    grouped: dict[tuple[str, str], list[Path]] = {}
    for image in studies.load_index(study):
        grouped.setdefault((image.split, image.label), []).append(root / image.path)
    return grouped


def browser_image(path: Path, content: bytes) -> tuple[bytes, str]:
    """Content and media type of an image for the browser, from the ``content`` of its file.

    A PNG or JPEG of moderate size goes out as it is, so that its hash can be checked; anything else as a PNG that fits
    into :data:`LARGEST_SIDE`, its pixels as every other part of the product reads them. Raises OSError or UserError if it
    is no image.
    """
    from PIL import Image

    from polypstudio.store.images import load_rgb

    if path.suffix.lower() in _BROWSER_FORMATS:
        with Image.open(io.BytesIO(content)) as image:
            if max(image.size) <= LARGEST_SIDE:
                return content, f"image/{'png' if image.format == 'PNG' else 'jpeg'}"
    shown = Image.fromarray(load_rgb(path))
    shown.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    smaller = io.BytesIO()
    shown.save(smaller, "PNG")
    return smaller.getvalue(), "image/png"
