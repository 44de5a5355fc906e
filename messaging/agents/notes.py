"""Internal notes, and colleagues who are named in them.

Owns what ``@name`` means. Must not send anything to the person.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from functools import partial

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from conversations.models import Conversation, Note
from messaging.agents.members import members_active
from messaging.agents.models import Mention
from messaging.live.staff import conversation_changed, note_written
from messaging.outbox.calls import colleagues_call
from messaging.rules.control import locked
from tenants.access.permissions import expand
from tenants.errors import Invalid
from tenants.models import Membership, User
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, on_commit, retried

MOST = 4096  # characters of a note
MOST_NAMED = 20  # colleagues in one note
MOST_MET = 1000  # members whose names are looked for at once
READS = "conversations:read"  # who lacks it is told nothing: a note is part of a conversation
ENDS = ".-+"  # of a sentence, behind a name
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
    """The tenant's members whom a note names and who may read it, in the order of their user names; other words with an
    ``@`` count for nothing. No statement without an ``@``. Raises Invalid ``too_many_named``."""
    found = [member.user for member in _members_named(words) if READS in expand(member.role.permissions)]
    if len(found) > MOST_NAMED:
        raise Invalid(f"A note names at most {MOST_NAMED} colleagues.", code="too_many_named")
    return found


def _members_named(words: str) -> list[Membership]:
    """However their names are written, large or small; one that is written exactly so goes before."""
    names = {name.rstrip(ENDS) for name in NAMED.findall(words)}
    if not names:
        return []
    small = {name.lower() for name in names}
    members = members_active().annotate(small=Lower("user__username"))
    met = members.filter(Q(user__username__in=sorted(names)) | Q(small__in=sorted(small))).order_by("user__username")
    found = list(met[:MOST_MET])
    exact = {member.user.get_username().lower() for member in found if member.user.get_username() in names}
    return [one for one in found if (name := one.user.get_username()) in names or name.lower() not in exact]


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
    members = _members_named("\n".join(note.text for note in notes))
    faces = {member.user.get_username().lower(): member.user.get_full_name() for member in members}
    for note in notes:
        note.shown = NAMED.sub(lambda match: f"@{_face(faces, match[1])}", note.text)
    return notes


def _face(faces: Mapping[str, str], name: str) -> str:
    """What stands behind a name ends the sentence."""
    known = name.rstrip(ENDS)
    return (faces.get(known.lower()) or known) + name[len(known) :]
