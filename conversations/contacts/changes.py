"""Contacts as staff and integrators see and change them. Must not know how they are found by what they say: people.py."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import Avg, Count, Max, Min, Q, QuerySet, Sum

from conversations.contacts.merges import GROUPS, contact_missing, contacts_lock
from conversations.models import Contact, Conversation, Identity, Session
from conversations.timeline import contact_touched
from tenants.errors import NotFound, Unprocessable
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, retried

MOST_FACTS = 50
DECIDED = ("name", "email", "phone", "language", *GROUPS)


def contact_get(contact_id: uuid.UUID) -> Contact:
    """Raises NotFound ``contact_not_found``, for another tenant's as for none at all, and ``contact_merged``."""
    contact: Contact | None = Contact.objects.filter(id=contact_id).first()
    if contact is None:
        raise contact_missing(contact_id)
    return contact


def contact_create(facts: Mapping[str, Any]) -> Contact:
    """A contact of the tenant in scope, with facts that no platform changes."""
    groups = {name: _joined({}, facts[name], name) for name in GROUPS}
    contact = Contact(tenant_id=current_tenant_id(), **{**facts, **groups})
    contact.decide(name for name in DECIDED if getattr(contact, name))
    contact.save()
    return contact


@retried
def contact_change(contact_id: uuid.UUID, changes: Mapping[str, Any]) -> Contact:
    """Facts that are named count from now on, whatever a platform or a visitor claims (CONV-11); of a group those that are
    named in it. Raises NotFound, Unprocessable ``too_many_facts``."""
    with atomic():
        contacts_lock(contact_id)
        contact = Contact.objects.get(id=contact_id)
        for name, value in changes.items():
            new = _joined(getattr(contact, name), value, name) if name in GROUPS else value
            if new != getattr(contact, name):
                setattr(contact, name, new)
                contact.decide([name])
        contact.save(update_fields=[*changes, "decided"])
        contact_touched(contact)
        return contact


def _joined(present: Mapping[str, Any], given: Mapping[str, Any], group: str) -> dict[str, Any]:
    facts = {name: value for name, value in {**present, **given}.items() if value is not None}
    if len(facts) > MOST_FACTS:
        raise Unprocessable(f"`{group}` holds {MOST_FACTS} facts at most.", code="too_many_facts")
    return facts


def identities_of(contact_id: uuid.UUID) -> list[Identity]:
    """The oldest first."""
    return list(identities_in(contact_id).order_by("created_at", "id"))


def identities_in(contact_id: uuid.UUID) -> QuerySet[Identity]:
    """All of a contact, with their channels."""
    return Identity.objects.filter(contact_id=contact_id).select_related("channel")


def identity_get(contact_id: uuid.UUID, identity_id: uuid.UUID) -> Identity:
    """Raises NotFound ``identity_not_found``, and as `contact_get`."""
    row: Identity | None = identities_in(contact_get(contact_id).id).filter(id=identity_id).first()
    if row is None:
        raise NotFound("This contact has no such identity.", code="identity_not_found")
    return row


def contact_statistics(contact: Contact) -> dict[str, Any]:
    """What there was with a person, on all channels. Four statements."""
    talks = Conversation.objects.filter(contact=contact, kind="chat")
    rated = Q(satisfaction__isnull=False)
    whole = talks.aggregate(
        conversations=Count("id"), open_conversations=Count("id", filter=Q(is_open=True)), messages=Sum("message_count"),
        first_conversation_at=Min("created_at"), last_conversation_at=Max("created_at"),
        average_satisfaction=Avg("satisfaction"), rated=Count("id", filter=rated),
    )  # fmt: skip
    return {
        **whole,
        "messages": whole["messages"] or 0,
        "by_status": _counted(talks, "status"),
        "by_channel": _counted(talks, "channel__kind"),
        "sessions": Session.objects.filter(contact=contact).count(),
        "last_active_at": contact.last_active_at,
    }


def _counted(talks: Any, column: str) -> dict[str, int]:
    return dict(talks.order_by(column).values_list(column).annotate(Count("id")))
