"""The command line: the same steps as the dashboard's buttons, which start these very commands."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polypstudio import __version__, processes
from polypstudio.config import LAYOUTS, PRESETS
from polypstudio.console import as_job, describe_os_error
from polypstudio.errors import UserError
from polypstudio.records import PATHOLOGIES
from polypstudio.stopping import Stopped

EXIT_USER_ERROR = 2
EXIT_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, 2 for a mistake its user can mend, 130 when stopped."""
    options = parser().parse_args(arguments)
    try:
        with as_job():
            answer = options.run(options)
    except UserError as error:
        print(f"polypstudio: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except OSError as error:
        print(f"polypstudio: {describe_os_error(error)}", file=sys.stderr)
        return EXIT_USER_ERROR
    except (Stopped, KeyboardInterrupt) as stopped:
        print(f"polypstudio: {stopped or 'interrupted; what is done is kept'}", file=sys.stderr)
        return EXIT_STOPPED
    if options.json and processes.is_main():
        print(json.dumps(answer, allow_nan=False))
    return 0


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--root", type=Path, default=Path("checkpoints"), help="folder of the studies (default: %(default)s)"
    )
    common.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    top = argparse.ArgumentParser(
        prog="polypstudio",
        description="Fine-tune Stable Diffusion on colonoscopy images and measure what the synthetic classes mean.",
        epilog="STUDY is a path, or a name under the root.",
    )
    top.add_argument("--version", action="version", version=f"polypstudio {__version__}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(run=run)
        return added

    def study_verb(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = verb(name, run, text)
        added.add_argument("study", metavar="STUDY")
        return added

    _add_serving(verb)
    _add_making(verb, study_verb)
    _add_steps(study_verb)
    _add_generating(study_verb)
    _add_outputs(verb, study_verb)
    return top


def _add_serving(verb: Any) -> None:
    from polypstudio.commands import serving

    for name, run, text in (
        ("demo", serving.demo, "open the dashboard on the bundled demo study"),
        ("serve", serving.serve, "open the dashboard on the studies under the root"),
    ):
        added = verb(name, run, text)
        added.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        added.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s)")
    queue = verb("work", serving.work, "run the jobs that wait for a device, as the dashboard does, until none is left")
    queue.add_argument("--device", default="cpu", help="cpu, cuda:0, … (default: %(default)s)")
    queue.add_argument("--lock", type=int, help=argparse.SUPPRESS)  # a descriptor that the starter hands over


def _add_making(verb: Any, study_verb: Any) -> None:
    from polypstudio.commands import making

    audit = verb("audit", making.audit_data, "count the images, and find unreadable files, duplicates and leaks")
    audit.add_argument("path", type=Path, metavar="PATH")
    audit.add_argument("--layout", choices=LAYOUTS, default="folder")
    audit.add_argument("--counts", action="store_true", help="check the counts alone: opens no image, takes seconds")

    new = study_verb("new", making.new, "make a study from a folder of real images, or from a phantom")
    new.add_argument("--data", type=Path, help="folder of the real images (a phantom is drawn where there is none)")
    new.add_argument("--layout", choices=LAYOUTS, default="folder")
    new.add_argument(
        "--also", action="append", default=[], metavar="LAYOUT:FOLDER", help="a dataset to add, such as sun:/data/SUN"
    )
    new.add_argument("--base", help="`tiny`, a diffusers folder, or the name of a model on the hub")
    new.add_argument("--preset", choices=sorted(PRESETS), default="tiny")

    rerun = verb("rerun", making.rerun, "make a study from another one, with its finished first stage, and run it")
    rerun.add_argument("source", metavar="SOURCE")
    rerun.add_argument("study", metavar="STUDY")
    _add_config(rerun)

    take = study_verb("import", making.import_iteration, "take images or weights of another tool as an iteration")
    take.add_argument("--iteration", type=int, required=True, help="its number of optimizer steps")
    take.add_argument("--ad", type=Path, metavar="DIR", help="folder of synthetic AD images")
    take.add_argument("--non-ad", type=Path, metavar="DIR", help="folder of synthetic Non-AD images")
    take.add_argument(
        "--as-is", action="store_true", help="do not match the images to the real ones (borders, size, codec)"
    )
    take.add_argument("--weights", type=Path, metavar="DIR", help="a diffusers U-Net folder")

    base = verb("base", making.make_base, "train the tiny Stable Diffusion that ships with PolypStudio")
    base.add_argument("--output", type=Path, required=True, metavar="DIR")
    base.add_argument("--work", type=Path, default=Path("base-work"), help="resumable state (default: %(default)s)")
    base.add_argument("--codec-steps", type=int, help="steps of the autoencoder (default: as shipped)")
    base.add_argument("--prior-steps", type=int, help="steps of the U-Net (default: as shipped)")


def _add_steps(study_verb: Any) -> None:
    from polypstudio.commands import estimating, steps

    study_verb("estimate", estimating.estimate, "measure on a few steps what fine-tuning takes, and whether it fits")
    for name, run, text, encoded in (
        ("train", steps.train, "fine-tune, stage by stage; resumes where it was stopped", False),
        ("sample", steps.sample, "draw the synthetic images of every iteration", False),
        ("evaluate", steps.evaluate, "features, KID matrix, neighbours and t-SNE of all iterations", True),
        ("run", steps.run_all, "all steps; what is done and unchanged is skipped", True),
        ("classify", steps.classify, "the augmentation test with EfficientNet", False),
    ):
        added = study_verb(name, run, text)
        _add_config(added)
        if encoded:
            added.add_argument("--encoder", help="default: the study's")


def _add_config(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--config", type=Path, metavar="FILE", help="configuration (default: the study's study.toml)")


def _add_generating(study_verb: Any) -> None:
    from polypstudio.commands import generating

    text = "draw images of one prompt and the same noise at chosen iterations, beside the study's samples"
    generate = study_verb("generate", generating.generate, text)
    generate.add_argument("--iteration", type=int, action="append", required=True, help="may be given several times")
    generate.add_argument("--prompt", help="default: that of the class")
    generate.add_argument(
        "--class", dest="label", choices=PATHOLOGIES, default="ad", help="whose noise (default: %(default)s)"
    )
    generate.add_argument("--seed", type=int, help="default: the study's, which gives the noise of its samples")
    generate.add_argument("--guidance", type=float, help="default: the study's")
    generate.add_argument("--steps", type=int, help="default: the study's")
    generate.add_argument("--count", type=int, default=2, help="images an iteration (default: %(default)s)")


def _add_outputs(verb: Any, study_verb: Any) -> None:
    from polypstudio.commands import outputs

    report = study_verb("report", outputs.report, "write the study's results as HTML, LaTeX and CSV")
    report.add_argument("--output", type=Path, required=True, metavar="DIR")
    report.add_argument("--encoder", help="default: the study's")

    readings = verb("readings", outputs.readings, "take readings out of a study, or into it")
    readings.add_argument("direction", choices=("export", "import"))
    readings.add_argument("study", metavar="STUDY")
    readings.add_argument("file", type=Path, metavar="FILE", help="*.csv or *.json")

    study_verb("backup", outputs.backup, "copy the study's live database of readings").add_argument(
        "file", type=Path, metavar="FILE"
    )
