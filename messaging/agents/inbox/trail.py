"""The trail of one conversation: what staff, keys and rules did with it, and what happened to it, the latest first.

Owns which entries of the audit trail and which events belong to it. Both have an order of their own, by which they are
walked; a page is the latest of both. Must not say it in words of the console: messaging/admin/inbox/trail.py does.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import Q

from conversations.models import Conversation, Event
from messaging.agents.models import Label
from messaging.context.changes import UPDATED
from tenants.errors import Invalid
from tenants.models import AuditEntry, Membership, Team, User

SALT = "conversation-trail"
#: told whole; what else is said and read stands in the transcript
TYPES = (
    "chat.conversation.started", "chat.conversation.ended", "chat.message.updated", "chat.message.deleted",
    "chat.message.failed", "chat.message.flagged", "chat.contact.stopped", "chat.contact.resumed",
    "chat.contact.identity_changed",
)  # fmt: skip
CHANGED = ("chat.message.updated", "chat.message.deleted")
#: of `chat.conversation.updated`: what no member of staff has done; what one did is an act
TRIGGERS = ("handover", "outside", "rated", "failed", "recovered", "late", "wake")
#: who looks does nothing (tenants/trail/reads.py)
LOOKS = ("contact.read", "conversation.read")
#: members of an event that say who and why
FACTS = (
    "by", "trigger", "status", "reason", "assignee_id", "team_id", "satisfaction", "message_id", "seq", "flags", "handled_by",
    "waiting_since",
)  # fmt: skip


@dataclass(frozen=True)
class Named:
    """What ids and user names stand for: members of the tenant, teams and labels that there are."""

    users: dict[str, User]
    teams: dict[str, str]
    labels: dict[str, str]


@dataclass(frozen=True)
class Page:
    """``rows``: the latest first. ``cursor``: of the earlier ones; "" at the end."""

    rows: list[AuditEntry | Event]
    cursor: str = ""


def trail_page(conversation: Conversation, *, size: int, cursor: str = "", contact: bool = True) -> Page:
    """``contact``: with what was done with the person, for those who may read contacts. Two statements. Raises Invalid
    ``invalid_cursor``."""
    last_act, last_event = _places(cursor, conversation) if cursor else (None, None)
    acts = AuditEntry.objects.filter(target__in=targets_of(conversation, contact=contact)).order_by("-id")
    acts = acts.exclude(action__in=LOOKS)
    events = Event.objects.filter(conversation=conversation).order_by("-seq")
    events = events.filter(Q(type__in=TYPES) | Q(type=UPDATED, payload__trigger__in=TRIGGERS))
    events = events.exclude(type__in=CHANGED, payload__by="staff")  # an act tells it, and who
    acts = acts.filter(id__lt=last_act) if last_act else acts
    events = events.filter(seq__lt=last_event) if last_event is not None else events
    both: list[AuditEntry | Event] = [*acts[: size + 1], *events[: size + 1]]
    both.sort(key=lambda row: (row.created_at, row.id), reverse=True)
    shown = both[:size]
    if len(both) <= size:
        return Page(shown)
    for row in shown:
        last_act, last_event = (last_act, row.seq) if isinstance(row, Event) else (row.id, last_event)
    places = [str(last_act) if last_act else None, last_event, str(conversation.id)]
    return Page(shown, signing.dumps(places, salt=SALT))


def targets_of(conversation: Conversation, *, contact: bool) -> list[str]:
    """As tenants/trail/audit.py names them."""
    person = [f"contact:{conversation.contact_id}"] if contact else []
    return [f"conversation:{conversation.id}", *person]


def trail_shapes(rows: Sequence[AuditEntry | Event], named: Named, *, addresses: bool) -> list[dict[str, Any]]:
    """As the API shows them. ``addresses``: with the address of the one who acted."""
    return [
        {
            "id": row.id,
            "at": row.created_at,
            "kind": "event" if isinstance(row, Event) else "act",
            "what": row.type if isinstance(row, Event) else row.action,
            "actor": None if isinstance(row, Event) else row.actor,
            "actor_name": actor_of(row, named),
            "facts": facts_of(row),
            "ip": row.ip if addresses and isinstance(row, AuditEntry) else None,
        }
        for row in rows
    ]


def facts_of(row: AuditEntry | Event) -> dict[str, Any]:
    if isinstance(row, Event):
        return {name: row.payload[name] for name in FACTS if row.payload.get(name) not in (None, "")}
    return dict(row.changes)


def actor_of(row: AuditEntry | Event, named: Named) -> str | None:
    """The name of the colleague who acted; None for a key, a rule, and for one who is no member any more."""
    if isinstance(row, Event) or not row.actor.startswith("user:"):
        return None
    user = named.users.get(row.actor.removeprefix("user:"))
    return (user.get_full_name() or user.get_username()) if user else None


def named_in_trail(rows: Iterable[AuditEntry | Event]) -> Named:
    """At most three statements."""
    facts = [(row, facts_of(row)) for row in rows]
    actors = {row.actor.removeprefix("user:") for row, _ in facts if isinstance(row, AuditEntry)}
    names = actors | {str(one["assignee"]) for _, one in facts if one.get("assignee")}
    ids, teams, labels = (_ids(one.get(key) for _, one in facts for key in keys) for keys in MEANT)
    members = Membership.objects.filter(Q(user__username__in=names) | Q(user__in=ids)).select_related("user")
    users: dict[str, User] = {}
    for member in members if names or ids else ():
        users |= {member.user.get_username(): member.user, str(member.user_id): member.user}
    return Named(
        users,
        {str(id_): name for id_, name in Team.objects.filter(id__in=teams).values_list("id", "name")} if teams else {},
        {str(id_): name for id_, name in Label.objects.filter(id__in=labels).values_list("id", "name")}
        if labels
        else {},
    )


#: members of facts that hold ids: of users, of teams, of labels
MEANT = (("assignee_id",), ("team_id", "team"), ("label",))


def _ids(values: Iterable[Any]) -> set[uuid.UUID]:
    found = set()
    for value in values:
        try:
            found.add(uuid.UUID(str(value)))
        except ValueError:
            continue
    return found


def _places(cursor: str, conversation: Conversation) -> tuple[uuid.UUID | None, int | None]:
    try:
        act, event, of = signing.loads(cursor, salt=SALT)
        if of != str(conversation.id):
            raise ValueError("of another conversation")
        return (uuid.UUID(act) if act else None), event
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Invalid("The cursor is not one of ours.", code="invalid_cursor") from error
