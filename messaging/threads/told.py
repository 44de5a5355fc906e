"""What events tell of threads (EVT-3): the documents' names, with ids and, where the tenant has switched `event_words` on, words."""

from __future__ import annotations

from typing import Any

from conversations.messages import is_address
from conversations.models import Conversation, Event, Message
from conversations.timeline import NewEvent
from messaging.threads.people import sender_of
from tenants.tenant_settings import settings_for

CREATED, DELETED, SAID = "CHAT_THREAD_CREATED", "CHAT_THREAD_DELETED", "CHAT_MESSAGE_CREATED"


def thread_news(type: str, thread: Conversation, learner_id: str) -> NewEvent:
    return NewEvent(type, _place(thread, learner_id))


def message_news(message: Message, thread: Conversation, learner_id: str) -> NewEvent:
    sender, place = sender_of(message), _place(thread, learner_id)
    own = sender["sender_id"] == learner_id
    facts: dict[str, Any] = {
        "message_id": str(message.id), "seq": message.seq, "message_type": message.content_type,
        "sender_id": place["learner_id"] if own else _told(thread, sender["sender_id"], ""),
        "sender_role": sender["sender_role"],
    }  # fmt: skip
    if settings_for(thread.tenant_id).event_words:
        facts["content"] = message.content["text"] if message.content_type == "text" else message.content
    return NewEvent(SAID, {**place, **facts})


def words_forget(message: Message) -> None:
    """Events that carried the message's words carry them no longer."""
    told = Event.objects.filter(conversation_id=message.conversation_id, payload__message_id=str(message.id))
    for event in told:
        if event.payload.pop("content", None) is not None:
            event.save(update_fields=["payload"])


def _place(thread: Conversation, learner_id: str) -> dict[str, Any]:
    return {"thread_id": str(thread.id), "learner_id": _told(thread, learner_id, str(thread.identity_id))}


def _told(thread: Conversation, known_as: str, instead: str) -> str:
    """An id of the tenant's system as it is; ``instead`` of one at which the person can be reached."""
    return instead if is_address(known_as) and not settings_for(thread.tenant_id).event_words else known_as
