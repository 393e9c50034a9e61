"""A large dataset is listed once, and again only when its folders or tables have changed; several make one study."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from polypstudio.config import DataConfig, DataSource
from polypstudio.data import catalogue, layouts
from polypstudio.data.catalogue import Catalogue
from polypstudio.data.layouts import list_dataset, list_study
from polypstudio.errors import UserError
from polypstudio.store.file_facts import FileFacts

Writer = Callable[..., Path]


@pytest.fixture
def kept(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return Catalogue(tmp_path_factory.mktemp("study") / "cache")


@pytest.fixture
def dataset(write: Writer, split_paths: list[str]) -> Path:
    root = write(*split_paths)
    settle(root)
    return root


def settle(root: Path) -> None:
    """Moves every time of change into the past, as if the dataset had been there for a while."""
    for path in [root, *root.rglob("*")]:
        os.utime(path, (time.time() - 100, time.time() - 100))


def walks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that are walked from now on."""
    walked: list[Path] = []
    walk = catalogue.walk

    def noted(root: Path, *arguments: object) -> object:
        walked.append(root)
        return walk(root, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(catalogue, "walk", noted)
    return walked


def test_an_unchanged_dataset_is_not_walked_again(dataset: Path, kept: Catalogue, monkeypatch) -> None:
    walked = walks(monkeypatch)
    first = list_dataset(dataset, "folder", kept)
    assert list_dataset(dataset, "folder", kept) == first
    assert walked == [dataset]
    assert first == list_dataset(dataset, "folder")


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "table", "folder"])
def test_any_change_of_the_list_is_noticed(dataset: Path, kept: Catalogue, change: str) -> None:
    (dataset / "notes.txt").write_text("1")
    settle(dataset)
    before = list_dataset(dataset, "folder", kept)
    first = dataset / "train/ad/1.png"
    if change == "added":
        (dataset / "train/ad/2.png").write_bytes(first.read_bytes())
    elif change == "removed":
        (dataset / "train/ad/3.png").write_bytes(first.read_bytes())
        first.unlink()
    elif change == "renamed":
        first.rename(dataset / "train/ad/9.png")
    elif change == "table":
        (dataset / "metadata.csv").write_text(
            "file_name,group\n" + "".join(f"{i.path},{i.path[:7]}\n" for i in before.images)
        )
    else:
        (dataset / "train/ad/case7").mkdir()
        (dataset / "train/ad/case7/1.png").write_bytes(first.read_bytes())
    assert list_dataset(dataset, "folder", kept) == list_dataset(dataset, "folder") != before


def test_a_table_that_changes_in_place_is_noticed(dataset: Path, kept: Catalogue) -> None:
    rows = [f"{split}/{label}/1.png" for split in ("train", "test") for label in ("ad", "non_ad")]
    (dataset / "metadata.csv").write_text(
        "file_name,group\n" + "".join(f"{path},g{n}\n" for n, path in enumerate(rows))
    )
    settle(dataset)
    list_dataset(dataset, "folder", kept)
    folder = (dataset.stat().st_atime_ns, dataset.stat().st_mtime_ns)
    (dataset / "metadata.csv").write_text(
        "file_name,group\n" + "".join(f"{path},h{n}\n" for n, path in enumerate(rows))
    )
    os.utime(dataset, ns=folder)
    assert {image.group[0] for image in list_dataset(dataset, "folder", kept).images} == {"h"}


def test_a_dataset_that_changes_right_now_is_not_kept(write: Writer, split_paths: list[str], kept: Catalogue) -> None:
    list_dataset(write(*split_paths), "folder", kept)
    assert not kept.folder.exists()


def test_a_kept_listing_that_cannot_be_read_is_made_anew(dataset: Path, kept: Catalogue) -> None:
    before = list_dataset(dataset, "folder", kept)
    for file in kept.folder.iterdir():
        file.write_text('{"folders": {}, "noted": {}')
    assert list_dataset(dataset, "folder", kept) == before


def test_another_version_of_a_layout_reads_anew(dataset: Path, kept: Catalogue, monkeypatch) -> None:
    list_dataset(dataset, "folder", kept)
    walked = walks(monkeypatch)
    newer = layouts.Layout(layouts.read_folder, version=2)
    monkeypatch.setitem(layouts.LAYOUTS, "folder", newer)
    list_dataset(dataset, "folder", kept)
    assert walked == [dataset]


# --- several datasets in one study


def sun_beside(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    frames = tmp_path_factory.mktemp("SUN")
    for case in range(1, 5):
        folder = frames / "sundatabase_positive_part1" / f"case{case}"
        folder.mkdir(parents=True)
        (folder / "1.jpg").write_bytes(b"frame")
    return DataConfig(path=str(dataset), also=(DataSource(path=str(frames), layout="sun"),))


def test_sun_gives_its_frames_to_a_labelled_dataset(dataset: Path, tmp_path_factory) -> None:
    data = sun_beside(dataset, tmp_path_factory)
    listing = list_study(data, dataset)
    assert len(listing.images) == 8
    assert all((dataset / image.path).is_file() for image in listing.images)
    assert {image.label for image in listing.images[4:]} == {"unlabelled"}
    assert any("SUN publishes" in text for text in listing.departures)


def test_sun_alone_lacks_the_classes_and_says_where_they_were_looked_for(dataset: Path, tmp_path_factory) -> None:
    folder = Path(sun_beside(dataset, tmp_path_factory).also[0].path)
    with pytest.raises(UserError, match=r"no ad images; SUN comes without pathology.*pathology\.csv.*labelled dataset"):
        list_study(DataConfig(path=str(folder), layout="sun"), folder)


# --- facts of files


def test_a_fact_is_found_out_once_and_survives_the_process(tmp_path: Path) -> None:
    asked: list[str] = []

    def find_out(path: Path) -> str:
        asked.append(path.name)
        return path.read_text()

    file = tmp_path / "a file.png"
    file.write_text("first")
    settle(tmp_path)
    facts = FileFacts(tmp_path / "kept.txt", find_out)
    assert [facts(file), facts(file)] == ["first", "first"]
    facts.write()
    assert FileFacts(tmp_path / "kept.txt", find_out)(file) == "first"
    assert asked == ["a file.png"]
    file.write_text("later")
    assert FileFacts(tmp_path / "kept.txt", find_out)(file) == "later"


def test_a_fact_of_a_file_that_changes_right_now_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("first")
    facts = FileFacts(tmp_path / "kept.txt", Path.read_text)
    assert facts(file) == "first"
    before = file.stat()
    file.write_text("other")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert facts(file) == "other"


def test_torn_lines_and_a_store_that_cannot_be_written_cost_nothing_but_time(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("content")
    settle(tmp_path)
    store = tmp_path / "kept.txt"
    store.write_text(f"wrong {file.stat().st_size} {file.stat().st_mtime_ns} {file}")  # no end of the line
    assert FileFacts(store, Path.read_text)(file) == "content"
    blocked = FileFacts(tmp_path / "a.png" / "kept.txt", Path.read_text)
    assert blocked(file) == "content"
    blocked.write()
