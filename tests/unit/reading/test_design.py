"""Who sees what, in which order."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from polypstudio.errors import UserError
from polypstudio.reading.design import ReadingDesign, Stratum, make_items
from polypstudio.reading.order import reader_order

STRATA = (
    Stratum(image_set="real/test", per_class=20),
    Stratum(image_set="iterations/000160", per_class=10),
    Stratum(image_set="iterations/000320", per_class=10),
)
DESIGN = ReadingDesign(strata=STRATA, repeats=0.15, block_size=25, seed=7)
AVAILABLE = {(s.image_set, label): 24 for s in STRATA for label in ("ad", "non_ad")}


def test_every_stratum_gets_its_number_of_different_images() -> None:
    images = [item.image for item in make_items(DESIGN, AVAILABLE)]
    assert len(images) == len(set(images)) == DESIGN.n_items == 80
    for stratum in STRATA:
        for label in ("ad", "non_ad"):
            assert sum(i.image_set == stratum.image_set and i.label == label for i in images) == stratum.per_class


def test_the_draw_follows_the_seed_and_the_ids_do_not() -> None:
    first, second = make_items(DESIGN, AVAILABLE), make_items(DESIGN, AVAILABLE)
    assert [i.image for i in first] == [i.image for i in second]
    assert not {i.id for i in first} & {i.id for i in second}
    other = make_items(DESIGN.model_copy(update={"seed": 8}), AVAILABLE)
    assert [i.image for i in first] != [i.image for i in other]


def test_samples_from_the_same_noise_are_not_shown_at_two_iterations() -> None:
    images = [item.image for item in make_items(DESIGN, AVAILABLE) if item.image.image_set.startswith("iterations/")]
    assert len({(i.label, i.index) for i in images}) == len(images)


def test_an_exhausted_deck_is_dealt_anew() -> None:
    strata = tuple(Stratum(image_set=f"iterations/{n:06d}", per_class=5) for n in (100, 200, 300))
    available = {(s.image_set, label): 8 for s in strata for label in ("ad", "non_ad")}
    images = [i.image for i in make_items(ReadingDesign(strata=strata), available)]
    assert len(set(images)) == 30


def test_too_few_images_are_named() -> None:
    with pytest.raises(UserError, match=r"iterations/000320, ad: 10 images asked for, 9 there"):
        make_items(DESIGN, AVAILABLE | {("iterations/000320", "ad"): 9})


def test_each_reader_has_an_order_of_their_own_that_can_be_made_again() -> None:
    items = make_items(DESIGN, AVAILABLE)
    r1, r2 = reader_order(DESIGN, items, "R1"), reader_order(DESIGN, items, "R2")
    assert r1 == reader_order(DESIGN, items, "R1")
    assert r1 != r2
    assert {s.item for s in r1} == {s.item for s in r2} == {item.id for item in items}


@pytest.mark.parametrize("reader", [f"R{n}" for n in range(20)])
def test_repeats_come_later_than_the_lag(reader: str) -> None:
    order = reader_order(DESIGN, make_items(DESIGN, AVAILABLE), reader)
    assert len(order) == DESIGN.n_showings == 92
    first = {s.item: position for position, s in enumerate(order) if not s.repeat}
    repeats = {s.item: position for position, s in enumerate(order) if s.repeat}
    assert len(repeats) == DESIGN.n_repeats == 12
    assert min(position - first[item] for item, position in repeats.items()) >= DESIGN.lag == 25


def test_first_places_do_not_tell_the_source() -> None:
    """Over many readers every stratum is as often at the first place as its share of the items."""
    items = make_items(DESIGN, AVAILABLE)
    real = {item.id for item in items if item.image.image_set == "real/test"}
    share = sum(reader_order(DESIGN, items, f"R{n}")[0].item in real for n in range(400)) / 400
    assert share == pytest.approx(0.5, abs=0.1)


def test_sizes_and_minutes() -> None:
    assert (DESIGN.n_blocks, ReadingDesign(strata=STRATA, repeats=0).n_blocks) == (4, 2)
    assert DESIGN.expected_minutes == pytest.approx(92 * 10 / 60)


def test_a_design_of_two_images_has_no_room_for_trouble() -> None:
    design = ReadingDesign(strata=(Stratum(image_set="real/test", per_class=1),), repeats=0.3)
    items = make_items(design, AVAILABLE)
    assert len(reader_order(design, items, "R1")) == design.n_showings


@pytest.mark.parametrize("wrong", [{"strata": ()}, {"repeats": 0.5}, {"block_size": 0}, {"colour": "red"}])
def test_wrong_designs_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        ReadingDesign(**({"strata": STRATA} | wrong))
