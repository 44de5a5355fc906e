"""Reading a request's input into pydantic models.

Owns the validation errors that callers see. Must not import DRF's views: the error handler, which
those load, needs this module.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from tenants.errors import Invalid
from tenants.storage.json_values import DEEPEST, TOO_DEEP, unstorable

M = TypeVar("M", bound=BaseModel)

#: bytes without which no value of a body can be one that a database refuses (tenants/storage/json_values.py)
SUSPECT = re.compile(rb"\\u0000|\x00|\\u[dD][89a-fA-F]|NaN|Infinity|\d[eE]\+?\d|\d{19}")
LONGEST_FIELD = 100  # characters of a field's name that an error repeats


class Changes(BaseModel):
    """The body of a PATCH: what is left out stays as it is. A member's default is never used, and never published
    (chatsvc/web/openapi/schema.py): generated clients send the defaults they are told of."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        return self.model_dump(exclude_unset=True)


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
        return _forwards(model.model_validate_json(body or b"{}"))
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise ParseError from None
        raise Invalid(details=problems(error)) from None


def parse_query(request: Request, model: type[M]) -> M:
    """The validated query parameters; a parameter that is given twice counts once, the last one.

    A field that is a list takes comma-separated values if its model says so. Raises Invalid, also with the
    code ``range_invalid``.
    """
    try:
        return _forwards(model.model_validate(request.query_params.dict()))
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


def problems(error: ValidationError) -> list[dict[str, str]]:
    """``{field, message, code}`` for each thing wrong. Never what was sent: it may be a secret or a text."""
    return [
        {
            "field": ".".join(str(part) for part in problem["loc"])[:LONGEST_FIELD],
            "message": _message(problem),
            "code": problem["type"],
        }
        for problem in error.errors(include_url=False, include_input=False)
    ]


def _message(problem: Any) -> str:
    if problem["type"] == "union_tag_invalid":  # pydantic's own message repeats the input
        return f"Expected one of {problem['ctx']['expected_tags']}"
    return str(problem["msg"])
