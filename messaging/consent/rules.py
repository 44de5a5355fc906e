"""Consent: whether a person may be sent to, on one channel by whichever of their proved ids.

Owns what a message, a platform's signal or staff change about ``Identity.stopped_at``, and who may be sent to.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from channels_app.contract import ContactBlocked, Sender
from channels_app.models import Channel
from conversations.contacts.people import FORMER, identity_resolve
from conversations.models import Conversation, Event, Identity, Message
from conversations.timeline import (
    VERSIONS,
    NewEvent,
    conversation_advance,
    conversation_touched,
    events_append,
    queue_touched,
)
from messaging import wake
from messaging.consent.ledger import identities_of, stops_settled
from messaging.models import Delivery, Turn
from tenants.errors import Conflict
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, on_commit, retried

CODE = "contact_stopped"
DOUBT = timedelta(minutes=5)  # by which a platform's clock may differ from ours


# --------------------------------------------------------------- what a platform tells


def contact_stop(channel: Channel, sender: Sender, at: datetime | None) -> bool:
    """The platform says that the person wants no more messages, and has told them so itself. Call inside
    a transaction. False when that was known, or comes late: who has written since takes them again. Words without a time of
    their own have ours: where two clocks leave doubt, a stop counts."""
    known, stopped_at = identity_resolve(channel, sender), min(at or now(), now())
    ids = ids_on_the_channel(known.identity_id)
    if wrote_since(stopped_at + DOUBT).filter(identity_id__in=ids).exists():
        return False
    return _tell(channel, known.identity_id, identity_stop(known.identity_id, known.contact_id, stopped_at))


def wrote_since(at: datetime) -> QuerySet[Message]:
    """What people said through platforms after ``at``, by the platform's clock: some date what they tell by whole seconds."""
    said = Message.objects.filter(role=Message.Role.VISITOR, sent_at__gte=at + timedelta(seconds=1))
    return said.exclude(platform_message_id="")


@retried
def contact_refused(channel: Channel, conversation: Conversation, identity_id: uuid.UUID, at: datetime) -> bool:
    """The platform has refused a message that was tried at ``at``, for the person has blocked us or left: known from now
    on, so that the next one is refused before it is stored. Not of a group, which is no person's own; nor where they have
    written since. False when that was known."""
    if not channel.adapter.personal(conversation.thread):
        return False
    with atomic():
        since = Message.objects.filter(identity_id=identity_id, role=Message.Role.VISITOR, created_at__gte=at)
        identity = Identity.objects.filter(id=identity_id).first()
        if identity is None or since.exists():
            return False
        second = at.replace(microsecond=0)  # finer no platform dates what the person writes next
        return _tell(channel, identity.id, identity_stop(identity.id, identity.contact_id, second))


def contact_resume(channel: Channel, sender: Sender, at: datetime | None) -> bool:
    """The platform says that the person takes messages again. As `contact_stop`: a stop of later than that stands."""
    known = identity_resolve(channel, sender)
    until = (at or now()) + timedelta(seconds=1)
    return _tell(channel, known.identity_id, identity_resume(known.identity_id, known.contact_id, until=until))


# ------------------------------------------------------------------------ what staff decide


@retried
def staff_stop(contact_id: uuid.UUID) -> int:
    """Nothing more is sent to this person on any platform, whatever they say there, until staff allow it (CONV-11). The
    web chat goes on: who writes there is there. Returns on how many identities that was news."""
    return _decided(contact_id, stopped_by_staff)


@retried
def staff_allow(contact_id: uuid.UUID) -> int:
    """Staff let the person have messages again, also where the person has stopped them. As `staff_stop`."""
    return _decided(contact_id, _allowed_by_staff)


def _decided(contact_id: uuid.UUID, decide: Callable[[Identity], bool]) -> int:
    with atomic():
        stops_settled(contact_id)
        return sum(decide(identity) for identity in identities_of(contact_id) if staff_may_stop(identity))


def staff_may_stop(identity: Identity) -> bool:
    """Whether messages are sent to this identity: none are in a web chat, where the person is present, nor to a former number."""
    return not identity.channel.adapter.instant and not identity.scope.startswith(FORMER)


def stopped_by_staff(identity: Identity) -> bool:
    """Whether that was news. Call inside a transaction, with its channel loaded, as the two below."""
    news = identity_stop(identity.id, identity.contact_id, now())
    Identity.objects.filter(id=identity.id).update(stopped_by=Identity.STAFF)
    return _tell(identity.channel, identity.id, news)


def _allowed_by_staff(identity: Identity) -> bool:
    Identity.objects.filter(id=identity.id).update(stopped_by=None)
    return _tell(identity.channel, identity.id, identity_resume(identity.id, identity.contact_id))


def stop_withdrawn(identity: Identity, had: datetime | None) -> None:
    """What staff had stopped for another's sake is as the person has left it: stopped since ``had``, or not."""
    Identity.objects.filter(id=identity.id).update(stopped_by=None, stopped_at=had)
    if had is None:
        _tell(identity.channel, identity.id, [_event("chat.contact.resumed", identity.id, identity.contact_id)])


def _tell(channel: Channel, identity_id: uuid.UUID, news: list[NewEvent]) -> bool:
    """Into the timeline of the person's open conversation, else of no conversation."""
    if not news:
        return False
    where = {"identity_id": identity_id, "is_open": True}
    newest = Conversation.objects.filter(**where).order_by("-created_at").values_list("id", flat=True).first()
    taken = conversation_advance({"id": newest}, events=len(news)) if newest else None
    if taken:
        events_append(taken, news)
    else:
        for new in news:
            payload = {"channel_id": str(channel.id), **new.payload}
            Event.objects.create(
                tenant_id=channel.tenant_id, type=new.type, version=VERSIONS[new.type], payload=payload
            )
    return True


# ----------------------------------------------------------- what both change, in the caller's transaction


def identity_stop(identity_id: uuid.UUID, contact_id: uuid.UUID, at: datetime) -> list[NewEvent]:
    """Stopped, no turn goes on, and what is queued is tried now: that is, it fails now."""
    ids = ids_on_the_channel(identity_id)
    if not Identity.objects.filter(id__in=ids, stopped_at=None).update(stopped_at=at):
        # the person's own word since: it holds where staff's is taken back by a parting
        Identity.objects.filter(id__in=ids, stopped_by=Identity.STAFF, stopped_at__lt=at).update(stopped_at=at)
        return []
    talks = list(Conversation.objects.filter(identity_id__in=ids, is_open=True).values_list("id", flat=True))
    Turn.objects.filter(conversation_id__in=talks, status__in=Turn.OPEN).update(
        status=Turn.Status.VOID, outcome="stopped"
    )
    Conversation.objects.filter(id__in=talks).update(answered_seq=F("last_seq"), waiting_since=None)
    for talk in talks:
        conversation_touched(current_tenant_id(), talk)
    queue_touched(current_tenant_id())
    queued = Delivery.objects.filter(conversation_id__in=talks, status=Delivery.Status.QUEUED)
    lanes = list(queued.values_list("conversation_id", flat=True).distinct())
    queued.update(due_at=now())
    for conversation_id in lanes:
        on_commit(lambda conversation_id=conversation_id: wake.deliver(conversation_id))  # type: ignore[misc]
    return [_event("chat.contact.stopped", identity_id, contact_id)]


def identity_resume(identity_id: uuid.UUID, contact_id: uuid.UUID, *, until: datetime | None = None) -> list[NewEvent]:
    """``until``: what was stopped from then on stays so."""
    stopped = Identity.objects.filter(id__in=ids_on_the_channel(identity_id), stopped_at__isnull=False, stopped_by=None)
    stopped = stopped.filter(stopped_at__lt=until) if until else stopped
    if not stopped.update(stopped_at=None):
        return []
    return [_event("chat.contact.resumed", identity_id, contact_id)]


def ids_on_the_channel(identity_id: uuid.UUID) -> list[uuid.UUID]:
    """The identity and, if it is proved, the person's other proved ones there: a consent, and what they have read, is theirs by
    whichever of them they told it."""
    own = Identity.objects.get(id=identity_id)
    proved = Identity.objects.filter(channel_id=own.channel_id, contact_id=own.contact_id, verified=True)
    return list({identity_id, *(proved.values_list("id", flat=True) if own.verified else ())})


def _event(type: str, identity_id: uuid.UUID, contact_id: uuid.UUID) -> NewEvent:
    return NewEvent(type, {"contact_id": str(contact_id), "identity_id": str(identity_id)})


# ------------------------------------------------------------------------ who may be sent to


def require_consent(identity_id: uuid.UUID) -> Identity:
    """The person as they are written to. Raises Conflict ``contact_stopped``: call before staff or the API write."""
    identity: Identity = Identity.objects.get(id=identity_id)
    if identity.stopped_by:
        raise Conflict("Staff have stopped messages to this person; allow them on the contact's page.", code=CODE)
    if identity.stopped_at:
        raise Conflict("This person has stopped our messages; they can write to us again any time.", code=CODE)
    return identity


def check_reachable(message: Message) -> None:
    """Raises ContactBlocked ``contact_stopped`` unless ``message`` may go out: after a stop only its own
    confirmation may. ``message.identity`` is loaded."""
    if message.identity.stopped_at and message.metadata.get("consent") != "stop":
        raise ContactBlocked(CODE, "The person has stopped our messages.")
