"""A tenant's list of tools: what may be put on it, and changed.

Owns the rules for the row. Must not call a tool.
"""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from assistant.tools.arguments import BadSchema, schema_check
from assistant.tools.models import MOST, NAME, Tool
from channels_app.http.addresses import BadAddress, address_check
from channels_app.http.standard_webhooks import key_of
from channels_app.http.waiting import asking
from channels_app.services import outbound_hosts
from tenants.errors import Conflict, Invalid, NotFound, Unprocessable
from tenants.scope import current_tenant_id
from tenants.storage.crypto import mask
from tenants.storage.db import atomic, key_taken


def tool_for_id(tool_id: uuid.UUID) -> Tool:
    """Raises NotFound ``tool_not_found``."""
    row: Tool | None = Tool.objects.filter(id=tool_id).first()
    if row is None:
        raise NotFound("There is no such tool.", code="tool_not_found")
    return row


def tool_drafted(**members: Any) -> Tool:
    """A tool that may be put on the list, not stored yet; without a ``secret`` one by HTTP gets its own. Raises Invalid,
    Unprocessable ``too_many_tools``."""
    if Tool.objects.count() >= MOST:
        raise Unprocessable(f"There may be {MOST} tools.", code="too_many_tools")
    row = Tool(tenant_id=current_tenant_id(), **members)
    if row.kind == Tool.Kind.HTTP and not row.secret:
        row.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    tool_check(row)
    return row


def tool_create(**members: Any) -> Tool:
    """As `tool_drafted`, and stored. Raises Conflict ``tool_exists`` besides."""
    row = tool_drafted(**members)
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise Conflict("There is a tool of this name.", code="tool_exists") from error
    return row


def tool_altered(row: Tool, **changes: Any) -> list[str]:
    """Set what is given, and store nothing; which columns that are. A secret as it is shown, masked, stays as it is. The name
    stays: it stands in what was said. Raises Invalid. A new address needs its secret anew, so that no colleague sends a secret
    they do not know to an address of their own."""
    if changes.get("secret") == mask(row.secret):
        del changes["secret"]
    moved = changes.get("url", row.url) != row.url
    if moved and row.secret and not changes.get("secret"):
        raise _invalid("secret", "A new address needs the secret, or token, for it.", "secret_missing")
    for name, value in changes.items():
        setattr(row, name, value)
    tool_check(row)
    return list(changes)


def tool_change(row: Tool, **changes: Any) -> Tool:
    """As `tool_altered`, and stored."""
    changed = tool_altered(row, **changes)
    row.save(update_fields=[*changed, "updated_at"])
    return row


def tool_check(row: Tool) -> None:
    """Raises Invalid with the field and why, TooMany ``busy``: names are looked up."""
    if not re.fullmatch(NAME, row.name) or is_ours(row.name):
        raise _invalid("name", "Small letters, digits and _, and none of our own names.", "invalid_name")
    try:
        schema_check(row.schema)
    except BadSchema as error:
        raise _invalid("schema", str(error), "invalid_schema") from error
    if row.kind == Tool.Kind.HTTP:
        try:
            key_of(row.secret)
        except ValueError as error:
            raise _invalid("secret", str(error), "invalid_secret") from error
    url_check(row.url)


def is_ours(name: str) -> bool:
    """Whether it is the name of a tool of ours, which no tenant's may take."""
    return name == "hand_over" or name.startswith("product_")


def url_check(url: str) -> None:
    """Say early what the guard of every call would refuse. Raises Invalid."""
    try:
        with asking():
            address_check(url, allowed=outbound_hosts(), https=not settings.DEBUG)
    except BadAddress as error:
        raise _invalid("url", str(error), error.code) from error


def _invalid(field: str, message: str, code: str) -> Invalid:
    return Invalid(details=[{"field": field, "message": message, "code": code}])
