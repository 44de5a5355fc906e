"""What a tenant teaches its assistant, changed one intent at a time: the acts behind REST.

Owns which changes are refused. Must not learn: what is taught is learnt with the next look at the rows (lessons.py). Works on
the tenant in scope and on no other.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from assistant.intents.lessons import invalidate
from assistant.models import Intent
from tenants.errors import Conflict, Invalid, NotFound, Unprocessable
from tenants.storage.db import atomic, key_taken, row_change

MOST = 500  # intents of a tenant


def intent_get(intent_id: uuid.UUID) -> Intent:
    """Raises NotFound ``intent_not_found``."""
    row: Intent | None = Intent.objects.filter(id=intent_id).first()
    if row is None:
        raise NotFound("There is no such intent.", code="intent_not_found")
    return row


def intent_save(row: Intent, given: Mapping[str, Any] | None = None) -> Intent:
    """A new one, or one of which what is ``given`` changes. Raises Invalid ``intent_invalid``, Conflict ``intent_name_taken``,
    Unprocessable ``too_many_intents``, NotFound."""
    adding = row._state.adding
    if adding and Intent.objects.count() >= MOST:
        raise Unprocessable(f"A tenant has at most {MOST} intents.", code="too_many_intents")
    _check(row, given or {})
    try:
        with atomic():
            if adding:
                row.save()
            else:
                row_change(row, given or {})
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise Conflict("There is an intent of this name.", code="intent_name_taken") from error
    invalidate(row.tenant_id)
    return row


def intent_delete(row: Intent) -> None:
    """What was taught with it is forgotten; a common intent of the name is itself again."""
    tenant_id = row.tenant_id
    row.delete()
    invalidate(tenant_id)


def _check(row: Intent, given: Mapping[str, Any]) -> None:
    names = [field.name for field in Intent._meta.fields]
    changed = Intent(**{name: given.get(name, getattr(row, name)) for name in names if name != "tenant"})
    changed.tenant_id = row.tenant_id
    try:
        changed.clean_fields(exclude={"tenant"})
    except ValidationError as error:
        raise Invalid(
            "The intent is not of the documented form.", code="intent_invalid", details=error.message_dict
        ) from None
