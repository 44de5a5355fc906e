"""Which conversation a message belongs to: the one that is open, or a new one."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest

from channels_app.content.types import Content
from channels_app.contract import InboundMessage
from channels_app.models import Channel
from conversations.contacts.people import Known
from conversations.models import Conversation, Session
from conversations.timeline import conversation_advance
from messaging.arrivals.entrance import Entrance
from messaging.context.flows import context_of, flow_for
from messaging.rules.rank import rank_changed, rank_of
from tenants.errors import Invalid, NotFound
from tenants.storage import prepared
from tenants.storage.db import now

PRIORITIES = ("low", "normal", "high", "urgent")


def conversation_for(
    channel: Channel,
    known: Known,
    inbound: InboundMessage,
    content: Content,
    entrance: Entrance,
    session: Session | None,
) -> tuple[Conversation, bool]:
    """The one open conversation of this identity (and platform thread), or a new one."""
    where: dict[str, Any] = {"identity_id": known.identity_id, "thread": inbound.thread, "is_open": True}
    if entrance.conversation_id:
        where = {"id": entrance.conversation_id, "identity_id": known.identity_id, "is_open": True}
    at = now()
    changes: dict[str, Any] = {
        "last_message_at": at,
        "last_message_preview": content.summary,
        "waiting_since": Coalesce(F("waiting_since"), Value(at)),
    }
    opened_until = _window_end(inbound, at)
    if opened_until:  # a message that comes late and out of order does not shorten it
        ends = Coalesce(F("reply_window_expires_at"), Value(opened_until))
        changes["reply_window_expires_at"] = Greatest(ends, Value(opened_until))
    if inbound.platform_id:
        changes["last_inbound_id"] = inbound.platform_id
    if inbound.reference:
        changes["reference"] = dict(inbound.reference)
    if entrance.hints.get("priority") in PRIORITIES:
        changes["priority"] = entrance.hints["priority"]
    rank = rank_of(entrance.hints)
    changes |= {"rank": rank_changed(entrance.hints, rank)} if rank else {}
    events = 1 + (session is not None)
    conversation = conversation_advance(where, messages=1, events=events, **changes)
    if conversation:
        return conversation, False
    if entrance.conversation_id and not _may_start_anew(entrance.conversation_id, known):
        raise NotFound("There is no such conversation of this user.", code="conversation_not_found")
    elsewhere = _open_elsewhere(channel, known, inbound)
    conversation = conversation_advance(elsewhere, messages=1, events=events, **changes) if elsewhere else None
    if conversation:
        return conversation, False
    if inbound.follow_up:
        raise Invalid("This was not said to us.", code="not_addressed")
    started = {"last_seq": 1, "message_count": 1, "event_seq": events + 1, "waiting_since": at,
               "reply_window_expires_at": opened_until}  # fmt: skip
    started |= {"rank": rank} if rank else {}
    flow = flow_for(channel, content, inbound.metadata)
    started |= {"context": context_of(flow)} if flow else {}
    conversation = Conversation(
        tenant_id=channel.tenant_id, channel=channel, contact_id=known.contact_id, identity_id=known.identity_id,
        thread=inbound.thread, **{**changes, **started},
    )  # fmt: skip
    prepared.insert([conversation])
    return conversation, True


def _window_end(inbound: InboundMessage, at: datetime) -> datetime | None:
    """The platform counts from when the person wrote, not from when we got to know of it."""
    if not inbound.opens_window_s:
        return None
    return min(inbound.sent_at or at, at) + timedelta(seconds=inbound.opens_window_s)


def _open_elsewhere(channel: Channel, known: Known, inbound: InboundMessage) -> dict[str, Any] | None:
    """The conversation that is open with another id of this very person, proved by the platform. A web
    visitor's ids are sessions, not proofs: what comes without a platform's id does not reach across."""
    if not inbound.platform_id:
        return None
    found = Conversation.objects.filter(
        channel=channel, contact_id=known.contact_id, thread=inbound.thread, is_open=True, identity__verified=True
    ).exclude(identity_id=known.identity_id)
    conversation_id = found.order_by("-created_at").values_list("id", flat=True).first()
    return {"id": conversation_id, "is_open": True} if conversation_id else None


def _may_start_anew(conversation_id: uuid.UUID, known: Known) -> bool:
    """A person who writes into their own ended conversation starts the next one."""
    return Conversation.objects.filter(id=conversation_id, identity_id=known.identity_id).exists()
