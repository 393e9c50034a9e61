"""SUN and SUN-SEG as their users find them: what is read, and what is said where something is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from polypstudio.data.audit import audit
from polypstudio.data.layouts import list_dataset
from polypstudio.data.listing import Listing
from polypstudio.data.sun import ARCHIVES, PARTS, read_sun, read_sun_seg
from polypstudio.data.tree import Tree
from polypstudio.errors import UserError
from polypstudio.records import RealImage

Writer = Callable[..., Path]
POSITIVE, NEGATIVE = "sundatabase_positive_part1", "sundatabase_negative_part1"


def published_tree() -> Tree:
    """Names of 158,690 frames in the archives' folders; nothing of it is on a disk."""
    tree = Tree(Path("SUN"), folders=dict.fromkeys(("", *ARCHIVES), 0))
    for case in range(1, 101):  # 36 cases of 492 frames and 64 of 491
        for frame in range(491 + (case <= 36)):
            tree.images[f"{ARCHIVES[case > 50]}/case{case}/case_{frame:05d}.jpg"] = 1
    for case in range(1, 14):  # 3 of 8,428 and 10 of 8,427
        for frame in range(8427 + (case <= 3)):
            tree.images[f"{ARCHIVES[2 + case % 4]}/case{case}/case_{frame:05d}.jpg"] = 1
    return tree


@pytest.fixture(scope="module")
def published() -> Listing:
    return read_sun(published_tree())


def sun(write: Writer, *more: str, cases: int = 4) -> Path:
    """Two frames of each positive case and of each of two negative ones."""
    frames = [f"{POSITIVE}/case{case}/a{case}_{n}.jpg" for case in range(1, cases + 1) for n in range(2)]
    others = [f"{NEGATIVE}/case{case}/b{case}_{n}.jpg" for case in (1, 2) for n in range(2)]
    return write(*frames, *others, *more)


def said(listing: Listing) -> str:
    return "\n".join((*listing.departures, *listing.notes))


def by_name(listing: Listing) -> dict[str, RealImage]:
    return {Path(image.path).name: image for image in listing.images}


def test_the_published_counts_are_recognised(published: Listing) -> None:
    assert len(published.images) == 158_690
    assert Counter(image.label for image in published.images) == {"unlabelled": 49_136, "non_polyp": 109_554}
    assert len({image.group for image in published.images}) == 113
    assert published.departures == ()


def test_no_case_is_in_both_splits_and_a_third_of_the_frames_is_held_out(published: Listing) -> None:
    groups = {split: {i.group for i in published.images if i.split == split} for split in ("train", "test")}
    assert not groups["train"] & groups["test"]
    share = sum(image.split == "test" for image in published.images) / len(published.images)
    assert 0.25 < share < 0.35


def test_a_missing_archive_is_named_with_what_it_lacks(published: Listing) -> None:
    tree = published_tree()
    for path in [path for path in tree.images if path.startswith(f"{ARCHIVES[4]}/")]:
        del tree.images[path]
    del tree.folders[ARCHIVES[4]]
    departures = read_sun(tree).departures
    assert departures[0] == "sundatabase_negative_part3: no such folder; unpack this archive there"
    assert "SUN publishes 109,554 in 13" in departures[1]
    tree.noted[f"{ARCHIVES[4]}.zip"] = (1, 1)
    assert "sundatabase_negative_part3.zip is not unpacked" in read_sun(tree).departures[0]


def test_missing_cases_are_named(write: Writer) -> None:
    found = said(list_dataset(sun(write), "sun"))
    assert "polyp frames: 8 in 4 cases; SUN publishes 49,136 in 100; no frames of case5, case6" in found
    assert "(96 cases)" in found


def test_positive_and_negative_cases_of_one_number_are_two_groups(write: Writer) -> None:
    images = by_name(list_dataset(sun(write), "sun"))
    assert images["a1_0.jpg"].group == images["a1_1.jpg"].group == "sun/case1"
    assert images["b1_0.jpg"].group == "sun/negative/case1"
    assert images["b1_0.jpg"].label == "non_polyp"


def test_archives_unpacked_into_one_folder_each_side_are_read_too(write: Writer) -> None:
    """As SUN-SEG's instructions have it: `SUN-Positive/case1`."""
    root = write("SUN-Positive/case1/a.jpg", "SUN-Positive/case2/c.jpg", "SUN-Negative/case1/b.jpg")
    images = by_name(list_dataset(root, "sun"))
    assert {name: image.label for name, image in images.items()} == {
        "a.jpg": "unlabelled",
        "b.jpg": "non_polyp",
        "c.jpg": "unlabelled",
    }
    assert "sundatabase_" not in said(list_dataset(root, "sun")).split("pathology")[0]


def test_another_folder_is_told_what_was_looked_for(write: Writer) -> None:
    with pytest.raises(
        UserError, match=r"no frames of SUN; looked for `case<N>/\*\.jpg` below `sundatabase_positive_"
    ) as e:
        list_dataset(write("train/ad/1.png"), "sun")
    assert "found `train`" in str(e.value)
    assert "\n" not in str(e.value)


# --- pathology


def test_pathology_comes_by_a_table_of_the_user_s(write: Writer) -> None:
    root = sun(write)
    (root / "Pathology.csv").write_text("Case;Pathology\ncase1;Low-grade adenoma\n2;hyperplastic polyp\n03;\n9;ad\n")
    listing = list_dataset(root, "sun")
    labels = {name: image.label for name, image in by_name(listing).items() if name.endswith("_0.jpg")}
    assert labels == {
        "a1_0.jpg": "ad",
        "a2_0.jpg": "non_ad",
        "a3_0.jpg": "unlabelled",
        "a4_0.jpg": "unlabelled",
        "b1_0.jpg": "non_polyp",
        "b2_0.jpg": "non_polyp",
    }
    assert "by Pathology.csv for 3 of 4 cases; no row for case4, which stay unlabelled; no frames of case9" in said(
        listing
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "case,label\n1,sessile serrated lesion\n",
            r"pathology\.csv, line 2: label `sessile serrated lesion` is not known",
        ),
        ("case,label\nA7,ad\n", r"line 2: case `A7` is no case of SUN"),
        ("case,label\n1,ad\ncase1,non_ad\n", r"line 3: case1 is listed with another label before"),
        ("polyp,label\n1,ad\n", r"no column of the case; looked for `case`, `case_id`, `video`, found polyp,label"),
        ("case,size\n1,9\n", r"no column of the label; looked for `label`, `class`, `pathology`"),
    ],
)
def test_a_table_that_cannot_be_understood_is_one_line(write: Writer, table: str, message: str) -> None:
    root = sun(write)
    (root / "pathology.csv").write_text(table)
    with pytest.raises(UserError, match=message) as error:
        list_dataset(root, "sun")
    assert "\n" not in str(error.value)


def test_without_a_table_it_is_said_where_one_was_looked_for(write: Writer) -> None:
    assert "looked for `pathology.csv`, `labels.csv`, `cases.csv`" in said(list_dataset(sun(write), "sun"))


# --- boxes


def test_frames_that_the_boxes_call_empty_are_no_polyps_and_missing_ones_are_named(write: Writer) -> None:
    root = sun(write)
    boxes = root / POSITIVE / "annotation_txt"
    boxes.mkdir()
    (boxes / "case1.txt").write_text("a1_0.jpg 10,20,30,40,0\na1_1.jpg 0,0,0,0,1\na1_2.jpg 1,2,3,4,0\n")
    listing = list_dataset(root, "sun")
    assert by_name(listing)["a1_0.jpg"].label == "unlabelled"
    assert by_name(listing)["a1_1.jpg"].label == "non_polyp"
    assert "case1: 1 frames that" in said(listing)
    assert "such as a1_2.jpg: unpack the archive again" in said(listing)


# --- SUN-SEG


def test_sun_seg_s_published_counts_are_recognised() -> None:
    tree = Tree(Path("SUN-SEG"))
    for number, (part, (_, clips, frames)) in enumerate(PARTS.items()):
        for clip in range(clips):
            for frame in range(frames // clips + (clip < frames % clips)):
                tree.images[f"{part}/Frame/case{200 * number + clip}_1/{frame:05d}.jpg"] = 1
    listing = read_sun_seg(tree)
    assert listing.departures == ()
    assert len(listing.images) == 49_136
    assert listing.split_given


def test_test_clips_of_a_training_case_are_left_out(write: Writer) -> None:
    root = write(
        "TrainDataset/Frame/case1_1/a.jpg",
        "TrainDataset/GT/case1_1/a.png",
        "TestEasyDataset/Seen/Frame/case1_2/b.jpg",
        "TestEasyDataset/Unseen/Frame/case2_1/c.jpg",
        "TestHardDataset/Frame/case3/d.jpg",
    )
    listing = list_dataset(root, "sun-seg")
    splits = {Path(image.path).name: (image.split, image.group) for image in listing.images}
    assert splits == {"a.jpg": ("train", "sun/case1"), "c.jpg": ("test", "sun/case2"), "d.jpg": ("test", "sun/case3")}
    assert "1 frames of 1 test clips show a case that is among the training clips too" in said(listing)
    assert "TestEasyDataset: 2 frames in 2 clips; SUN-SEG publishes 17,070 in 119" in said(listing)


def test_sun_seg_that_was_not_reorganised_is_told_so(write: Writer) -> None:
    with pytest.raises(UserError, match="reorganise SUN's frames as SUN-SEG's README says"):
        list_dataset(write("TrainDataset/GT/case1_1/a.png"), "sun-seg")


# --- the audit


def test_the_audit_tells_what_is_not_as_published(write: Writer) -> None:
    root = sun(write)
    counted = audit(root, "sun", open_images=False)
    assert not counted.ok
    assert not counted.formats
    assert counted.counts["train"].keys() == {"unlabelled", "non_polyp"}
    assert any(line.startswith("not as published: polyp frames: 8 in 4 cases") for line in counted.lines())
    assert "no image was opened" in counted.lines()[-1]
    opened = audit(root, "sun")
    assert opened.lines()[-1] == "to mend: what is not as published"
    assert opened.formats == {"JPEG RGB 24 × 24": 12}
