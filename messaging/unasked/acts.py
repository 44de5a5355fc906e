"""An engine says something, shows that it writes, asks for a human or ends a conversation, with no question to answer.

Owns when it may: while the bot is in control, under the ``control_epoch`` that the engine has seen. Must not write a row of
its own: what it says goes the way of all words of the bot.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Literal

from channels_app.content.types import Content
from channels_app.selectors import channel_for_id
from conversations.messages import cleaned
from conversations.models import Conversation, Message
from conversations.selectors import holder_shape
from messaging import wake
from messaging.live.push import push_typing
from messaging.reply import Author
from messaging.reports.typing_marks import typing_of
from messaging.rules.agent_replies import reply_as
from messaging.rules.control import (
    bot_off,
    control_changed,
    conversation_end,
    hand_over,
    locked,
    repeated,
    require_open,
)
from tenants.access.limits import allow
from tenants.errors import Conflict, NotFound
from tenants.storage.db import atomic, retried

Status = Literal["escalated", "completed"]  # asks for a human; ends the conversation
LONGEST_REASON = 200  # characters
UNSPOKEN = "engine"  # the reason of a hand-over for which the engine gives none
OFTENEST_S = 2.0  # that typing is handed on


@retried
def say(conversation_id: uuid.UUID, content: Content, *, control_epoch: int, client_message_id: str) -> Message:
    """The bot's next message, behind all that was said. The answer to a turn that an engine thinks
    about meanwhile follows it (messaging/respond.py).

    The same ``client_message_id`` in this conversation gives the same message, also where a human has control by then.
    Raises NotFound ``conversation_not_found``, Conflict ``conversation_closed``, ``with_human``, ``control_changed``,
    ``assistant_off``, ``bot_off``, ``contact_stopped``, ``window_closed`` and ``message_id_conflict``, Invalid
    ``empty_message`` and ``quote_unknown``, Unprocessable ``content_refused``, and what `template_resolved` raises.
    """
    content = cleaned(content)
    with atomic():
        seen = locked(conversation_id)
        allowed = partial(_require_control, seen, control_epoch)
        return reply_as(seen, Author.bot(), content, client_message_id, allowed=allowed)


def show_typing(conversation_id: uuid.UUID, *, control_epoch: int, on: bool) -> float:
    """The person sees that the bot writes, as their channel shows it. Returns the seconds after which to say it again while
    it is so; 0 where the channel shows nothing. Nothing is kept. Raises as `say` does, of who is in control."""
    seen = Conversation.objects.filter(id=conversation_id, kind="chat").first()
    if seen is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    _require_control(seen, control_epoch)
    channel = channel_for_id(seen.channel_id)
    again_s = typing_of(channel) if channel else 0
    # The end gives back what the beginning took, as of colleagues (messaging/live/attending.py).
    if channel and again_s and not allow(f"typing:{seen.id}:bot", 1 / OFTENEST_S, 1, cost=1 if on else -1):
        if channel.adapter.instant:
            push_typing(seen.id, "bot", on=on)
        elif on:
            wake.show_unasked(seen.id)
    return again_s


@retried
def set_status(conversation_id: uuid.UUID, status: Status, *, control_epoch: int, reason: str = "") -> Conversation:
    """``escalated``: a human is asked for, for ``reason``, and the bot keeps still. ``completed``: the conversation ends.
    What is so already is ``repeated``. Raises as `say` does, of who is in control."""
    with atomic():
        seen = locked(conversation_id)
        human = seen.control_owner == Conversation.Owner.HUMAN
        if (not seen.is_open and status == "completed") or (seen.is_open and human and status == "escalated"):
            return repeated(seen)
        _require_control(seen, control_epoch)
        if status == "escalated":
            return hand_over(seen, reason or UNSPOKEN)
    return conversation_end(conversation_id, expected_epoch=control_epoch)


def _require_control(seen: Conversation, control_epoch: int) -> None:
    """Raises Conflict ``conversation_closed``, ``with_human``, ``control_changed`` (the bot has it again: read what was said
    meanwhile), ``assistant_off`` or ``bot_off``. Details say who is in control."""
    require_open(seen)
    if seen.control_owner == Conversation.Owner.HUMAN:
        raise Conflict(
            "A human is in control of the conversation with this person.", code="with_human", details=holder_shape(seen)
        )
    if control_epoch != seen.control_epoch:
        raise control_changed(seen)
    if off := bot_off(seen.tenant_id, channel_for_id(seen.channel_id)):
        raise Conflict("No assistant answers here: it is switched off.", code=off)
