"""A conversation that ended is deleted with all that was said in it, its files first.

Erasing a person, with what keeps them from coming back, is another act (PRIV-2). Must not delete what is still on its way.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db.models import Q

from assistant.evaluations.models import AnswerMark
from assistant.models import Translation, Unanswered
from assistant.tools.models import AgreedCall
from assistant.vectors.rows import messages_forget
from conversations.files.attachments import attachments_delete
from conversations.models import Attachment, Conversation, Event, Message
from conversations.selectors import conversation_get
from conversations.timeline import system_events
from messaging.models import Delivery, Turn
from messaging.privacy.holds import demand_no_hold
from messaging.privacy.timeline import farewell
from tenants.errors import Conflict
from tenants.storage.db import atomic, retried

BATCH = 200  # rows of one transaction


def conversation_delete(conversation_id: uuid.UUID) -> int:
    """How many messages went. A deletion that was broken off goes on when it is asked for again.

    Raises NotFound, Conflict ``conversation_open``, ``legal_hold``, and ``conversation_busy`` while an answer, a delivery
    or an event of it is under way.
    """
    seen = conversation_get(conversation_id)
    if seen.is_open:
        raise Conflict("The conversation goes on: end it first.", code="conversation_open")
    demand_no_hold(seen.contact_id)
    _demand_rest(seen)
    count = 0
    while ids := list(Message.objects.filter(conversation=seen).order_by("seq").values_list("id", flat=True)[:BATCH]):
        count += _messages_delete(ids)
    while ids := list(Event.objects.filter(conversation=seen).order_by("seq").values_list("id", flat=True)[:BATCH]):
        _events_delete(ids)
    _last_delete(seen)
    return count


def _demand_rest(seen: Conversation) -> None:
    waiting = Q(published_at=None) | (Q(streamed_at=None) if settings.ENV["KAFKA_BROKERS"] else Q())
    under_way = (
        Delivery.objects.filter(conversation=seen, status__in=Delivery.UNFINISHED),
        Turn.objects.filter(conversation=seen, status__in=Turn.OPEN),
        Event.objects.filter(waiting, conversation=seen),
    )
    if any(rows.exists() for rows in under_way):
        message = "Something of this conversation is still on its way: try again shortly."
        raise Conflict(message, code="conversation_busy", retry_after=2)


@retried
def _messages_delete(ids: list[uuid.UUID]) -> int:
    with atomic():
        attachments_delete(Attachment.objects.filter(message_id__in=ids))
        messages_forget(ids)
        Message.objects.filter(id__in=ids).delete()
        return len(ids)


@retried
def _events_delete(ids: list[uuid.UUID]) -> None:
    with atomic():
        Event.objects.filter(id__in=ids).delete()


@retried
def _last_delete(seen: Conversation) -> None:
    with atomic():
        gone, _ = Conversation.objects.filter(id=seen.id, is_open=False).delete()
        Unanswered.objects.filter(conversation_id=seen.id).delete()
        AgreedCall.objects.filter(conversation_id=seen.id).delete()
        AnswerMark.objects.filter(conversation_id=seen.id).delete()
        Translation.objects.filter(conversation_id=seen.id).delete()
        if gone:  # else another request has deleted it, and told
            system_events(seen.tenant_id, [farewell(seen)])
