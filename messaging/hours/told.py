"""The out-of-hours reply: who waits for a human while people do not answer is told so, once in a conversation.

Owns when it is said. Must not be said over a human: only while none has come.
"""

from __future__ import annotations

from channels_app.content.types import text
from channels_app.hours import hours_on
from conversations.models import Conversation, Identity
from conversations.timeline import conversation_advance
from messaging.context.hours import closed_words
from messaging.context.wording import language_of
from messaging.reply import Author, reply_write
from tenants.hours import is_open
from tenants.storage.db import now
from tenants.tenant_settings import settings_for


def closed_tell(conversation: Conversation) -> Conversation:
    """Call it as the last part of the transaction that holds the conversation, when a human was asked for or the person
    has written. The conversation as it is afterwards. Costs no statement unless it is to be said."""
    if conversation.held_by != Conversation.Holder.QUEUE or conversation.closed_told_at:
        return conversation
    at, hours = now(), hours_on(conversation.tenant_id, conversation.channel_id)
    if is_open(hours, at) or not _reachable(conversation):
        return conversation
    words = closed_words(settings_for(conversation.tenant_id), hours, language_of(conversation), at)
    # what the list shows is what the person has said; the wait goes on
    taken = conversation_advance({"id": conversation.id}, messages=1, events=1, closed_told_at=at)
    assert taken is not None  # held by the caller
    reply_write(taken, [text(words)], Author.bot(), metadata={"hours": "closed"})
    return taken


def _reachable(conversation: Conversation) -> bool:
    return Identity.objects.filter(id=conversation.identity_id, stopped_at=None).exists()
