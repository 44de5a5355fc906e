"""``ETag`` and ``If-Match`` (API-6): a change is made only to what its caller has read.

Owns what a version is: a digest of what GET shows of a thing, and the hold that keeps two such changes of one thing apart,
also where they write other rows of it. Must not know what a view shows. A change without ``If-Match`` asks nothing and waits for
none: if it is made between the look and the change of one that names a version, the transaction of that one notices it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest

from tenants.access.auth import Principal
from tenants.api import idempotency
from tenants.api.encode import encoded
from tenants.errors import Conflict, Invalid, Outdated

CHANGES = ("PUT", "PATCH", "DELETE")
#: ``W/`` is what proxies that compress put in front: the digest is of the content, not of its bytes
FORM = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
LISTED = re.compile(rf"{FORM.pattern}(?:\s*,\s*{FORM.pattern})*")


def offered_by(view: Any) -> bool:
    """Whether what stands at the address is read there, and changed."""
    return hasattr(view, "get") and any(hasattr(view, method.lower()) for method in CHANGES)


def version_of(shown: Any) -> str:
    """As ``ETag`` tells it."""
    return f'"{hashlib.sha256(encoded(shown)).hexdigest()[:32]}"'


def is_known(request: HttpRequest, version: str) -> bool:
    """Whether the caller has this version already (``If-None-Match``)."""
    given = request.headers.get("If-None-Match", "").strip()
    return given == "*" or version.strip('"') in FORM.findall(given)


def demand(request: HttpRequest, version: str) -> None:
    """Raises Outdated ``precondition_failed`` for another version than ``If-Match`` names, Invalid ``if_match_invalid``."""
    given = request.headers["If-Match"].strip()
    if given == "*":
        return
    if not LISTED.fullmatch(given):
        raise Invalid('If-Match takes `"…"` as an ETag has it, several with commas, or `*`.', code="if_match_invalid")
    if version.strip('"') not in FORM.findall(given):
        raise Outdated(details={"etag": version})


@contextmanager
def held(request: HttpRequest, principal: Principal) -> Iterator[None]:
    """No other change that names a version is made at this address meanwhile. Raises Conflict ``change_in_progress``. Call
    inside the tenant's scope, outside a transaction."""
    try:
        hold = idempotency.claim(principal.tenant_id, "if-match", request.path)
    except Conflict as error:
        message = "Another change of this is being made: read it again."
        raise Conflict(message, code="change_in_progress", retry_after=error.retry_after) from None
    try:
        yield
    finally:
        hold.release()
