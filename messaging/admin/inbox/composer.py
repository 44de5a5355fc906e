"""What staff write to a person: from what the reply box holds to messages, and what it would look like on the channel.

Owns the shape of a draft, and what the reply box offers. Must not decide whether something may be sent: that is
messaging/rules/agent_replies.py. Call within the tenant's scope.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from pydantic import BaseModel, ConfigDict, Field

from channels_app.content.fit import shown_as
from channels_app.content.media import kind_of
from channels_app.content.surroundings import Quote
from channels_app.content.types import MAX_TEXT, Capabilities, Content, Media, TemplateUse
from channels_app.models import Channel, MessageTemplate
from channels_app.outgoing import complaints_of
from channels_app.registry import platform_of
from channels_app.templates.resolve import VARIABLE, said_by, tag_of, templates_approved, templates_for
from conversations.files.media_links import content_with_links, media_address, media_link
from conversations.models import Attachment, Conversation, Message
from messaging.agents.canned import canned_fill, canned_found, canned_get, canned_variables
from messaging.agents.members import members
from messaging.agents.models import CannedReply
from messaging.agents.notes import READS
from messaging.api.preview import PreviewRequest, preview
from messaging.reply import recipient_of
from messaging.rules.agent_replies import agent_reply
from messaging.rules.opening import write_again
from messaging.rules.windows import window_of
from tenants.access.permissions import expand
from tenants.errors import Invalid, NotFound, Unprocessable
from tenants.models import User
from tenants.tenant_settings import settings_for

MOST_FILES = 10
MOST_CANNED = 500
PLAIN = frozenset({"type", "text", "format"})  # members of a content of words alone
PLACE = "admin/conversations/conversation/content.html"
FAMILIES = {"image": "pictures", "video": "videos", "audio": "sounds", "application": "documents", "text": "text files"}


class Canned(BaseModel):
    """A canned reply by its id, with values for what does not fill itself in."""

    model_config = ConfigDict(extra="forbid")

    id: uuid.UUID
    values: dict[str, Annotated[str, Field(max_length=500)]] = Field(default_factory=dict, max_length=50)


class Draft(BaseModel):
    """What the reply box holds. ``files``: uploads, in their order; the words stand with the first."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", max_length=MAX_TEXT)
    files: tuple[uuid.UUID, ...] = Field((), max_length=MOST_FILES)
    quote: uuid.UUID | None = None
    template: TemplateUse | None = None
    canned: Canned | None = None


class Send(Draft):
    """``id``: the same one again sends nothing twice. ``seen_seq``: the last entry that the member of staff had read when
    they wrote. ``again``: after the end, a new conversation begins."""

    id: str = Field(min_length=1, max_length=50, pattern=r"^[\w-]+$")
    seen_seq: int | None = Field(None, ge=0, le=2**31 - 1)
    again: bool = False


# ------------------------------------------------------------------------------- what is sent


def reply_send(conversation: Conversation, agent: User, draft: Send) -> list[Message]:
    """A message for the words and one for each further file. Nothing goes out when one of them would be refused for its
    form. Raises what `agent_reply` raises, and `write_again`."""
    contents = contents_of(conversation, agent, draft)
    if len(contents) > 1:
        _require_form(conversation, contents)
    sent: list[Message] = []
    for place, content in enumerate(contents):
        say = write_again if draft.again else agent_reply
        sent.append(
            say(
                sent[0].conversation_id if sent else conversation.id, agent, content, client_message_id=f"{draft.id}.{place}" if place else draft.id,
                seen_seq=draft.seen_seq, anyway=place > 0,  # what has begun is said to its end
            )
        )  # fmt: skip
    return sent


def contents_of(conversation: Conversation, agent: User, draft: Draft) -> list[Content]:
    """Raises Invalid ``empty_message``, NotFound ``media_not_found`` and ``canned_reply_not_found``, Unprocessable
    ``template_variable_missing`` and ``template_invalid``."""
    quote = Quote(message_id=draft.quote) if draft.quote else None
    words = draft.text.strip()
    if draft.template:
        return [Content(type="template", template=draft.template, quote=quote)]
    if draft.canned:
        return [_canned(conversation, agent, draft.canned).model_copy(update={"quote": quote})]
    files = _files(conversation, draft.files)
    if not files:
        if not words:
            raise Invalid("Write something, or attach a file.", code="empty_message")
        return [Content(type="text", text=words, quote=quote)]
    first = {"text": words or None, "quote": quote}
    return [_with_file(file, **({} if place else first)) for place, file in enumerate(files)]


def _canned(conversation: Conversation, agent: User, use: Canned) -> Content:
    filled = canned_fill(canned_get(use.id), conversation, agent, use.values)
    if filled.content is None:
        raise Unprocessable(
            f"The reply needs a value for {', '.join(filled.missing)}.",
            code="template_variable_missing",
            details={"variables": filled.missing},
        )
    return filled.content


def _files(conversation: Conversation, ids: Sequence[uuid.UUID]) -> list[Attachment]:
    """The tenant's own, and what was uploaded for this person."""
    stored = {row.id: row for row in Attachment.objects.filter(id__in=ids, state=Attachment.State.STORED)}
    theirs = (None, conversation.identity_id)
    own = [stored[file_id] for file_id in ids if file_id in stored and stored[file_id].identity_id in theirs]
    if len(own) < len(ids):
        raise NotFound("A file is no longer there: attach it again.", code="media_not_found")
    return own


def _with_file(file: Attachment, **parts: Any) -> Content:
    media = Media(url=media_address(file.id), type=file.mime, size_bytes=file.size or 0, name=file.name or None)
    return Content(type=kind_of(file.mime), media=media, **parts)


def _require_form(conversation: Conversation, contents: Sequence[Content]) -> None:
    recipient = recipient_of(conversation, conversation.identity)
    for content in contents:
        if found := complaints_of(conversation.channel, content, recipient):
            raise Unprocessable(found[0].sentence, code="content_refused")


# ------------------------------------------------------------------------- what it looks like


def shown_there(conversation: Conversation, agent: User, draft: Draft) -> dict[str, Any]:
    """What the person would see: ``html`` of each part, ``cuts`` and the ``problem`` it would have. Raises what a template
    or a preview raises."""
    parts: list[str] = []
    told: dict[str, Any] = {"cuts": [], "problem": None, "segments": None, "text": ""}
    for content in contents_of(conversation, agent, draft):
        seen = preview(conversation.channel_id, PreviewRequest(content=content, conversation_id=conversation.id))
        parts += [render_to_string(PLACE, {"content": content_with_links(part.to_json())}) for part in seen.parts]
        told["text"] = "\n".join(filter(None, (told["text"], *(part.text for part in seen.parts))))
        told["cuts"] = list(dict.fromkeys([*told["cuts"], *seen.cuts]))
        told["problem"] = told["problem"] or (seen.problem and seen.problem.sentence)
        told["segments"] = (told["segments"] or 0) + seen.segments if seen.segments else told["segments"]
    return {"html": parts, **told}


def upload_told(channel: Channel, file: Attachment) -> dict[str, Any]:
    """A file that was put into the reply box, and what the channel makes of it."""
    note, refused = _carried(channel, file)
    picture = file.mime.startswith("image/")
    return {
        "id": str(file.id), "name": file.name or file.kind, "size": filesizeformat(file.size or 0),
        "picture": media_link(file.id) if picture else "", "note": note, "refused": refused,
    }  # fmt: skip


def _carried(channel: Channel, file: Attachment) -> tuple[str, bool]:
    """What is to be said of a file before it goes, and whether it cannot go at all."""
    if channel.adapter.instant:
        return "", False
    content = _with_file(file)
    found = list(channel.adapter.check_content(content, channel.adapter_config()))
    if found:
        return found[0].sentence, True
    if not shown_as(content, channel.capabilities):
        return f"Goes as a link: {platform_of(channel.kind)} does not take this file itself.", False
    return "", False


def carries(caps: Capabilities) -> str:
    """Which files a channel shows, in words; others go as a link."""
    most: dict[str, int] = {}
    for mime, size in caps.media_types.items():
        family = FAMILIES.get(mime.partition("/")[0], "files")
        most[family] = max(most.get(family, 0), size)
    listed = [f"{family} up to {filesizeformat(size)}" if size else family for family, size in most.items()]
    return f"{', '.join(listed).capitalize()}; other files go as a link." if listed else "Files go as a link."


# ------------------------------------------------------------------------- what the box offers


def box(conversation: Conversation, channel: Channel) -> dict[str, Any]:
    """What the template of the reply box shows beside its addresses."""
    window = window_of(channel, conversation, by_human=True)
    caps = channel.capabilities
    instant = channel.adapter.instant
    return {
        "window": window,
        "platform": platform_of(channel.kind),
        "carries": "" if instant else carries(caps),
        "counts": bool(caps.max_segments),  # an SMS costs by its segments
        "max_text": MAX_TEXT,
        "approved": templates_approved(channel) if not window.open else [],
    }


def newer_of(ended: Conversation) -> uuid.UUID | None:
    """The conversation in which its person is by now, in the same place."""
    talks = Conversation.objects.filter(channel=ended.channel_id, contact=ended.contact_id, thread=ended.thread)
    return talks.filter(is_open=True).values_list("id", flat=True).first()


def choices(conversation: Conversation, channel: Channel, agent: User, *, writes: bool) -> dict[str, Any]:
    """What ``/`` finds in the reply box, ``canned`` replies and ``templates``, and whom ``@`` finds in a note. ``make_at``:
    where canned replies are made, for members of staff who ``writes`` them."""
    return {
        "make_at": reverse("admin:messaging_cannedreply_add") if writes else "",
        "canned": [_canned_choice(row, conversation, agent) for row in canned_found(most=MOST_CANNED)],
        "templates": _templates(conversation, channel),
        "colleagues": [
            {"name": row.user.get_username(), "label": row.user.get_full_name() or row.user.get_username()}
            for row in members()
            if row.user_id != agent.pk and READS in expand(row.role.permissions)
        ],
    }


def _canned_choice(row: CannedReply, conversation: Conversation, agent: User) -> dict[str, Any]:
    """``plain``: it is words alone, which can be changed before they go; ``missing``: what is to be filled in."""
    variables = canned_variables(row)
    given = str(row.content.get("text") or "")
    filled = canned_fill(row, conversation, agent, {}) if variables else None
    known = filled.values if filled else {}
    return {
        "id": str(row.id), "shortcut": row.shortcut, "title": row.title, "missing": filled.missing if filled else [],
        "text": VARIABLE.sub(lambda match: known.get(match[1], match[0]), given),
        "plain": set(row.content) <= PLAIN and row.content.get("format", "plain") == "plain",
    }  # fmt: skip


def _templates(conversation: Conversation, channel: Channel) -> list[dict[str, Any]]:
    """With their words, those in the person's language first; ``always``: it goes out with a closed window, too."""
    rows = MessageTemplate.objects.filter(Q(channel=channel) | Q(channel=None))
    variants = {(row.channel_id is None, row.name): row.variants for row in rows}
    approved = {template["name"] for template in templates_approved(channel)}
    listed = []
    for template in templates_for(channel):
        name, language = template["name"], template["language"]
        own = variants.get((True, name), {}).get(language, {})
        words = own or variants.get((False, name), {}).get(language, {})
        there = (own.get("external") or {}).get("template") or name
        told = {"text": said_by(words), "defaults": own.get("defaults", {}), "always": there in approved}
        listed.append({**template, **told})
    wanted = (conversation.contact.language, *settings_for(conversation.tenant_id).languages)
    return sorted(listed, key=lambda one: (one["name"], *_distance(one["language"], wanted)))


def _distance(language: str, wanted: Sequence[str]) -> tuple[int, str]:
    """How far down in the list of wanted languages one is."""
    bases = [tag_of(tag).partition("-")[0] for tag in wanted if tag]
    base = tag_of(language).partition("-")[0]
    return (bases.index(base) if base in bases else len(bases), language)
