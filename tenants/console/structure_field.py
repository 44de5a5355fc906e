"""Form fields for the members of a pydantic model, made from its JSON schema: also for lists, groups and tables.

Must not check what was entered: the model does, where it is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from tenants.console.pages.fields import LinesField
from tenants.console.structure import ABSENT, LONG, Schema, absent, choice_of, label_of, read, shown, told_of
from tenants.storage.json_values import unstorable

Choices = list[tuple[str, str]]
NAME = "__name__"  # of a row that is drawn before its place is known


@dataclass(frozen=True)
class Node:
    """A part of a structure on a page. ``html`` is a leaf's input; ``rows`` are a list's, ``spare`` its empty row at the
    end and ``blank`` the one that JavaScript adds, both drawn already."""

    kind: str
    label: str
    help: str = ""
    id: str = ""
    html: str = ""
    nodes: tuple[Node, ...] = ()
    rows: tuple[Node, ...] = ()
    spare: str = ""
    blank: str = ""
    open: bool = True
    folded: bool = False
    slot: str = field(default="", compare=False)  # what stands for the number of a new row


class StructureWidget(forms.Widget):
    """Inputs for a value with parts. Without JavaScript one empty row stands at the end of each list; with it rows are
    added, moved and removed."""

    class Media:
        js = [forms.widgets.Script("console/rows.js", type="module")]

    def __init__(self, schema: Schema, attrs: Any = None):
        super().__init__(attrs)
        self.schema = schema

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return read(self.schema, data, name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def id_for_label(self, id_: str) -> str:
        return ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        held = ABSENT if value in (None, "") else json.loads(value) if isinstance(value, str) else value
        node = _node(self.schema, name, "", held, 0, bool((attrs or {}).get("disabled")))
        return render_to_string("admin/structure/structure.html", {"node": node})


class StructureField(forms.Field):
    """A value with parts. ``clean`` gives it as it was entered, without what was left empty."""

    def __init__(self, schema: Schema, **options: Any):
        self.schema = schema
        super().__init__(widget=StructureWidget(schema), **{**options, "required": False})

    def clean(self, value: Any) -> Any:
        if value is ABSENT:
            return None if self.schema["nullable"] else {} if self.schema["type"] == "object" else []
        if refusal := unstorable(value):
            there = place(int(step) if step.isdigit() else step for step in refusal.path.split(".") if step)
            raise forms.ValidationError(f"{there}: {refusal.why}.".removeprefix(": "), code=refusal.code)
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(shown(self.schema, ABSENT if initial is None else initial) != data)


def field_for(name: str, schema: Schema, *, required: bool = False, initial: Any = None) -> forms.Field:
    """The field of one member of a model."""
    common: dict[str, Any] = {
        "label": label_of(name),
        "help_text": told_of(schema),
        "required": required,
        "initial": schema["default"] if initial is None else initial,
    }
    type_ = schema["type"]
    if "enum" in schema.own:
        choices = [] if required or schema["default"] or "" in schema["enum"] else [("", "—")]
        choices += [(value, choice_of(value) if value else "—") for value in schema["enum"]]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **common)
    if type_ == "boolean":
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **{**common, "required": False})
    if type_ in ("integer", "number"):
        number = forms.IntegerField if type_ == "integer" else forms.FloatField
        return number(widget=UnfoldAdminIntegerFieldWidget, **common)
    if schema.kind == "lines":
        told = common["help_text"]
        return LinesField(**{**common, "help_text": told if "line" in told else f"{told}; one per line".lstrip("; ")})
    if type_ in ("array", "object"):
        return StructureField(schema, **common)
    if (schema["maxLength"] or 0) > LONG and schema["pattern"] is None:
        return forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}), **common)
    return forms.CharField(widget=UnfoldAdminTextInputWidget, **common)


OF_KEY = "[key]"  # pydantic's last step to the name of a row itself


def place(steps: Iterable[Any]) -> str:
    """Where in a structure something is wrong, for people: "row 2, label"."""
    named = [step for step in steps if step != OF_KEY]
    words = [f"row {step + 1}" if isinstance(step, int) else label_of(str(step)).lower() for step in named]
    return ", ".join(words)


# ----------------------------------------------------------------------------- what is drawn


def _node(schema: Schema, name: str, label: str, value: Any, depth: int, disabled: bool) -> Node:
    kind = schema.kind
    if absent(schema, value):
        value = schema["default"] if schema["default"] is not None else ABSENT
    told: dict[str, Any] = {"label": label, "help": told_of(schema), "id": f"id_{name}"}
    if kind == "group":
        given = value if isinstance(value, Mapping) else {}
        nodes = tuple(
            _node(part, f"{name}-{key}", label_of(key), given.get(key, ABSENT), depth, disabled)
            for key, part in schema.parts.items()
        )
        told["help"] = "" if depth else told["help"]
        folded = bool(schema["nullable"])
        return Node("group", nodes=nodes, folded=folded, open=shown(schema, value) is not ABSENT, **told)
    if kind in ("rows", "names"):
        row = schema.items if kind == "rows" else schema.pair
        held = value or ()
        found = [{"key": k, "value": v} for k, v in held.items()] if isinstance(held, Mapping) else list(held)
        slot = f"__{depth}__"
        rows = tuple(_node(row, f"{name}-{i}", "", one, depth + 1, disabled) for i, one in enumerate(found))
        empty = _empty_row(row, depth + 1, disabled)
        blank = SafeString(empty.replace(NAME, f"{name}-{slot}"))
        spare = SafeString("" if disabled else empty.replace(NAME, f"{name}-{len(found)}"))
        folded = bool(schema["nullable"])
        return Node(kind, rows=rows, spare=spare, blank=blank, open=bool(found), folded=folded, slot=slot, **told)
    return Node("leaf", html=_leaf(schema, name, value, disabled), **told)


def _empty_row(row: Schema, depth: int, disabled: bool) -> str:
    """A row of ``row`` without values, NAME at its name's place.

    Kept by what the schema says: a page of a reply's parts holds more than a thousand empty inputs, list within list,
    which took a second to draw.
    """
    return _drawn(json.dumps([row.own, row.defs]), depth, disabled, get_language())


@lru_cache(maxsize=64)
def _drawn(schema: str, depth: int, disabled: bool, language: str | None) -> str:
    own, defs = json.loads(schema)
    node = _node(Schema(own, defs), NAME, "", ABSENT, depth, disabled)
    return str(render_to_string("admin/structure/node.html", {"node": node, "bare": True}))


def _leaf(schema: Schema, name: str, value: Any, disabled: bool) -> str:
    attrs = {"id": f"id_{name}", **({"disabled": True} if disabled else {})}
    held = "" if value is ABSENT or value is None else value
    if schema.kind == "choices":
        choices = [(one, choice_of(one)) for one in schema.items["enum"]]
        return UnfoldAdminCheckboxSelectMultipleWidget(choices=choices).render(name, list(held or ()), attrs)
    if schema.kind == "lines":
        words = "\n".join(map(str, held)) if isinstance(held, (list, tuple)) else held
        return UnfoldAdminTextareaWidget(attrs={"rows": 3}).render(name, words, attrs)
    if "enum" in schema.own:
        blank = [] if schema["default"] else [("", "—")]
        labels = schema["labels"] or {}
        choices = [*blank, *((one, labels.get(one) or choice_of(one)) for one in schema["enum"] if one)]
        if held and held not in schema["enum"]:  # what is stored and no longer there stays to be seen
            choices.append((held, str(held)))
        return UnfoldAdminSelectWidget(choices=choices).render(name, held, attrs)
    if schema["type"] == "boolean":
        return UnfoldBooleanSwitchWidget().render(name, bool(held), attrs)
    if schema["type"] in ("integer", "number"):
        step = {"step": "any"} if schema["type"] == "number" else {}
        whole = isinstance(held, float) and held.is_integer()
        return UnfoldAdminIntegerFieldWidget(attrs=step).render(name, int(held) if whole else held, attrs)
    if (schema["maxLength"] or 0) > LONG and schema["pattern"] is None:
        return UnfoldAdminTextareaWidget(attrs={"rows": 3}).render(name, held, attrs)
    return UnfoldAdminTextInputWidget().render(name, held, attrs)
