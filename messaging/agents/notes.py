"""Internal notes, and colleagues who are named in them.

Owns what ``@name`` means. Must not send anything to the person.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from functools import partial

from django.db.models import QuerySet

from conversations.models import Conversation, Note
from messaging.agents.models import Mention
from messaging.live.staff import conversation_changed, note_written
from messaging.outbox.calls import colleagues_call
from messaging.rules.control import locked
from tenants.errors import Invalid
from tenants.models import Membership, User
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, on_commit, retried

MOST = 4096  # characters of a note
MOST_NAMED = 20  # colleagues in one note
NAMED = re.compile(r"(?<![\w@.])@([\w.+-]+(?:@[\w-]+\.[\w.-]+)?)")  # user names may be addresses


@retried
def note_write(conversation_id: uuid.UUID, author: User | None, words: str) -> Note:
    """A note on the conversation; members of the tenant whom it names by ``@user-name`` have it unread. Raises NotFound,
    Invalid ``empty_note``, ``note_too_long`` and ``too_many_named``."""
    words = words.strip()
    if not words:
        raise Invalid("Write a note.", code="empty_note")
    if len(words) > MOST:
        raise Invalid(f"A note has at most {MOST} characters.", code="note_too_long")
    named = named_in(words)
    with atomic():
        seen = locked(conversation_id)
        note = Note.objects.create(tenant_id=seen.tenant_id, conversation=seen, author=author, text=words)
        for user in named:
            _mention(seen, note, user)
        on_commit(partial(note_written, seen.tenant_id, seen.id, note.id))
        if others := [user.id for user in named if user != author]:
            colleagues_call("mention", seen, others)
    note.mentioned = named
    return note


def named_in(words: str) -> list[User]:
    """The tenant's members whom a note names, in the order of their user names; other words with an ``@`` count for
    nothing. No statement without an ``@``. Raises Invalid ``too_many_named``."""
    names = {name.rstrip(".") for name in NAMED.findall(words)}
    if not names:
        return []
    members = Membership.objects.filter(user__username__in=sorted(names), user__is_active=True)
    found = members.select_related("user").order_by("user__username")[: MOST_NAMED + 1]
    if len(found) > MOST_NAMED:
        raise Invalid(f"A note names at most {MOST_NAMED} colleagues.", code="too_many_named")
    return [member.user for member in found]


def _mention(seen: Conversation, note: Note, user: User) -> None:
    at = now()
    of = Mention.objects.filter(conversation=seen, user=user)
    if not of.update(note=note, at=at, seen_at=None):  # the conversation is locked: no other writer is between
        Mention.objects.create(tenant_id=seen.tenant_id, conversation=seen, user=user, note=note, at=at)


def mentions_seen(conversation_id: uuid.UUID, user: User) -> bool:
    """``user`` has looked at the conversation: what named them there is read. Whether anything was unread."""
    unread = Mention.objects.filter(conversation_id=conversation_id, user=user, seen_at=None)
    if not unread.update(seen_at=now()):
        return False
    conversation_changed(current_tenant_id(), conversation_id)
    return True


def notes_of(conversation_id: uuid.UUID, most: int = 200) -> Sequence[Note]:
    """The newest notes, oldest first, as `notes_shown`."""
    return notes_shown(list(notes_in(conversation_id).order_by("-id")[:most])[::-1])


def notes_in(conversation_id: uuid.UUID) -> QuerySet[Note]:
    """All of a conversation."""
    return Note.objects.filter(conversation_id=conversation_id).select_related("author")


def notes_shown(notes: Sequence[Note]) -> Sequence[Note]:
    """``shown`` names colleagues as people do. A statement, none without an ``@``."""
    faces = {user.get_username(): user.get_full_name() for user in named_in("\n".join(note.text for note in notes))}
    for note in notes:
        note.shown = NAMED.sub(lambda match: f"@{_face(faces, match[1])}", note.text)
    return notes


def _face(faces: Mapping[str, str], name: str) -> str:
    """A full stop behind a name ends the sentence."""
    known = name.rstrip(".")
    return (faces.get(known) or known) + name[len(known) :]
