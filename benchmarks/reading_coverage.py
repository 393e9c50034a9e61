"""Do the 95 % intervals of a reading hold the truth in 95 ± 3 % of simulated readings? Minutes; prints one line a case.

Rates and AUCs are judged. Those of agreement are printed: with about five readers they are known to be too wide.

python benchmarks/reading_coverage.py [--draws 1000]
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from reading_coverage import coverage_of_agreement, coverage_of_auc, coverage_of_rate

from polypstudio.reading import intervals

RATES = [  # readers, images, SD of readers' leniency, SD of images' appeal, mean
    (2, 20, 0.4, 0.4, 0.0),
    (3, 10, 0.5, 0.5, 0.0),
    (3, 20, 0.5, 0.5, 0.5),
    (5, 20, 0.5, 0.5, 0.8),
    (5, 40, 0.3, 0.8, -0.5),
    (8, 15, 0.8, 0.8, 0.0),
    (10, 20, 0.3, 0.5, 1.2),
    (3, 20, 0.0, 0.0, 0.0),
    (5, 20, 0.0, 0.5, 0.0),
]
AUCS = [  # readers, real, synthetic images, SD of readers' skill, SD of images, distance
    (3, 20, 20, 0.3, 0.5, 1.0),
    (5, 40, 20, 0.3, 0.5, 1.0),
    (5, 20, 40, 0.3, 0.5, 0.5),
    (8, 40, 80, 0.4, 0.5, 1.5),
]
AGREEMENTS = [(3, 30, 0.3, 0.8), (5, 60, 0.3, 0.8), (8, 60, 0.3, 1.2)]  # readers, images, SD of readers, of images


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=1000)
    draws = options.parse_args().draws
    intervals.RESAMPLES = 500
    print(f"python benchmarks/reading_coverage.py --draws {draws}")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {intervals.RESAMPLES} resamples a bootstrap, {draws} readings a case",
        flush=True,
    )
    wrong = 0
    for name, cases, coverage in (("rate", RATES, coverage_of_rate), ("AUC", AUCS, coverage_of_auc)):
        for case in cases:
            held, width = coverage(*case, draws=draws)  # type: ignore[arg-type,operator]
            wrong += not 0.92 <= held <= 0.98
            print(f"{name:5} {case!s:34} covered {held:.3f}, mean width {width:.3f}", flush=True)
    for case in AGREEMENTS:
        for name, (held, width) in zip(("κ", "α"), coverage_of_agreement(*case, draws=draws // 4), strict=True):
            print(f"{name:5} {case!s:34} covered {held:.3f}, mean width {width:.3f} (not judged)", flush=True)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
