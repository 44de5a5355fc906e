"""The trail of acts on configuration, personal data and privacy (TEN-6).

Entries are append-only: an AuditEntry refuses a second save and delete(); only retention and the
removal of a whole tenant take entries away, by query. Must hold names of what changed, never values
that are secret or said by people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenants.models import AuditEntry
from tenants.scope import current_tenant_id


def audit(
    actor: Any, action: str, target: Any = "", changes: Mapping[str, Any] | None = None, ip: str | None = None
) -> AuditEntry:
    """Record an act, in the transaction of the caller, for the tenant in scope.

    ``actor``: a Principal, a User, or a word such as "system". ``action``: "channel.updated".
    ``target``: a model instance or "<model>:<id>". ``changes``: JSON-safe, no secrets, no text of messages.
    """
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

    Words stay as they are. A token's subject was chosen by its issuer: it always gets its kind in front.
    """
    if isinstance(actor, str):
        return actor
    if hasattr(actor, "subject"):
        return str(actor.subject) if actor.kind in ("key", "staff") else f"{actor.kind}:{actor.subject}"
    return f"user:{actor.get_username()}"


def target_name(target: Any) -> str:
    return target if isinstance(target, str) else f"{target._meta.model_name}:{target.pk}"
