"""The JSON schemas that integrators read (EVT-3)."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from conversations.event_schemas.catalogue import SCHEMAS, model_of
from conversations.event_schemas.envelope import Envelope

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache  # models do not change; no caller changes what it is given
def schema_of(type: str, version: int) -> dict[str, Any]:
    """The JSON schema of the whole event: the envelope with its ``data``. Raises UnknownEvent."""
    whole = TypeAdapter(Envelope).json_schema(mode="serialization")
    data = model_of(type, version).model_json_schema(mode="serialization")
    definitions = {**whole.pop("$defs", {}), **data.pop("$defs", {})}
    data.pop("title", None)
    if type.startswith("CHAT_"):
        whole["properties"] |= {"event_type": {"const": type}, "learner_id": {"type": "string"}}
        whole["required"] = [*whole["required"], "event_type", "learner_id"]
    whole["properties"] |= {"type": {"const": type}, "version": {"const": version}, "data": data}
    known = {"$schema": DIALECT, "$id": f"urn:chatsvc:event:{type}:v{version}", "title": f"{type}.v{version}"}
    about = {"description": data.get("description", "")}
    return {**whole, **known, **about, **({"$defs": definitions} if definitions else {})}


def schemas() -> dict[str, dict[str, Any]]:
    """``<type>.v<version>`` → its JSON schema."""
    return {f"{type}.v{version}": schema_of(type, version) for type, version in SCHEMAS}
