"""Machines that answer machines: an autoresponder, or another bot, is answered a bounded number of times; then a human is
asked for, and the bot keeps still. Only where a machine may be at the other end by itself: on platforms. A web chat and
REST are the tenant's own pages and programs.

Owns the bounds. Looks at what the worker has read anyway, and counts only where that is busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from channels_app.selectors import channel_for_id
from channels_app.words.automatic import is_automatic
from channels_app.words.folding import folded
from conversations.models import Conversation, Message
from tenants.storage import prepared
from tenants.storage.db import now

LOOP = "loop"  # the reason of the hand-over
SAME = 5  # times that the same words are answered
AUTOMATIC = 2  # texts of machines, whatever their words, that are answered
SAME_WITHIN = timedelta(minutes=5)
BUSY = 8  # answers of the bot among those that were read, before any are counted
MOST = 60  # answers of the bot, to whatever words
MOST_WITHIN = timedelta(minutes=10)
ANSWERS = prepared.Select(
    Message,
    lambda rows, conversation_id, after, since: rows.filter(
        conversation_id=conversation_id, role=Message.Role.BOT, seq__gt=after, created_at__gt=since
    ).values_list("seq", flat=True),
)


def is_loop(conversation: Conversation, recent: Sequence[Any], unanswered: Sequence[Any]) -> bool:
    """Whether the bot has answered enough of this. ``recent``: the end of the transcript, ``unanswered`` what is to be
    answered, both oldest first. What staff said ends a loop; buttons that are picked are a person's."""
    channel = channel_for_id(conversation.channel_id)
    if channel is None or channel.adapter.instant:
        return False
    at = now()
    last_human = max((m.seq for m in recent if m.role == Message.Role.AGENT), default=0)
    since = [m for m in recent if m.seq > last_human]
    own = {m.id for m in unanswered}
    words = folded(unanswered[-1].text)
    if words and not unanswered[-1].content.get("choice"):
        earlier = [
            m for m in since if m.role == Message.Role.VISITOR and m.id not in own and at - m.created_at < SAME_WITHIN
        ]
        if sum(folded(m.text) == words for m in earlier) >= SAME:
            return True
        if is_automatic(unanswered[-1].text) and sum(is_automatic(m.text) for m in earlier) >= AUTOMATIC:
            return True
    if sum(m.role == Message.Role.BOT and at - m.created_at < MOST_WITHIN for m in since) < BUSY:
        return False
    after = max(last_human, recent[-1].seq - 4 * MOST)
    return len(ANSWERS.run(conversation_id=conversation.id, after=after, since=at - MOST_WITHIN, most=MOST)) == MOST
