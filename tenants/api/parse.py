"""Reading a request's input into pydantic models.

Owns the validation errors that callers see. Must not import DRF's views: the error handler, which
those load, needs this module.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from tenants.errors import Invalid
from tenants.storage.json_values import DEEPEST, TOO_DEEP, unstorable
from tenants.strict import strict_of, written_of

M = TypeVar("M", bound=BaseModel)

#: bytes without which no value of a body can be one that a database refuses (tenants/storage/json_values.py)
SUSPECT = re.compile(rb"\\u0000|\x00|\\u[dD][89a-fA-F]|NaN|Infinity|\d[eE]\+?\d|\d{19}")
LONGEST_FIELD = 100  # characters of a field's name that an error repeats


class Changes(BaseModel):
    """The body of a PATCH: what is left out stays as it is; null empties a text or a list that may be empty, and is
    refused for the rest, but where a member says what it means. A default is what null stands for, where it is empty and
    fits its member; it is never published (chatsvc/web/openapi/schema.py): generated clients send the defaults they are
    told of."""

    model_config = ConfigDict(extra="forbid")
    NOT_EMPTIED: ClassVar[frozenset[str]] = frozenset()  # members that this model lets be empty and its action does not

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        return self.model_dump(exclude_unset=True)

    @classmethod
    @cache
    def emptied(cls) -> dict[str, Any]:
        """Member, as it is sent → what null makes of it."""
        return {
            field.alias or name: field.default
            for name, field in cls.model_fields.items()
            if name not in cls.NOT_EMPTIED and _may_be_empty(field)
        }

    @model_validator(mode="before")
    @classmethod
    def _null_empties(cls, sent: Any) -> Any:
        if not isinstance(sent, dict):
            return sent
        empty = cls.emptied()
        return {name: empty.get(name) if value is None else value for name, value in sent.items()}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        told = handler(schema)
        members = handler.resolve_ref_schema(told)["properties"]
        for name in cls.emptied():
            words = {key: members[name].pop(key) for key in ("title", "description") if key in members[name]}
            members[name] = {"anyOf": [members[name], {"type": "null"}], **words}
        return told


def _may_be_empty(field: FieldInfo) -> bool:
    """Whether its default is an empty text or list, and one that may be sent."""
    if field.default not in ("", []):
        return False
    bounded: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    try:
        TypeAdapter(bounded).validate_python(field.default)
    except ValidationError:
        return False
    return True


def parse_body(request: Request | HttpRequest, model: type[M]) -> M:
    """The validated JSON body; an empty body counts as ``{}``.

    Raises UnsupportedMediaType, ParseError (``malformed_json``) and Invalid with one detail per wrong field, or
    with the code ``range_invalid``.
    """
    content_type = str(request.META.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    body: bytes = getattr(request, "_request", request).body
    if body and content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedMediaType(content_type or "unknown", "Send JSON, with `Content-Type: application/json`.")
    _demand_storable(body)
    try:
        return _forwards(strict_of(model).validate_json(body or b"{}"))
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise ParseError from None
        raise Invalid(details=problems(error, json.loads(body or b"{}"))) from None


def parse_query(request: Request, model: type[M]) -> M:
    """The validated query parameters; a parameter that is given twice counts once, the last one.

    A field that is a list takes comma-separated values if its model says so. Raises Invalid, also with the
    code ``range_invalid``.
    """
    try:
        return _forwards(written_of(model).validate_python(request.query_params.dict()))
    except ValidationError as error:
        raise Invalid("A query parameter is not valid.", details=problems(error)) from None


def range_check(since: Any, until: Any, *fields: str) -> None:
    """Raises Invalid ``range_invalid`` for a range that ends before it begins; either end may be open (None)."""
    if since is not None and until is not None and until < since:
        message = "The range ends before it begins."
        details = [{"field": field, "message": message, "code": "range_invalid"} for field in fields]
        raise Invalid(message, code="range_invalid", details=details)


def _forwards(read: M) -> M:
    """``read``, once its ranges are checked: a model names them as ``RANGES = (("since", "until"), …)``."""
    for first, last in getattr(read, "RANGES", ()):
        range_check(getattr(read, first), getattr(read, last), first, last)
    return read


def _demand_storable(body: bytes) -> None:
    """Raises Invalid that names the first value which some database refuses; what is no JSON is the parser's matter."""
    if not SUSPECT.search(body) and body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    try:
        refusal = unstorable(json.loads(body))
    except ValueError:
        return
    except RecursionError:
        refusal = TOO_DEEP
    if refusal:
        field = refusal.path.encode("utf-8", "replace").decode()[:LONGEST_FIELD]
        raise Invalid(details=[{"field": field, "message": refusal.why, "code": refusal.code}])


def problems(error: ValidationError, given: Any = ...) -> list[dict[str, str]]:
    """``{field, message, code}`` for each thing wrong. Never what was sent: it may be a secret or a text. ``given``: what
    was sent, whose fields are named then without the labels that a choice of several shapes has, and of whose shapes the one
    that it has is told."""
    found = error.errors(include_url=False, include_input=False)
    told = [(list(one["loc"]) if given is ... else _place(one, given), one) for one in found]
    return [
        {"field": ".".join(map(str, place))[:LONGEST_FIELD], "message": _message(one), "code": one["type"]}
        for place, one in told
        if not (len(one["loc"]) > len(place) and one["type"].endswith("_type") and _is_of_another(place, told))
    ]


def _is_of_another(place: list[Any], told: list[tuple[list[Any], Any]]) -> bool:
    """Whether what stands at ``place`` has one of the shapes that it may have: more than its type is wrong there."""
    return any(
        other[: len(place)] == place and (len(other) > len(place) or not one["type"].endswith("_type"))
        for other, one in told
    )


def _place(problem: Any, given: Any) -> list[Any]:
    path = []
    for part in problem["loc"]:
        if (isinstance(given, dict) and part in given) or (isinstance(given, list) and part in range(len(given))):
            path.append(part)
            given = given[part]
        elif part == "[key]" or (problem["type"] == "missing" and part == problem["loc"][-1]):
            path.append(part)
    return path


def _message(problem: Any) -> str:
    if problem["type"] == "union_tag_invalid":  # pydantic's own message repeats the input
        return f"Expected one of {problem['ctx']['expected_tags']}"
    return str(problem["msg"])
