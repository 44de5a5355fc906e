"""Reading a request's input into pydantic models.

Owns the validation errors that callers see. Must not import DRF's views: the error handler, which
those load, needs this module.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from tenants.errors import Invalid

M = TypeVar("M", bound=BaseModel)

#: an escaped NUL (its backslash not escaped itself): PostgreSQL cannot store it, and nobody means it
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
LONGEST_FIELD = 100  # characters of a field's name that an error repeats


class Changes(BaseModel):
    """The body of a PATCH: what is left out stays as it is. A member's default is never used, and never published
    (chatsvc/web/schema.py): generated clients send the defaults they are told of."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        return self.model_dump(exclude_unset=True)


def parse_body(request: Request | HttpRequest, model: type[M]) -> M:
    """The validated JSON body; an empty body counts as ``{}``.

    Raises UnsupportedMediaType, ParseError (``malformed_json``) and Invalid with one detail per wrong field.
    """
    content_type = str(request.META.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    body: bytes = getattr(request, "_request", request).body
    if body and content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedMediaType(content_type or "unknown", "Send JSON, with `Content-Type: application/json`.")
    if NUL.search(body):
        raise Invalid("NUL characters are not allowed.")
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise ParseError from None
        raise Invalid(details=problems(error)) from None


def parse_query(request: Request, model: type[M]) -> M:
    """The validated query parameters; a parameter that is given twice counts once, the last one.

    A field that is a list takes comma-separated values if its model says so. Raises Invalid.
    """
    try:
        return model.model_validate(request.query_params.dict())
    except ValidationError as error:
        raise Invalid("A query parameter is not valid.", details=problems(error)) from None


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
