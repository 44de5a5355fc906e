"""What a message would become on a channel, made by the function that delivery uses.

Must not send or store anything.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from channels_app.content.given import PublicContent
from channels_app.content.types import Content
from channels_app.contract import Recipient, SendError
from channels_app.models import Channel
from channels_app.outgoing import Outgoing, payloads_for
from channels_app.templates.resolve import template_resolved, templates_approved
from channels_app.words.moments import Moment
from conversations.models import Conversation
from messaging.media.outgoing import content_public
from messaging.reply import recipient_of
from messaging.rules.quotes import outbound_quoted, platform_name_of
from messaging.rules.windows import Window, may_go_out, window_guard, window_of
from tenants.errors import NotFound
from tenants.tenant_settings import settings_for

REFERENCE = "preview"  # in a real send the delivery's id
SAMPLE_RECIPIENT = Recipient("+15550100001")


class PreviewRequest(BaseModel):
    """``conversation_id``: as it would go out there, to its person and with its reply window."""

    model_config = ConfigDict(extra="forbid")

    content: PublicContent
    conversation_id: uuid.UUID | None = None
    by_human: bool = Field(True, description="As a colleague would send it; false: as the bot would")


class PreviewCall(BaseModel):
    method: str
    path: str
    json_: dict[str, Any] | None = Field(None, serialization_alias="json")
    form: dict[str, str] | None = None
    facts: dict[str, Any]


class PreviewWindow(BaseModel):
    open: bool
    expires_at: Moment | None


class PreviewProblem(BaseModel):
    code: str
    sentence: str


class ApprovedTemplate(BaseModel):
    name: str
    language: str
    variables: list[str]


class Preview(BaseModel):
    parts: list[Content] = Field(description="What the person sees, in order")
    payloads: list[PreviewCall] = Field(description="The API calls; `preview` stands where the delivery's id will")
    cuts: list[str] = Field(description="What was changed because the channel cannot show it")
    splits: int = Field(description="How many messages it is")
    numbered: bool = Field(description="Options are a numbered list: a typed number picks one")
    segments: int | None = Field(description="Of an SMS, over all parts")
    window: PreviewWindow
    templates: list[ApprovedTemplate] = Field(description="What may go out when the window is closed")
    problem: PreviewProblem | None = Field(description="Why it would become a dead letter")


def preview(channel_id: uuid.UUID, request: PreviewRequest) -> Preview:
    """Raises NotFound ``channel_not_found``, ``conversation_not_found``, TooMany ``busy``, Invalid ``quote_unknown``, and what
    `template_resolved` raises."""
    channel = Channel.objects.filter(id=channel_id).first()
    if channel is None:
        raise NotFound("There is no such channel.", code="channel_not_found")
    conversation = _conversation(channel, request.conversation_id)
    languages = [*([conversation.contact.language] if conversation else []), *settings_for(channel.tenant_id).languages]
    content = template_resolved(channel, request.content, languages)
    content = outbound_quoted(conversation, content)[0] if conversation else content
    window = window_of(channel, conversation, by_human=request.by_human) if conversation else Window(True)
    outgoing, problem = _outgoing(channel, conversation, content, request.by_human)
    closed = conversation is not None and not may_go_out(channel, conversation, content, by_human=request.by_human)
    segments = [payload.facts["count"] for payload in outgoing.payloads if "encoding" in payload.facts]
    return Preview(
        parts=list(outgoing.parts),
        payloads=[
            PreviewCall(method=p.method, path=p.path, json_=_plain(p.json), form=_plain(p.form), facts=dict(p.facts))
            for p in outgoing.payloads
        ],
        cuts=list(outgoing.cuts),
        splits=len(outgoing.parts),
        numbered=outgoing.numbered,
        segments=sum(segments) if segments else None,
        window=PreviewWindow(open=window.open, expires_at=window.expires_at),
        templates=[ApprovedTemplate(**known) for known in templates_approved(channel)] if closed else [],
        problem=problem,
    )


def _conversation(channel: Channel, conversation_id: uuid.UUID | None) -> Conversation | None:
    if conversation_id is None:
        return None
    rows = Conversation.objects.select_related("contact", "identity")
    conversation = rows.filter(id=conversation_id, channel=channel).first()
    if conversation is None:
        raise NotFound("There is no such conversation on this channel.", code="conversation_not_found")
    return conversation


def _outgoing(
    channel: Channel, conversation: Conversation | None, content: Content, by_human: bool
) -> tuple[Outgoing, PreviewProblem | None]:
    """What delivery would send, and why it would not."""
    recipient = recipient_of(conversation, conversation.identity) if conversation else SAMPLE_RECIPIENT
    outgoing, notes = Outgoing((), ()), list[str]()
    try:
        public = content_public(content, channel.capabilities, make=False, notes=notes)
        outgoing = payloads_for(channel, public, recipient, reference=REFERENCE, by_human=by_human,
                                reply_to=platform_name_of(content.quote))  # fmt: skip
        outgoing = replace(outgoing, cuts=(*notes, *outgoing.cuts))
        if conversation:
            window_guard(channel, conversation, content, by_human=by_human)
    except SendError as error:
        return outgoing, PreviewProblem(
            code=error.code or type(error).__name__, sentence=error.detail or error.sentence
        )
    return outgoing, None


def _plain(body: Any) -> dict[str, Any] | None:
    return None if body is None else dict(body)
