"""The question at the end, on channels that have no form for it: a message with five answers to pick, the last that we say.

Owns when a tenant wants it asked and what it looks like. Whether it may go out is control's to know.
"""

from __future__ import annotations

import uuid

from channels_app.content.types import Content, QuickReply
from channels_app.models import Channel
from conversations.models import Conversation
from conversations.timeline import conversation_advance
from messaging.context.wording import language_of
from messaging.rating.words import RATING_WORDS
from messaging.reply import Author, reply_write
from tenants.tenant_settings import settings_for

MARK = "csat"  # of the payloads, and of the question among the metadata of messages
ASKED, THANKED = "asked", "thanked"


def rating_wanted(channel: Channel) -> bool:
    """Whether the tenant has people on this channel asked."""
    chosen = settings_for(channel.tenant_id)
    named = {channel.kind, channel.key} & set(chosen.csat_channels)
    return chosen.csat_enabled and bool(named) and channel.adapter.speaks_after_end


def rating_ask(conversation: Conversation) -> Conversation:
    """Write the question. Call it in the transaction that has ended the conversation."""
    words = RATING_WORDS.get(language_of(conversation), RATING_WORDS["en"])
    return say(conversation, question(conversation.id, words.question, words.answers), ASKED)


def question(conversation_id: uuid.UUID, asked: str, answers: tuple[str, ...]) -> Content:
    """Where the answers are numbered, the number of one is its rating."""
    replies = tuple(
        QuickReply(title=title, payload=f"{MARK}:{conversation_id}:{score}") for score, title in enumerate(answers, 1)
    )
    return Content(type="text", text=asked, quick_replies=replies)


def say(conversation: Conversation, content: Content, mark: str, **facts: str) -> Conversation:
    """In a conversation that has ended, held by the caller. It is no part of the talk: the list shows what was said."""
    taken = conversation_advance({"id": conversation.id}, messages=1, events=1)
    assert taken is not None  # held by the caller
    reply_write(taken, [content], Author.bot(), metadata={MARK: mark, **facts})
    return taken
