"""What a conversation was about, in a model's words where the tenant has one, else the digest (AI-6, AI-10).

Owns what a model reads of a transcript, and that the note of a hand-over says it once the model has. Must not write any other
row.
"""

from __future__ import annotations

import uuid

from assistant.language.plain import LONGEST, told_plainly
from conversations.models import Conversation, Message, Note
from conversations.summary import Summary, summary_of
from messaging.live.staff import note_written
from messaging.turns.request import SPOKEN
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


def note_rewritten(note_id: uuid.UUID) -> bool:
    """The note of a hand-over, which has the digest, in the model's words; whether it was. It stays as it is where there is no
    model, money or answer, and where it says something else by the time the model has answered. Call outside a transaction."""
    note = Note.objects.select_related("conversation").filter(id=note_id, author=None).first()
    if note is None:  # erased meanwhile
        return False
    _, words, model = summary_told(note.conversation)
    if not model:
        return False
    heading = note.text.partition("\n")[0]
    there = Note.objects.filter(id=note.id, text=note.text)
    if not there.update(text=f"{heading}, by {model}\n{words}"):
        return False
    note_written(note.tenant_id, note.conversation_id, note.id)
    return True


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
