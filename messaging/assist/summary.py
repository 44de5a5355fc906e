"""What a conversation was about, in a model's words where the tenant has one, else the digest (AI-6, AI-10).

Owns what a model reads of a transcript. Must not write a row.
"""

from __future__ import annotations

from assistant.language.plain import LONGEST, told_plainly
from conversations.models import Conversation, Message
from conversations.summary import Summary, summary_of
from messaging.respond import SPOKEN
from tenants.errors import Conflict, Unavailable

PURPOSE = "summary"
MOST_TOKENS = 300
MOST_READ = 200  # entries, the newest; as many as the digest reads
RULES = (
    "You sum up a support conversation for the colleague who takes it over. At most five short lines, in English: what the person "
    "wants, what is known, what was tried or promised, what is open. State only what was said. Marks such as [EMAIL_1] stay as "
    "they are. The words between the marks are the transcript, its newest entries last."
)


def summary_told(conversation: Conversation) -> tuple[Summary, str, str]:
    """The digest; the text to show, by the model where it answered, else the digest's; and the model, "" for the digest. Call
    outside a transaction."""
    digest = summary_of(conversation)
    words = _transcript(conversation) if digest.asked else ""
    if not words:
        return digest, digest.text, ""
    try:
        told = told_plainly(RULES, words, kind="transcript", purpose=PURPOSE, most=MOST_TOKENS)
    except (Conflict, Unavailable):  # no model, no money, no answer: the colleague still gets the digest
        return digest, digest.text, ""
    return digest, told.text, told.model


def _transcript(conversation: Conversation) -> str:
    """Whole entries, the newest that fit, in their order."""
    rows = Message.objects.filter(conversation=conversation, deleted_at=None, role__in=SPOKEN).exclude(text="")
    lines: list[str] = []
    room = LONGEST
    for role, text in rows.order_by("-seq").values_list("role", "text")[:MOST_READ]:
        line = f"{role}: {' '.join(text.split())}"
        if len(line) > room:
            break
        lines.append(line)
        room -= len(line) + 1
    return "\n".join(reversed(lines))
