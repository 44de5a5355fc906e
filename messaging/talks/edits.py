"""What staff and integrators change of messages: our own words where they can be changed at the person's, and any message's
deletion (CONV-9).

Must not change what a person said to something else.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Literal

from channels_app.content.types import Content
from channels_app.contract import Rejected
from channels_app.selectors import channel_for_id
from channels_app.words.folding import folded
from conversations.messages import cleaned
from conversations.models import Conversation, Message, Revision
from conversations.safety import flags_take, reply_hidden
from conversations.timeline import conversation_advance
from messaging import wake
from messaging.consent.rules import require_consent
from messaging.models import Delivery, Turn
from messaging.privacy.holds import demand_no_hold
from messaging.reports.revise import STAYS, erase, message_change
from messaging.rules.changes import (
    DELETE,
    EDIT,
    MESSAGE_DELETED,
    NO_NAME,
    TOO_LONG,
    calls_for,
    change_queue,
    changes_of,
)
from messaging.rules.control import require_open
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.storage.db import atomic, new_id, now, on_commit, retried

OURS = (Message.Role.BOT, Message.Role.AGENT)
#: where a deleted message is gone: everywhere; here, and it is on its way to be taken back; before it was sent; here, and the
#: person's app still shows it
Gone = Literal["everywhere", "on_its_way", "not_sent", "here"]
NOT_SHOWN = "The person's app goes on showing what was sent."


@retried
def message_edit(message_id: uuid.UUID, content: Content) -> Message:
    """Our own message says ``content`` from now on, also at the person's: at once, or by a delivery of its own behind that
    of the message. What it said before is kept as a revision.

    Raises NotFound, Conflict ``message_deleted`` and ``contact_stopped``, Unprocessable ``not_ours``, ``words_only`` (texts
    are edited, nothing else), ``edit_not_shown`` (the person's app goes on showing what was sent), ``not_changeable`` and
    ``edit_too_long`` (it cannot take the place of what was sent), ``content_refused``, Invalid ``empty_message``.
    """
    content = cleaned(content)
    with atomic():
        conversation, message = _held(message_id)
        if message.role not in OURS:
            raise Unprocessable("Only what the assistant or staff said is edited.", code="not_ours")
        if message.deleted_at:
            raise Conflict("The message is deleted.", code="message_deleted")
        if content.type != "text" or message.content_type != "text":
            raise Unprocessable("Only texts are edited, to texts.", code="words_only")
        content, judged = reply_hidden(message.tenant_id, _in_place(message, content))
        goes_out = _edit_goes_out(message, content)
        if content.to_json() == message.content:
            message.repeated = True
            return message
        _revision(message, content=content.to_json(), previous=message.content)
        entry = message_change(
            conversation, message, "edited", "chat.message.updated", preview=content.summary, edited_at=now(), by="staff",
            content=content.to_json(), text=content.words, words=folded(content.words),
            analysis={**message.analysis, **judged},
        )  # fmt: skip
        if judged:
            flags_take(message)
        if goes_out:
            change_queue(entry, EDIT)
        return message


@retried
def message_delete(message_id: uuid.UUID) -> tuple[Message, Gone]:
    """Nothing of what the message said is left with us; one that was not sent yet never is. Again, it changes nothing.
    Raises NotFound, Unprocessable ``entry_of_system``, Conflict ``legal_hold``."""
    with atomic():
        conversation, message = _held(message_id)
        if message.role == Message.Role.SYSTEM:
            raise Unprocessable("Entries of the system tell what happened, and stay.", code="entry_of_system")
        message.repeated = message.deleted_at is not None
        if not message.repeated:
            demand_no_hold(conversation.contact_id)
        own = Delivery.objects.filter(message=message, status=Delivery.Status.QUEUED)
        edits = [row.id for row in changes_of([message.id], conversation.id) if row.action == EDIT]
        for waiting in (own, Delivery.objects.filter(id__in=edits, status=Delivery.Status.QUEUED)):
            waiting.update(status=Delivery.Status.FAILED, error_code=MESSAGE_DELETED)
        if not message.repeated:
            entry = erase(conversation, message, now(), by="staff")
            Revision.objects.filter(message=message).update(content={}, previous={})
            _revision(message, deleted=True)
            if _deletion_goes_out(message):
                change_queue(entry, DELETE)
        on_commit(partial(wake.deliver, conversation.id))  # what waited behind it
        return message, _gone(message)


@retried
def answer_again(message_id: uuid.UUID) -> Turn:
    """The assistant answers the person's last words once more, after what it has said; they are named by their own id or by
    that of an answer to them. Raises NotFound, Unprocessable ``not_the_last_words``, Conflict ``conversation_closed``, ``with_human`` and ``answer_under_way``."""
    with atomic():
        conversation, message = _held(message_id)
        require_open(conversation)
        if message.role == Message.Role.BOT and message.reply_to:
            message = Message.objects.filter(id=message.reply_to, conversation=conversation).first() or message
        theirs = Message.objects.filter(conversation=conversation, role=Message.Role.VISITOR, deleted_at=None)
        if message.role != Message.Role.VISITOR or theirs.filter(seq__gt=message.seq).exists() or message.deleted_at:
            raise Unprocessable("Only what a person said last is answered again.", code="not_the_last_words")
        if conversation.control_owner != Conversation.Owner.BOT:
            raise Conflict("A human is in control of the conversation.", code="with_human")
        if Turn.objects.filter(conversation=conversation, status__in=Turn.OPEN).exists():
            raise Conflict("An answer is under way.", code="answer_under_way", retry_after=2)
        first = min(message.seq, conversation.answered_seq + 1)
        conversation_advance({"id": conversation.id}, answered_seq=first - 1)
        turn = Turn.objects.create(
            tenant_id=conversation.tenant_id, conversation=conversation, first_seq=first, last_seq=message.seq
        )
        on_commit(partial(wake.respond, turn.id))
        return turn


def _held(message_id: uuid.UUID) -> tuple[Conversation, Message]:
    """The message as it is under the lock of its conversation."""
    found = Message.objects.filter(id=message_id).values_list("conversation_id", flat=True).first()
    conversation = conversation_advance({"id": found, "kind": "chat"}) if found else None
    message = Message.objects.filter(id=message_id).first() if conversation else None
    if conversation is None or message is None:
        raise NotFound("There is no such message.", code="message_not_found")
    return conversation, message


def _in_place(message: Message, content: Content) -> Content:
    """``content`` in place of what ``message`` says: what surrounds the words stays, as its quote."""
    before = Content.model_validate(message.content)
    return content.model_copy(update={name: getattr(before, name) or getattr(content, name) for name in STAYS})


def _edit_goes_out(message: Message, content: Content) -> bool:
    """Whether a platform has to be told; not where the person sees what we have, or nothing yet. Raises Conflict and
    Unprocessable, as `message_edit`."""
    channel = channel_for_id(message.channel_id)
    if channel is not None and channel.adapter.instant:
        return False
    if channel is None or channel.disconnected_at or not channel.capabilities.can_edit:
        raise Unprocessable(NOT_SHOWN, code="edit_not_shown")
    require_consent(message.identity_id)
    sent = Delivery.objects.filter(message=message).first()
    if sent is None:  # another system sent it
        raise Unprocessable(NOT_SHOWN, code="edit_not_shown")
    if sent.status in Delivery.UNFINISHED:
        return True
    try:
        return bool(calls_for(message, channel, EDIT, content=content))
    except Rejected as error:
        if error.code == TOO_LONG:
            raise Unprocessable("The text needs more messages than were sent.", code="edit_too_long") from error
        if error.code == NO_NAME:
            raise Unprocessable(
                "The platform cannot be told which message to change.", code="not_changeable"
            ) from error
        raise Unprocessable(error.detail or error.sentence, code="content_refused") from error


def _deletion_goes_out(message: Message) -> bool:
    """Whether there is something at a platform, or may be in a moment, that can be taken back."""
    channel = channel_for_id(message.channel_id)
    if channel is None or channel.adapter.instant or channel.disconnected_at or not channel.capabilities.can_delete:
        return False
    sent = Delivery.objects.filter(message=message).first()
    if sent is None or message.role not in OURS:
        return False
    try:
        return sent.status == Delivery.Status.SENDING or bool(calls_for(message, channel, DELETE))
    except Rejected:
        return False


def _gone(message: Message) -> Gone:
    channel = channel_for_id(message.channel_id)
    if channel is not None and channel.adapter.instant:
        return "everywhere"
    if Delivery.objects.filter(message=message, error_code=MESSAGE_DELETED, parts_sent=0).exists():
        return "not_sent"
    deletion = [row for row in changes_of([message.id], message.conversation_id) if row.action == DELETE]
    status = deletion[-1].status if deletion else ""
    if status in Delivery.UNFINISHED:
        return "on_its_way"
    return "everywhere" if status == Delivery.Status.SENT else "here"


def _revision(message: Message, **facts: object) -> None:
    """``target`` is no platform's name: changes of people are applied apart from ours."""
    name = f"ours:{new_id()}"
    Revision.objects.create(
        tenant_id=message.tenant_id,
        channel_id=message.channel_id,
        message=message,
        platform_id=name,
        target=name,
        **facts,
    )
