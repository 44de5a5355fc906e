"""The transcript in the reader's language and the reply in the person's, for the script of a conversation's page.

Owns how many messages one request has translated. Must not send anything.
"""

from __future__ import annotations

import time
from typing import Annotated

from django.http import HttpRequest, HttpResponse, JsonResponse
from pydantic import BaseModel, ConfigDict, Field

from assistant.language.plain import LONGEST
from channels_app.content.types import MAX_TEXT
from channels_app.words.text import tells_clearly
from conversations.models import Conversation, Message
from messaging.admin.inbox.transcript import PAGE
from messaging.assist.translation import kept_for, language_of, message_translated, reply_translated, words_of
from tenants.api.parse import parse_body
from tenants.console.pages.rows import TenantAdmin
from tenants.errors import Unavailable

MOST = 5  # messages that a model is asked about by one request
WITHIN_S = 6.0  # after which no further one is begun
Seq = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seqs: tuple[Seq, ...] = Field(min_length=1, max_length=2 * PAGE)
    language: str = Field(pattern=r"^[a-z]{2}$")


class Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_TEXT, pattern=r"[^\s\x85\ufeff]")


def transcript_view(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """``told`` {number: words}, "" where there is nothing to translate; ``failed``: numbers that the model gave no answer
    for; ``left``: numbers to ask for once more. Raises what `message_translated` does, but for ``model_failed``."""
    wanted = parse_body(request, Wanted)
    rows = Message.objects.filter(conversation=row, seq__in=wanted.seqs).prefetch_related("attachments")
    messages = list(rows.order_by("-seq"))  # what was said last is read first
    kept = kept_for(messages, wanted.language)
    told = {message.seq: kept[message.id] for message in messages if message.id in kept}
    spoken = language_of(row)
    left = [message for message in messages if message.id not in kept and _foreign(message, wanted.language, spoken)]
    failed: list[int] = []
    ends, asked = time.monotonic() + WITHIN_S, 0
    while left and asked < MOST and time.monotonic() < ends:
        message, asked = left.pop(0), asked + 1
        try:
            told[message.seq] = message_translated(message, wanted.language).text
        except Unavailable:
            failed.append(message.seq)
    open_ = [*failed, *(message.seq for message in left)]
    return JsonResponse({
        "told": {message.seq: _unlike(message, told.get(message.seq, "")) for message in messages if message.seq not in open_},
        "failed": failed, "left": [message.seq for message in left],
    })  # fmt: skip


def reply_view(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    return JsonResponse(reply_translated(row, parse_body(request, Reply).text).to_json())


def _foreign(message: Message, language: str, spoken: str) -> bool:
    """What a short message was taken for counts only where that is what the person speaks, or beyond doubt."""
    if not 0 < len(words_of(message)) <= LONGEST:
        return False
    guessed = message.role == Message.Role.VISITOR and language != spoken and not tells_clearly(message.text, language)
    return guessed or message.language.partition("-")[0] != language


def _unlike(message: Message, told: str) -> str:
    """Words that were in the reader's language already are not shown twice."""
    return "" if told == words_of(message) else told
