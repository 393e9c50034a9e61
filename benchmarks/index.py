"""The index of SUN's 158,690 frames: cold, warm, and the memory it takes; on a generated tree of empty files.

    python benchmarks/index.py FOLDER

FOLDER is made where it is not there (158,690 files of a few bytes: listing opens none of them). Each measurement is a
process of its own. "Cold" is the first listing, nothing kept; the system's own cache of folders is as it happens to be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from polypstudio.data.sun import ARCHIVES

MEASURE = """
import json, resource, sys, time
from pathlib import Path
from polypstudio.data.catalogue import Catalogue
from polypstudio.data.layouts import list_dataset
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.monotonic()
listing = list_dataset(Path(sys.argv[1]), "sun", Catalogue(Path(sys.argv[2])))
seconds = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"frames": len(listing.images), "seconds": round(seconds, 2), "peak_mb": peak // 1024,
                  "before_mb": before // 1024, "departures": listing.departures}))
"""


def generate(root: Path, share: float = 1.0, content: Callable[[int], bytes] = lambda number: b"x") -> None:
    """The archives' folders with as many frames as SUN publishes, or a share of the frames of each case.

    ``content``: number of a frame, counted over all cases -> what its file holds.
    """
    number = 0
    cases = [(ARCHIVES[case > 50], case, 491 + (case <= 36)) for case in range(1, 101)]
    cases += [(ARCHIVES[2 + case % 4], case, 8427 + (case <= 3)) for case in range(1, 14)]
    for archive, case, frames in cases:
        folder = root / archive / f"case{case}"
        folder.mkdir(parents=True)
        for frame in range(round(frames * share)):
            name = f"case_M_20181001100941_0U62372100109341_1_005_001-1_a13_ayy_image{frame:04d}.jpg"
            (folder / name).write_bytes(content(number))
            number += 1


def measure(root: Path, kept: Path) -> dict:
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, str(root), str(kept)], capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)


def main() -> None:
    root = Path(sys.argv[1])
    for name, share in (("quarter", 0.25), ("whole", 1.0)):
        tree = root / name
        if not tree.exists():
            began = time.monotonic()
            generate(tree, share)
            print(f"{name}: generated in {time.monotonic() - began:.0f} s")
            time.sleep(3)  # a folder that has just changed is not kept
        with tempfile.TemporaryDirectory() as kept:
            for kind in ("cold", "warm", "warm"):
                found = measure(tree, Path(kept))
                print(
                    f"{name}, {kind}: {found['frames']:,} frames in {found['seconds']} s; "
                    f"{found['peak_mb']} MB at most, {found['before_mb']} before; "
                    f"{len(found['departures'])} departures from the published counts"
                )


if __name__ == "__main__":
    main()
