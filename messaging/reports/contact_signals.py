"""What happens around the messages: a person types, reads, joins, leaves, hangs up, stops, changes their id.

Owns what each kind of contract.Signal leads to. Nothing here writes words into a transcript, and every
signal may come twice.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from django.db import IntegrityError
from django.db.models import Q

from channels_app.contract import Sender, Signal, StatusUpdate
from channels_app.models import Channel
from conversations.contacts.people import (
    Known,
    contact_came_from,
    conversation_with,
    identities_forget,
    identity_find,
    identity_meet,
    identity_resolve,
    ids_of,
)
from conversations.models import Conversation, Event, Identity, Message
from conversations.timeline import NewEvent, conversation_advance, events_append, system_event
from messaging.consent.rules import contact_resume, contact_stop, wrote_since
from messaging.reports.delivery_status import status_apply
from messaging.reports.outside import (
    OUTDATED,
    handed_back_outside,
    human_took_over_outside,
    human_wanted_outside,
)
from messaging.rules.control import conversation_end
from messaging.rules.opening import opened
from tenants.errors import Unavailable
from tenants.storage.db import RACES, atomic, lost_race, now, on_commit, retried
from tenants.tenant_settings import settings_for

T = TypeVar("T")
#: members of a signal's data that say how and why, and the form in which they do
CODES = frozenset(
    {"app_id", "code", "conversation_type", "ends", "id", "reason", "ref", "starts", "status", "type", "waits"}
)
CODE = re.compile(r"[A-Za-z0-9_.:+/=\-]{1,200}")
NO_CONVERSATION = "no conversation"


def signal_apply(channel: Channel, signal: Signal) -> str:
    """Do what the signal says. Returns why nothing came of it, or ""."""
    take = KINDS.get(signal.kind)
    return take(channel, signal) if take else f"signal {signal.kind}"


# ----------------------------------------------------------------------- short-lived ones


def _typing(channel: Channel, signal: Signal) -> str:
    """For staff; none of them has a socket that could show it, and no row keeps it."""
    return "typing is not shown to staff"


def _read(channel: Channel, signal: Signal) -> str:
    at = signal.at or now()
    seen = StatusUpdate("", "read", at, sender=signal.sender, up_to=at, thread=signal.thread)
    read = status_apply(channel, seen)
    return "" if read else "nothing unread"


# ------------------------------------------------------------------------------ presence


@retried
def _presence(channel: Channel, signal: Signal) -> str:
    """An event of the open conversation, once per platform id. What a person came from is kept of them, also of one who
    has not written yet."""
    seen = conversation_with(channel, signal.sender, signal.thread)
    if seen is None and signal.opens:
        seen = Conversation.objects.get(id=opened(channel, signal.sender, signal.thread))
    event = {"joined": "chat.contact.joined", "left": "chat.contact.left"}[signal.kind]
    words = settings_for(channel.tenant_id).event_words
    facts = {"signal_id": signal.platform_id, "data": dict(signal.data) if words else _bare(signal.data)}
    if origin := signal.data.get("origin"):
        known = _tried(channel, signal.sender, lambda: _came_from(channel, signal.sender, origin))
        if seen is None:
            places = {"channel_id": str(channel.id), "contact_id": str(known.contact_id)}
            system_event(channel.tenant_id, event, {**places, **facts})
            return ""
    if seen is None:
        return NO_CONVERSATION
    with atomic():
        conversation = conversation_advance({"id": seen.id})  # locked: the same signal waits here
        told = Event.objects.filter(conversation=conversation, type=event, payload__signal_id=signal.platform_id)
        if conversation is None or (signal.platform_id and told.exists()):
            return "repeated"
        conversation = conversation_advance({"id": seen.id}, events=1)
        assert conversation is not None
        events_append(conversation, [NewEvent(event, {"contact_id": str(conversation.contact_id), **facts})])
    return ""


def _bare(data: Mapping[str, Any]) -> dict[str, Any]:
    """By name what may be anything, such as the title of a meeting; where the person came from, and codes, as they are."""
    return {name: _bare_value(name, value) for name, value in data.items()}


def _bare_value(name: str, value: Any) -> Any:
    if name == "origin":
        return value
    if isinstance(value, Mapping):
        return _bare(value)
    is_code = isinstance(value, bool) or (name in CODES and CODE.fullmatch(str(value)))
    return value if is_code else None


def _came_from(channel: Channel, sender: Sender, origin: Mapping[str, Any]) -> Known:
    known = identity_resolve(channel, sender)
    contact_came_from(known.contact_id, origin)
    return known


def _ended(channel: Channel, signal: Signal) -> str:
    """The person hung up or closed the conversation on their side. Who has asked for a human goes on waiting: staff see
    it, call back or write, and close it."""
    conversation = conversation_with(channel, signal.sender, signal.thread)
    if conversation is None:
        return NO_CONVERSATION
    if conversation.held_by == Conversation.Holder.QUEUE:
        return _presence(channel, replace(signal, kind="left", data={**signal.data, "waits": "yes"}))
    ended = conversation_end(
        conversation.id,
        reason="ended_by_contact",
        only_if=lambda seen: _is_attended(seen) and not _wrote_on(seen, signal),
    )
    if ended.repeated:
        return OUTDATED if ended.is_open else "repeated"
    return ""


def _is_attended(conversation: Conversation) -> bool:
    return conversation.held_by != Conversation.Holder.QUEUE


def _wrote_on(conversation: Conversation, signal: Signal) -> bool:
    """Whether a person has said something there since the signal, which then has come late."""
    return wrote_since(signal.at or now()).filter(conversation=conversation).exists()


def _shut(channel: Channel, signal: Signal) -> str:
    """The app was taken out of a group chat or a team: all that went on there has ended."""
    there = Q(thread=signal.thread) | Q(thread__startswith=f"{signal.thread};")
    talks = (
        Conversation.objects.filter(there, channel=channel, is_open=True)
        if signal.thread
        else Conversation.objects.none()
    )
    ids = list(talks.order_by("created_at").values_list("id", flat=True))
    ended = [
        conversation_end(conversation_id, reason="app_removed", only_if=lambda seen: not _wrote_on(seen, signal))
        for conversation_id in ids
    ]
    if ids and all(seen.repeated for seen in ended):
        return OUTDATED
    return "" if ids else NO_CONVERSATION


# ------------------------------------------------------------------------------- consent


def _stopped(channel: Channel, signal: Signal) -> str:
    return _consent(channel, signal.sender, lambda: contact_stop(channel, signal.sender, signal.at))


def _reopened(channel: Channel, signal: Signal) -> str:
    if identity_find(channel, signal.sender) is None:
        return NO_CONVERSATION
    return _consent(channel, signal.sender, lambda: contact_resume(channel, signal.sender, signal.at))


def _consent(channel: Channel, sender: Sender, change: Callable[[], bool]) -> str:
    return "" if _tried(channel, sender, change) else "repeated"


# ------------------------------------------------------------------------------ identity


def _identity_changed(channel: Channel, signal: Signal) -> str:
    """The person goes on under a new id: one contact, and the open conversation continues with it."""
    if identity_find(channel, signal.sender) is None:
        return "unknown contact"
    left_over = _tried(channel, signal.sender, lambda: _take_over(channel, signal.sender))
    for conversation_id in left_over:
        conversation_end(conversation_id, reason="identity_changed")
    return ""


def _take_over(channel: Channel, sender: Sender) -> list[uuid.UUID]:
    """Returns the conversations that cannot continue, because the new id has one already."""
    known = identity_meet(channel, sender)
    on_commit(lambda: identities_forget(channel, sender))
    former = _former_of(channel, sender, known)
    stopped = sorted((row for row in former if row.stopped_at), key=lambda row: not row.stopped_by)
    if stopped:  # a new number is no new consent
        facts = {"stopped_at": stopped[0].stopped_at, "stopped_by": stopped[0].stopped_by}
        Identity.objects.filter(id=known.identity_id, stopped_by=None).update(**facts)
    left_over = []
    talks = Conversation.objects.filter(identity_id__in=[identity.id for identity in former], is_open=True)
    for conversation_id, thread in talks.order_by("created_at").values_list("id", "thread"):
        if Conversation.objects.filter(identity_id=known.identity_id, thread=thread, is_open=True).exists():
            left_over.append(conversation_id)
        else:
            continue_as(known, conversation_id)
    return left_over


def _former_of(channel: Channel, sender: Sender, known: Known) -> list[Identity]:
    """The identities that the platform vouches for; a claimed one stays where it is."""
    proved = Identity.objects.filter(channel=channel, contact_id=known.contact_id, verified=True)
    names = set(ids_of(sender)[1:])
    return [row for row in proved.exclude(id=known.identity_id) if (row.scheme, row.scope, row.value) in names]


def continue_as(known: Known, conversation_id: uuid.UUID) -> None:
    """The open conversation goes on under another id of the person. What waits to be sent goes there;
    delivery statuses and edits of it are known as the same person's."""
    taken = conversation_advance(
        {"id": conversation_id, "is_open": True},
        events=1,
        identity_id=known.identity_id,
        contact_id=known.contact_id,
    )
    if taken is None:
        return  # it ended meanwhile
    Message.objects.filter(conversation_id=conversation_id).update(identity_id=known.identity_id)
    facts = {"contact_id": str(known.contact_id), "identity_id": str(known.identity_id)}
    events_append(taken, [NewEvent("chat.contact.identity_changed", facts)])


@retried
def _tried(channel: Channel, sender: Sender, work: Callable[[], T]) -> T:
    """``work`` in one transaction; when another worker was quicker, again with what that one wrote. Raises Unavailable."""
    for _ in range(RACES):
        try:
            with atomic():
                return work()
        except IntegrityError as error:
            if not lost_race(error):
                raise
            identities_forget(channel, sender)
    raise Unavailable("Too many changes at once.", retry_after=1)


KINDS: dict[str, Callable[[Channel, Signal], str]] = {
    "typing": _typing,
    "read": _read,
    "joined": _presence,
    "left": _presence,
    "ended": _ended,
    "shut": _shut,
    "human_took_over": human_took_over_outside,
    "human_wanted": human_wanted_outside,
    "handed_back": handed_back_outside,
    "stopped": _stopped,
    "reopened": _reopened,
    "identity_changed": _identity_changed,
}
