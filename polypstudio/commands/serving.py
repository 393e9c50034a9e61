"""`demo` and `serve`."""

from __future__ import annotations

import argparse
from typing import Any

from polypstudio.errors import UserError
from polypstudio.store.paths import bundled_studies


def demo(options: argparse.Namespace) -> dict[str, Any]:
    """The dashboard on the studies that ship with the source tree, open to everybody who can reach it."""
    from polypstudio.ui.server import serve as serve_dashboard

    root = bundled_studies()
    if not (root / "demo" / "study.toml").is_file():
        raise UserError(f"no demo study in {root}: it ships with the source tree; run `make demo` in a clone of it")
    serve_dashboard(root, options.host, options.port, demo=True)
    return {"root": str(root)}


def work(options: argparse.Namespace) -> dict[str, Any]:
    """The queue of a device, until it is empty."""
    from polypstudio import jobs

    count = jobs.work(options.root, options.device, options.lock)
    if not options.json:
        print(f"{count} jobs run on {options.device}")
    return {"device": options.device, "jobs": count}


def serve(options: argparse.Namespace) -> dict[str, Any]:
    """The dashboard on the studies under the root."""
    from polypstudio.ui.server import serve as serve_dashboard

    options.root.mkdir(parents=True, exist_ok=True)
    serve_dashboard(options.root, options.host, options.port)
    return {"root": str(options.root)}
