"""Tables that give a label to each image or case, under the names that people give to files and columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from polypstudio.data.tree import Tree, some
from polypstudio.data.vocabulary import histology_of, label_of, plain
from polypstudio.errors import UserError
from polypstudio.records import Label

LABEL_COLUMNS = ("label", "class", "pathology", "histology", "diagnosis", "category")
KNOWN_LABELS = "ad, non_ad or unlabelled"


@dataclass(frozen=True)
class TableRow:
    """The cells of one line by what they are; ``where`` names file and line for error messages."""

    where: str
    cells: Mapping[str, str]

    @property
    def label(self) -> Label:
        """What the line says of the class; an empty cell says nothing. Raises UserError where it cannot be told."""
        text = self.cells["label"]
        label = label_of(text) or histology_of(text) if text else "unlabelled"
        if label is None:
            raise UserError(
                f"{self.where}: label `{text}` is not known; write {KNOWN_LABELS} (where serrated lesions and cancers "
                "go is for your definition of the classes to say)"
            )
        return label


def find_table(tree: Tree, names: Sequence[str]) -> str | None:
    """The table at the top of a dataset that has one of the names, whatever its case; the first name wins."""
    present = {path.lower(): path for path in tree.noted}
    return next((present[name] for name in names if name in present), None)


def read_table(path: Path, columns: Mapping[str, Sequence[str]], optional: Sequence[str] = ()) -> list[TableRow]:
    """The rows of a table; ``columns``: what is asked for -> the usual names of its column.

    Comma, semicolon and tab separate. Raises UserError naming a column that is missing and what was found instead.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=head.count))
            heads = [plain(name) for name in next(reader, [])]
            places = {}
            for wanted, usual in columns.items():
                found = next((heads.index(plain(name)) for name in usual if plain(name) in heads), None)
                if found is not None:
                    places[wanted] = found
                elif wanted not in optional:
                    raise UserError(
                        f"{path}: no column of the {wanted}; looked for {some(usual, 10)}, "
                        f"found {head.strip() or 'nothing'}"
                    )
            return [
                TableRow(
                    f"{path}, line {reader.line_num}",
                    {name: line[at].strip() if at < len(line) else "" for name, at in places.items()},
                )
                for line in reader
                if any(cell.strip() for cell in line)
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file in UTF-8 ({error}); export it anew") from None
