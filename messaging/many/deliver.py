"""Lanes of many conversations at once: their heads are leased by one statement, sent side by side, and what came of it is
written in one transaction, where nothing is special about it.

Owns what goes together. Everything else is done by the functions of `sends`, message by message. Must not write rows
of its own kind, nor keep back what came of a send while others still wait: what ends within TOGETHER_S is written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextvars import Context
from datetime import timedelta
from functools import partial
from itertools import groupby

import structlog
from django.conf import settings
from django.db.models import OuterRef, Subquery

from channels_app.selectors import channel_for_id
from conversations.models import Conversation
from messaging import deliver as alone
from messaging import heads, wake
from messaging.live.staff import conversation_changed
from messaging.measures import WAITED
from messaging.models import Delivery, DeliveryAttempt
from messaging.reports.delivery_status import parts_settled
from messaging.reports.parts import parts_insert
from messaging.rules.hold import channel_worked
from messaging.sends.due import ready, within_rate
from messaging.sends.settling import settle_try, try_record
from messaging.sends.trying import SendTry, send_try
from messaging.shutdown import stopping
from tenants.storage import prepared
from tenants.storage.db import atomic, now, server_trouble
from tenants.work.crew import Told, as_they_end
from tenants.work.leases import LeaseLost, claim_all, settle_all

log = structlog.get_logger(__name__)

TOGETHER_S = 0.05  # sends that end within so long are written together
Contexts = Mapping[uuid.UUID, Context]  # of lanes: in which they are logged
#: of each lane the oldest unfinished delivery, as `deliver` reads it
HEADS = prepared.Select(
    Delivery,
    lambda rows, lanes: rows.filter(
        # unscoped: their deliveries are the tenant's
        id__in=Conversation.objects.unscoped()
        .filter(id__in=lanes)
        .values(head=Subquery(heads.lane(OuterRef("id")).order_by("seq").values("id")[:1]))
    ).select_related("message__identity", "conversation"),
)


def lanes_deliver(told: Sequence[Told]) -> int:
    """`deliver` for lanes of one tenant. Returns how many messages left them."""
    if len(told) == 1:
        return told[0].context.run(alone.deliver, told[0].row_id)
    done, lanes = 0, {one.row_id: one.context for one in told}
    for _ in range(alone.MOST_IN_A_ROW):
        if not lanes or stopping.is_set():
            return done
        left = [one for tries in _tried(list(lanes), lanes) for one in tries]
        done += len(left)
        lanes = {one.delivery.conversation_id: lanes[one.delivery.conversation_id] for one in left if one.more}
    for conversation_id in lanes:
        wake.deliver(conversation_id)
    return done


def _tried(lanes: list[uuid.UUID], contexts: Contexts) -> Iterator[list[SendTry]]:
    """Send the heads of these lanes that are due; as they end, those that have left their lane."""
    ready = list(_ready(HEADS.run(lanes=lanes), contexts))
    ours = claim_all(ready, timedelta(seconds=settings.ENV["DELIVERY_LEASE_S"])) if ready else []
    sends = [partial(contexts[one.conversation_id].run, send_try, one) for one in ours]
    for tries in as_they_end(sends, TOGETHER_S):
        yield _settled(tries, contexts)


def _ready(deliveries: Sequence[Delivery], contexts: Contexts) -> Iterator[Delivery]:
    """Those of a channel draw from its rate together, as far as that allows all of them; what was said first goes
    first."""
    due = sorted((one for one in deliveries if one.due_at <= now()), key=lambda one: (_channel_of(one), one.id))
    for channel_id, some in groupby(due, key=_channel_of):
        of_channel = list(some)
        channel = channel_for_id(channel_id)
        drawn = channel is not None and within_rate(channel, len(of_channel)) == 0
        for one in of_channel:
            if contexts[one.conversation_id].run(ready, one, drawn=drawn):
                yield one


def _channel_of(delivery: Delivery) -> uuid.UUID:
    return delivery.channel_id


def _settled(tries: Sequence[SendTry], contexts: Contexts) -> list[SendTry]:
    """Write what came of them. Those whose lane may go on."""
    plain = [one for one in tries if one.last and not (one.error or one.trouble or one.busy_s)]
    written = _written_together(plain, contexts) if len(plain) > 1 else ()
    others = [one for one in tries if one not in written]
    return [*written, *(one for one in others if contexts[one.delivery.conversation_id].run(_settled_alone, one))]


def _settled_alone(one: SendTry) -> bool:
    try:
        return settle_try(one)
    except Exception as error:  # noqa: BLE001  the platform has others of these: what came of them has to be written
        log.error("delivery_not_settled", delivery=str(one.delivery.id), error=type(error).__name__)
        return False


def _written_together(plain: Sequence[SendTry], contexts: Contexts) -> Sequence[SendTry]:
    """One transaction; when that fails none is written, and each goes by itself."""
    deliveries = [one.delivery for one in plain]
    sent = {"status": Delivery.Status.SENT, "sent_at": now(), "error_code": "", "error_detail": "", "parts_sent": 1}
    try:
        with atomic(), prepared.gathered(DeliveryAttempt):
            parts_insert([(one.delivery, *one.last) for one in plain if one.last])
            if not settle_all(deliveries, **sent):
                raise LeaseLost
            for one in plain:
                contexts[one.delivery.conversation_id].run(try_record, one)
    except Exception as error:  # noqa: BLE001  whose fault it is shows when each is written alone
        log.info("deliveries_settled_apart", error=type(error).__name__, deliveries=len(plain))
        for one in plain if server_trouble(error) else ():
            one.trouble = type(error).__name__
        return ()
    _follow(plain)
    return plain


def _follow(written: Sequence[SendTry]) -> None:
    """What else a message that has left leads to."""
    for one in written:
        WAITED.labels(one.channel.kind).observe((now() - one.delivery.message.created_at).total_seconds())
        conversation_changed(one.delivery.tenant_id, one.delivery.conversation_id)
    try:
        waiting = parts_settled([one.delivery for one in written])
        for one in written:
            one.more = one.delivery.id in waiting
        for channel in {one.channel.id: one.channel for one in written}.values():
            channel_worked(channel)
    except Exception as error:  # noqa: BLE001  as above; housekeeping finds what was reported early
        log.error("deliveries_not_followed", error=type(error).__name__, deliveries=len(written))
