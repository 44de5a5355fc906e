"""Who has the word: agents take over, answer, hand back, end. The bot never talks over them.

Owns every change of control and status that a human causes. A change of owner grows the epoch, which
makes any answer void that was begun before.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import F

from channels_app.content.types import Content, text
from channels_app.contract import Signal
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.templates.resolve import template_resolved
from conversations.messages import cleaned
from conversations.models import Conversation, Message
from conversations.timeline import NewEvent, conversation_advance
from messaging import wake
from messaging.models import Turn
from messaging.reply import Author, reply_write, spoken
from messaging.rules.consent import require_consent
from messaging.rules.windows import window_require
from tenants.errors import Conflict, NotFound
from tenants.models import User
from tenants.storage.db import atomic, now, retried
from tenants.tenant_settings import settings_for

ENTRIES = {
    "queued": "A colleague will be with you as soon as possible.",
    "assigned": "A colleague has joined the conversation.",
    "bot": "The assistant is back.",
    "closed": "The conversation has ended.",
}


def take_over(conversation_id: uuid.UUID, agent: User | None) -> Conversation:
    """From here on a human answers; whatever the bot is thinking of is void. Raises NotFound."""
    conversation = _change(
        conversation_id, "assigned", "chat.conversation.updated", {"control_owner": "human", "status": "escalated"},
        control_owner=Conversation.Owner.HUMAN, control_epoch=F("control_epoch") + 1,
        status=Conversation.Status.ESCALATED, assignee=agent,
    )  # fmt: skip
    if agent:
        wake.put_through(conversation.id)
    return conversation


def hand_back(conversation_id: uuid.UUID) -> Conversation:
    """The bot answers again, from the next message on. Raises NotFound."""
    return _change(
        conversation_id, "bot", "chat.conversation.updated", {"control_owner": "bot", "status": "active"},
        control_owner=Conversation.Owner.BOT, control_epoch=F("control_epoch") + 1,
        status=Conversation.Status.ACTIVE, assignee=None, answered_seq=F("last_seq") + 1, waiting_since=None,
    )  # fmt: skip


def conversation_end(conversation_id: uuid.UUID, *, reason: str = "completed") -> Conversation:
    """Close the conversation; the person's next message opens a new one. Raises NotFound."""
    status = Conversation.Status.ABANDONED if reason == "idle" else Conversation.Status.COMPLETED
    return _change(
        conversation_id, "closed", "chat.conversation.ended", {"status": status, "reason": reason},
        status=status, is_open=False, control_epoch=F("control_epoch") + 1, ended_at=now(), ended_reason=reason,
        waiting_since=None,
    )  # fmt: skip


@retried
def agent_reply(
    conversation_id: uuid.UUID, agent: User | None, content: Content, *, client_message_id: str = ""
) -> Message:
    """A human answers through the visitor's own channel, and thereby takes over from the bot.

    The same ``client_message_id`` gives the same message. Raises NotFound, Conflict
    ``conversation_closed``, ``contact_stopped`` and ``window_closed``, Invalid ``empty_message``, and what `template_resolved` raises.
    """
    content = cleaned(content)
    client_id = f"agent:{client_message_id}" if client_message_id else ""
    with atomic():
        seen = conversation_advance({"id": conversation_id})
        if seen is None:
            raise NotFound("There is no such conversation.", code="conversation_not_found")
        if client_id:
            stored = Message.objects.filter(identity_id=seen.identity_id, client_message_id=client_id).first()
            if stored:
                return stored
        if not seen.is_open:
            raise Conflict("The conversation has ended.", code="conversation_closed")
        require_consent(seen.identity_id)
        content = _sendable(seen, content)
        takes_over = seen.control_owner == Conversation.Owner.BOT
        owner: dict[str, Any] = {
            "control_owner": Conversation.Owner.HUMAN,
            "control_epoch": F("control_epoch") + 1,
            "status": Conversation.Status.ESCALATED,
        }
        news = [NewEvent("chat.conversation.updated", {"control_owner": "human", "status": "escalated"})]
        news = news if takes_over else []
        conversation = conversation_advance(
            {"id": conversation_id}, messages=1, events=1 + len(news), **spoken([content]), waiting_since=None,
            answered_seq=F("last_seq") + 1, **(owner if takes_over else {}),
        )  # fmt: skip
        assert conversation is not None  # locked above
        return reply_write(
            conversation, [content], Author.agent(agent.id if agent else None), client_message_id=client_id, news=news
        )[0]


def _sendable(conversation: Conversation, content: Content) -> Content:
    """The content with its template resolved, if it may go out now."""
    channel = channel_for_id(conversation.channel_id)
    if channel is None:
        return content
    languages = (conversation.contact.language, *settings_for(conversation.tenant_id).languages)
    content = template_resolved(channel, content, languages)
    window_require(channel, conversation, content)
    return content


def human_took_over_outside(channel: Channel, signal: Signal) -> bool:
    """Staff answered with the platform's own app: the bot steps back. False when nobody is talking there."""
    sender = signal.sender
    conversation = Conversation.objects.filter(
        channel=channel,
        is_open=True,
        identity__scheme=sender.scheme,
        identity__scope=sender.scope,
        identity__value=sender.value,
        **({"thread": signal.thread} if signal.thread else {}),
    ).first()
    if conversation is None:
        return False
    if conversation.control_owner == Conversation.Owner.BOT:
        take_over(conversation.id, None)
    return True


def queued(conversation_id: uuid.UUID) -> None:
    """Tell the visitor that a human is asked for. Call inside the transaction that handed over."""
    conversation = conversation_advance({"id": conversation_id}, messages=1, events=1)
    assert conversation is not None  # locked by the caller
    reply_write(conversation, [text(ENTRIES["queued"])], Author.system(), metadata={"state": "queued"})


@retried
def _change(conversation_id: uuid.UUID, state: str, event: str, facts: dict[str, Any], **changes: Any) -> Conversation:
    """One transaction: the change, a transcript entry that tells the visitor, the event, no open turns."""
    with atomic():
        conversation = conversation_advance({"id": conversation_id, "is_open": True}, messages=1, events=2, **changes)
        if conversation is None:
            raise NotFound("There is no such open conversation.", code="conversation_not_found")
        Turn.objects.filter(conversation=conversation, status__in=Turn.OPEN).update(
            status=Turn.Status.VOID, outcome=state
        )
        reply_write(
            conversation,
            [text(ENTRIES[state])],
            Author.system(),
            metadata={"state": state, "csat": state == "closed" and settings_for(conversation.tenant_id).csat_enabled},
            news=[NewEvent(event, facts)],
        )
    return conversation
