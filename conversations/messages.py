"""What a message is made of, whatever the role of its author: its cleaned content, the fields that follow from its words, and
what events say of it.

Owns facts of one message; must not store any.
"""

from __future__ import annotations

import uuid
from typing import Any

from channels_app.content.normalise import EmptyMessage, normalise
from channels_app.content.options import payload_meant
from channels_app.content.types import Content
from channels_app.words.folding import folded
from channels_app.words.text import analyse
from conversations.models import Message
from conversations.safety import NOTHING, Hidden, safety_of
from tenants.errors import Invalid
from tenants.tenant_settings import settings_for

SURROUNDINGS = ("quote", "form", "origin", "contacts", "forwarded", "full_text")  # members of a content


def cleaned(content: Content) -> Content:
    """The content as it is stored (MSG-2). Raises Invalid ``empty_message`` when nothing is left of it."""
    if content.choice:
        meant = payload_meant(content.choice.value)
        content = content.model_copy(update={"choice": content.choice.model_copy(update={"value": meant})})
    try:
        return normalise(content)
    except EmptyMessage as error:
        raise Invalid("The message says nothing.", code="empty_message") from error


def words_of(tenant_id: uuid.UUID, content: Content, hidden: Hidden = NOTHING) -> dict[str, Any]:
    """The fields of a Message that follow from what it says. ``hidden``: what stood in it."""
    rules = settings_for(tenant_id)
    languages = rules.languages
    hint = content.language or (languages[0] if len(languages) == 1 else None)
    analysis = analyse(
        content.text or "", whole=content.full_text, hint_language=hint, languages=languages,
        region=rules.region or None, safety=safety_of(rules.safety),
    )  # fmt: skip
    flags = list(dict.fromkeys((*hidden.kinds, *analysis.flags)))
    return {
        "content_type": content.type,
        "content": content.to_json(),
        "text": content.words,
        "words": folded(content.words),
        "language": analysis.language or "",
        "analysis": {"entities": [{**vars(found)} for found in analysis.entities], "flags": flags} | hidden.to_json(),
    }


def processing_result(message: Message) -> dict[str, Any]:
    """What was found in a message of a person, without their words."""
    kinds = dict.fromkeys(found["type"] for found in message.analysis.get("entities", ()))
    return {"language": message.language, "entities": list(kinds), "flags": message.analysis.get("flags", [])}


def message_facts(message: Message) -> dict[str, Any]:
    """What events say of a message: everything but its words, which are fetched with a permission unless the tenant
    has switched them on."""
    words = {"content": message.content} if settings_for(message.tenant_id).event_words else {}
    return {
        **words,
        "message_id": str(message.id),
        "client_message_id": message.client_message_id,
        "seq": message.seq,
        "role": message.role,
        "content_type": message.content_type,
        "language": message.language,
        **surroundings_of(message),
    }


def person_told(tenant_id: uuid.UUID, identity_id: uuid.UUID, scheme: str, value: str) -> str:
    """What events call a person: their id as their platform, or the caller of the API, says it; where that is a phone
    number or an e-mail address, the id of the identity, unless the tenant has switched words on."""
    address = scheme == "phone" or is_address(value)
    return str(identity_id) if address and not settings_for(tenant_id).event_words else value


def is_address(known_as: str) -> bool:
    """Whether an id of the tenant's own system is one at which the person can be reached, too."""
    return "@" in known_as or known_as.startswith("+")


def surroundings_of(message: Message) -> dict[str, Any]:
    """What events say of what surrounds a message: what the person came from, the message that is answered or quoted,
    and which members of the content have more to tell; no words of people."""
    content = message.content
    carries = [name for name in SURROUNDINGS if content.get(name)]
    return {
        **({"reply_to": str(message.reply_to)} if message.reply_to else {}),
        **({"carries": carries} if carries else {}),
        **({"origin": content["origin"]} if content.get("origin") else {}),
    }
