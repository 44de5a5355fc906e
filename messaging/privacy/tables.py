"""Every table of ours, and how the rows of one person are found in it. A table that stands in no list fails a test.

Owns the lists and the order in which rows go. Must not delete anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from conversations.contacts.merges import contact_missing
from conversations.models import Contact, Conversation, Identity


@dataclass(frozen=True)
class Person:
    """A contact with all that leads to it."""

    contact_id: uuid.UUID
    identities: tuple[uuid.UUID, ...]
    conversations: tuple[uuid.UUID, ...]

    @classmethod
    def of(cls, contact_id: uuid.UUID) -> Person:
        """Within the scope of the contact's tenant."""
        identities = Identity.objects.filter(contact_id=contact_id).order_by("id").values_list("id", flat=True)
        talks = Conversation.objects.filter(contact_id=contact_id).order_by("id").values_list("id", flat=True)
        return cls(contact_id, tuple(identities), tuple(talks))

    @classmethod
    def found(cls, contact_id: uuid.UUID) -> Person:
        """As `of`. Raises NotFound ``contact_not_found`` or ``contact_merged``."""
        if not Contact.objects.filter(id=contact_id).exists():
            raise contact_missing(contact_id)
        return cls.of(contact_id)

    def owners(self, of: str) -> tuple[uuid.UUID, ...]:
        """What the paths of OWNED lead to."""
        return {"identity": self.identities, "conversation": self.conversations}.get(of, (self.contact_id,))

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(map(str, (self.contact_id, *self.identities, *self.conversations)))


#: table → paths to what the person owns: "conversation", "identity", "contact"; "former": the contact as one that went into
#: another. In this order rows are removed
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
    "assistant.Vector": {"conversation": "conversation_id"},
    "assistant.Unanswered": {"conversation": "conversation_id"},
    "assistant.AnswerMark": {"conversation": "conversation_id"},
    "assistant.AgreedCall": {"conversation": "conversation_id"},
    "assistant.Translation": {"conversation": "conversation_id"},
    "conversations.Message": {"conversation": "conversation", "identity": "identity"},
    "conversations.Event": {"conversation": "conversation"},
    "conversations.Conversation": {"contact": "contact"},
    "assistant.CachedAnswer": {"contact": "contact"},
    "conversations.Session": {"contact": "contact"},
    "conversations.ContactMerge": {"contact": "contact", "former": "former_id"},
    "conversations.Identity": {"contact": "contact"},
    "conversations.Contact": {"contact": "id"},
}

#: table → its columns, or members of them, that may name the person, or quote them, without a foreign key
NAMED: Mapping[str, tuple[str, ...]] = {
    "messaging.StaffAlert": ("subject", "text", "facts"),
    "tenants.IdempotencyRecord": ("body",),
    "tenants.TokenFamily": ("subject",),
    "messaging.SavedFilter": ("name", "query.search"),
}

#: of these the columns are encrypted
ENCRYPTED = frozenset({"tenants.IdempotencyRecord"})

#: receipts are kept without what they said: their digests go on refusing repeats
EMPTIED = "messaging.InboundEvent"

#: table → why nothing of a person is in it
NOBODY: Mapping[str, str] = {
    **dict.fromkeys(("messaging.Erasure", "messaging.Export", "messaging.Tombstone", "messaging.LegalHold"), "ids and hashes: the record"),
    **dict.fromkeys(("tenants.AuditEntry", "tenants.AuditSeal", "messaging.HandledEvent"), "names of acts and opaque ids"),
    "messaging.EarlyStatus": "a platform's ids of messages that nothing leads to; trimmed",
    **dict.fromkeys(("messaging.DailyFigure", "messaging.DaySheet", "assistant.ModelBudget", "assistant.ModelUse", "assistant.EngineHealth"), "counts"),
    **dict.fromkeys(
        ("messaging.OutboxLane", "tenants.Removal", "tenants.RevokedToken", "tenants.ServiceProcess",
         "assistant.VectorLane", "assistant.TrainingLane"), "our own work"
    ),
    **dict.fromkeys(
        ("tenants.Tenant", "tenants.User", "tenants.SecondFactor", "tenants.RecoveryCode", "tenants.StaffSession",
         "tenants.Role", "tenants.Membership", "tenants.Invitation", "tenants.Team", "tenants.TeamMember",
         "tenants.ApiKey", "tenants.OAuthClient", "tenants.OAuthCode", "tenants.TrustedIssuer", "messaging.WebhookEndpoint", "messaging.Label", "messaging.CannedReply"),
        "what the tenant and its staff set up",
    ),
    **dict.fromkeys(
        ("channels_app.Channel", "channels_app.ChannelHealth", "channels_app.ChannelIncident",
         "channels_app.MessageTemplate"),
        "a channel's own",
    ),
    **dict.fromkeys(
        ("assistant.Intent", "assistant.KnowledgeEntry", "assistant.TrainedModel", "assistant.LearntNumbers",
         "assistant.Provider", "assistant.LanguageModel", "assistant.EvaluationCase", "assistant.SystemPrompt", "assistant.Tool",
         "assistant.ProductSource", "assistant.Site", "assistant.SitePage"),
        "written by staff for all",
    ),
}  # fmt: skip


def rows_of(table: str, person: Person) -> Q:
    """The condition that finds the person's rows of a table of OWNED."""
    condition = Q(pk__in=[])
    for owner, path in OWNED[table].items():
        condition |= Q(**{f"{path}__in": person.owners(owner)})
    return condition
