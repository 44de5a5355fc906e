"""Typing and read marks that people see, at the channel's own cadence, and the transfer of a call to a colleague.

Best effort by design: nothing here is tried again, and no row depends on it. Must not write any.
"""

from __future__ import annotations

import uuid

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
from tenants.tenant_settings import is_active

log = structlog.get_logger(__name__)


def show_typing(conversation_id: uuid.UUID) -> None:
    """Typing while a turn is being answered, again and again; a read mark where the platform has them."""
    found = _open_channel_of(conversation_id)
    if found is None:
        return
    conversation, channel = found
    caps = channel.capabilities
    may_type = caps.typing and (caps.read_marks or not channel.adapter.typing_reads)
    thinking = may_type and Turn.objects.filter(conversation=conversation, status__in=Turn.OPEN).exists()
    action = "typing" if thinking else "read" if caps.read_marks else ""
    recipient = recipient_of(conversation, conversation.identity)
    payload = channel.adapter.signal(action, recipient, channel.adapter_config()) if action else None
    if payload and _sent(channel, payload) and thinking:
        wake.show_typing(conversation_id, delay_s=caps.typing_interval_s)


def put_through(conversation_id: uuid.UUID) -> None:
    """Connect the person with a human outside, where the channel can (a phone call to a colleague)."""
    found = _open_channel_of(conversation_id)
    if found is None or found[0].control_owner != Conversation.Owner.HUMAN:
        return
    conversation, channel = found
    payload = channel.adapter.transfer(recipient_of(conversation, conversation.identity), channel.adapter_config())
    if payload:
        _sent(channel, payload)


def _open_channel_of(conversation_id: uuid.UUID) -> tuple[Conversation, Channel] | None:
    conversation = Conversation.objects.select_related("identity").filter(id=conversation_id, is_open=True).first()
    channel = channel_for_id(conversation.channel_id) if conversation else None
    if conversation is None or channel is None or not channel.enabled or not is_active(channel.tenant_id):
        return None
    if channel_held_until(channel):
        return None
    return conversation, channel


def _sent(channel: Channel, payload: Payload) -> bool:
    try:
        channel.adapter.send(payload, channel.adapter_config(), http_for(channel))
    except SendError as error:
        log.info("typing_mark_lost", channel=str(channel.id), code=error.code)
        return False
    return True
