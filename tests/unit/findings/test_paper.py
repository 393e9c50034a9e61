"""The constants of the paper are those of its printed tables, and the words about them follow from the numbers."""

from __future__ import annotations

import json
from pathlib import Path

from polypstudio.findings import paper


def test_table_2_as_printed(shared: Path) -> None:
    rows = json.loads((shared / "golden" / "paper.json").read_text())["table2_kid"]["rows"]
    printed = [paper.PrintedKid(*row[:2], row[3], row[5], row[7], tuple(row[2::2])) for row in rows]
    assert list(paper.TABLE_2) == printed


def test_table_1_as_printed(shared: Path) -> None:
    table = json.loads((shared / "golden" / "paper.json").read_text())["table1_efficientnet_b0"]
    for counts, name in ((paper.RECALLED_REAL, "real"), (paper.RECALLED_AUGMENTED, "real_and_synthetic")):
        for label, total in paper.N_TEST.items():
            assert round(counts[label] / total, 4) == table[name][label]["recall"]


def test_non_ad_is_nearer_real_ad_at_all_eight_iterations_while_the_order_is_right() -> None:
    margins = [row.margins for row in paper.TABLE_2]
    assert all(ad > 0 > non_ad for ad, non_ad in margins)
    assert all(sum(pair) > 0 for pair in margins)
    assert "at 8 of 8 iterations" in paper.table_2_words()
    assert "0.005 at 1000, 0.016 at 8000" in paper.table_2_words()


def test_a_row_says_signs_and_no_size_of_alignment() -> None:
    for row in paper.TABLE_2:
        words = paper.row_words(row)
        assert "the classes are ordered rightly" in words
        assert f"synthetic Non-AD is nearer real AD than its own class (margin −{abs(row.margins[1]):.3f})" in words
    assert (paper.TABLE_2[0].margin_sum, paper.TABLE_2[-1].margin_sum) == (0.005, 0.016)


def test_a_row_with_swapped_classes_would_say_so() -> None:
    row = paper.PrintedKid(1, 0.10, 0.07, 0.10, 0.08, (0.001,) * 4)
    assert "swapped" in paper.row_words(row)
    assert "synthetic AD is nearer real Non-AD" in paper.row_words(row)


def test_four_images_give_at_best_an_eighth() -> None:
    assert paper.images_lost() == 4
    assert paper.table_1_words().endswith("gives an exact McNemar p of 0.125.")
