"""A message in the reader's language, and a reply in the person's (AI-10).

Owns which words are translated, and that a translation goes with what it translates: it is kept by message and language, for
as long as the message says the same. Must not send anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import F

from assistant.language.translating import translated
from assistant.models import Translation
from assistant.vectors.rows import digest_of
from conversations.models import Conversation, Message
from messaging.context.languages import language_spoken, last_words
from messaging.rules.control import require_open
from messaging.turns.request import SPOKEN
from tenants.errors import Unprocessable
from tenants.storage.db import atomic, retried
from tenants.tenant_settings import settings_for


@dataclass(frozen=True)
class InLanguage:
    """Words in ``language``. ``original``: the language that they were in, "" where it is not known; ``kept``: no model was
    asked for it now."""

    text: str
    language: str
    original: str
    model: str
    kept: bool = False

    def to_json(self) -> dict[str, object]:
        names = ("text", "language", "original", "model", "kept")
        return {name: getattr(self, name) for name in names}


def message_translated(message: Message, language: str) -> InLanguage:
    """What a message says, in ``language`` (ISO 639-1). Call outside a transaction.

    Raises Unprocessable ``no_words_to_translate`` and ``text_too_long``, Conflict ``no_model`` and ``budget_exceeded``,
    Unavailable ``model_failed``.
    """
    words = words_of(message)
    if not words:
        raise Unprocessable("This message has no words to translate.", code="no_words_to_translate")
    row = Translation.objects.filter(message_id=message.id, language=language).first()
    if row and row.digest == digest_of(words):
        return InLanguage(row.text, language, message.language, row.model, kept=True)
    told = translated(words, language)
    _keep(message, language, words, told.text, told.model)
    return InLanguage(told.text, language, message.language, told.model)


def kept_for(messages: Collection[Message], language: str) -> Mapping[uuid.UUID, str]:
    """Message → its translation, of those that have one. One statement, beside those for files."""
    rows = Translation.objects.filter(message_id__in=[message.id for message in messages], language=language)
    known = {row.message_id: row for row in rows}
    return {
        message.id: known[message.id].text
        for message in messages
        if message.id in known and known[message.id].digest == digest_of(words_of(message))
    }


def reply_translated(conversation: Conversation, words: str, language: str = "") -> InLanguage:
    """What staff wrote, in the person's language or another; nothing is kept or sent.

    Raises Conflict ``conversation_closed``, Unprocessable ``language_unknown``, and as `message_translated`.
    """
    require_open(conversation)
    wanted = language or language_of(conversation)
    if not wanted:
        raise Unprocessable("The person's language is not known: name one.", code="language_unknown")
    told = translated(words, wanted)
    return InLanguage(told.text, wanted, "", told.model)


def language_of(conversation: Conversation) -> str:
    """What the person speaks, as far as their words tell, else what the contact does; "" for neither."""
    spoken = language_spoken(last_words(conversation.id), settings_for(conversation.tenant_id).languages)
    return (spoken or conversation.contact.language).partition("-")[0]


def words_of(message: Message) -> str:
    """Its text, else what its voice messages were written down as; "" for an entry without words."""
    if message.role not in SPOKEN or message.deleted_at:
        return ""
    return message.text.strip() or "\n".join(_written_down(message)).strip()


def _written_down(message: Message) -> Iterable[str]:
    return (file.transcript for file in message.attachments.all() if file.transcript)


@retried
def _keep(message: Message, language: str, words: str, text: str, model: str) -> None:
    """Unless the message says something else by now, or nothing: the model took seconds."""
    with atomic():
        # an edit, a deletion and an erasure wait for this row, as we do for theirs
        if not Conversation.objects.filter(id=message.conversation_id).update(event_seq=F("event_seq")):
            return
        there = Message.objects.filter(id=message.id).first()
        if there is None or words_of(there) != words:
            return
        facts = {"digest": digest_of(words), "text": text, "model": model}
        rows = Translation.objects.filter(message_id=message.id, language=language)
        if not rows.update(**facts):
            ids = {"message_id": message.id, "conversation_id": message.conversation_id}
            Translation.objects.create(tenant_id=message.tenant_id, language=language, **ids, **facts)
