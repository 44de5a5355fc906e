"""Contacts, identities and sessions: who is speaking, from which device.

Must not know what was said.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q, QuerySet

from channels_app.contract import Sender
from channels_app.models import Channel
from channels_app.words.split import shorten
from conversations.contacts.merges import contacts_lock, demand_free, join, part, parted_from
from conversations.models import Contact, Conversation, Identity, Message, Session
from tenants.errors import Unavailable, Unprocessable
from tenants.names import name_clean
from tenants.storage import prepared
from tenants.storage.db import RACES, atomic, lost_race, now, on_commit, on_mongo, retried
from tenants.storage.memo import Memo

log = structlog.get_logger(__name__)

#: schemes of ids that are given to another person when the one who had them leaves
REISSUED = frozenset({"phone", "email"})
#: how the scope of an id begins that a person had before it was given to another
FORMER = "former:"


@dataclass(frozen=True)
class Known:
    """An identity that surely exists, by ids. ``linked``: those of the person that are known to share its contact."""

    identity_id: uuid.UUID
    contact_id: uuid.UUID
    linked: frozenset[tuple[str, str, str]] = field(default=frozenset(), compare=False)


def _by_id(rows: QuerySet[Identity], channel_id: Any, scheme: Any, scope: Any, value: Any) -> QuerySet[Identity]:
    return rows.filter(channel_id=channel_id, scheme=scheme, scope=scope, value=value)


MET = prepared.Select(Identity, _by_id)
KEYS = prepared.Select(Identity, lambda rows, **of: _by_id(rows, **of).values_list("id", "contact_id"))

_known: Memo[Known] = Memo("identities", ttl=300)
_touched: dict[tuple[uuid.UUID, str], float] = {}  # by identity and session
TOUCH_EVERY_S = 60.0


def identity_resolve(channel: Channel, sender: Sender, *, verified: bool = True) -> Known:
    """The identity of ``sender`` on ``channel``; contact and identity are made at the first word.

    Ids that the platform calls the same person's share one contact. Call inside the transaction that
    needs it; two first words at once end in an IntegrityError for one of them, whose second try finds
    the winner.
    """
    key = (channel.id, sender.scheme, sender.scope, sender.value)
    known = _known.get(key, lambda: _find(channel, sender, verified))
    if known and verified and sender.aliases and not known.linked.issuperset(ids_of(sender)):
        _known.forget(key)  # the platform vouches for an id that we had not met
        known = _find(channel, sender, verified)
    if known and on_mongo() and not _contact_holds(known):
        _known.forget(key)
        known = None
    return known or _met(key, identity_meet(channel, sender, verified), _linked(sender, verified))


def _met(key: tuple[Any, ...], known: Known, linked: frozenset[tuple[str, str, str]]) -> Known:
    """Remembered once it is committed."""
    on_commit(lambda: _known.get(key, lambda: replace(known, linked=linked)))
    return known


def _linked(sender: Sender, verified: bool) -> frozenset[tuple[str, str, str]]:
    """The ids that are linked when an identity of ``sender`` was found or met."""
    return frozenset(ids_of(sender)) if verified else frozenset()


def identities_forget(channel: Channel, sender: Sender) -> None:
    """Call when what is remembered of ``sender``, by any of the ids, proved wrong or was erased."""
    _known.forget(*((channel.id, *known_as) for known_as in ids_of(sender)))


def _contact_holds(known: Known) -> bool:
    """Whether a remembered contact is still there. MongoDB has no foreign key that would fail; a write to the row
    makes a merge in this moment and our transaction conflict, so that one of the two is tried again."""
    return bool(prepared.update(Contact, {"id": known.contact_id}, {"last_active_at": now()}))


def is_met(channel: Channel, sender: Sender) -> bool:
    """Whether there is an identity of ``sender``'s own id."""
    return KEYS.first(**_where(channel, ids_of(sender)[0])) is not None


def identity_find(channel: Channel, sender: Sender) -> Identity | None:
    """The identity of ``sender``, else a proved one of those the platform calls the same person's, or None."""
    ids = ids_of(sender)
    rows = Identity.objects.filter(_any_of(ids), channel=channel).order_by("created_at", "id")
    by_id = {(row.scheme, row.scope, row.value): row for row in rows}
    return by_id.get(ids[0]) or next((row for row in by_id.values() if row.verified), None)


def conversation_with(channel: Channel, sender: Sender, thread: str = "") -> Conversation | None:
    """The open conversation with this person, whichever of their proved ids it goes by; in ``thread`` if one is named,
    else the newest one."""
    identity = identity_find(channel, sender)
    if identity is None:
        return None
    theirs = {"contact_id": identity.contact_id, "identity__verified": True} if identity.verified else {}
    open_ones = Conversation.objects.filter(channel=channel, is_open=True, **(theirs or {"identity": identity}))
    if thread:
        open_ones = open_ones.filter(thread=thread)
    return open_ones.order_by("-created_at", "-id").first()


def ids_of(sender: Sender) -> list[tuple[str, str, str]]:
    """All ids of the person, the present one first."""
    return list(dict.fromkeys([(sender.scheme, sender.scope, sender.value), *sender.aliases]))


def _any_of(ids: Sequence[tuple[str, str, str]]) -> Q:
    return reduce(or_, (Q(scheme=scheme, scope=scope, value=value) for scheme, scope, value in ids))


def _find(channel: Channel, sender: Sender, verified: bool) -> Known | None:
    """None also where something is left to link, which `identity_meet` does."""
    row = KEYS.first(**_where(channel, ids_of(sender)[0]))
    if row is None:
        return None
    identity_id, contact_id = row
    known = Known(identity_id, contact_id, _linked(sender, verified))
    if verified and sender.aliases:
        ids = ids_of(sender)
        linked = Identity.objects.filter(_any_of(ids), channel=channel, contact_id=known.contact_id)
        if linked.count() < len(ids):
            return None
    return known


def identity_meet(channel: Channel, sender: Sender, verified: bool = True) -> Known:
    """As `identity_resolve`, without its memory, and linking what the platform vouches for: every alias
    becomes an identity, and all of them get the oldest one's contact.

    A claimed identity, be it the sender's or an alias, is never linked. Nor is a number to the person who had it before
    and is known by another user id: it has been given to a new owner, who takes it over, and nothing else with it.
    """
    ids = ids_of(sender)
    met = _met_before(channel, ids)
    by_id = {(row.scheme, row.scope, row.value): row for row in met}
    own = by_id.get(ids[0])
    if own and (not verified or not own.verified):
        return Known(own.id, own.contact_id)
    vouched = [row for row in met if row.verified] if verified else []
    for row in _given_to_others(channel, sender, vouched):
        _leave_to_former(row, sender)
        vouched.remove(row)
        del by_id[row.scheme, row.scope, row.value]
    vouched = _not_parted(vouched, own)
    contact_id = _contact_of(vouched) or _contact_create(channel, sender)
    stop = _stop_of(vouched)
    made = [
        Identity(
            tenant_id=channel.tenant_id, contact_id=contact_id, channel=channel, scheme=scheme, scope=scope,
            value=value, address=sender.address if index == 0 else "", verified=verified, **stop,
        )
        for index, (scheme, scope, value) in enumerate(ids if verified else ids[:1])
        if (scheme, scope, value) not in by_id
    ]  # fmt: skip
    prepared.insert(made)
    return Known((own or made[0]).id, contact_id)


def _met_before(channel: Channel, ids: Sequence[tuple[str, str, str]]) -> list[Identity]:
    """The identities of these ids, the oldest first."""
    if len(ids) > 1:
        return list(Identity.objects.filter(_any_of(ids), channel=channel).order_by("created_at", "id"))
    return MET.run(**_where(channel, ids[0]))


def _where(channel: Channel, id: tuple[str, str, str]) -> dict[str, Any]:
    return {"channel_id": channel.id, **dict(zip(("scheme", "scope", "value"), id, strict=True))}


def _given_to_others(channel: Channel, sender: Sender, vouched: Sequence[Identity]) -> list[Identity]:
    """Of the ids of ``sender`` those that prove nothing, because their contact has a user id that is not the sender's."""
    theirs = {row.contact_id for row in vouched if row.scheme not in REISSUED}
    lent = [row for row in vouched if row.scheme in REISSUED and row.contact_id not in theirs]
    if sender.scheme in REISSUED or not lent:
        return []
    others = _proved(channel, [row.contact_id for row in lent]).filter(scheme=sender.scheme, scope=sender.scope)
    former = set(others.values_list("contact_id", flat=True))
    return [row for row in lent if row.contact_id in former]


def _leave_to_former(row: Identity, sender: Sender) -> None:
    """What was said under a number stays with the person who had it: the row is a name of the past, to which nothing is
    sent, and the open conversations go on under the user id of that person."""
    proved = _proved(row.channel, [row.contact_id])
    stale = list(proved.values_list("channel_id", "scheme", "scope", "value"))  # remembered as linked with the number
    proved.filter(address=row.value).update(address="")
    stays = proved.filter(scheme=sender.scheme, scope=sender.scope).order_by("-created_at", "-id")[0]
    if stop := _stop_of([row]):
        proved.filter(id=stays.id, stopped_at=None).update(**stop)
    talking = set(Conversation.objects.filter(identity=stays, is_open=True).values_list("thread", flat=True))
    for talk in Conversation.objects.filter(identity=row, is_open=True).exclude(thread__in=talking):
        Conversation.objects.filter(id=talk.id).update(identity=stays)
        Message.objects.filter(conversation_id=talk.id).update(identity=stays)
    past = {"scope": f"{FORMER}{row.id}", "verified": False, "stopped_at": row.stopped_at or now()}
    Identity.objects.filter(id=row.id).update(**past)
    on_commit(lambda: _known.forget(*stale))
    log.info("identity_reissued", identity=str(row.id), scheme=row.scheme)


def _stop_of(rows: Sequence[Identity]) -> dict[str, Any]:
    """A stop by whichever id it was said, of staff's before the person's own."""
    stopped = sorted((row for row in rows if row.stopped_at), key=lambda row: row.stopped_by is None)
    return {"stopped_at": stopped[0].stopped_at, "stopped_by": stopped[0].stopped_by} if stopped else {}


def _proved(channel: Channel, contact_ids: Sequence[uuid.UUID]) -> QuerySet[Identity]:
    return Identity.objects.filter(channel=channel, contact_id__in=contact_ids, verified=True)


def _not_parted(vouched: Sequence[Identity], own: Identity | None) -> list[Identity]:
    """Of the identities that a platform calls one person's those that may share a contact: without the ones that staff
    have parted from the person who writes (CONV-11)."""
    contacts = {row.contact_id for row in vouched}
    if len(contacts) < 2:
        return list(vouched)
    stays = (own or vouched[0]).contact_id
    apart = parted_from(stays, contacts - {stays})
    return [row for row in vouched if row.contact_id not in apart]


def _contact_of(identities: Sequence[Identity]) -> uuid.UUID | None:
    """The oldest one's contact, who takes over what the others' had."""
    contacts = list(dict.fromkeys(row.contact_id for row in identities))
    if len(contacts) > 1:
        contacts_join(contacts[0], contacts[1:])
    return contacts[0] if contacts else None


def _contact_create(channel: Channel, sender: Sender) -> uuid.UUID:
    contact = Contact(
        tenant_id=channel.tenant_id,
        name=name_of(sender),
        phone=sender.value if sender.scheme == "phone" else "",
        profile=dict(sender.profile),
    )
    prepared.insert([contact])
    return contact.id


def contacts_join(kept_id: uuid.UUID, joined_ids: Sequence[uuid.UUID], by: str = "platform") -> None:
    """`merges.join`, and this is forgotten of the persons. Call inside a transaction.

    A process that remembers a joined contact fails on its foreign key and looks again (MongoDB: `_contact_holds`).
    """
    stale = join(kept_id, joined_ids, by)
    on_commit(lambda: _known.forget(*stale))


@retried
def contacts_merge(kept_id: uuid.UUID, joined_id: uuid.UUID, by: str) -> None:
    """`contacts_join` as a transaction of its own, at the word of ``by``. Raises NotFound, Unprocessable
    ``merge_with_itself``, Conflict ``being_erased``, Unavailable (lost five races)."""
    if kept_id == joined_id:
        raise Unprocessable("A contact is not merged with itself.", code="merge_with_itself")
    for _ in range(RACES):
        try:
            with atomic():
                contacts_lock(kept_id, joined_id)
                demand_free(kept_id, joined_id)
                contacts_join(kept_id, [joined_id], by)
                return
        except IntegrityError as error:  # the person wrote in this moment
            if not lost_race(error):
                raise
    raise Unavailable("Too many changes at once.", retry_after=1)


@retried
def contacts_part(merge_id: uuid.UUID, by: str) -> uuid.UUID:
    """`merges.part` as a transaction of its own; the key of the contact that is there again."""
    with atomic():
        former_id, stale = part(merge_id, by)
        on_commit(lambda: _known.forget(*stale))
        return former_id


def contact_came_from(contact_id: uuid.UUID, origin: Mapping[str, Any]) -> None:
    """Keep what brought a person here last, as ``came_from`` of their profile."""
    profile = Contact.objects.filter(id=contact_id).values_list("profile", flat=True).first()
    if profile is not None and profile.get("came_from") != origin:
        Contact.objects.filter(id=contact_id).update(profile={**profile, "came_from": dict(origin)})


def name_of(sender: Sender) -> str:
    """The person's name as it is kept: on one line and without what is not seen, for it stands before their words in lists,
    mails and exports, where it must not read as another entry or turn the direction of reading."""
    return shorten(name_clean(sender.name), 200)


def contact_touch(
    channel: Channel, known: Known, sender: Sender, *, session_key: str, device: dict[str, Any]
) -> Session | None:
    """Keep contact and session alive; at most once a minute per session, as no reader needs it finer.

    Returns the session when one began. A name that staff have decided stays, whatever the platform says (CONV-11).
    """
    at = time.monotonic()
    visit = (known.identity_id, session_key)
    if at - _touched.get(visit, -TOUCH_EVERY_S) < TOUCH_EVERY_S:
        return None
    if len(_touched) > 50_000:
        _touched.clear()
    on_commit(lambda: _touched.__setitem__(visit, at))
    seen = {"last_active_at": now()}
    person: dict[str, Any] = {"id": known.contact_id}
    name = name_of(sender)
    named = name and prepared.update(Contact, {**person, "decided": None}, {**seen, "name": name})
    if not named and prepared.update(Contact, person, seen) and name:  # staff have decided some of it
        Contact.objects.filter(**person).exclude(decided__contains="name").update(name=name)
    if sender.address:
        prepared.update(Identity, {"id": known.identity_id}, {"address": sender.address})
    return session_touch(channel, known, session_key=session_key, device=device)


def session_touch(channel: Channel, known: Known, *, session_key: str, device: dict[str, Any]) -> Session | None:
    """Slide the session's expiry; a session that had ended begins anew. Returns it when it began.

    One whose time has run out goes on until it is ended with its event: what began must be seen to end."""
    at = now()
    expires_at = at + timedelta(seconds=settings.ENV["SESSION_TTL"])
    where: dict[str, Any] = {"channel": channel, "contact_id": known.contact_id, "key": session_key[:64]}
    if prepared.update(Session, {**where, "ended_at": None}, {"last_seen_at": at, "expires_at": expires_at}):
        return None
    began = {"created_at": at, "last_seen_at": at, "expires_at": expires_at, "ended_at": None, "device": device}
    session = prepared.update_where(Session, where, began)
    if session is None:
        session = Session(tenant_id=channel.tenant_id, **where, **began)
        prepared.insert([session])
    return session


def forget_touches() -> None:
    """Empty the memory of recent touches (tests)."""
    _touched.clear()
