"""Contacts, identities and sessions: who is speaking, from which device.

Must not know what was said.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings

from channels_app.contract import Sender
from channels_app.models import Channel
from conversations.models import Contact, Identity, Session
from tenants.db import now, on_commit
from tenants.memo import Memo


@dataclass(frozen=True)
class Known:
    """An identity that surely exists, by ids."""

    identity_id: uuid.UUID
    contact_id: uuid.UUID


_known: Memo[Known] = Memo("identities", ttl=300)
_touched: dict[uuid.UUID, float] = {}
TOUCH_EVERY_S = 60.0


def identity_resolve(channel: Channel, sender: Sender, *, verified: bool = True) -> Known:
    """The identity of ``sender`` on ``channel``; contact and identity are made at the first word.

    An identity that the platform calls an alias of a known one joins the same contact. Call inside
    the transaction that needs it; two first words at once end in an IntegrityError for one of them,
    whose second try finds the winner.
    """
    key = (channel.id, sender.scheme, sender.scope, sender.value)
    return _known.get(key, lambda: _find(channel, sender)) or _create(channel, sender, verified)


def identities_forget() -> None:
    """Call after identities were merged or erased, and when a remembered one proved wrong."""
    _known.forget()


def _find(channel: Channel, sender: Sender) -> Known | None:
    row = (
        Identity.objects.filter(channel=channel, scheme=sender.scheme, scope=sender.scope, value=sender.value)
        .values_list("id", "contact_id")
        .first()
    )
    return Known(*row) if row else None


def _create(channel: Channel, sender: Sender, verified: bool) -> Known:
    contact_id = _contact_of_alias(channel, sender)
    if contact_id is None:
        contact_id = Contact.objects.create(
            tenant_id=channel.tenant_id,
            name=sender.name[:200],
            phone=sender.value if sender.scheme == "phone" else "",
            profile=dict(sender.profile),
        ).id
    identity = Identity.objects.create(
        tenant_id=channel.tenant_id,
        contact_id=contact_id,
        channel=channel,
        scheme=sender.scheme,
        scope=sender.scope,
        value=sender.value,
        address=sender.address,
        verified=verified,
    )
    return Known(identity.id, contact_id)


def _contact_of_alias(channel: Channel, sender: Sender) -> uuid.UUID | None:
    """Only aliases that the platform itself vouched for link two ids to one person."""
    for scheme, scope, value in sender.aliases:
        found = (
            Identity.objects.filter(channel=channel, scheme=scheme, scope=scope, value=value, verified=True)
            .values_list("contact_id", flat=True)
            .first()
        )
        if found:
            return found
    return None


def contact_touch(channel: Channel, known: Known, sender: Sender, *, session_key: str, device: dict[str, Any]) -> bool:
    """Keep contact and session alive; at most once a minute per session, as nobody needs it finer.

    Returns True when a session began.
    """
    at = time.monotonic()
    session_id = uuid.uuid5(known.identity_id, session_key)
    if at - _touched.get(session_id, -TOUCH_EVERY_S) < TOUCH_EVERY_S:
        return False
    if len(_touched) > 50_000:
        _touched.clear()
    on_commit(lambda: _touched.__setitem__(session_id, at))
    changes: dict[str, Any] = {"last_active_at": now()}
    if sender.name:
        changes["name"] = sender.name[:200]
    Contact.objects.filter(id=known.contact_id).update(**changes)
    if sender.address:
        Identity.objects.filter(id=known.identity_id).update(address=sender.address)
    return session_touch(channel, known, session_key=session_key, device=device)


def session_touch(channel: Channel, known: Known, *, session_key: str, device: dict[str, Any]) -> bool:
    """Slide the session's expiry; a session that had ended begins anew. True when it began."""
    at = now()
    expires_at = at + timedelta(seconds=settings.ENV["SESSION_TTL"])
    where = {"channel": channel, "contact_id": known.contact_id, "key": session_key[:64]}
    if Session.objects.filter(**where, ended_at=None, expires_at__gt=at).update(last_seen_at=at, expires_at=expires_at):
        return False
    began = {"created_at": at, "last_seen_at": at, "expires_at": expires_at, "ended_at": None, "device": device}
    if not Session.objects.filter(**where).update(**began):
        Session.objects.create(tenant_id=channel.tenant_id, **where, **began)
    return True


def forget_touches() -> None:
    """Empty the memory of recent touches (tests)."""
    _touched.clear()
