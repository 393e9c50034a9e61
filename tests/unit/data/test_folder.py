"""What the layout `folder` takes, and what it says where it cannot."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from polypstudio.data.layouts import list_dataset, read_dataset
from polypstudio.data.tree import natural
from polypstudio.errors import UserError

HEADER = "file_name,label,split,group\n"


def read(root: Path) -> list:
    return read_dataset(root, "folder")


def test_class_folders_in_split_folders(write, split_paths) -> None:
    images = read(write(*split_paths, "train/unlabelled/x.png", "train/non_polyp/y.png"))
    assert Counter((image.split, image.label) for image in images) == {
        ("train", "ad"): 1,
        ("train", "non_ad"): 1,
        ("train", "unlabelled"): 1,
        ("train", "non_polyp"): 1,
        ("test", "ad"): 1,
        ("test", "non_ad"): 1,
    }
    assert all(image.group == image.path and image.quality is None for image in images)


def test_usual_names_are_understood(write) -> None:
    images = read(write("Training/Adenoma/1.png", "Training/Non-AD/1.JPG", "val/AD/1.png", "val/non adenomatous/1.png"))
    assert {(image.split, image.label) for image in images} == {
        (split, label) for split in ("train", "test") for label in ("ad", "non_ad")
    }


def test_the_order_is_natural(write, split_paths) -> None:
    images = read(write(*split_paths, "train/ad/10.png", "train/ad/2.png"))
    assert [image.path for image in images if image.split == "train" and image.label == "ad"] == [
        "train/ad/1.png",
        "train/ad/2.png",
        "train/ad/10.png",
    ]


def test_natural_order_takes_digits_of_any_script_as_text() -> None:
    assert sorted(["b²10", "b²9", "a", "10", "9"], key=natural) == ["9", "10", "a", "b²9", "b²10"]


def test_a_subfolder_of_a_class_is_a_group(write, split_paths) -> None:
    images = read(write(*split_paths, "train/ad/case7/1.png", "train/non_ad/case7/1.png"))
    assert [image.path for image in images if image.group == "case7"] == [
        "train/ad/case7/1.png",
        "train/non_ad/case7/1.png",
    ]


def test_hidden_files_and_other_files_are_left_alone(write, split_paths) -> None:
    root = write(*split_paths, ".cache/ad/1.png")
    (root / "train/ad/._1.png").write_text("resource fork")
    (root / "train/ad/notes.txt").write_text("notes")
    assert len(read(root)) == len(split_paths)


# --- metadata.csv


def test_metadata_wins_over_folders(write, split_paths) -> None:
    rows = [f"{path},non_ad,," for path in split_paths[:1]] + [
        f"{path},,,patient{n}" for n, path in enumerate(split_paths[1:])
    ]
    root = write(*split_paths, "train/ad/2.png", metadata=HEADER + "\n".join([*rows, "train/ad/2.png,ad,train,"]))
    by_path = {image.path: image for image in read(root)}
    assert by_path["train/ad/1.png"].label == "non_ad"
    assert by_path["train/non_ad/1.png"].group == "patient0"
    assert by_path["train/ad/2.png"].group == "train/ad/2.png"


def test_metadata_alone_is_enough(write) -> None:
    metadata = "file_name,label,split,group,sharp\na.png,AD,train,p1,true\nb.png,Non-AD,train,p1,false\n"
    metadata += "c.png,AD,validation,p2,\nd.png,Non-AD,validation,p3,1\n"
    images = read(write("a.png", "b.png", "c.png", "d.png", "masks/a.png", metadata=metadata))
    assert [(image.label, image.split, image.group, image.quality) for image in images] == [
        ("ad", "train", "p1", "high"),
        ("non_ad", "train", "p1", "low"),
        ("ad", "test", "p2", None),
        ("non_ad", "test", "p3", "high"),
    ]


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("image,label\na.png,ad\n", r"metadata\.csv: no column `file_name`"),
        (HEADER + "a.png,cancer,train,\n", r"metadata\.csv, line 2: label `cancer` is not known"),
        (HEADER + "a.png,ad,holdout,\n", r"line 2: split `holdout` is not known"),
        (HEADER + "b.png,ad,train,\n", r"line 2: no image .*b\.png"),
        (HEADER + "../a.png,ad,train,\n", r"line 2: file_name `\.\./a\.png` must be a path below"),
        (HEADER + "a.png,ad,train,\na.png,ad,train,\n", r"line 3: a\.png is listed twice"),
        (HEADER + "a.png,,train,\n", r"line 2: no label for a\.png"),
    ],
)
def test_a_wrong_row_is_named(write, metadata: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(write("a.png", metadata=metadata))


def test_metadata_in_another_encoding_is_refused(write) -> None:
    root = write("a.png")
    (root / "metadata.csv").write_bytes("file_name,label\na.png,adénome\n".encode("latin-1"))
    with pytest.raises(UserError, match="not a CSV file in UTF-8"):
        read(root)


def test_an_image_that_metadata_forgets_is_named(write, split_paths) -> None:
    rows = "".join(f"{path},,,\n" for path in split_paths)
    with pytest.raises(UserError, match=r"1 images in class folders are not listed, such as train/ad/2\.png"):
        read(write(*split_paths, "train/ad/2.png", metadata=HEADER + rows))


# --- what is missing or ambiguous


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such folder"):
        read(tmp_path / "nowhere")


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no images; expected folders `ad` and `non_ad`"):
        read(tmp_path)


def test_a_missing_class(write) -> None:
    with pytest.raises(UserError, match="no non_ad images; expected a folder `non_ad`"):
        read(write("ad/1.png", "ad/2.png"))


def test_a_class_missing_in_one_split(write, split_paths) -> None:
    with pytest.raises(UserError, match="no non_ad images in the test split; add a folder `test/non_ad`"):
        read(write(*split_paths[:3]))


def test_a_folder_that_is_no_class(write, split_paths) -> None:
    with pytest.raises(UserError, match=r"train/hyperplastic: holds images but is no class folder"):
        read(write(*split_paths, "train/hyperplastic/1.png"))


def test_images_inside_and_beside_the_splits(write, split_paths) -> None:
    with pytest.raises(UserError, match=r"ad/9\.png: in no split, although other images are"):
        read(write(*split_paths, "ad/9.png"))


def test_one_split_alone(write, split_paths) -> None:
    with pytest.raises(UserError, match="only a `train` split"):
        read(write(*split_paths[:2]))


def test_test_and_validation(write, split_paths) -> None:
    with pytest.raises(UserError, match="both `test` and `validation`"):
        read(write(*split_paths, "val/ad/1.png"))


def test_a_group_in_both_splits(write, split_paths) -> None:
    rows = "".join(f"{path},,,{group}\n" for path, group in zip(split_paths, ["p1", "p2", "p3", "p2"], strict=True))
    with pytest.raises(UserError, match="group `p2` is in both train and test"):
        read(write(*split_paths, metadata=HEADER + rows))


def test_an_unknown_layout(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="layout `coco` is unknown; known are folder, phantom, sun"):
        read_dataset(tmp_path, "coco")


# --- a split made here


def test_without_a_split_one_is_made_and_said(write) -> None:
    paths = [f"{label}/{n}.png" for label in ("ad", "non_ad") for n in range(10)]
    listing = list_dataset(write(*paths), "folder")
    assert not listing.split_given
    assert Counter((image.split, image.label) for image in listing.images) == {
        ("train", "ad"): 7,
        ("test", "ad"): 3,
        ("train", "non_ad"): 7,
        ("test", "non_ad"): 3,
    }
    assert list_dataset(listing_root(paths, write), "folder") == listing


def listing_root(paths: list[str], write) -> Path:
    """The same dataset written anew, last file first."""
    return write(*reversed(paths))


def test_a_class_in_one_group_cannot_be_split(write) -> None:
    with pytest.raises(UserError, match="at least two groups of each class"):
        read(write("ad/p1/1.png", "ad/p1/2.png", "non_ad/1.png", "non_ad/2.png"))
