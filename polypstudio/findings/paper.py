"""The printed tables of the paper, and what they allow one to say.

Sharma, "What Appears Appealing May Not be Significant! – A Clinical Perspective of Diffusion Models" (WiCV, CVPR 2024).
The tables print neither subset size nor separation: signs and "equal as printed" can be read off, inference cannot.
"""

from __future__ import annotations

from typing import NamedTuple

from polypstudio.findings.augmentation import most_favourable_p
from polypstudio.findings.claims import OTHER
from polypstudio.findings.format import number
from polypstudio.records import PATHOLOGIES, PATHOLOGY_NAMES

NAME = "paper: tables"  # as a study to choose; no folder of a study has a colon in its name
SOURCE = (
    "Sharma, What Appears Appealing May Not be Significant! – A Clinical Perspective of Diffusion Models, "
    "WiCV at CVPR 2024"
)


class PrintedKid(NamedTuple):
    """A row of Table 2: mean KID over subsets. Names: synthetic class, then real class; SDs in the same order."""

    iteration: int
    ad_ad: float
    ad_non_ad: float
    non_ad_non_ad: float
    non_ad_ad: float
    deviations: tuple[float, float, float, float]

    @property
    def margins(self) -> tuple[float, float]:
        """Cross − within of AD and of Non-AD, as printed."""
        return round(self.ad_non_ad - self.ad_ad, 3), round(self.non_ad_ad - self.non_ad_non_ad, 3)

    @property
    def margin_sum(self) -> float:
        """Twice the separation times A: its sign is A's."""
        return round(sum(self.margins), 3)


TABLE_2 = (
    PrintedKid(1000, 0.073, 0.111, 0.094, 0.061, (0.002, 0.003, 0.003, 0.001)),
    PrintedKid(2000, 0.079, 0.118, 0.100, 0.067, (0.002, 0.004, 0.003, 0.002)),
    PrintedKid(3000, 0.077, 0.114, 0.087, 0.061, (0.002, 0.004, 0.003, 0.001)),
    PrintedKid(4000, 0.069, 0.106, 0.085, 0.057, (0.001, 0.004, 0.003, 0.002)),
    PrintedKid(5000, 0.074, 0.114, 0.083, 0.056, (0.002, 0.004, 0.003, 0.002)),
    PrintedKid(6000, 0.069, 0.104, 0.087, 0.064, (0.002, 0.003, 0.003, 0.002)),
    PrintedKid(7000, 0.076, 0.115, 0.091, 0.064, (0.002, 0.003, 0.003, 0.002)),
    PrintedKid(8000, 0.069, 0.105, 0.081, 0.061, (0.002, 0.004, 0.003, 0.002)),
)

N_TEST = {"ad": 77, "non_ad": 36}
RECALLED_REAL = {"ad": 64, "non_ad": 19}  # Table 1's recalls times N_TEST
RECALLED_AUGMENTED = {"ad": 62, "non_ad": 17}


LIMITS = (
    "Table 2 prints neither the size of the subsets nor the separation of the real classes: the sign of class alignment A "
    "can be read off it, its size cannot, and no interval or test."
)


def row_words(row: PrintedKid) -> str:
    """What one row of Table 2 says: signs alone."""
    order = "the classes are ordered rightly" if row.margin_sum > 0 else "the classes are swapped or ignored"
    nearer = [
        f"synthetic {PATHOLOGY_NAMES[label]} is nearer real {PATHOLOGY_NAMES[OTHER[label]]} than its own class "
        f"(margin {number(margin, 3)})"
        for label, margin in zip(PATHOLOGIES, row.margins, strict=True)
        if margin < 0
    ]
    return (
        f"At {row.iteration}, as printed, {order} (sum of margins {number(row.margin_sum, 3)}: A has its sign); "
        f"{'; '.join(nearer) or 'no margin is negative'}."
    )


def images_lost() -> int:
    """Test images that the classifier trained with synthetic images misses on balance."""
    return sum(RECALLED_REAL[label] - RECALLED_AUGMENTED[label] for label in N_TEST)


def table_2_words() -> str:
    """What the margins of Table 2 say, by their signs."""
    margins = [row.margins for row in TABLE_2]
    negative = sum(non_ad < 0 for _, non_ad in margins)
    sums = [row.margin_sum for row in TABLE_2]
    return (
        f"In the paper's Table 2, synthetic Non-AD is nearer real AD than real Non-AD at {negative} of {len(TABLE_2)} "
        f"iterations, while the sum of both margins is positive throughout ({number(sums[0], 3)} at 1000, "
        f"{number(sums[-1], 3)} at 8000): ordered rightly, yet both classes lean to real AD."
    )


def table_1_words() -> str:
    """What Table 1 can show: how many images its difference is."""
    n = sum(N_TEST.values())
    return (
        f"In the paper's Table 1, adding synthetic images costs {images_lost()} of {n} test images; even the most "
        f"favourable pairing gives an exact McNemar p of {most_favourable_p(images_lost()):g}."
    )
