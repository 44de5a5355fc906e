"""Every table of ours, and how the rows of one person are found in it. A table that stands in no list fails a test.

Owns the lists and the order in which rows go. Must not delete anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True)
class Person:
    """A contact with all that leads to it."""

    contact_id: uuid.UUID
    identities: tuple[uuid.UUID, ...]
    conversations: tuple[uuid.UUID, ...]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(map(str, (self.contact_id, *self.identities, *self.conversations)))


#: table → paths to what the person owns: "conversation", "identity", "contact". In this order rows are removed
OWNED: Mapping[str, Mapping[str, str]] = {
    "conversations.Attachment": {"identity": "identity", "conversation": "message__conversation"},
    "messaging.WebhookDelivery": {"conversation": "event__conversation"},
    "messaging.ScheduledReply": {"conversation": "conversation"},
    "messaging.DeliveryAttempt": {"conversation": "delivery__conversation"},
    "messaging.DeliveryPart": {"conversation": "delivery__conversation"},
    "messaging.Delivery": {"conversation": "conversation"},
    "messaging.Turn": {"conversation": "conversation"},
    "messaging.Mention": {"conversation": "conversation"},
    "messaging.Labelled": {"conversation": "conversation"},
    "conversations.Note": {"conversation": "conversation"},
    "conversations.Review": {"conversation": "conversation"},
    "conversations.Reaction": {"identity": "identity", "conversation": "message__conversation"},
    "conversations.Revision": {"identity": "identity", "conversation": "message__conversation"},
    "conversations.Message": {"conversation": "conversation", "identity": "identity"},
    "conversations.Event": {"conversation": "conversation"},
    "conversations.Conversation": {"contact": "contact"},
    "conversations.Session": {"contact": "contact"},
    "conversations.ContactMerge": {"contact": "contact"},
    "conversations.Identity": {"contact": "contact"},
    "conversations.Contact": {"contact": "id"},
}

#: table → its columns that may name the person, or quote them, without a foreign key
NAMED: Mapping[str, tuple[str, ...]] = {
    "messaging.StaffAlert": ("subject", "text", "facts"),
    "tenants.IdempotencyRecord": ("body",),
}

#: receipts are kept without what they said: their digests go on refusing repeats
EMPTIED = "messaging.InboundEvent"

#: table → why nothing of a person is in it
NOBODY: Mapping[str, str] = {
    **dict.fromkeys(("messaging.Erasure", "messaging.Tombstone", "messaging.LegalHold"), "ids and hashes: the record"),
    **dict.fromkeys(("tenants.AuditEntry", "messaging.HandledEvent"), "names of acts and opaque ids"),
    "messaging.EarlyStatus": "a platform's ids of messages that nothing leads to; trimmed",
    **dict.fromkeys(("messaging.DailyFigure", "messaging.DaySheet"), "counts"),
    **dict.fromkeys(
        ("messaging.OutboxLane", "tenants.Removal", "tenants.RevokedToken", "tenants.ServiceProcess"), "our own work"
    ),
    **dict.fromkeys(
        ("tenants.Tenant", "tenants.User", "tenants.Role", "tenants.Membership", "tenants.Invitation", "tenants.Team", "tenants.TeamMember",
         "tenants.ApiKey", "messaging.WebhookEndpoint", "messaging.Label", "messaging.CannedReply",
         "messaging.SavedFilter"),
        "what the tenant and its staff set up",
    ),
    **dict.fromkeys(
        ("channels_app.Channel", "channels_app.ChannelHealth", "channels_app.ChannelIncident",
         "channels_app.MessageTemplate"),
        "a channel's own",
    ),
    **dict.fromkeys(
        ("assistant.Intent", "assistant.KnowledgeEntry", "assistant.TrainedModel", "assistant.LearntNumbers"),
        "written by staff for all",
    ),
}  # fmt: skip


def rows_of(table: str, person: Person) -> Q:
    """The condition that finds the person's rows of a table of OWNED."""
    owned = {"contact": [person.contact_id], "identity": person.identities, "conversation": person.conversations}
    condition = Q(pk__in=[])
    for owner, path in OWNED[table].items():
        condition |= Q(**{f"{path}__in": owned[owner]})
    return condition
