"""Readers at once, their server killed (-9) again and again: is every acknowledged reading there once, and how fast?

    python benchmarks/reading_load.py [--readers 50] [--readings 200] [--think 2] [--kills 10] [--postgres]

Budgets on two cores: nothing lost, nothing twice, p95 of a submit at 300 ms (two seconds of thinking before each answer).
With --postgres two servers share a PostgreSQL that is started for this. Traffic goes to 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from postgres_server import running_postgres
from servers import free_port
from simulated_readers import ReadingServer, run_load

from polypstudio.store.readings.database import URL_VARIABLE


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--readers", type=int, default=50)
    options.add_argument("--readings", type=int, default=200)
    options.add_argument("--think", type=float, default=2.0)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--postgres", action="store_true")
    given = options.parse_args()
    root = Path(tempfile.mkdtemp(prefix="reading-load-"))
    print(f"python benchmarks/reading_load.py {' '.join(sys.argv[1:])}")
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {os.cpu_count()} cores",
        flush=True,
    )
    with running_postgres() if given.postgres else nullcontext() as url:
        if url:
            os.environ[URL_VARIABLE] = url
        servers = [ReadingServer(root, free_port()) for _ in range(2 if given.postgres else 1)]
        found = run_load(root, given.readers, given.readings, given.think, given.kills, servers)
    print(json.dumps(found, indent=1))
    sys.exit(bool(found["lost"] or found["twice"] or found["different"] or found["stored"] != found["acknowledged"]))


if __name__ == "__main__":
    main()
