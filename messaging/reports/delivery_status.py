"""What platforms report about sent messages: sent, delivered, read, failed, in any order.

Status moves by rank only; ``failed`` ends. A delivery that still has parts to send is not moved: that
would end it before its time. Owns the rule; must not send.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import Exists, OuterRef, QuerySet

from channels_app.contract import StatusUpdate
from channels_app.models import Channel
from channels_app.words.moments import written
from conversations.contacts.people import identity_find
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import heads, wake
from messaging.consent.rules import ids_on_the_channel
from messaging.models import Delivery, DeliveryPart, EarlyStatus
from messaging.reports.parts import part_taken
from messaging.reports.revise import changes_apply, changes_waiting
from messaging.rules.windows import CODE as WINDOW_CLOSED
from messaging.rules.windows import status_in_our_words, window_shut
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.batches import Failures, More, batches
from tenants.storage.db import atomic, key_taken, now, on_commit, retried
from tenants.tenant_settings import settings_for

#: a part is written down when the platform's answer is here, a little after the platform's own time of it
ANSWER_TIME = timedelta(seconds=2)
#: a status and the id of its part are both committed by then
SETTLED = timedelta(seconds=2)
#: a status of a message that is not ours: platforms resend for up to seven days
ORPHANED = timedelta(days=8)
ARRIVED = (Delivery.Status.DELIVERED, Delivery.Status.READ)
#: what the entry in the transcript calls a change
ENTRY_OF: dict[str, str] = {Delivery.Action.EDIT: "edited", Delivery.Action.DELETE: "deleted"}
TIMES = {"sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "failed": "dead_at"}
#: of parts whose id is known since a moment, each the only one of its delivery: whether something was reported of it
#: before, and whether another message waits behind it
AFTERWARDS = prepared.Select(
    DeliveryPart,
    lambda rows, deliveries: rows.filter(delivery_id__in=deliveries).values_list(
        "delivery_id",
        *changes_waiting(OuterRef("channel"), [OuterRef("platform_id")]),
        Exists(_waiting(OuterRef("channel"), OuterRef("platform_id"))),
        Exists(heads.lane(OuterRef("delivery__conversation"))),
    ),
)
#: called with a part that the platform says has failed, and the platform's code; again when it says so again
when_failed: list[Callable[[DeliveryPart, str], object]] = []
_place: dict[str, Any] = {}  # where this process' last look at waiting statuses ended


def status_apply(channel: Channel, update: StatusUpdate) -> bool:
    """Move a delivery forward, or with ``up_to`` all that the person was sent until then. A status that
    came before its message's id is known waits for it. Returns whether anything changed."""
    update = status_in_our_words(channel, update)
    if update.up_to is not None:
        return _watermark_apply(channel, update)
    part = _part_of(channel, update)
    if part is None:
        _keep(channel, update)
        return False
    if update.status == Delivery.Status.FAILED and update.platform_id and part.delivery.status in Delivery.UNFINISHED:
        _keep(channel, update)  # for the worker that has the message, to tell why
    return _advance(part, update.status, update.code, update.detail, update.at)


@retried
def mark_read(conversation_id: uuid.UUID, seq: int) -> bool:
    """The person told us that they have seen everything up to ``seq``: the conversation's mark moves forward,
    and what was sent until there is read. One transaction with its events; False when it was no news."""
    with atomic():
        unseen = {"id": conversation_id, "visitor_read_seq__lt": seq, "last_seq__gte": seq}
        if not conversation_advance(unseen, visitor_read_seq=seq):
            return False
        behind = Delivery.objects.filter(
            conversation_id=conversation_id, seq__lte=seq, action=None,
            status__in=(Delivery.Status.SENT, Delivery.Status.DELIVERED),
        )  # fmt: skip
        read = list(behind.order_by("seq").values_list("message_id", "seq"))
        behind.update(status=Delivery.Status.READ, read_at=now())
        taken = conversation_advance({"id": conversation_id}, events=len(read))
        if taken:
            stamp = {"delivery_status": "read", "delivery_timestamp": written(now())}
            facts = [{"message_id": str(message_id), "seq": number, **stamp} for message_id, number in read]
            events_append(taken, [NewEvent("chat.message.read", fact) for fact in facts])
        on_commit(wake.publish_soon)
    return True


def early_statuses_apply(delivery: Delivery) -> None:
    """Apply what was reported of the delivery's parts before all of them were sent and their ids known."""
    for part in DeliveryPart.objects.filter(delivery=delivery).exclude(platform_id=""):
        changes_apply(part.channel_id, part.platform_id)
        for early in EarlyStatus.objects.filter(channel_id=part.channel_id, platform_id=part.platform_id):
            _advance(part, early.status, early.code, early.detail, early.created_at)
            if early.status != Delivery.Status.FAILED or not _unfinished(delivery).exists():
                early.delete()


def _unfinished(delivery: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(id=delivery.id, status__in=Delivery.UNFINISHED)


def parts_settled(deliveries: Sequence[Delivery]) -> set[uuid.UUID]:
    """As `early_statuses_apply`, for deliveries of one part. Those behind which another message waits, by their ids."""
    by_id, followed = {one.id: one for one in deliveries}, set()
    for delivery_id, *early, more in AFTERWARDS.run(deliveries=list(by_id)):
        if any(early):
            early_statuses_apply(by_id[delivery_id])
        if more:
            followed.add(delivery_id)
    return followed


def _waiting(channel: Any, platform_id: Any) -> QuerySet[EarlyStatus]:
    # unscoped: a channel has one tenant
    return EarlyStatus.objects.unscoped().filter(channel=channel, platform_id=platform_id)


def late_statuses_apply(more: More) -> int:
    """Apply statuses that slipped in between our look for their part and our write of its id; how many parts had
    any. Of all tenants; most of what waits is of messages that another system sent over the same account."""
    # unscoped: of all tenants; each is applied inside its own scope
    waiting = EarlyStatus.objects.unscoped().filter(created_at__lte=now() - SETTLED)
    count, failures = 0, Failures()
    for found in batches(waiting, "channel_id", "platform_id", more=more, place=_place):
        for tenant_id, delivery_id in _deliveries_of({(row.channel_id, row.platform_id) for row in found}):
            with failures.apart(delivery=str(delivery_id)), tenant_scope(tenant_id):
                early_statuses_apply(Delivery.objects.get(id=delivery_id))
                count += 1
    failures.tell()
    return count


def _deliveries_of(keys: set[tuple[uuid.UUID, str]]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Tenant and id of the deliveries that have a part known by (channel, platform id)."""
    # unscoped: only ids are looked up; the caller opens the scope of each row
    parts = DeliveryPart.objects.unscoped().filter(
        channel_id__in={channel_id for channel_id, _ in keys}, platform_id__in={platform_id for _, platform_id in keys}
    )
    rows = parts.values_list("channel_id", "platform_id", "tenant_id", "delivery_id")
    return {(tenant_id, delivery_id) for *key, tenant_id, delivery_id in rows if tuple(key) in keys}


def _watermark_apply(channel: Channel, update: StatusUpdate) -> bool:
    """Everything that was sent to this person in that thread, by whichever of their proved ids, until ``up_to`` has come as
    far."""
    identity = identity_find(channel, update.sender) if update.sender else None
    if identity is None or update.up_to is None:
        return False
    # our first words may stand in a conversation of which the platform has told no place yet
    threads = {update.thread, ""} if channel.adapter.personal(update.thread) else {update.thread}
    parts = DeliveryPart.objects.select_related("delivery__message").filter(
        channel=channel,
        delivery__message__identity__in=ids_on_the_channel(identity.id),
        delivery__conversation__thread__in=sorted(threads),
        created_at__lte=update.up_to + ANSWER_TIME,
        status__in=_lower(update.status),
    )
    moved = [
        _advance(part, update.status, update.code, update.detail, update.at) for part in parts.order_by("created_at")
    ]
    return any(moved)


def _part_of(channel: Channel, update: StatusUpdate) -> DeliveryPart | None:
    parts = DeliveryPart.objects.select_related("delivery__message").filter(channel=channel)
    found = parts.filter(platform_id=update.platform_id).first() if update.platform_id else None
    reference = None if found else _reference(update.client_ref)
    if reference is None:
        return found
    delivery_id, index = reference
    sent = parts.filter(delivery_id=delivery_id, delivery__action=None, index=index).first()
    if sent and "" in (sent.platform_id, update.platform_id):
        return _named(sent, update.platform_id)
    learnt = _part_learn(channel, update, delivery_id, index)
    return parts.filter(id=learnt).first() if learnt else None


def _reference(client_ref: str) -> tuple[uuid.UUID, int] | None:
    """Delivery and part that a reference of ours means; None for one of another system."""
    delivery_id, _, number = client_ref.partition(".")
    try:
        return uuid.UUID(delivery_id), int(number)
    except ValueError:
        return None


def _named(part: DeliveryPart, platform_id: str) -> DeliveryPart:
    """A part whose answer gave it no name: from now on it has the one by which the platform reports of it."""
    if platform_id and not part.platform_id:
        DeliveryPart.objects.filter(id=part.id, platform_id="").update(platform_id=platform_id)
        part.platform_id = platform_id
    return part


def _part_learn(channel: Channel, update: StatusUpdate, delivery_id: uuid.UUID, index: int) -> uuid.UUID | None:
    """Our own reference came back with an id we had not learnt: the platform took a send whose answer
    got lost, or is quicker than its answer. The part counts as sent and is not sent again."""
    where = {"id": delivery_id, "channel": channel, "action": None}
    delivery = Delivery.objects.filter(**where, status__in=Delivery.UNFINISHED).first()
    # of a part that is sent once more, a late report may be about the time before: only good news is believed
    again = delivery and index in delivery.parts_again and update.status in ARRIVED
    if delivery is None or not (again or index == delivery.parts_sent):
        return None
    learnt = part_taken(delivery, index, update.platform_id)
    if learnt and Delivery.objects.filter(id=delivery.id, status=Delivery.Status.QUEUED).update(due_at=now()):
        wake.deliver(delivery.conversation_id)  # to send what is left, or to finish
    return learnt


@retried
def _keep(channel: Channel, update: StatusUpdate) -> None:
    try:
        with atomic():
            EarlyStatus.objects.create(
                tenant_id=channel.tenant_id,
                channel=channel,
                platform_id=update.platform_id,
                status=update.status,
                code=update.code[:60],
                detail=update.detail[:500],
            )
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return  # the same status again


def report_facts(
    delivery: Delivery,
    status: str,
    *,
    code: str = "",
    detail: str = "",
    platform_id: str = "",
    at: datetime | None = None,
) -> dict[str, Any]:
    """What events say of how far a message got. The platform's own sentence may repeat words of people."""
    response = {"code": code, "attempts": delivery.attempts}
    response |= {"detail": detail[:500]} if settings_for(delivery.tenant_id).event_words else {}
    change = (
        {"change": {"kind": ENTRY_OF[delivery.action], "of": str(delivery.message.reply_to)}} if delivery.action else {}
    )
    return {
        **change,
        "message_id": str(delivery.message_id),
        "seq": delivery.seq,
        "code": code,
        "delivery_status": status,
        "delivery_timestamp": written(at or now()),
        "platform_message_id": platform_id or None,
        "channel_response": response,
    }


def _advance(part: DeliveryPart, status: str, code: str, detail: str, at: datetime | None) -> bool:
    """Part first, and committed; then its delivery. A worker that finishes the delivery in between follows its parts
    in that transaction, so one of the two sees the other."""
    moved = DeliveryPart.objects.filter(id=part.id, status__in=_lower(status)).update(status=status)
    if moved and code == WINDOW_CLOSED:
        window_shut(part.channel, part.delivery.conversation_id, part.created_at)
    followed = parts_follow(part.delivery, part, code, detail, at)
    for follow in when_failed if status == Delivery.Status.FAILED else ():
        follow(part, code)
    return followed or bool(moved)


@retried
def parts_follow(
    delivery: Delivery, part: DeliveryPart | None = None, code: str = "", detail: str = "", at: datetime | None = None
) -> bool:
    """Bring a delivery that has been sent as far as its parts: one transaction with its event, or within the caller's,
    which holds the conversation's lock. ``part``: the one that was reported, ``at`` that time."""
    with atomic():
        conversation = conversation_advance({"id": delivery.conversation_id})
        reached = _of_all_parts(delivery)
        behind = [status for status in _lower(reached) if status not in Delivery.UNFINISHED]
        if not conversation or not behind:
            return False
        changes: dict[str, Any] = {"status": reached, TIMES[reached]: now()}
        if reached == Delivery.Status.FAILED:
            code, detail = (code, detail) if code else _why(delivery)
            changes |= {"error_code": code[:60], "error_detail": detail[:500]}
        if not Delivery.objects.filter(id=delivery.id, status__in=behind).update(**changes):
            return False
        told = part or DeliveryPart.objects.filter(delivery=delivery).order_by("-index").first()
        platform_id = told.platform_id if told else ""
        facts = report_facts(delivery, reached, code=code, detail=detail, platform_id=platform_id, at=at)
        taken = conversation_advance({"id": delivery.conversation_id}, events=1)
        if taken:
            events_append(taken, [NewEvent(f"chat.message.{reached}", facts)])
        on_commit(wake.publish_soon)
    return True


def _why(delivery: Delivery) -> tuple[str, str]:
    """What the platform has said of a part that failed before its message was finished."""
    failed = DeliveryPart.objects.filter(delivery=delivery, status=Delivery.Status.FAILED).exclude(platform_id="")
    told = EarlyStatus.objects.filter(
        channel_id=delivery.channel_id, platform_id__in=list(failed.values_list("platform_id", flat=True)),
        status=Delivery.Status.FAILED,
    )  # fmt: skip
    return told.values_list("code", "detail").first() or ("", "")


def _lower(status: str) -> list[str]:
    return [name for name, rank in Delivery.RANK.items() if rank < Delivery.RANK[status]]


def _of_all_parts(delivery: Delivery) -> str:
    """A message is as far as the slowest of its parts; one failed part fails it. On an instant channel it has none."""
    statuses = list(DeliveryPart.objects.filter(delivery=delivery).values_list("status", flat=True))
    if Delivery.Status.FAILED in statuses:
        return Delivery.Status.FAILED
    return min(statuses, key=Delivery.RANK.__getitem__, default=Delivery.Status.SENT)
