"""The OpenAPI document as generators of clients and linters want it (API-4).

Owns what they stumble over and what the document says once for all operations: its tags and who may call without a
credential. Must not change what an operation takes or answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
SCALARS = ("string", "integer", "number", "boolean")
#: words of JSON Schema whose value is a schema, a list of schemas, or schemas by name
ONE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
SEVERAL = ("anyOf", "oneOf", "allOf", "prefixItems")
NAMED = ("properties", "patternProperties", "$defs")

TAGS: dict[str, str] = {
    "chat": "Messages and conversations: send, read, search, export, and change who answers",
    "contacts": "The people who write, their identities, preferences and merges",
    "inbox": "What staff work with: the inbox, assignments, notes, labels, teams, canned and scheduled replies",
    "intents": "What the built-in assistant is taught, and what it takes texts for",
    "channels": "The ways in and out, with their health and hours",
    "engine": "What an engine does without being asked",
    "prompts": "What language models are told: versions of the system prompt, their preview and activation",
    "tools": "What the assistant may call for a person",
    "products": "Where the assistant asks for products",
    "templates": "Messages that are written once and filled in, as platforms have approved them",
    "assistant": "What the assistant knows and does",
    "models": "Language models, who serves them and what they took",
    "media": "Files of messages",
    "webchat": "The web chat over HTTP, for visitors",
    "webhook endpoints": "Addresses of yours that the service calls with events",
    "threads": "Threads between people about a learner",
    "privacy": "What is kept of people, and how long",
    "evaluations": "Questions with what a good answer has, and how the assistant does on them",
    "events": "The feed of events, their schemas and those that failed",
    "deliveries": "Messages on their way out, each try and its outcome",
    "dead letters": "Messages that could not be delivered",
    "sessions": "Sessions and devices of people",
    "auth": "Exchange, refresh and revocation of tokens",
    "API keys": "Keys of integrations",
    "members": "Members of staff, and the roles that say what they may do",
    "tenant": "The tenant itself and its settings",
    "audit": "Who did what",
    "system": "What operators of the service do: its figures, caches and tenants' rate limits",
    "health": "Whether the service is well",
}  # fmt: skip
VISITOR: Schema = {"type": "http", "scheme": "bearer", "description": "The `visitor_token` of a web chat's session"}


def generators_read_it(result: Schema, **options: Any) -> Schema:
    """drf-spectacular's post-processing hook: the last word on the document."""
    schemas: Schema = result["components"]["schemas"]
    result["components"]["securitySchemes"]["visitor"] = VISITOR
    operations = [(method, item[method]) for item in result["paths"].values() for method in METHODS if method in item]
    for schema in [*schemas.values(), *(schema for _, one in operations for schema in _schemas_of(one))]:
        for part in _parts(schema):
            part.pop("title", None)  # generators name classes by it, and would have two of one name
            if len(part.get("allOf", ())) == 1:
                part.update(part.pop("allOf")[0])  # in OpenAPI 3.1 a ``$ref`` may have neighbours
            _fold(part)
            _close(part)
            if isinstance(part.get("description"), str):
                part["description"] = _for_readers(part["description"])
    for _, operation in operations:
        for parameter in operation.get("parameters", []):
            _never_null(parameter.get("schema", {}))
    # A part that a PATCH and a POST share tells no default: what a PATCH leaves out stays as it is.
    for method, operation in sorted(operations, key=lambda one: one[0] not in ("put", "patch")):
        _forget_defaults(operation.get("requestBody", {}), schemas, told=method == "post")
        _demand(operation.get("requestBody", {}), schemas)
        operation.setdefault("security", [])  # said, so that no reader thinks it was forgotten
    used = {tag for _, operation in operations for tag in operation["tags"]}
    result["tags"] = [{"name": name, "description": f"{text}."} for name, text in TAGS.items() if name in used]
    return result


def _for_readers(docstring: str) -> str:
    """A docstring as Markdown, without the ids of our requirements."""
    return re.sub(r" ?\((?:[A-Z]+-\d+(?:, )?)+\)", "", docstring).replace("``", "`")


def _schemas_of(operation: Schema) -> Iterator[Schema]:
    yield from (parameter["schema"] for parameter in operation.get("parameters", []) if "schema" in parameter)
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from (content["schema"] for content in holder.get("content", {}).values() if "schema" in content)


def _parts(schema: Any) -> Iterator[Schema]:
    """The schema and all schemas that stand in it."""
    if not isinstance(schema, dict):
        return
    yield schema
    inner = [schema[word] for word in ONE if word in schema]
    inner += [one for word in SEVERAL for one in schema.get(word, ())]
    inner += [one for word in NAMED for one in schema.get(word, {}).values()]
    for one in inner:
        yield from _parts(one)


def _fold(part: Schema) -> None:
    """``anyOf`` of one scalar and null → the scalar whose type may be null: some generators make a class of each
    alternative."""
    choices = part.get("anyOf", [])
    given = [one for one in choices if one != {"type": "null"}]
    if len(choices) != 2 or len(given) != 1 or given[0].get("type") not in SCALARS or "const" in given[0]:
        return
    del part["anyOf"]
    folded = {**given[0], "type": [given[0]["type"], "null"]}
    if "enum" in folded:
        folded["enum"] = [*folded["enum"], None]
    for word, value in folded.items():
        part.setdefault(word, value)


def _close(part: Schema) -> None:
    """``patternProperties`` that allow every other name as well → ``additionalProperties`` whose names are of the pattern,
    as the model demands; generators make a map of it, where they made nothing of the pattern."""
    if len(part.get("patternProperties", ())) == 1 and not {"properties", "additionalProperties"} & part.keys():
        [(pattern, part["additionalProperties"])] = part.pop("patternProperties").items()
        part["propertyNames"] = {**part.get("propertyNames", {}), "pattern": pattern}


def _never_null(schema: Schema) -> None:
    """A parameter is given or left out; null, which a model may hold for "left out", cannot be written in an address."""
    if "anyOf" in schema:
        given = [one for one in schema.pop("anyOf") if one != {"type": "null"}]
        schema.update(given[0] if len(given) == 1 else {"anyOf": given})
    if isinstance(schema.get("type"), list):
        schema["type"] = next(one for one in schema["type"] if one != "null")
    if None in schema.get("enum", ()):
        schema["enum"] = [one for one in schema["enum"] if one is not None]
    if schema.get("default", "") is None:
        del schema["default"]


def _demand(body: Schema, schemas: Schema) -> None:
    """A body that is one of several things cannot be left out: none of them is nothing. What has required fields is told."""
    for content in body.get("content", {}).values():
        name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
        if "oneOf" in schemas.get(name, {}):
            body["required"] = True


def _forget_defaults(body: Schema, schemas: Schema, *, told: bool) -> None:
    """Take ``default`` out of a body and of all that it is made of: a generated client sends the defaults that it finds,
    or demands such a field of its caller. ``told``: the description says it instead."""
    waiting = [content["schema"] for content in body.get("content", {}).values() if "schema" in content]
    seen: set[str] = set()
    while waiting:
        for part in _parts(waiting.pop()):
            default = part.pop("default", None)
            if told and default not in (None, "", [], {}) and not isinstance(default, dict):
                text = f"{part.get('description', '').rstrip('.')}. Without it: `{json.dumps(default)}`"
                part["description"] = text.removeprefix(". ")
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in schemas and name not in seen:
                seen.add(name)
                waiting.append(schemas[name])
