"""Contacts that turned out to be one person, and the ledger by which they are parted again (CONV-4).

Owns what moves: a contact's identities, and with each its conversations; its visits; the entries of what went into it before.
What was said moves with its conversation, untouched. Must not know whom a process remembers: people.py does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q

from channels_app.words.moments import moment_of_iso, written
from conversations.models import Contact, ContactMerge, Conversation, Identity, Session
from conversations.timeline import system_event
from tenants.errors import Conflict, NotFound
from tenants.scope import tenant_scope
from tenants.storage.db import now

FACTS = ("name", "email", "phone", "language")
GROUPS = ("profile", "preferences")  # of facts by name
TIMES = ("created_at", "last_active_at")
#: how long after a parting a process may still write what it remembered of the persons (tenants/storage/memo.py)
REMEMBERED = timedelta(minutes=10)

#: refuse, by raising, that these contacts are merged or parted; rooms above add theirs. Called with the contacts locked
demands: list[Callable[[Sequence[uuid.UUID]], None]] = []

#: what follows in rooms above, in the transaction: once one contact went into another; once the two are parted
when_joined: list[Callable[[ContactMerge], None]] = []
when_parted: list[Callable[[ContactMerge], None]] = []

Key = tuple[uuid.UUID, str, str, str]  # channel, scheme, scope and value of an identity


def contacts_lock(*contact_ids: uuid.UUID) -> None:
    """Hold the rows until the commit. Raises NotFound ``contact_not_found`` or ``contact_merged``."""
    for contact_id in sorted(contact_ids):
        contact = Contact.objects.filter(id=contact_id)
        active_at = contact.values_list("last_active_at", flat=True).first()
        if active_at is None or not contact.update(last_active_at=active_at):
            raise contact_missing(contact_id)


def contact_missing(contact_id: uuid.UUID) -> NotFound:
    """What is told of a contact that is not there; into which one it went, where it went into one."""
    into = contact_into(contact_id)
    if into is None:
        return NotFound("There is no such contact.", code="contact_not_found")
    message = "This contact was merged into another one."
    return NotFound(message, code="contact_merged", details={"contact_id": str(into)})


def contact_into(contact_id: uuid.UUID) -> uuid.UUID | None:
    """The contact that this one is now, by the ledger."""
    entries = ContactMerge.objects.filter(former_id=contact_id, undone_at=None).order_by("-id")
    return entries.values_list("contact_id", flat=True).first()


def demand_free(*contact_ids: uuid.UUID) -> None:
    """Raises Conflict when one of them is neither merged nor parted now, such as ``being_erased``."""
    for demand in demands:
        demand(contact_ids)


def join(kept_id: uuid.UUID, joined_ids: Sequence[uuid.UUID], by: str) -> list[Key]:
    """Several contacts become one, each with an entry of the ledger; the keys of the identities that moved. Facts of the kept
    one count, and before them what staff have decided of either; visits go on. Call inside a transaction."""
    stale: list[Key] = []
    kept = Contact.objects.get(id=kept_id)
    for joined in Contact.objects.filter(id__in=joined_ids).order_by("created_at", "id"):
        identities = Identity.objects.filter(contact_id=joined.id)
        stale += identities.values_list("channel_id", "scheme", "scope", "value")
        entries = ContactMerge.objects.filter(contact_id=joined.id)
        moved = {
            "identities": _texts(identities.values_list("id", flat=True)),
            "merges": _texts(entries.values_list("id", flat=True)),
            "sessions": _sessions_move(kept_id, joined.id),
        }
        before = _facts_of(kept)
        _facts_join(kept, joined)
        merge = ContactMerge.objects.create(
            tenant_id=kept.tenant_id, contact_id=kept_id, former_id=joined.id, by=by, moved=moved,
            former={**_facts_of(joined), **{name: written(getattr(joined, name)) for name in TIMES}},
            changed=_changed(before, _facts_of(kept)),
        )  # fmt: skip
        entries.update(contact_id=kept_id)
        identities.update(contact_id=kept_id)
        Conversation.objects.filter(contact_id=joined.id).update(contact_id=kept_id)
        _tell("chat.contact.merged", merge, moved["identities"])
        for follow in when_joined:
            follow(merge)
    kept.save(update_fields=[*FACTS, *GROUPS, "decided"])
    Contact.objects.filter(id__in=joined_ids).delete()
    return stale


def _facts_join(kept: Contact, joined: Contact) -> None:
    for fact in FACTS:
        if fact in joined.decisions - kept.decisions or not getattr(kept, fact):
            setattr(kept, fact, getattr(joined, fact))
    for facts in GROUPS:
        both = joined, kept
        first, last = both if facts in kept.decisions or facts not in joined.decisions else both[::-1]
        setattr(kept, facts, {**getattr(first, facts), **getattr(last, facts)})
    kept.decide(joined.decisions)


def _facts_of(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in (*FACTS, *GROUPS, "decided")}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [before[name], after[name]] for name in before if before[name] != after[name]}


def _sessions_move(kept_id: uuid.UUID, joined_id: uuid.UUID) -> dict[str, str]:
    """A visit goes on as the kept contact's; the keys that the moved ones had. Where that has one of the same key, which
    goes on instead, the joined one's gets a key that no client knows: its time runs out, and it ends with its event as
    every visit does."""
    taken = set(Session.objects.filter(contact_id=kept_id).values_list("channel_id", "key"))
    moved = {}
    for session in Session.objects.filter(contact_id=joined_id).order_by("created_at", "id"):
        key = str(session.id) if (session.channel_id, session.key) in taken else session.key
        Session.objects.filter(id=session.id).update(contact_id=kept_id, key=key)
        moved[str(session.id)] = session.key
    return moved


def _tell(type: str, merge: ContactMerge, identities: Iterable[str]) -> None:
    """Of no conversation: each of theirs goes on as it is."""
    ids = {"merge_id": str(merge.id), "contact_id": str(merge.contact_id), "former_id": str(merge.former_id)}
    system_event(merge.tenant_id, type, {**ids, "identity_ids": list(identities)})


def _texts(ids: Iterable[uuid.UUID]) -> list[str]:
    return [str(one) for one in ids]


# ------------------------------------------------------------------------------- parting


def parted_from(contact_id: uuid.UUID, others: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of the others staff have parted from the contact: no platform makes them one again; staff may."""
    pairs = Q(contact_id=contact_id, former_id__in=others) | Q(contact_id__in=others, former_id=contact_id)
    undone = ContactMerge.objects.filter(pairs, undone_at__isnull=False).values_list("contact_id", "former_id")
    return {one for pair in undone for one in pair} - {contact_id}


def part(merge_id: uuid.UUID, by: str) -> tuple[uuid.UUID, list[Key]]:
    """Undo one entry: the former contact is there again, with its facts as they were, its identities and all
    conversations of them, those begun since included. The kept one gives back the facts that it got by it, where they
    are still the same. Returns the former contact's key and those of its identities. Call inside a transaction.

    Raises NotFound ``merge_not_found``, Conflict ``merge_undone``, and ``merge_covered`` as long as the kept contact was
    itself merged into another since: that is undone first; what `demand_free` raises.
    """
    merge = ContactMerge.objects.filter(id=merge_id).first()
    if merge is None:
        raise NotFound("There is no such merge.", code="merge_not_found")
    contacts_lock(merge.contact_id)
    demand_free(merge.contact_id)
    if not ContactMerge.objects.filter(id=merge_id, undone_at=None).update(undone_at=now(), undone_by=by[:200]):
        raise Conflict("This merge was undone before.", code="merge_undone")
    _demand_bare(merge)
    _former_create(merge)
    identities = Identity.objects.filter(id__in=merge.moved["identities"], contact_id=merge.contact_id)
    rows = list(identities.order_by("id").values_list("id", "channel_id", "scheme", "scope", "value"))
    identities.update(contact_id=merge.former_id)
    _conversations_follow(merge)
    for session_id, key in merge.moved["sessions"].items():
        mine = Session.objects.filter(id=session_id, contact_id=merge.contact_id)
        mine.update(contact_id=merge.former_id, key=key)
    entries = ContactMerge.objects.filter(id__in=merge.moved["merges"], contact_id=merge.contact_id)
    entries.update(contact_id=merge.former_id)
    _facts_return(merge)
    _tell("chat.contact.parted", merge, _texts(row[0] for row in rows))
    for follow in when_parted:
        follow(merge)
    return merge.former_id, [row[1:] for row in rows]


def _demand_bare(merge: ContactMerge) -> None:
    since = ContactMerge.objects.filter(contact_id=merge.contact_id, undone_at=None)
    for later in since.order_by("id"):
        if str(merge.id) in later.moved["merges"]:
            message = "The contact was merged into another one since: undo that first."
            raise Conflict(message, code="merge_covered", details={"merge_id": str(later.id)})


def _former_create(merge: ContactMerge) -> None:
    times = {name: moment_of_iso(merge.former[name]) for name in TIMES}
    facts = {name: merge.former[name] for name in (*FACTS, *GROUPS, "decided")}
    Contact(id=merge.former_id, tenant_id=merge.tenant_id, **{**facts, **times}).save(force_insert=True)


def _conversations_follow(merge: ContactMerge) -> int:
    """Conversations are their identity's contact's; how many were not yet."""
    theirs = Identity.objects.filter(id__in=merge.moved["identities"], contact_id=merge.former_id)
    ids = list(theirs.values_list("id", flat=True))
    return int(
        Conversation.objects.filter(identity_id__in=ids, contact_id=merge.contact_id).update(contact_id=merge.former_id)
    )


def _facts_return(merge: ContactMerge) -> None:
    kept = Contact.objects.get(id=merge.contact_id)
    for name, (before, after) in merge.changed.items():
        if name in GROUPS:
            setattr(kept, name, _returned(getattr(kept, name), before, after))
        elif getattr(kept, name) == after:
            setattr(kept, name, before)
    kept.save(update_fields=[*FACTS, *GROUPS, "decided"])


def _returned(present: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """``present`` with what the merge made of it taken back, name by name, where it is still so."""
    kept = dict(present)
    for name, value in after.items():
        if name in kept and kept[name] == value and before.get(name) != value:
            if name in before:
                kept[name] = before[name]
            else:
                del kept[name]
    return kept


def partings_follow() -> int:
    """Conversations that a process began with an identity in the very second in which its contacts were parted, by what it
    still remembered; how many. Of all tenants."""
    # unscoped: of all tenants; each entry names rows of its own only
    fresh = ContactMerge.objects.unscoped().filter(undone_at__gte=now() - REMEMBERED)
    count = 0
    for merge in fresh:
        with tenant_scope(merge.tenant_id):
            count += _conversations_follow(merge)
    return count
