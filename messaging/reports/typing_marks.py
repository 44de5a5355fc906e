"""Typing and read marks that people see, at the channel's own cadence, and the transfer of a call to a colleague.

Best effort by design: nothing here is tried again, and no row depends on it. Must not write any.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial

import structlog

from channels_app.contract import Payload, SendError
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.services import http_for
from conversations.models import Conversation
from messaging import wake
from messaging.models import Turn
from messaging.reply import recipient_of
from messaging.rules.hold import channel_held_until
from tenants.storage import prepared
from tenants.tenant_settings import is_active
from tenants.work.crew import Told, side_by_side

log = structlog.get_logger(__name__)


CONVERSATIONS = prepared.Select(
    Conversation, lambda rows, ids: rows.filter(id__in=ids, is_open=True).select_related("identity")
)
THINKING = prepared.Select(
    Turn,
    lambda rows, ids: rows.filter(conversation_id__in=ids, status__in=Turn.OPEN).values_list(
        "conversation_id", flat=True
    ),
)


def show_typing(conversation_id: uuid.UUID) -> None:
    """Typing while a turn is being answered, again and again; a read mark where the platform has them."""
    _show([conversation_id])


def marks_show(told: Sequence[Told]) -> None:
    """`show_typing` in conversations of one tenant."""
    _show([one.row_id for one in told])


def marks_go_on(told: Sequence[Told]) -> None:
    """As `marks_show`, some time after the first mark: what was answered meanwhile is marked as read by its answer."""
    thinking = set(THINKING.run(ids=[one.row_id for one in told]))
    if thinking:
        _show(sorted(thinking))


def show_unasked(conversation_id: uuid.UUID) -> None:
    """The engine says that it writes, with no turn that would show it: once, for it says so again while it is so."""
    conversation: Conversation | None = CONVERSATIONS.first(ids=[conversation_id])
    mark = _mark(conversation, True) if conversation and conversation.control_owner == Conversation.Owner.BOT else None
    if mark:
        _sent(mark[1], mark[2])


def typing_of(channel: Channel) -> int:
    """The seconds after which typing is shown again there, while it is so; 0: the channel shows none, or the tenant wants
    none."""
    caps = channel.capabilities
    return caps.typing_interval_s if caps.typing and (caps.read_marks or not channel.adapter.typing_reads) else 0


def _show(conversation_ids: Sequence[uuid.UUID]) -> None:
    thinking = set(THINKING.run(ids=list(conversation_ids)))
    conversations = CONVERSATIONS.run(ids=list(conversation_ids))
    marks = [mark for one in conversations if (mark := _mark(one, one.id in thinking))]
    taken = side_by_side([partial(_sent, channel, payload) for _, channel, payload in marks])
    for (conversation, channel, _), shown in zip(marks, taken, strict=True):
        if shown and conversation.id in thinking:
            wake.show_typing(conversation.id, delay_s=channel.capabilities.typing_interval_s)


def _mark(conversation: Conversation, thinking: bool) -> tuple[Conversation, Channel, Payload] | None:
    channel = _open_channel_of(conversation)
    if channel is None:
        return None
    caps = channel.capabilities
    action = "typing" if thinking and typing_of(channel) else "read" if caps.read_marks else ""
    recipient = recipient_of(conversation, conversation.identity)
    payload = channel.adapter.signal(action, recipient, channel.adapter_config()) if action else None
    return (conversation, channel, payload) if payload else None


def put_through(conversation_id: uuid.UUID) -> None:
    """Connect the person with a human outside, where the channel can (a phone call to a colleague)."""
    conversation: Conversation | None = CONVERSATIONS.first(ids=[conversation_id])
    channel = _open_channel_of(conversation) if conversation else None
    if conversation is None or channel is None or conversation.control_owner != Conversation.Owner.HUMAN:
        return
    payload = channel.adapter.transfer(recipient_of(conversation, conversation.identity), channel.adapter_config())
    if payload:
        _sent(channel, payload)


def _open_channel_of(conversation: Conversation) -> Channel | None:
    channel = channel_for_id(conversation.channel_id)
    if channel is None or not channel.enabled or not is_active(channel.tenant_id) or channel_held_until(channel):
        return None
    return channel


def _sent(channel: Channel, payload: Payload) -> bool:
    try:
        channel.adapter.send(payload, channel.adapter_config(), http_for(channel))
    except SendError as error:
        log.info("typing_mark_lost", channel=str(channel.id), code=error.code)
        return False
    return True
