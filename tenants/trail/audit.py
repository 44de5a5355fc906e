"""The trail of acts on configuration, personal data and privacy (TEN-6).

Entries are append-only: an AuditEntry refuses a second save and delete(); only retention and the
removal of a whole tenant take entries away, by query. Must hold names of what changed, never values
that are secret or said by people, and never by what a person is known elsewhere.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.crypto import salted_hmac

from tenants.models import AuditEntry
from tenants.scope import current_tenant_id


def audit(
    actor: Any, action: str, target: Any = "", changes: Mapping[str, Any] | None = None, ip: str | None = None
) -> AuditEntry:
    """Record an act, in the transaction of the caller, for the tenant in scope.

    ``actor``: a Principal, a User, or a word such as "system". ``action``: "channel.updated".
    ``target``: a model instance or "<model>:<id>"; what was done with a part of a conversation is told of the
    conversation, and ``changes`` name the part. ``changes``: JSON-safe, no secrets, no text of messages.
    """
    if within := getattr(target, "conversation_id", None):
        changes = {target._meta.model_name: str(target.pk), **(changes or {})}
        target = f"conversation:{within}"
    return AuditEntry.objects.create(
        tenant_id=current_tenant_id(),
        actor=actor_name(actor)[:200],
        action=action[:80],
        target=target_name(target)[:200],
        changes=dict(changes or {}),
        ip=ip or None,
    )


def actor_name(actor: Any) -> str:
    """``user:anna`` for staff, ``key:ab12cd34`` for an API key, ``token:…`` and ``visitor:…`` for tokens.

    Words stay as they are. A token's subject was chosen by its issuer: it always gets its kind in front, and is told as
    `holder_name` does.
    """
    if isinstance(actor, str):
        return actor
    if hasattr(actor, "subject"):
        if actor.kind in ("key", "staff"):
            return str(actor.subject)
        return holder_name(actor.tenant_id, actor.kind, actor.subject, actor.key_prefix)
    return f"user:{actor.get_username()}"


@lru_cache(maxsize=1024)
def holder_name(tenant_id: uuid.UUID, kind: str, subject: str, key_prefix: str = "") -> str:
    """What a token's holder is called wherever it is kept: ``<kind>:`` and a keyed hash of the subject, which may be a
    person's address. A token that names no subject has its key's."""
    if key_prefix and subject == f"key:{key_prefix}":
        return f"{kind}:{subject}"
    named = f"{tenant_id.hex}\0{subject}"
    return f"{kind}:{salted_hmac('tenants.audit', named, algorithm='sha256').hexdigest()[:24]}"


def target_name(target: Any) -> str:
    return target if isinstance(target, str) else f"{target._meta.model_name}:{target.pk}"
