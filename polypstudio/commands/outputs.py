"""`report`, `readings` and `backup`: what goes out."""

from __future__ import annotations

import argparse
from typing import Any

from polypstudio.store.paths import find_study


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Writes the report's files."""
    from polypstudio.commands.steps import encoder_of
    from polypstudio.report.files import report_files
    from polypstudio.store.atomic import write_text
    from polypstudio.store.contents import load_contents
    from polypstudio.store.studies import load_config

    study = find_study(options.study, options.root)
    files = report_files(load_contents(study, encoder_of(options, load_config(study))))
    for name, text in files.items():
        write_text(options.output / name, text)
    if not options.json:
        print("\n".join(str(options.output / name) for name in files))
    return {"files": [str(options.output / name) for name in files]}


def readings(options: argparse.Namespace) -> dict[str, Any]:
    """Exports or imports readings."""
    from polypstudio.store.readings import export_readings, import_readings

    study = find_study(options.study, options.root)
    move = export_readings if options.direction == "export" else import_readings
    count = move(study, options.file)
    if not options.json:
        print(f"{count} readings {options.direction}ed: {options.file}")
    return {"readings": count, "file": str(options.file)}


def backup(options: argparse.Namespace) -> dict[str, Any]:
    """Copies the live database."""
    from polypstudio.store.readings import backup as copy_database

    study = find_study(options.study, options.root)
    copy_database(study, options.file)
    if not options.json:
        print(f"readings of {study.name} copied to {options.file}")
    return {"file": str(options.file)}
