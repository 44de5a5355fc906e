"""What is written in threads: stored once, in order, up to MAX_MESSAGES_PER_THREAD; changed and deleted by who wrote it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import F

from channels_app.content.types import Content
from conversations.files.attachments import attachment_of, attachment_share, attachments_delete, content_with_facts
from conversations.messages import cleaned, words_of
from conversations.models import Attachment, Conversation, Message
from conversations.safety import hidden_in
from conversations.timeline import conversation_advance, events_append
from messaging import wake
from messaging.privacy.holds import demand_no_hold
from messaging.threads.people import OF_THE_HOUSE, Who
from messaging.threads.rows import held, learner_of
from messaging.threads.told import message_news, words_forget
from tenants.errors import Conflict, Forbidden, NotFound, Unprocessable
from tenants.storage.db import atomic, new_id, now, on_commit, retried


@dataclass(frozen=True)
class Said:
    """A message that is to be written. ``key``: what the caller has named this request by, to know it again."""

    content: Content
    metadata: dict[str, Any] = field(default_factory=dict)
    sender_id: str = ""
    sender_role: str | None = None
    key: str = ""


@retried
def message_post(thread_id: uuid.UUID, said: Said, who: Who) -> Message:
    """``repeated``: it had been written under this key before.

    Raises NotFound, Forbidden ``not_a_participant``, ``sender_not_yours`` and ``files_not_yours``, Conflict ``thread_full``,
    Invalid ``empty_message``, NotFound ``media_not_found``, Conflict ``media_used``, and as `_written_before`.
    """
    sender, content = who.sender(said.sender_id, said.sender_role), _checked(said.content, who)
    with atomic():
        thread = held(thread_id, who)
        who.demand_part(thread, learner_of(thread))
        if before := _written_before(thread, said.key):
            return before
        taken = conversation_advance({"id": thread.id}, messages=1, events=1, last_message_at=now())
        assert taken is not None  # held above
        most = settings.ENV["MAX_MESSAGES_PER_THREAD"]
        if taken.message_count > most:
            raise Conflict(f"A thread takes {most} messages: begin another one.", code="thread_full")
        message = _insert(taken, content, {**sender, "metadata": said.metadata}, said.key)
        events_append(taken, [message_news(message, taken, learner_of(thread))])
        on_commit(wake.publish_soon)
        return message


def _written_before(thread: Conversation, key: str) -> Message | None:
    """Raises Conflict ``message_deleted``, Unprocessable ``idempotency_mismatch`` for a key of another thread's."""
    before: Message | None = Message.objects.filter(conversation=thread, client_message_id=key).first() if key else None
    if key and before is None:
        theirs = Message.objects.filter(
            identity_id=thread.identity_id, client_message_id=key, role=Message.Role.VISITOR
        )
        if theirs.exists():  # it is one per person, whatever the thread
            raise Unprocessable("This Idempotency-Key was used for another request.", code="idempotency_mismatch")
    if before and before.deleted_at is not None:
        message = "The message that this Idempotency-Key wrote was deleted: write another with a new key."
        raise Conflict(message, code="message_deleted")
    if before:
        before.repeated = True
    return before


def _insert(thread: Conversation, content: Content, facts: dict[str, Any], key: str) -> Message:
    content, hidden = hidden_in(thread.tenant_id, content)
    upload = attachment_of(content)
    content = content_with_facts(content, upload) if upload else content
    ours = facts["sender_role"] in OF_THE_HOUSE
    message = Message(
        id=new_id(), tenant_id=thread.tenant_id, conversation=thread, identity_id=thread.identity_id,
        channel_id=thread.channel_id, seq=thread.last_seq, client_message_id=key, metadata=facts, sent_at=now(),
        direction=Message.Direction.OUTBOUND if ours else Message.Direction.INBOUND,
        role=Message.Role.AGENT if ours else Message.Role.VISITOR,
        **words_of(thread.tenant_id, content, hidden),
    )  # fmt: skip
    message.save(force_insert=True)
    if upload and attachment_share(upload, message):
        on_commit(lambda: wake.media(upload.id))
    return message


def _checked(content: Content, who: Who) -> Content:
    """Files are uploaded by the tenant's own system, which alone puts them into messages."""
    if content.media and not who.is_the_house:
        raise Forbidden("Files are put into threads by the tenant's own system.", code="files_not_yours")
    return cleaned(content)


def messages_of(thread: Conversation) -> Any:
    """What was written in the thread, and not deleted."""
    return Message.objects.filter(conversation=thread, deleted_at=None)


def message_in(thread: Conversation, message_id: uuid.UUID) -> Message:
    """Raises NotFound ``message_not_found``."""
    message: Message | None = messages_of(thread).filter(id=message_id).first()
    if message is None:
        raise NotFound("There is no such message in the thread.", code="message_not_found")
    return message


@retried
def message_change(
    thread_id: uuid.UUID, message_id: uuid.UUID, content: Content | None, metadata: dict[str, Any] | None, who: Who
) -> Message:
    """By who wrote it, or the tenant's own system; None: as it is. Raises NotFound, Forbidden ``role_not_allowed`` and
    ``files_not_yours``, Invalid ``empty_message``."""
    if content is not None:
        content = _checked(content, who)
        if content.media:
            raise Forbidden("A file is put into a new message.", code="files_not_yours")
    with atomic():
        thread = held(thread_id, who)
        message = message_in(thread, message_id)
        who.demand_own(message, staff_too=False)
        changes: dict[str, Any] = {}
        if metadata is not None:
            changes["metadata"] = {**message.metadata, "metadata": metadata}
        if content is not None:
            content, hidden = hidden_in(thread.tenant_id, content)
            changes |= words_of(thread.tenant_id, content, hidden)
            words_forget(message)
        for name, value in {**changes, "edited_at": now()}.items():
            setattr(message, name, value)
        message.save(update_fields=[*changes, "edited_at"])
        return message


@retried
def message_delete(thread_id: uuid.UUID, message_id: uuid.UUID, who: Who) -> None:
    """Nothing of what it said is left; its place in the order stays, and its key, under which it is not written again. Raises NotFound, Forbidden ``role_not_allowed``,
    Conflict ``legal_hold``."""
    with atomic():
        thread = held(thread_id, who)
        message = message_in(thread, message_id)
        who.demand_own(message, staff_too=True)
        demand_no_hold(thread.contact_id)
        attachments_delete(Attachment.objects.filter(message=message))
        words_forget(message)
        bare = {"content": {"type": message.content_type}, "text": "", "words": "", "analysis": {}, "metadata": {}}
        Message.objects.filter(id=message.id).update(**bare, deleted_at=now())
        conversation_advance({"id": thread.id}, message_count=F("message_count") - 1)
