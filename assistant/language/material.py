"""What a prompt is made of beside the request: passages of the tenant's articles, what was said long before.

Owns where these are found. Must not decide what of it is told.
"""

from __future__ import annotations

import structlog

from assistant.builtin.turn import Look
from assistant.models import Vector
from assistant.port import EngineRequest, HistoryEntry, Source
from assistant.prompting.builder import Material
from assistant.vectors import texts
from assistant.vectors.port import Only, StoreAway
from assistant.vectors.rows import digest_of, vectors_like
from channels_app.words.split import shorten
from conversations.models import Conversation, Message
from tenants.storage import prepared

log = structlog.get_logger(__name__)

PASSAGES = 6
LIKELY = 0.2  # a passage less like the question is noise
EARLIER, LIKE = 4, 0.45  # older messages, and how like the question they are at least
CONVERSATIONS = 20  # of the same person on the same channel that are looked through
LONG = 20  # entries of a history behind which there may be more
DIGEST, EACH = 30, 120  # messages before the history, and characters of each
TALKS = prepared.Select(
    Conversation,
    lambda rows, conversation_id: (
        rows.filter(identity__conversations=conversation_id, kind="chat").order_by("-id").values_list("id", flat=True)
    ),
)


def material_for(question: str, language: str, look: Look) -> list[Material]:
    """Passages of the tenant's articles, the best first, as ``look`` finds them."""
    return [
        Material(Source("article", str(one.article_id), one.title, one.url, one.score), one.text)
        for one in look(question, language, PASSAGES)
        if one.score >= LIKELY
    ]


def earlier_of(request: EngineRequest, question: str) -> list[HistoryEntry]:
    """What this identity's conversations hold that is like the question, and is not in the history. Nothing while the store of
    vectors is away."""
    ids = TALKS.run(most=CONVERSATIONS, conversation_id=request.conversation_id)
    all_told = ids == [request.conversation_id] and len(request.history) < LONG  # the history is the whole of it
    if not ids or all_told or not question.strip():
        return []
    try:
        [numbers] = texts.encoded([question])
        found = vectors_like(Vector.Kind.MESSAGE, numbers, 4 * EARLIER, Only(ids))
    except StoreAway:
        log.info("earlier_messages_away", conversation=str(request.conversation_id))
        return []
    digests = {one.ref_id: one.digest for one in found if one.score >= LIKE}
    rows = Message.objects.filter(id__in=digests, deleted_at=None).order_by("id").values_list("id", "role", "text")
    told = {entry.text for entry in request.history} | {content.text for content in request.contents}
    return [
        HistoryEntry(role, shorten(words, 500))
        for row_id, role, words in rows
        if words not in told and digest_of(words) == digests[row_id]
    ][:EARLIER]


def digest_before(request: EngineRequest) -> str:
    """The beginnings of what the person wrote before the history begins, the oldest first; "" in a short conversation."""
    if len(request.history) < LONG:
        return ""
    said = Message.objects.filter(conversation_id=request.conversation_id, deleted_at=None, role=Message.Role.VISITOR)
    words = list(said.order_by("-seq").values_list("text", flat=True)[: LONG + DIGEST])[LONG:]
    return "\n".join(f"- {shorten(' '.join(one.split()), EACH)}" for one in reversed(words) if one)
