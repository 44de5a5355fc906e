"""What a message quotes (MSG-8): which of our messages that is, what is kept of it beside the quoting one, and what the
platform calls it when a quote goes out.

Owns the member ``quote`` of contents. All messages of a thread name its root: the first one of the conversation shows
it, the others keep the link only.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from channels_app.content.surroundings import MAX_FURTHER, MAX_QUOTE, Quote, Quoted
from channels_app.content.types import Content
from channels_app.contract import InboundMessage
from channels_app.words.markdown import convert
from channels_app.words.split import shorten
from conversations.models import Conversation, Message
from messaging.models import DeliveryPart
from tenants.errors import Invalid


def message_known_as(channel_id: uuid.UUID, platform_id: str) -> Message | None:
    """The message that the platform calls so: a person's, or one of ours by any of its parts."""
    message = Message.objects.filter(channel_id=channel_id, platform_message_id=platform_id).first()
    if message or not platform_id:
        return message
    part = DeliveryPart.objects.filter(channel_id=channel_id, platform_id=platform_id).select_related(
        "delivery__message"
    )
    found = part.first()
    return found.delivery.message if found else None


def platform_name_of(quote: Quote | None) -> str:
    """What the platform calls the quoted message: its last part, where it went out in several; "" when it has no name
    there."""
    if quote is None or quote.message_id is None:
        return ""
    theirs = Message.objects.filter(id=quote.message_id).values_list("platform_message_id", flat=True).first()
    parts = DeliveryPart.objects.filter(delivery__message_id=quote.message_id).exclude(platform_id="")
    return theirs or parts.order_by("-index").values_list("platform_id", flat=True).first() or ""


def inbound_quoted(
    conversation: Conversation, inbound: InboundMessage, content: Content
) -> tuple[Content, uuid.UUID | None]:
    """The content with what is known of its quote, and the id of our message that it answers or quotes.

    Raises Invalid ``quote_unknown`` for an id that a caller gave and that is no message of this person's.
    """
    if not inbound.reply_to:
        told = content.quote is None or (inbound.platform_id and content.quote.message_id is None)
        return (content, None) if told else outbound_quoted(conversation, content)
    quoted = message_known_as(conversation.channel_id, inbound.reply_to)
    quoted_id = quoted.id if quoted else None
    if inbound.in_thread and (quoted is None or conversation.last_seq > 1):
        return content, quoted_id
    quote = quote_of(quoted, conversation) if quoted else content.quote or Quote()
    if inbound.also_quoted and content.quote and content.quote.further:
        others = zip(content.quote.further, inbound.also_quoted, strict=False)
        quote = quote.model_copy(update={"further": tuple(_further(one, name, conversation) for one, name in others)})
    return content.model_copy(update={"quote": quote}), quoted_id


def _further(told: Quoted, name: str, conversation: Conversation) -> Quoted:
    """What the platform ``told`` of a message that it calls ``name``, or what is known of it here."""
    message = message_known_as(conversation.channel_id, name)
    if message is None:
        return told
    known = quote_of(message, conversation)
    return Quoted(message_id=known.message_id, author=known.author, text=known.text)


def outbound_quoted(
    conversation: Conversation, content: Content, answered_id: uuid.UUID | None = None
) -> tuple[Content, uuid.UUID | None]:
    """As `inbound_quoted`, of what staff, an engine or a caller writes. ``answered_id`` is quoted where a quote names
    none."""
    if content.quote is None:
        return content, None
    wanted = content.quote.message_id or answered_id
    theirs = Q(conversation_id=conversation.id) | Q(conversation__contact_id=conversation.contact_id)
    quoted = Message.objects.filter(theirs, id=wanted, channel_id=conversation.channel_id).first() if wanted else None
    if quoted is None or quoted.role == Message.Role.SYSTEM:
        raise Invalid("The message to quote is none of this person's on this channel.", code="quote_unknown")
    return content.model_copy(update={"quote": quote_of(quoted, conversation)}), quoted.id


def quote_of(message: Message, conversation: Conversation) -> Quote:
    """What is kept of a message that is quoted in ``conversation``: of another person's no words, which would stay
    there when that person takes them back."""
    theirs = message.direction == Message.Direction.INBOUND and message.conversation_id != conversation.id
    if message.deleted_at or (theirs and message.conversation.contact_id != conversation.contact_id):
        return Quote(message_id=message.id, author=message.role)
    said = message.text or Content.model_validate(message.content).summary
    if message.content.get("format") == "markdown":  # its beginning is shown as words: a cut would leave half a mark
        said = convert(said, "label")
    return Quote(message_id=message.id, author=message.role, text=shorten(" ".join(said.split()), MAX_QUOTE))


def quotes_forget(conversation: Conversation, message: Message) -> None:
    """What was deleted is kept nowhere: not in the messages that quote it either."""
    quoting = Message.objects.filter(
        quotes_it("content__quote", message.id), conversation__contact_id=conversation.contact_id
    )
    for entry_id, content in list(quoting.values_list("id", "content")):
        quote = _wordless(content["quote"], str(message.id))
        Message.objects.filter(id=entry_id).update(content={**content, "quote": quote})


def quotes_it(path: str, message_id: uuid.UUID) -> Q:
    """Rows whose quote, at ``path``, is of the message, be it the first or a further one."""
    found = Q(**{f"{path}__message_id": str(message_id)})
    for place in range(MAX_FURTHER):
        found |= Q(**{f"{path}__further__{place}__message_id": str(message_id)})
    return found


def _wordless(quote: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """``quote`` without the words of the message."""
    own = {"text": ""} if quote.get("message_id") == message_id else {}
    further = [
        {**one, "text": ""} if one.get("message_id") == message_id else one for one in quote.get("further") or ()
    ]
    return {**quote, **own, **({"further": further} if further else {})}
