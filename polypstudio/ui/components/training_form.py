"""The inputs of a draft (:mod:`polypstudio.ui.components.training_draft`), stage by stage."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from polypstudio.config import FROZEN_PRESETS
from polypstudio.ui.components.markup import button, element, join
from polypstudio.ui.components.training_draft import COMMON, LABELS, SAMPLING, SOURCE, STAGE, Draft, Field, found


def form(draft: Draft, disabled: bool = False) -> Markup:
    """The inputs of a draft."""
    stages = draft["stages"]
    return join(
        [
            *(_stage(stage, at, len(stages), disabled) for at, stage in enumerate(stages)),
            element("p", button("Add a stage", "add-stage", disabled=disabled), "pst-row"),
            _section("All stages", "training", draft["training"], COMMON, disabled),
            _section(
                "Sampling: the same noise per class and index at every iteration",
                "sampling",
                draft["sampling"],
                SAMPLING,
                disabled,
            ),
            Markup('<datalist id="pst-frozen">{}</datalist>').format(
                join(Markup('<option value="{}">').format(name) for name in FROZEN_PRESETS)
            ),
        ]
    )


def _stage(stage: Draft, at: int, count: int, disabled: bool) -> Markup:
    last = at == count - 1
    what = ": its checkpoints are the study's iterations" if last else ""
    sources = stage["sources"]
    buttons = [
        button("Earlier", "raise-stage", disabled=disabled or at == 0, stage=str(at)),
        button("Remove stage", "remove-stage", disabled=disabled or count == 1, stage=str(at)),
    ]
    fields = [
        field._replace(label="An iteration every") if last and field.path == "checkpoint_every" else field
        for field in STAGE
    ]
    parts = [
        element("legend", f"Stage {at + 1} · {stage.get('name', '')}{what}"),
        _grid(f"stages.{at}", stage, fields, disabled),
        *(_source(source, at, number, len(sources), disabled) for number, source in enumerate(sources)),
        element(
            "p", join([button("Add a source", "add-source", disabled=disabled, stage=str(at)), *buttons]), "pst-row"
        ),
    ]
    return element("fieldset", join(parts), "pst-card pst-stage")


def _source(source: Draft, stage: int, at: int, count: int, disabled: bool) -> Markup:
    remove = button("Remove", "remove-source", disabled=disabled or count == 1, stage=str(stage), source=str(at))
    head = element("div", join([element("b", f"Draws from · {source.get('name') or 'all images'}"), remove]), "pst-row")
    return element("div", head + _grid(f"stages.{stage}.sources.{at}", source, SOURCE, disabled), "pst-source")


def _section(title: str, prefix: str, values: Draft, fields: tuple[Field, ...], disabled: bool) -> Markup:
    parts = [element("legend", title), _grid(prefix, values, fields, disabled)]
    return element("fieldset", join(parts), "pst-card pst-stage")


def _grid(prefix: str, values: Draft, fields: Sequence[Field], disabled: bool) -> Markup:
    return element("div", join(_input(prefix, values, field, disabled) for field in fields), "pst-fields")


def _input(prefix: str, values: Draft, field: Field, disabled: bool) -> Markup:
    name, value = f"{prefix}.{field.path}", found(values, field.path)
    off = Markup(" disabled") if disabled else Markup("")
    kind = "pst-field wide" if field.wide else "pst-field"
    if field.kind == "labels":
        boxes = join(
            Markup('<label><input type="checkbox" name="{}" value="{}"{}{}> {}</label>').format(
                name, label, Markup(" checked") if label in (value or ()) else "", off, text
            )
            for label, text in LABELS.items()
        )
        return Markup('<div class="{}"><span>{}</span><div class="pst-row">{}</div></div>').format(
            kind, field.label, boxes
        )
    if field.kind == "boolean":
        box = Markup('<input type="checkbox" name="{}"{}{}>').format(name, Markup(" checked") if value else "", off)
        return Markup('<label class="{} box">{} {}</label>').format(kind, box, field.label)
    if "|" in field.kind:
        options = join(
            Markup('<option value="{}"{}>{}</option>').format(
                choice, Markup(" selected") if choice == (value or "") else "", choice or field.hint
            )
            for choice in field.kind.split("|")
        )
        control = Markup('<select name="{}"{}>{}</select>').format(name, off, options)
    else:
        mode = Markup(' inputmode="decimal"') if field.kind == "number" else Markup("")
        mode += Markup(' list="pst-frozen"') if field.kind == "frozen" else Markup("")
        text = "" if value is None else value
        control = Markup(
            '<input name="{}" value="{}" placeholder="{}" autocomplete="off" spellcheck="false"{}{}>'
        ).format(name, text, field.hint, mode, off)
    return Markup('<label class="{}"><span>{}</span>{}</label>').format(kind, field.label, control)
