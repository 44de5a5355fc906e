"""Frames held to the published AsyncAPI documents: whatever a test's socket is told is looked up there."""

from __future__ import annotations

from functools import cache

from jsonschema import Draft202012Validator

from chatsvc.management.commands.asyncapi import AGENTS, WEBCHAT

PROTOCOLS = {"desk-chat.v1": WEBCHAT, "desk-agent.v1": AGENTS}


def must_be_published(protocol, frame):
    """Raises where the document has no such frame, or it has other members than it says."""
    _validator(protocol, frame["t"]).validate(frame)


@cache
def _validator(protocol, kind):
    """Of the document's schema, which lets members pass that it does not know, made strict."""
    document = PROTOCOLS[protocol].document()
    schemas = {name: _strict(schema) for name, schema in document["components"]["schemas"].items()}
    payload = document["components"]["messages"][f"server.{kind}"]["payload"]
    name = payload["allOf"][0]["$ref"].rpartition("/")[2]
    own = schemas[name]
    properties = {"t": payload["properties"]["t"], **own["properties"]}
    whole = {**own, "properties": properties, "required": ["t", *own.get("required", [])]}
    return Draft202012Validator({**whole, "components": {"schemas": schemas}})


def _strict(schema):
    return {"additionalProperties": False, **schema} if "properties" in schema else schema
