"""The folder tree is the architecture: imports point one way, and the light parts stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "polypstudio"

FOUNDATION = {"records", "config", "errors", "processes", "progress", "stopping", "__init__"}
PURE = {"metrics", "reading", "findings", "figures"}
ALLOWED = {
    "metrics": FOUNDATION,
    "reading": FOUNDATION | {"metrics"},
    "findings": FOUNDATION,
    "figures": FOUNDATION | {"findings", "metrics"},
    "report": FOUNDATION | {"findings", "figures", "metrics"},
    "store": FOUNDATION | {"reading"},
    "jobs": FOUNDATION | {"store"},
    "data": FOUNDATION | {"store"},
    "encoders": FOUNDATION | {"data", "store"},
    "classifier": FOUNDATION | {"data", "encoders", "metrics", "store"},
    "diffusion": FOUNDATION | {"data", "encoders", "metrics", "store"},
    "pipeline": FOUNDATION | {"classifier", "data", "diffusion", "encoders", "metrics", "store"},
    "ui": FOUNDATION | {"figures", "findings", "jobs", "metrics", "reading", "report", "store"},
}
HEAVY = {"torch", "torchvision", "diffusers", "transformers", "accelerate", "timm", "torchmetrics", "peft"}


def room(path: Path) -> str:
    """The top-level part of the package that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """(module, line, whether at import time of the file) of every import in a file."""
    tree = ast.parse(path.read_text())
    inside = {
        node for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, node not in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "polypstudio"
                else [node.module]
            )
            found += [(name, node.lineno, node not in inside) for name in names]
    return found


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    allowed = ALLOWED.get(room(path))
    if allowed is None:  # the entrances (cli, commands, console) may use everything
        return
    wrong = []
    for module, line, _ in imports(path):
        parts = module.split(".")
        if parts[0] == "polypstudio" and len(parts) > 1 and parts[1] not in allowed | {room(path), "__version__"}:
            wrong.append(f"line {line}: {module}")
    assert not wrong, f"{path.relative_to(PACKAGE)}: {wrong}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_gradio_only_in_the_user_interface(path: Path) -> None:
    users = [module for module, _, _ in imports(path) if module.split(".")[0] == "gradio"]
    assert not users or room(path) == "ui"


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if room(p) in PURE], ids=lambda p: p.relative_to(PACKAGE).as_posix()
)
def test_pure_parts_know_no_torch_and_no_disk(path: Path) -> None:
    for module, line, _ in imports(path):
        assert module.split(".")[0] not in HEAVY | {"pathlib", "os", "sqlite3", "shutil", "sqlalchemy"}, (
            f"line {line}: {module}"
        )
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [c.lineno for c in calls if isinstance(c.func, ast.Name) and c.func.id == "open"]


def test_nothing_of_the_user_interface_names_the_pipeline() -> None:
    for path in [p for p in SOURCES if room(p) == "ui"]:
        modules = {module.split(".")[1] for module, _, _ in imports(path) if module.startswith("polypstudio.")}
        assert not modules & {"pipeline", "cli", "commands", "diffusion", "classifier", "encoders"}, path


def test_the_dashboard_starts_without_torch_and_diffusers() -> None:
    """In a fresh process: what importing the server and its tabs brings along."""
    code = f"import sys, polypstudio.ui.server, polypstudio.ui.studio; print(sorted(set(sys.modules) & {HEAVY | {'openTSNE'}!r}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip().splitlines()[-1] == "[]"


def test_the_command_line_answers_help_without_heavy_imports() -> None:
    code = (
        "import sys\nfrom polypstudio.cli import parser\nparser()\n"
        f"print(sorted(set(sys.modules) & {HEAVY | {'gradio', 'sklearn', 'openTSNE', 'pandas'}!r}))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip().splitlines()[-1] == "[]"


def test_no_private_name_is_imported_from_another_module() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("polypstudio"):
                assert not [a.name for a in node.names if a.name.startswith("_") and not a.name.startswith("__")], path
