"""What a tool may be called with: the check of its schema, and of arguments against it.

Owns which JSON Schema is taken. Must not call anything.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

MOST_SCHEMA = 16_384  # bytes
MOST_ARGUMENTS = 8_192  # bytes
DEEPEST = 12
#: processor time that one check may take: rules that name each other double the work with each line
MOST_S = 0.5
#: keywords that read a text for long, or fetch another document
REFUSED = frozenset({"pattern", "patternProperties", "$dynamicRef", "$recursiveRef", "propertyNames"})
UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
#: member of a property: its value is the person's own, proved one, given by us and never by the model
PERSON = "x-person"
PERSONAL = ("contact_id", "identity")


class BadSchema(ValueError):
    """A schema that no tool may have; its text says why."""


class BadArguments(ValueError):
    """Arguments that do not fit. ``code`` is stable; ``told`` may be said to the model, and repeats no value."""

    def __init__(self, code: str, told: str = ""):
        super().__init__(code)
        self.code, self.told = code, told or code


def schema_check(schema: Any) -> None:
    """Raise BadSchema unless ``schema`` describes an object by JSON Schema 2020-12, of at most MOST_SCHEMA bytes, with
    nothing of REFUSED and no reference to elsewhere."""
    from jsonschema import Draft202012Validator  # here and below: 3 MB, of a process that has no tools
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise BadSchema("The schema must be a JSON object whose type is object.")
    for name, value, depth in _members(schema):
        if depth > 2 * DEEPEST:
            raise BadSchema("The schema is nested too deeply.")
        if name in REFUSED:
            raise BadSchema(f"The schema may not use {name}.")
        if name == "$schema" and depth:  # another draft's rules would be followed from there on, without end
            raise BadSchema("$schema may stand in the outermost object alone.")
        if name == "$ref" and not (isinstance(value, str) and value.startswith("#/")):
            raise BadSchema("A $ref must lead to a place within the schema, like #/$defs/size.")
        if name == PERSON and value not in PERSONAL:
            raise BadSchema(f"{PERSON} must be one of {', '.join(PERSONAL)}.")
    if len(json.dumps(schema)) > MOST_SCHEMA:  # what is nested deeper cannot be written down
        raise BadSchema(f"The schema may have {MOST_SCHEMA} bytes.")
    if sum(1 for name, _, _ in _members(schema) if name == PERSON) != len(personal_in(schema)):
        raise BadSchema(f"{PERSON} may stand in a property of the outermost object alone.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise BadSchema(f"This is no JSON Schema: {error.message[:200]}") from error
    except RecursionError as error:
        raise BadSchema("The schema is nested too deeply.") from error


def schema_told(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as the model gets it: without what we fill in ourselves."""
    ours = set(personal_in(schema))
    properties = {name: part for name, part in schema.get("properties", {}).items() if name not in ours}
    required = [name for name in schema.get("required", []) if name not in ours]
    return {**schema, "properties": properties, "required": required}


def personal_in(schema: Mapping[str, Any]) -> dict[str, str]:
    """Property → which fact of the person stands in it."""
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        return {}
    return {name: part[PERSON] for name, part in properties.items() if isinstance(part, Mapping) and PERSON in part}


def arguments_filled(
    schema: Mapping[str, Any], given: Mapping[str, Any] | None, person: Mapping[str, str]
) -> dict[str, Any]:
    """``given`` with what is the person's own put in place of whatever stood there. Raises BadArguments: ``no_object``,
    ``too_long``, ``person_unproved`` and ``not_by_schema``."""
    if given is None:
        raise BadArguments("no_object", "The arguments are no JSON object.")
    filled = dict(given)
    for name, fact in personal_in(schema).items():
        if not person.get(fact):
            raise BadArguments("person_unproved", "It is not proved who the person is: they must sign in first.")
        filled[name] = person[fact]
    try:
        too_long = len(json.dumps(filled)) > MOST_ARGUMENTS or any(depth > DEEPEST for _, _, depth in _members(filled))
    except (RecursionError, ValueError, TypeError):
        too_long = True
    if too_long:
        raise BadArguments("too_long", "The arguments are too long.")
    try:
        error = next(iter(_validator(_closed(schema)).iter_errors(filled)), None)
    except Exception as broken:
        raise BadArguments("not_by_schema", "The tool's schema cannot be followed.") from broken
    if error is not None:
        raise BadArguments("not_by_schema", f"{_place(error)} breaks the rule {error.validator} of the schema.")
    return filled


def _place(error: Any) -> str:
    """By the schema's names alone: a member that the model named may be called anything, an order to it included."""
    path = list(error.absolute_schema_path)
    return ".".join(str(name) for above, name in pairwise(path) if above == "properties") or "the arguments"


def _closed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema, which takes no member that it does not name unless it says so: a model that is talked over adds another
    person's id, or "confirmed", and a server may know the word."""
    said = {"additionalProperties", "unevaluatedProperties"} & schema.keys()
    return schema if said or "properties" not in schema else {**schema, "unevaluatedProperties": False}


def _validator(schema: Mapping[str, Any]) -> Any:
    """A validator that raises TimeoutError once the check has taken MOST_S."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    ends = time.thread_time() + MOST_S
    rules = {
        name: partial(_in_time, ends, partial(_last, rule) if name in UNEVALUATED else rule)
        for name, rule in Draft202012Validator.VALIDATORS.items()
    }
    return extend(Draft202012Validator, rules)(schema)


def _last(
    rule: Callable[..., Any], validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[Any]:
    """``rule`` is about what no other rule has looked at: jsonschema walks through all others for it, past our clock. Here they
    are followed before, each in time; what breaks one of them is told by that one."""
    others = {name: part for name, part in schema.items() if name not in UNEVALUATED}
    if next(validator.evolve(schema=others).iter_errors(instance), None) is None:
        yield from rule(validator, wanted, instance, schema) or ()


def _in_time(ends: float, rule: Callable[..., Any], *told: Any) -> Any:
    if time.thread_time() > ends:
        raise TimeoutError
    return rule(*told)


def _members(value: Any, depth: int = 0) -> Iterator[tuple[str, Any, int]]:
    """All members of a JSON value, with their depth."""
    if depth > 3 * DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield str(name), member, depth
            yield from _members(member, depth + 1)
    elif isinstance(value, list | tuple):
        for member in value:
            yield "", member, depth
            yield from _members(member, depth + 1)
