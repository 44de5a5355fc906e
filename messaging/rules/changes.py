"""What was edited or deleted of our own words on its way to the person: a delivery of the entry that tells of it, in the lane
of the conversation, so that it comes behind the message itself and is tried, held and given up as messages are.

Owns these deliveries and the calls that they are made of. Must not send, nor decide who may change what.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from functools import partial

from channels_app.content.types import Content
from channels_app.contract import Payload, Rejected
from channels_app.models import Channel
from channels_app.outgoing import payloads_for
from conversations.models import Message
from messaging import wake
from messaging.models import Delivery, DeliveryPart
from messaging.reply import recipient_of
from messaging.rules.quotes import platform_name_of
from tenants.storage.db import now, on_commit
from tenants.work.crew import Lane

EDIT, DELETE = Delivery.Action.EDIT, Delivery.Action.DELETE
NO_NAME = "not_changeable"
TOO_LONG = "edit_too_long"
MESSAGE_DELETED = "message_deleted"  # why a delivery failed of which nothing is left to send


def change_queue(entry: Message, action: str) -> None:
    """Write the delivery of ``entry``, which tells of the change, in the caller's transaction.

    It does not expire, for what the person reads stays wrong until it arrives. Its time is up all the same for a worker of
    the release before, which knows messages only and would send the entry's words: it gives the change up instead.
    """
    Delivery.objects.create(
        tenant_id=entry.tenant_id, message=entry, conversation_id=entry.conversation_id, channel_id=entry.channel_id,
        seq=entry.seq, action=action, expires_at=now(),
    )  # fmt: skip
    on_commit(partial(wake.deliver, entry.conversation_id, lane=Lane(entry.tenant_id, entry.channel_id)))


def changes_of(message_ids: Collection[uuid.UUID], conversation_id: uuid.UUID) -> list[Delivery]:
    """The changes of these messages of a conversation that go or went out, in their order, each with its entry. One
    statement."""
    rows = Delivery.objects.filter(
        conversation=conversation_id, action__isnull=False, message__reply_to__in=message_ids
    )
    return list(rows.select_related("message").order_by("seq"))


def calls_of(delivery: Delivery, channel: Channel) -> Sequence[Payload]:
    """The calls that bring a change to the person: the same ones at every try; none where nothing of the message ever
    reached the platform. Raises a SendError, IncompleteChannel."""
    message = Message.objects.select_related("identity").filter(id=delivery.message.reply_to).first()
    if message is None:
        return ()
    if delivery.action == EDIT and message.deleted_at:
        raise Rejected(MESSAGE_DELETED, "The message was deleted before the edit could be sent.")
    return calls_for(message, channel, str(delivery.action), str(delivery.id))


def calls_for(
    message: Message, channel: Channel, action: str, reference: str = "check", *, content: Content | None = None
) -> Sequence[Payload]:
    """As `calls_of`. ``content``: what the message is about to say. Every part is changed; parts that an edit leaves over
    are deleted. Raises Rejected ``not_changeable`` where the platform has told no name of a part, ``edit_too_long`` for an
    edit that needs more parts than there are."""
    names = names_of(message)
    if not all(names):
        raise Rejected(
            NO_NAME, f"{channel.adapter.label} has told no name of this message by which it could be changed."
        )
    if not names:
        return ()
    adapter, config = channel.adapter, channel.adapter_config()
    recipient = recipient_of(message.conversation, message.identity)
    edits: Sequence[Payload] = ()
    if action == EDIT:
        said = content or Content.model_validate(message.content)
        edits = payloads_for(
            channel, said, recipient, reference=reference, reply_to=platform_name_of(said.quote),
            by_human=message.role == Message.Role.AGENT,
        ).payloads  # fmt: skip
    if len(edits) > len(names):
        parts = f"{len(edits)} messages, and there {'is' if len(names) == 1 else 'are'} {len(names)} to be changed"
        raise Rejected(TOO_LONG, f"The text needs {parts}.")
    changed = [adapter.edit(name, edit, recipient, config) for name, edit in zip(names, edits, strict=False)]
    left = list(enumerate(names))[len(edits) :]
    return [*changed, *(adapter.delete(name, f"{reference}.{index}", recipient, config) for index, name in left)]


def names_of(message: Message) -> list[str]:
    """What the platform calls the parts of the message that it has taken, in their order; "" for one without a name."""
    parts = DeliveryPart.objects.filter(delivery__message=message).order_by("index")
    return list(parts.values_list("platform_id", flat=True))
