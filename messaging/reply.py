"""Writing what we say: messages with their deliveries and events, from bot, agent or system alike.

Owns the rows of outgoing messages. The caller has taken the numbers with `conversation_advance` in
the same transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from channels_app.content.types import Content
from channels_app.contract import Recipient
from channels_app.hours import hours_on
from channels_app.selectors import channel_for_id
from channels_app.services import webhook_url
from channels_app.words.folding import folded
from conversations.files.attachments import attachment_of, attachment_share, content_with_facts
from conversations.messages import message_facts, person_told
from conversations.models import Conversation, Message
from conversations.safety import flags_take
from conversations.timeline import NewEvent, events_append
from messaging import wake
from messaging.live.push import push_message
from messaging.models import Delivery
from tenants.hours import open_seconds_between
from tenants.storage import prepared
from tenants.storage.db import new_id, now, on_commit
from tenants.work.crew import Lane


@dataclass(frozen=True)
class Author:
    """Who speaks for the tenant."""

    role: str
    user_id: uuid.UUID | None = None

    @classmethod
    def bot(cls) -> Author:
        return cls(Message.Role.BOT)

    @classmethod
    def agent(cls, user_id: uuid.UUID | None) -> Author:
        return cls(Message.Role.AGENT, user_id)

    @classmethod
    def system(cls, about: uuid.UUID | None = None) -> Author:
        """``about``: the member of staff that the entry tells of."""
        return cls(Message.Role.SYSTEM, about)


def reply_write(
    conversation: Conversation,
    contents: Sequence[Content],
    author: Author,
    *,
    analysis: Mapping[str, Any] | None = None,
    judged: Sequence[Mapping[str, Any]] = (),
    metadata: Mapping[str, Any] | None = None,
    reply_to: uuid.UUID | None = None,
    client_message_id: str = "",
    news: Sequence[NewEvent] = (),
    answering: Mapping[str, Any] | None = None,
    sends: Callable[[Delivery], object] | None = None,
) -> list[Message]:
    """Write ``contents`` as the last entries of the transcript, a delivery for each, and the events:
    one ``chat.message.sent`` per message after ``news``. Entries of the system stay in the house. ``judged``: of each
    content, what its safety rules say of it (`replies_hidden`). ``answering``: how long the person waited for it
    (`answering`). ``sends``: is given the first delivery before it is written, and sends it once that is committed;
    no worker is called then.

    Raises NotFound ``media_not_found`` for a ``media:`` address that is not the tenant's to send here.
    """
    first = conversation.last_seq - len(contents) + 1
    files = [attachment_of(content) for content in contents]
    contents = [content_with_facts(said, file) if file else said for said, file in zip(contents, files, strict=True)]
    messages = [
        Message(
            id=new_id(),
            tenant_id=conversation.tenant_id,
            conversation=conversation,
            identity_id=conversation.identity_id,
            channel_id=conversation.channel_id,
            seq=first + index,
            direction=Message.Direction.OUTBOUND,
            role=author.role,
            author_id=author.user_id,
            client_message_id=client_message_id if index == 0 else "",
            reply_to=reply_to,
            content_type=content.type,
            content=content.to_json(),
            text=content.words,
            words=folded(content.words),
            language=content.language or "",
            analysis={**(analysis or {}), **(judged[index] if judged else {})},
            metadata=dict(metadata or {}),
        )
        for index, content in enumerate(contents)
    ]
    prepared.insert(messages)
    for message, file in zip(messages, files, strict=True):
        if file and attachment_share(file, message):
            on_commit(partial(wake.media, file.id))
    if author.role != Message.Role.SYSTEM:
        _queue(conversation, messages, sends)
    facts = [_facts(conversation, message) for message in messages]
    if facts and answering:
        facts[0] |= answering
    events_append(conversation, [*news, *(NewEvent("chat.message.sent", fact) for fact in facts)])
    for message in messages if judged else ():
        flags_take(message)
    for message in messages:
        on_commit(lambda message=message: push_message(message))  # type: ignore[misc]
    return messages


def spoken(contents: Sequence[Content]) -> dict[str, Any]:
    """What a reply changes about its conversation, for `conversation_advance`."""
    if not contents:
        return {}
    at = now()
    return {
        "last_message_at": at,
        "last_message_preview": contents[-1].summary,
        "first_reply_at": Coalesce(F("first_reply_at"), Value(at)),
    }


def answering(seen: Conversation, author: Author) -> dict[str, Any]:
    """What the event of a reply says of the wait that it ends; ``seen``: the conversation before the reply, held or
    guarded by the caller. Of a colleague's, only the time counts in which we were open."""
    if seen.waiting_since is None:
        return {}
    at = now()
    facts: dict[str, Any] = {}
    if seen.first_reply_at is None:
        facts["answer_latency_ms"] = _ms((at - seen.waiting_since).total_seconds())
    if author.role == Message.Role.AGENT:
        hours = hours_on(seen.tenant_id, seen.channel_id)
        facts["response_latency_ms"] = _ms(open_seconds_between(hours, seen.waiting_since, at))
        before = Message.objects.filter(conversation=seen, role=Message.Role.AGENT)
        facts["first_response"] = seen.first_reply_at is None or not before.exists()
    return facts


def _ms(seconds: float) -> int:
    return max(0, round(1000 * seconds))


def _queue(conversation: Conversation, messages: Sequence[Message], sends: Callable[[Delivery], object] | None) -> None:
    """A delivery for every message; on an instant channel the committed row and the push are the delivery."""
    channel = channel_for_id(conversation.channel_id)
    if channel is None or not messages:
        return
    at = now()
    instant = channel.adapter.instant
    deliveries = [
        Delivery(
            tenant_id=message.tenant_id,
            message=message,
            conversation=conversation,
            channel_id=message.channel_id,
            seq=message.seq,
            status=Delivery.Status.SENT if instant else Delivery.Status.QUEUED,
            sent_at=at if instant else None,
            expires_at=at + timedelta(seconds=channel.adapter.expires_s),
        )
        for message in messages
    ]
    if sends and not instant:
        sends(deliveries[0])
    prepared.insert(deliveries)
    if not sends and not instant:
        conversation_id, lane = conversation.id, Lane(conversation.tenant_id, conversation.channel_id)
        on_commit(lambda: wake.deliver(conversation_id, lane=lane))


def _facts(conversation: Conversation, message: Message) -> dict[str, Any]:
    facts = message_facts(message)
    if message.role == Message.Role.SYSTEM:  # stays in the house
        return facts
    channel = channel_for_id(message.channel_id)
    status = Delivery.Status.SENT if channel and channel.adapter.instant else Delivery.Status.QUEUED
    if message.author_id:
        facts |= {"author_id": str(message.author_id), **staff_of(conversation)}
    person = conversation.identity
    recipient = person_told(conversation.tenant_id, person.id, person.scheme, person.value)
    facts |= {"recipient": recipient, "delivery_status": str(status)}
    return {**facts, "channel_response": {"code": "", "attempts": 0}}  # the channel has not been asked yet


def staff_of(conversation: Conversation) -> dict[str, Any]:
    """Which member of staff and which team have the conversation, for events."""
    named = {"assignee_id": conversation.assignee_id, "team_id": conversation.team_id}
    return {name: str(value) for name, value in named.items() if value}


def recipient_of(conversation: Conversation, identity: Any) -> Recipient:
    """Where a message of this conversation goes."""
    channel = channel_for_id(conversation.channel_id)
    return Recipient(
        address=identity.address or identity.value,
        scheme=identity.scheme,
        scope=identity.scope,
        thread=conversation.thread,
        last_inbound_id=conversation.last_inbound_id,
        reference=conversation.reference,
        webhook=webhook_url(channel) if channel else "",
    )
