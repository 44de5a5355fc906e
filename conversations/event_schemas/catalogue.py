"""Which event types there are, in which versions."""

from __future__ import annotations

from conversations.event_schemas.base import Data, OfPerson
from conversations.event_schemas.conversations import (
    ConversationDeleted,
    ConversationEnded,
    ConversationStarted,
    ConversationUpdated,
    IntentClassified,
    ResponseGenerated,
    SessionEnded,
    SessionStarted,
)
from conversations.event_schemas.messages import (
    MessageChanged,
    MessageFlagged,
    MessageProcessed,
    MessageReacted,
    MessageReceived,
    MessageReported,
    MessageSent,
)
from conversations.event_schemas.people import (
    AttachmentSettled,
    ContactConsent,
    ContactPresence,
    ContactsMerged,
    ContactsParted,
)
from conversations.event_schemas.system import (
    BudgetReached,
    ChannelState,
    EngineRecovered,
    ModelChanged,
    Ping,
    TrainingEnded,
    WebhookMalformed,
    WebhookPaused,
    WorkGivenUp,
)
from conversations.event_schemas.threads import PrivacyRequested, ThreadChanged, ThreadDeleted, ThreadMessageCreated


class UnknownEvent(ValueError):
    """No such type or version."""


#: what is called, and never stands in the timeline nor in Kafka
CALLS: dict[tuple[str, int], type[Data]] = {("chat.system.ping", 1): Ping}

#: (type, version) → what its ``data`` says. A version stays here for as long as a consumer may read it.
SCHEMAS: dict[tuple[str, int], type[Data]] = {
    ("chat.message.received", 1): MessageReceived,
    ("chat.message.sent", 1): MessageSent,
    ("chat.message.delivered", 1): MessageReported,
    ("chat.message.read", 1): MessageReported,
    ("chat.message.processed", 1): MessageProcessed,
    ("chat.message.failed", 1): MessageReported,
    ("chat.message.updated", 1): MessageChanged,
    ("chat.message.deleted", 1): MessageChanged,
    ("chat.message.reacted", 1): MessageReacted,
    ("chat.message.flagged", 1): MessageFlagged,
    ("chat.contact.stopped", 1): ContactConsent,
    ("chat.contact.resumed", 1): ContactConsent,
    ("chat.contact.joined", 1): ContactPresence,
    ("chat.contact.left", 1): ContactPresence,
    ("chat.contact.identity_changed", 1): OfPerson,
    ("chat.contact.merged", 1): ContactsMerged,
    ("chat.contact.parted", 1): ContactsParted,
    ("chat.attachment.stored", 1): AttachmentSettled,
    ("chat.attachment.refused", 1): AttachmentSettled,
    ("chat.attachment.transcribed", 1): AttachmentSettled,
    ("chat.conversation.started", 1): ConversationStarted,
    ("chat.conversation.updated", 1): ConversationUpdated,
    ("chat.conversation.ended", 1): ConversationEnded,
    ("chat.conversation.deleted", 1): ConversationDeleted,
    ("chat.session.started", 1): SessionStarted,
    ("chat.session.ended", 1): SessionEnded,
    ("chat.intent.classified", 1): IntentClassified,
    ("chat.response.generated", 1): ResponseGenerated,
    ("chat.system.channel_degraded", 1): ChannelState,
    ("chat.system.channel_recovered", 1): ChannelState,
    ("chat.system.engine_recovered", 1): EngineRecovered,
    ("chat.system.webhook_malformed", 1): WebhookMalformed,
    ("chat.system.webhook_paused", 1): WebhookPaused,
    ("chat.system.work_given_up", 1): WorkGivenUp,
    ("chat.system.budget_reached", 1): BudgetReached,
    ("chat.system.model_changed", 1): ModelChanged,
    ("chat.system.training_ended", 1): TrainingEnded,
    ("CHAT_THREAD_CREATED", 1): ThreadChanged,
    ("CHAT_THREAD_DELETED", 1): ThreadDeleted,
    ("CHAT_MESSAGE_CREATED", 1): ThreadMessageCreated,
    ("CHAT_PRIVACY_EXPORT_REQUESTED", 1): PrivacyRequested,
    ("CHAT_PRIVACY_DELETION_REQUESTED", 1): PrivacyRequested,
}
CHECKED = SCHEMAS | CALLS


def model_of(type: str, version: int) -> type[Data]:
    try:
        return CHECKED[type, version]
    except KeyError:
        raise UnknownEvent(f"{type} v{version}") from None
