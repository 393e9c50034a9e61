"""CVC-ClinicHD: class folders or a table of labels, whichever way a user got them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from polypstudio.data.clinichd import CLASSIF_IMAGES, read_classif
from polypstudio.data.layouts import list_dataset
from polypstudio.data.tree import Tree
from polypstudio.errors import UserError

Writer = Callable[..., Path]


def test_the_published_counts_are_recognised_and_validation_is_the_test_split() -> None:
    tree = Tree(Path("ClinicHD"))
    for (split, label), count in CLASSIF_IMAGES.items():
        for number in range(count):
            tree.images[f"{'validation' if split == 'test' else split}/{label}/{number}.png"] = 1
    listing = read_classif(tree)
    assert listing.departures == ()
    assert listing.split_given
    del tree.images["validation/ad/3.png"]
    assert read_classif(tree).departures == ("test, ad: 76 images; CVC-ClinicHDClassif has 77",)


def test_class_folders_beside_masks(write: Writer, split_paths: list[str]) -> None:
    root = write(*split_paths, "train/masks/1.png", "Ground Truth/1.png")
    listing = list_dataset(root, "clinichd-segment")
    assert len(listing.images) == 4
    assert listing.departures == ("4 images; CVC-ClinicHDSegment has 164",)


@pytest.mark.parametrize("named", ["{}.png", "{}", "images/{}.png"])
def test_a_table_names_images_by_path_name_or_stem(write: Writer, named: str) -> None:
    root = write(*(f"images/{n}.png" for n in range(1, 9)), "masks/1.png")
    rows = "".join(f"{named.format(n)}\t{'adenoma' if n % 2 else 'Hyperplastic'}\tp{n}\n" for n in range(1, 9))
    (root / "Labels.csv").write_text("Image ID\tHistology\tPatient\n".replace("Image ID", "Image_ID") + rows)
    images = list_dataset(root, "clinichd-segment").images
    assert Counter(image.label for image in images) == {"ad": 4, "non_ad": 4}
    assert {image.group for image in images} == {f"p{n}" for n in range(1, 9)}


def test_a_table_may_give_the_split(write: Writer) -> None:
    root = write(*(f"{n}.png" for n in range(4)))
    (root / "labels.csv").write_text(
        "image,class,set\n0,ad,train\n1,non_ad,train\n2,ad,validation\n3,non_ad,validation\n"
    )
    assert [image.split for image in list_dataset(root, "clinichd-classif").images] == [
        "train",
        "train",
        "test",
        "test",
    ]


def test_images_without_a_row_are_left_out_and_counted(write: Writer) -> None:
    root = write(*(f"{n}.png" for n in range(6)))
    (root / "labels.csv").write_text("image,label\n" + "".join(f"{n},{('ad', 'non_ad')[n % 2]}\n" for n in range(4)))
    listing = list_dataset(root, "clinichd-segment")
    assert len(listing.images) == 4
    assert "2 images without a row in labels.csv are left out, such as 4.png" in listing.notes


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("image,label\n9,ad\n", r"labels\.csv, line 2: image `9`: no such image"),
        ("image,label\n1,ad\n1.png,ad\n", r"line 3: a/1\.png is listed twice"),
        ("image,label\n1,cancer\n", r"line 2: label `cancer` is not known; write ad, non_ad or unlabelled"),
        ("image,label,split\n1,ad,third\n", r"line 2: split `third` is not known"),
        ("image,label\n2,ad\n", r"line 2: image `2`: 2 images have that name"),
    ],
)
def test_a_wrong_row_is_named(write: Writer, table: str, message: str) -> None:
    root = write("a/1.png", "a/2.png", "b/2.png")
    (root / "labels.csv").write_text(table)
    with pytest.raises(UserError, match=message):
        list_dataset(root, "clinichd-segment")


def test_where_nothing_fits_it_is_said_what_was_looked_for(write: Writer) -> None:
    with pytest.raises(UserError) as error:
        list_dataset(write("images/1.png", "images/2.png"), "clinichd-classif")
    text = str(error.value)
    for word in ("metadata.csv", "`non_ad`", "`validation`", "`labels.csv`", "found 2 images and `images`"):
        assert word in text
    assert "\n" not in text
