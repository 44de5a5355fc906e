"""What who waits for a human is told: out of hours when one answers, once in a conversation; by day, once at a
hand-over, their place, on the channels that the tenant names.

Owns when it is said. Must not be said over a human: only while none has come.
"""

from __future__ import annotations

from channels_app.content.types import text
from channels_app.hours import hours_on
from channels_app.selectors import channel_for_id
from conversations.models import Conversation, Identity
from conversations.timeline import conversation_advance
from conversations.waiting import WEB, place_of
from messaging.context.hours import closed_words, place_words
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


def waiting_tell(conversation: Conversation) -> Conversation:
    """Call it once, as the last part of the transaction that has handed the conversation over. The conversation as it is
    afterwards. Where people's places are not told by messages it costs no statement by day."""
    at, hours = now(), hours_on(conversation.tenant_id, conversation.channel_id)
    if not is_open(hours, at):
        return closed_tell(conversation)
    chosen = settings_for(conversation.tenant_id)
    if not chosen.queue_told_on or not _told_place(conversation, chosen.queue_told_on):
        return conversation
    words = place_words(chosen, hours, language_of(conversation), at, place_of(conversation))
    if not words or not _reachable(conversation):
        return conversation
    taken = conversation_advance({"id": conversation.id}, messages=1, events=1)
    assert taken is not None  # held by the caller
    reply_write(taken, [text(words)], Author.bot(), metadata={"hours": "place"})
    return taken


def _told_place(conversation: Conversation, named: tuple[str, ...]) -> bool:
    """Whether a message tells it on this channel; the web chat shows the number as it changes."""
    channel = channel_for_id(conversation.channel_id)
    return channel is not None and channel.kind != WEB and bool({channel.kind, channel.key} & set(named))


def _reachable(conversation: Conversation) -> bool:
    return Identity.objects.filter(id=conversation.identity_id, stopped_at=None).exists()
