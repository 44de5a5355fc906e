"""One real call of a tool at the wish of staff, for no person. Must not decide who may ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.tools.arguments import BadArguments, personal_in, schema_told
from assistant.tools.calling import Outcome
from assistant.tools.models import Tool
from assistant.tools.toolbox import Toolbox
from channels_app.http.waiting import ASK_S, asking
from tenants.errors import Invalid
from tenants.storage.db import new_id

#: what stands in the example for a value of a type
BLANKS: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}


def tool_try(row: Tool, arguments: Mapping[str, Any]) -> Outcome:
    """Call it now, within three seconds. Raises Invalid ``arguments_invalid`` where they do not fit the schema, TooMany ``busy``
    while another is tried for the tenant."""
    trial = str(new_id())
    box = Toolbox(new_id(), trial, rows={row.name: row}, claims=False)
    try:
        wanted = box.wanted(row.name, arguments)
    except BadArguments as error:
        raise Invalid(error.told, code="arguments_invalid") from error
    with asking():
        return box.call(wanted, ASK_S, agreed=trial).outcome


def arguments_like(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What the model would fill in, with nothing in it yet."""
    properties = schema_told(schema)["properties"] if isinstance(schema.get("properties", {}), Mapping) else {}
    return {name: _blank(part) for name, part in properties.items() if isinstance(part, Mapping)}


def needs_person(schema: Mapping[str, Any]) -> bool:
    """It takes a proved fact of the person, so that it cannot be called for none."""
    return bool(personal_in(schema))


def _blank(part: Mapping[str, Any]) -> Any:
    if "default" in part:
        return part["default"]
    if isinstance(part.get("enum"), list) and part["enum"]:
        return part["enum"][0]
    named = part.get("type")
    return BLANKS.get(named if isinstance(named, str) else "", "")
