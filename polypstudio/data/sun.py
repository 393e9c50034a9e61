"""The layouts `sun` (the database as its archives unpack) and `sun-seg` (its polyp frames as SUN-SEG orders them).

Every frame of a case belongs to one group, `sun/case7` or `sun/negative/case3`, the same in both layouts. Polyps are
`unlabelled`, unless a table of the user's gives the pathology of their case: the database's own is not among its files.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from polypstudio.data.listing import Entry, Listing, with_splits
from polypstudio.data.tables import KNOWN_LABELS, LABEL_COLUMNS, find_table, read_table
from polypstudio.data.tree import Tree, natural, some
from polypstudio.errors import UserError
from polypstudio.records import Label

POLYP_FRAMES, POLYP_CASES = 49_136, 100
OTHER_FRAMES, OTHER_CASES = 109_554, 13
ARCHIVES = (
    *(f"sundatabase_positive_part{part}" for part in (1, 2)),
    *(f"sundatabase_negative_part{part}" for part in (1, 2, 3, 4)),
)
PARTS = {  # folder -> split, published clips and frames
    "TrainDataset": ("train", 112, 19_544),
    "TestEasyDataset": ("test", 119, 17_070),
    "TestHardDataset": ("test", 54, 12_522),
}
TABLES = ("pathology.csv", "labels.csv", "cases.csv")
BOXES = "annotation_txt"
SEG_SKIPPED = frozenset({"gt", "edge", "scribble", "polygon", "classification", "detection"})

_KIND = re.compile(r"(?:sundatabase|sun)?[-_ ]?(positive|negative)(?:[-_ ]?part[-_ ]?\d+)?", re.IGNORECASE)
_CASE = re.compile(r"case[-_ ]?0*(\d+)", re.IGNORECASE)
_CLIP = re.compile(r"case0*(\d+)(?:[-_]\d+)?", re.IGNORECASE)


def read_sun(tree: Tree) -> Listing:
    """Frames below a folder that says `positive` or `negative`, in a folder `case<N>`.

    Raises UserError where there are none, and for a table of pathology that cannot be understood.
    """
    frames: dict[str, tuple[bool, int]] = {}
    for path in tree.images:
        *above, folder = PurePosixPath(path).parts[:-1] or ("",)
        case = _CASE.fullmatch(folder)
        kind = next((match for name in reversed(above) if (match := _KIND.fullmatch(name))), None)
        if case and kind:
            frames[path] = (kind[1].lower() == "positive", int(case[1]))
    if not frames:
        raise UserError(
            f"{tree.root}: no frames of SUN; looked for `case<N>/*.jpg` below {some(ARCHIVES)} (or folders named "
            f"`positive` and `negative`), found {some(tree.top)}: give the folder into which the archives were unpacked"
        )
    labels, note = _pathology(tree, {case for positive, case in frames.values() if positive})
    without_polyp, missing = _boxes(tree, frames)
    entries = [
        Entry(
            path,
            ("non_polyp" if path in without_polyp else labels.get(case, "unlabelled")) if positive else "non_polyp",
            None,
            f"sun/case{case}" if positive else f"sun/negative/case{case}",
        )
        for path, (positive, case) in frames.items()
    ]
    images, _ = with_splits(tree.root, entries)
    departures = (*_archives(tree), *_counts(frames.values()), *missing)
    return Listing(images, False, tree.digest, departures, (note, *_left_out(tree, frames)), _labelling(tree))


def read_sun_seg(tree: Tree) -> Listing:
    """Frames below `TrainDataset`, `TestEasyDataset` and `TestHardDataset`, in `Frame/case<N>_<M>`.

    Clips of the test parts whose case is among the training clips too are left out: no case is in both splits.
    """
    frames: dict[str, tuple[str, str, int]] = {}
    for path in tree.images:
        folders = PurePosixPath(path).parts[:-1]
        part = next((name for name in folders if name in PARTS), None)
        clip = _CLIP.fullmatch(folders[-1]) if "Frame" in folders else None
        if part and clip:
            frames[path] = (part, folders[-1], int(clip[1]))
    if not frames:
        unordered = any(PurePosixPath(folder).name in PARTS for folder in tree.folders)
        remedy = "reorganise SUN's frames as SUN-SEG's README says" if unordered else "give the folder that holds them"
        raise UserError(
            f"{tree.root}: no frames of SUN-SEG; looked for `Frame/case<N>_<M>/*.jpg` below {some(PARTS)}, "
            f"found {some(tree.top)}: {remedy}"
        )
    labels, note = _pathology(tree, {case for _, _, case in frames.values()})
    trained = {case for part, _, case in frames.values() if PARTS[part][0] == "train"}
    seen = {path for path, (part, _, case) in frames.items() if PARTS[part][0] == "test" and case in trained}
    entries = [
        Entry(path, labels.get(case, "unlabelled"), PARTS[part][0], f"sun/case{case}")
        for path, (part, _, case) in frames.items()
        if path not in seen
    ]
    images, given = with_splits(tree.root, entries)
    notes = [note]
    if seen:
        clips = len({frames[path][1] for path in seen})
        notes.append(
            f"{len(seen):,} frames of {clips} test clips show a case that is among the training clips too (SUN-SEG's "
            "`Seen`): left out, so that no case is in both splits"
        )
    return Listing(images, given, tree.digest, tuple(_clips(frames.values())), tuple(notes), _labelling(tree))


def _labelling(tree: Tree) -> str:
    return (
        f"SUN comes without pathology and there is no table of it: looked for {some(TABLES)} in {tree.root} with columns "
        f"`case` and `label` ({KNOWN_LABELS}); add one, or add a labelled dataset to the study"
    )


def _pathology(tree: Tree, cases: set[int]) -> tuple[dict[int, Label], str]:
    """The label of each case by the user's table, and what was found in words."""
    name = find_table(tree, TABLES)
    if name is None:
        return {}, f"pathology: none, all polyps are unlabelled; looked for {some(TABLES)} with columns `case`, `label`"
    labels: dict[int, Label] = {}
    for row in read_table(tree.root / name, {"case": ("case", "case_id", "video"), "label": LABEL_COLUMNS}):
        match = _CASE.fullmatch(row.cells["case"]) or re.fullmatch(r"0*(\d+)", row.cells["case"])
        if match is None:
            raise UserError(f"{row.where}: case `{row.cells['case']}` is no case of SUN; write `case7` or `7`")
        case = int(match[1])
        if labels.setdefault(case, row.label) != row.label:
            raise UserError(f"{row.where}: case{case} is listed with another label before; keep one of the rows")
    unknown = sorted(cases - set(labels))
    absent = sorted(set(labels) - cases)
    words = [f"pathology: by {name} for {len(cases) - len(unknown)} of {len(cases)} cases"]
    words += [f"no row for {_numbered(unknown)}, which stay unlabelled"] if unknown else []
    words += [f"no frames of {_numbered(absent)}"] if absent else []
    return labels, "; ".join(words)


def _boxes(tree: Tree, frames: Mapping[str, tuple[bool, int]]) -> tuple[set[str], list[str]]:
    """Frames of positive cases that SUN's boxes say show no polyp, and what the boxes name but the disk lacks."""
    files = [path for path in tree.noted if PurePosixPath(path).parent.name.lower() == BOXES]
    by_case: dict[int, dict[str, str]] = defaultdict(dict)
    for path, (positive, case) in frames.items():
        if positive:
            by_case[case][PurePosixPath(path).name] = path
    without_polyp: set[str] = set()
    missing: list[str] = []
    for file in sorted(files, key=natural):
        number = _CASE.fullmatch(PurePosixPath(file).stem)
        if number is None or int(number[1]) not in by_case:
            continue
        present, absent = by_case[int(number[1])], []
        for line in (tree.root / file).read_text(errors="replace").splitlines():
            name, _, box = line.strip().partition(" ")
            if name and name not in present:
                absent.append(name)
            elif box.rstrip().endswith(",1"):
                without_polyp.add(present[name])
        if absent:
            missing.append(
                f"case{number[1]}: {len(absent)} frames that {file} names are not there, such as {absent[0]}: unpack "
                "the archive again"
            )
    return without_polyp, missing


def _archives(tree: Tree) -> list[str]:
    """Which of the archives' folders are missing, where the folders have the archives' names at all."""
    names = {PurePosixPath(folder).name.lower() for folder in tree.folders}
    if not names & set(ARCHIVES):
        return []
    packed = {PurePosixPath(path).name.lower().split(".")[0]: path for path in tree.noted}
    found = {name: f"{packed[name]} is not unpacked" if name in packed else "no such folder" for name in ARCHIVES}
    return [f"{name}: {what}; unpack this archive there" for name, what in found.items() if name not in names]


def _counts(frames: Iterable[tuple[bool, int]]) -> list[str]:
    """Where the numbers of frames and cases are not those that SUN publishes."""
    by_case = Counter(frames)
    departures = []
    for positive, what, published, cases in (
        (True, "polyp frames", POLYP_FRAMES, POLYP_CASES),
        (False, "frames without a polyp", OTHER_FRAMES, OTHER_CASES),
    ):
        found = {case: count for (kind, case), count in by_case.items() if kind is positive}
        if (sum(found.values()), len(found)) != (published, cases):
            absent = _numbered(sorted(set(range(1, cases + 1)) - set(found))) if positive else ""
            departures.append(
                f"{what}: {sum(found.values()):,} in {len(found)} cases; SUN publishes {published:,} in {cases}"
                + (f"; no frames of {absent}" if absent else "")
            )
    return departures


def _clips(frames: Iterable[tuple[str, str, int]]) -> list[str]:
    """Where the numbers of frames and clips are not those that SUN-SEG publishes."""
    counts: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    for part, clip, _ in frames:
        counts[part][clip] += 1
    return [
        f"{part}: {counts[part].total():,} frames in {len(counts[part])} clips; SUN-SEG publishes {published:,} in {clips}"
        for part, (_, clips, published) in PARTS.items()
        if (counts[part].total(), len(counts[part])) != (published, clips)
    ]


def _left_out(tree: Tree, frames: Mapping[str, object]) -> list[str]:
    stray = [path for path in tree.images if path not in frames]
    return [f"{len(stray):,} images in no case folder are left out, such as {stray[0]}"] if stray else []


def _numbered(cases: list[int]) -> str:
    """`case3, case5 … (12 cases)`, a few of them."""
    names = ", ".join(f"case{case}" for case in cases[:5])
    return f"{names} … ({len(cases)} cases)" if len(cases) > 5 else names
