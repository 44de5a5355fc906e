"""Ids of a person that staff or integrators know before the person writes: attached to a contact, and taken off again.

Owns that an id leads to one contact, and that one under which something was said stays where it is. Must not know how a person
is found by what they say: people.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError

from channels_app.contract import Sender
from channels_app.models import Channel
from conversations.contacts.merges import contacts_lock, demand_free
from conversations.contacts.people import identities_forget, identity_find, is_met
from conversations.models import Attachment, Conversation, Identity, Message, Reaction, Revision
from tenants.errors import Conflict, NotFound, Unavailable, Unprocessable
from tenants.storage.db import RACES, atomic, lost_race, now, on_commit, retried

MOST = 50
USERS = "web"  # the kind whose visitors come under the ids of the integrator's own system, once a token proves them
USES = (Conversation, Message, Attachment, Revision, Reaction)

#: refuse, by raising, that this id is attached; that one is taken off this contact. Rooms above add theirs
attach_demands: list[Callable[[Channel, Sender], None]] = []
detach_demands: list[Callable[[uuid.UUID], None]] = []


def sender_at(channel: Channel, address: str, name: str = "") -> Sender:
    """The person at this address, whom we may write to first. Raises Unprocessable ``person_writes_first`` and
    ``recipient_invalid``."""
    adapter = channel.adapter
    if not adapter.starts_conversations:
        raise Unprocessable("On this kind of channel the person has to write first.", code="person_writes_first")
    config: Any = channel.adapter_config()
    complaint = adapter.check_recipient(address, config)
    sender = None if complaint else adapter.sender_at(address, name, config)
    if sender is None:
        complaint = complaint or "This is the address of a place, not of a person."
        details = [{"field": "user_id", "message": complaint, "code": "recipient_invalid"}]
        raise Unprocessable(complaint, code="recipient_invalid", details=details)
    return sender


def sender_named(channel: Channel, user_id: str, name: str = "") -> Sender:
    """The person whom a caller of the API calls ``user_id``, in the terms in which their own messages come: a number leads
    to the contact that has it. What is no address of the kind is an id of the caller's system."""
    own, adapter = Sender("user", user_id, name=name), channel.adapter
    config: Any = channel.adapter_config()
    if channel.kind == USERS or adapter.check_recipient(user_id, config):
        return own
    theirs = adapter.sender_at(user_id, name, config) or own
    # a person whom callers alone have named so far may stand under the id as it was sent: they go on there
    return own if theirs.scheme != own.scheme and not is_met(channel, theirs) and is_met(channel, own) else theirs


@retried
def identity_attach(contact_id: uuid.UUID, channel: Channel, user_id: str) -> tuple[Identity, bool]:
    """The identity, which is claimed and not verified, and whether it is new. Raises NotFound ``contact_not_found`` and
    ``contact_merged``, Conflict ``being_erased``, ``person_erased`` and ``identity_taken``, Unprocessable ``too_many_identities``
    and as `sender_at`, Unavailable (lost five races)."""
    sender = Sender("user", user_id) if channel.kind == USERS else sender_at(channel, user_id)
    for _ in range(RACES):
        try:
            with atomic():
                contacts_lock(contact_id)
                demand_free(contact_id)
                known = identity_find(channel, sender)
                return (_own(known, contact_id), False) if known else (_made(contact_id, channel, sender), True)
        except IntegrityError as error:  # the person wrote in this moment
            if not lost_race(error):
                raise
    raise Unavailable("Too many changes at once.", retry_after=1)


def _own(known: Identity, contact_id: uuid.UUID) -> Identity:
    if known.contact_id != contact_id:
        raise Conflict(
            "Another contact has this id: merge the two if they are one person.",
            code="identity_taken",
            details={"contact_id": str(known.contact_id)},
        )
    return known


def _made(contact_id: uuid.UUID, channel: Channel, sender: Sender) -> Identity:
    for demand in attach_demands:
        demand(channel, sender)
    if Identity.objects.filter(contact_id=contact_id).count() >= MOST:
        raise Unprocessable(f"{MOST} ids are attached to a contact at most.", code="too_many_identities")
    return Identity.objects.create(
        tenant_id=channel.tenant_id, contact_id=contact_id, channel=channel, scheme=sender.scheme, scope=sender.scope,
        value=sender.value, address=sender.address, **_stop_of_staff(contact_id, channel),
    )  # fmt: skip


def _stop_of_staff(contact_id: uuid.UUID, channel: Channel) -> dict[str, Any]:
    """What staff have decided of the person holds for this id, too (CONV-11); the web chat goes on."""
    stopped = Identity.objects.filter(contact_id=contact_id, stopped_by=Identity.STAFF).exists()
    return {"stopped_at": now(), "stopped_by": Identity.STAFF} if stopped and not channel.adapter.instant else {}


@retried
def identity_detach(contact_id: uuid.UUID, identity_id: uuid.UUID) -> None:
    """The id leads to no contact any more. Raises NotFound ``contact_not_found``, ``contact_merged`` and
    ``identity_not_found``, Conflict ``being_erased``, ``legal_hold`` and ``identity_in_use``."""
    with atomic():
        contacts_lock(contact_id)
        demand_free(contact_id)
        row = Identity.objects.filter(id=identity_id, contact_id=contact_id).select_related("channel").first()
        if row is None:
            raise NotFound("This contact has no such identity.", code="identity_not_found")
        for demand in detach_demands:
            demand(contact_id)
        used = any(model.objects.filter(identity_id=row.id).exists() for model in USES)
        if row.verified or row.stopped_at or used:
            raise Conflict(
                "The person has proved this id, said something by it or stopped messages to it: it stays with them.",
                code="identity_in_use",
            )
        sender, channel = Sender(row.scheme, row.value, row.scope), row.channel
        row.delete()
        on_commit(lambda: identities_forget(channel, sender))
