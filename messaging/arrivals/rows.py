"""What is written of one message: its row, what the timeline tells of it, its files."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from channels_app.content.types import Content
from channels_app.contract import InboundMessage, MediaRef, Sender
from channels_app.models import Channel
from conversations.contacts.people import Known
from conversations.files.attachments import NEVER, attachment_claim, attachments_expect, shown_form
from conversations.messages import message_facts, person_told, processing_result
from conversations.models import Attachment, Conversation, Message, Session
from conversations.timeline import NewEvent
from messaging import wake
from messaging.arrivals.entrance import Checked, Entrance
from messaging.context.changes import context_told
from messaging.media.transcribe import transcript_wait
from tenants.storage.db import new_id, now, on_commit
from tenants.tenant_settings import settings_for


def message_of(
    conversation: Conversation, inbound: InboundMessage, content: Content, checked: Checked, entrance: Entrance,
    quoted_id: uuid.UUID | None,
) -> Message:  # fmt: skip
    at = now()
    return Message(
        id=new_id(),
        tenant_id=conversation.tenant_id,
        conversation=conversation,
        identity_id=conversation.identity_id,
        channel_id=conversation.channel_id,
        seq=conversation.last_seq,
        direction=Message.Direction.INBOUND,
        role=Message.Role.VISITOR,
        client_message_id=entrance.client_message_id,
        platform_message_id=inbound.platform_id,
        reply_to=quoted_id,
        **{**checked.words, "content": content.to_json() if content.quote else checked.words["content"]},
        hints=dict(entrance.hints),
        metadata=dict(checked.facts),
        sent_at=min(inbound.sent_at or at, at),  # no message was written later than now, whatever their clock says
    )


def news_of(
    channel: Channel,
    sender: Sender,
    known: Known,
    conversation: Conversation,
    message: Message,
    *,
    started: bool,
    session: Session | None,
) -> list[NewEvent]:
    person = {"contact_id": str(known.contact_id), "identity_id": str(known.identity_id),
              "user_id": person_told(channel.tenant_id, known.identity_id, sender.scheme, sender.value),
              "channel": channel.kind}  # fmt: skip
    news = []
    if started:
        words = settings_for(channel.tenant_id).event_words
        begin = {"flow_id": conversation.context.get("flow_id"),
                 "initial_context": context_told(conversation.context, words=words)}  # fmt: skip
        news.append(NewEvent("chat.conversation.started", {**person, **begin}))
    if session:
        visit = {"session_id": str(session.id), "device_info": session.device}
        news.append(NewEvent("chat.session.started", {**person, **visit}))
    said = {**message_facts(message), "processing_result": processing_result(message)}
    return [*news, NewEvent("chat.message.received", {**person, **said})]


def files_attach(
    message: Message, media: Sequence[MediaRef], file_ids: Sequence[uuid.UUID], upload: Attachment | None
) -> None:
    """The message's files: rows for those to be fetched from the platform, or the person's own upload."""
    if file_ids:
        attachments_expect(message, media, file_ids)
    if upload:
        heard = message.content_type == "audio" and transcript_wait(Content.model_validate(message.content))
        due = heard or shown_form(upload)
        attachment_claim(upload, message, due_at=now() if due else NEVER)
        file_ids = [upload.id] if due else []
    for file_id in file_ids:
        on_commit(lambda file_id=file_id: wake.media(file_id))  # type: ignore[misc]
