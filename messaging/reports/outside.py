"""Who is in control, as platforms tell it: staff answered with the platform's own app, gave the conversation back, or a
human is asked for there.

Owns which of such signals count. What changes then is told by messaging/rules/control.py.
"""

from __future__ import annotations

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from channels_app.contract import Signal
from channels_app.models import Channel
from conversations.contacts.people import conversation_with
from conversations.models import Conversation
from conversations.timeline import conversation_advance
from messaging.hours.told import closed_tell
from messaging.rules.control import TO_HUMAN, TO_QUEUE, Holder, bot_off, hand_over, hands_change, human_has, to_bot
from tenants.storage.db import atomic, now, retried

OUTDATED = "told late"  # why nothing came of a signal: what has happened since was told before


@retried
def human_took_over_outside(channel: Channel, signal: Signal) -> str:
    """Staff answered with the platform's own app: the bot steps back, and what was said until then is theirs. Returns why
    nothing came of it, or ""."""
    with atomic():
        seen = _talking(channel, signal)
        if seen is None:
            return "no conversation"
        if not _is_news(seen, signal):
            return OUTDATED
        if seen.held_by in (Holder.BOT, Holder.QUEUE):
            hands_change(
                seen.id,
                "assigned",
                human_has(trigger="outside"),
                **TO_HUMAN,
                held_by=Holder.OUTSIDE,
                answered_seq=F("last_seq"),
            )
        elif seen.held_by == Holder.OUTSIDE:
            conversation_advance({"id": seen.id}, answered_seq=F("last_seq"))
    return ""


@retried
def human_wanted_outside(channel: Channel, signal: Signal) -> str:
    """The platform tells that the person asks for a human: the bot keeps still, and the person waits until one has come.
    Returns why nothing came of it, or ""."""
    with atomic():
        seen = _talking(channel, signal)
        if seen is None:
            return "no conversation"
        if seen.held_by in (Holder.STAFF, Holder.OUTSIDE):
            return "repeated"
        hand_over(seen, str(signal.data.get("reason", ""))[:40])
        conversation_advance({"id": seen.id}, waiting_since=Coalesce(F("waiting_since"), Value(now())))
    return ""


@retried
def handed_back_outside(channel: Channel, signal: Signal) -> str:
    """The platform's own app gives the conversation back to us: the bot answers again, unless staff of ours are in
    control. Returns why nothing came of it, or ""."""
    with atomic():
        seen = _talking(channel, signal)
        if seen is None:
            return "no conversation"
        if not _is_news(seen, signal):
            return OUTDATED
        off = bot_off(seen.tenant_id, channel)
        if seen.held_by == Holder.OUTSIDE and off:
            closed_tell(hands_change(seen.id, "queued", human_has(reason=off), **TO_QUEUE))
            return ""
        if seen.held_by == Holder.OUTSIDE:
            to_bot(seen)
            return ""
        return "repeated" if seen.held_by == Holder.BOT else "held by staff"


def _talking(channel: Channel, signal: Signal) -> Conversation | None:
    """The open conversation that the signal is about, locked."""
    found = conversation_with(channel, signal.sender, signal.thread)
    return conversation_advance({"id": found.id, "is_open": True}) if found else None


def _is_news(seen: Conversation, signal: Signal) -> bool:
    """Whether no later change of control was told before; both times are the platform's. Call with the lock held."""
    at = signal.at or now()
    if seen.outside_at and at < seen.outside_at:
        return False
    conversation_advance({"id": seen.id}, outside_at=at)
    return True
