"""Verb three, deliver: every outgoing message leaves through its channel, in order, at least once.

A lane is one conversation; only the head of a lane may be sent. Owns claiming, tries, back-off and
dead letters. Must not render: that is the adapter's.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError

from channels_app.content.types import Content
from channels_app.contract import (
    ConfigError,
    ContactRefuses,
    Http,
    MediaLost,
    Payload,
    Rejected,
    SendError,
    StatusUpdate,
    Throttled,
    WindowClosed,
)
from channels_app.http.client import HttpClient
from channels_app.models import Channel, IncompleteChannel
from channels_app.outgoing import payloads_for
from channels_app.selectors import channel_for_id
from channels_app.services import http_for
from conversations.models import Message
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.consent.rules import check_reachable, contact_refused
from messaging.live.staff import conversation_changed
from messaging.measures import DELIVERIES, STAGES, WAITED
from messaging.media.convert.make import MOST_S
from messaging.media.platform_files import OwnFiles, content_outgoing, file_forget
from messaging.models import Delivery, DeliveryAttempt, DeliveryPart
from messaging.reply import recipient_of
from messaging.reports.delivery_status import (
    change_taken,
    early_statuses_apply,
    part_insert,
    part_taken,
    parts_follow,
    parts_settled,
    report_facts,
)
from messaging.rules.changes import DELETE, MESSAGE_DELETED, calls_of
from messaging.rules.hold import channel_admits, channel_failed, channel_held_until, channel_worked
from messaging.rules.leased_calls import WhileLeased, seen_anew
from messaging.rules.opening import thread_learnt
from messaging.rules.quotes import platform_name_of
from messaging.rules.windows import CODE as WINDOW_CLOSED
from messaging.rules.windows import window_guard, window_shut
from messaging.shutdown import stopping
from tenants.access.limits import allow
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, now, on_commit, retried, server_trouble
from tenants.work.crew import Lane
from tenants.work.leases import A_DAY, WORKER_LOST, LeaseLost, claim, lease_longer, put_off, server_back, settle

log = structlog.get_logger(__name__)

OFF = timedelta(seconds=60)  # how often a switched-off channel's lanes are looked at
MOST_IN_A_ROW = 50  # then the lane goes back to the queue, so that others have their turn
HEAD = prepared.Select(
    Delivery,
    lambda rows, conversation_id: (
        rows.filter(conversation_id=conversation_id, status__in=Delivery.UNFINISHED)
        .order_by("seq")
        .select_related("message__identity", "conversation")
    ),
)


class _Paced(Throttled):
    """The person still listens to the part before: no fault, no attempt used up."""


@dataclass
class SendTry:
    """One try to send a delivery: what it needs and what came of it."""

    delivery: Delivery
    channel: Channel
    http: HttpClient
    error: SendError | None = None
    started: float = 0.0
    began: datetime = field(default_factory=now)
    cuts: tuple[str, ...] = ()
    busy_s: float = 0.0  # the person is busy with it for so long
    last: tuple[int, str] | None = None  # of a message of one part, which the platform has taken: index and its id
    trouble: str = ""  # of our own servers, or the lease is over: no try, whatever became of it
    more: bool = True  # another message may wait behind it


def deliver(conversation_id: uuid.UUID) -> int:
    """Send what is due in this lane, oldest first. Returns how many messages left the lane.

    Stops where the head is not due, held, throttled or claimed by another worker.
    """
    done = 0
    while done < MOST_IN_A_ROW and not stopping.is_set():
        head = lane_head(conversation_id)
        if head is None or not ready(head) or not claim(head, timedelta(seconds=settings.ENV["DELIVERY_LEASE_S"])):
            return done
        attempt = send_try(head)
        if not settle_try(attempt):
            return done
        done += 1
        if not attempt.more:
            return done
    wake.deliver(conversation_id)
    return done


def deliver_leased(head: Delivery) -> int:
    """`deliver`, for the caller that has leased the head of the lane in the transaction that wrote it: it is sent without
    being read again. ``head`` has its message with that one's person, and its conversation."""
    if stopping.is_set():
        _put_off(head, now())
        return 0
    if not may_leave(head):
        return 0
    attempt = send_try(head)
    if not settle_try(attempt):
        return 0
    return 1 + (deliver(head.conversation_id) if attempt.more else 0)


def lane_head(conversation_id: uuid.UUID) -> Delivery | None:
    """The oldest unfinished delivery of a conversation: the only one that may be sent."""
    head: Delivery | None = HEAD.first(conversation_id=conversation_id)
    return head


def ready(delivery: Delivery, *, drawn: bool = False) -> bool:
    """Due, and it `may_leave`."""
    return delivery.due_at <= now() and may_leave(delivery, drawn=drawn)


def may_leave(delivery: Delivery, *, drawn: bool = False) -> bool:
    """Its channel is neither held nor over its rate, unless its place in that is ``drawn`` already. What may not leave is
    put off, not tried."""
    at = now()
    channel = channel_for_id(delivery.channel_id)
    if channel and (channel.disconnected_at or _expired(delivery)):
        return True  # to be refused, for which no platform is called
    if channel is None or not channel.enabled:  # the sweep wakes it when it is on again, or the message over
        put_off(delivery, _not_beyond_life(delivery, at + OFF), counts=False)
        return False
    held_until = channel_held_until(channel)
    if held_until and held_until > at:
        return _put_off(delivery, held_until)
    wait_s = 0.0 if drawn else within_rate(channel)
    if wait_s > 0:
        return _put_off(delivery, at + timedelta(seconds=wait_s))
    held_until = channel_admits(channel)  # last: a worker that is admitted after a hold has to send
    return _put_off(delivery, held_until) if held_until else True


def within_rate(channel: Channel, messages: int = 1) -> float:
    """Take as many places in the channel's rate. The seconds to wait; then none is taken."""
    rate, burst = channel.adapter.rate
    if channel.rate_per_second:
        rate, burst = channel.rate_per_second, max(1, int(channel.rate_per_second))
    return (
        allow(f"channel:{channel.id}", rate, burst, messages)
        if messages > 1
        else allow(f"channel:{channel.id}", rate, burst)
    )


def _expired(delivery: Delivery) -> bool:
    return not delivery.action and delivery.expires_at is not None and delivery.expires_at <= now()


def _not_beyond_life(delivery: Delivery, until: datetime) -> datetime:
    """A message that waits ends when it expires, not with the pause that it is in by then."""
    return min(until, delivery.expires_at) if delivery.expires_at and not delivery.action else until


def _put_off(delivery: Delivery, until: datetime) -> bool:
    until = _not_beyond_life(delivery, until)
    if put_off(delivery, until, counts=False):
        _wake_at(delivery, until)
    return False


def _wake_at(delivery: Delivery, at: datetime) -> None:
    lane = Lane(delivery.tenant_id, delivery.channel_id)
    wake.deliver(delivery.conversation_id, delay_s=max(0.0, (at - now()).total_seconds()), lane=lane)


def send_try(delivery: Delivery) -> SendTry:
    """Render, then make the calls that have not been taken yet."""
    channel = channel_for_id(delivery.channel_id)
    assert channel is not None  # `ready` saw it
    structlog.contextvars.bind_contextvars(
        conversation_id=str(delivery.conversation_id), message_id=str(delivery.message_id)
    )
    attempt = SendTry(delivery, channel, http_for(channel), started=time.monotonic())
    calls = WhileLeased(attempt.http, delivery)
    try:
        seen_anew(delivery)
        if delivery.worn_out:
            raise Rejected(WORKER_LOST, "The workers that tried to send it ended or hung.")
        if channel.disconnected_at:
            raise Rejected("channel_disconnected", "The channel was disconnected before the message could be sent.")
        if delivery.message.deleted_at:
            raise Rejected(MESSAGE_DELETED, "The message was deleted before it could be sent.")
        if _expired(delivery):
            raise Rejected("expired", "The message was too old when it could have been sent.")
        if delivery.action != DELETE:  # what is taken back is no message to a person who wants none
            check_reachable(delivery.message)
        config = _config(channel)
        payloads = calls_of(delivery, channel) if delivery.action else _payloads(attempt, calls)
        for index in _missing(delivery, len(payloads)):
            if attempt.busy_s:
                raise _Paced("paced", retry_after=attempt.busy_s)
            result = channel.adapter.send(payloads[index], config, OwnFiles(calls))
            if delivery.action:
                change_taken(delivery, index)
            elif len(payloads) == 1 and result.platform_id and not delivery.parts_again:
                attempt.last = (index, result.platform_id)  # nothing comes between it and the end: one transaction
            else:
                part_taken(delivery, index, result.platform_id)
            attempt.busy_s = result.busy_s
            if result.thread and not delivery.conversation.thread:
                thread_learnt(delivery.conversation, result.thread)
    except SendError as error:
        attempt.error = error
    except Exception as error:  # noqa: BLE001  an adapter's bug is a dead letter with a reason, not a stuck lane
        if server_trouble(error) or isinstance(error, LeaseLost):
            attempt.trouble = type(error).__name__  # nothing is known of the message: it is tried again
            return attempt
        log.error("adapter_crashed", kind=channel.kind, error=type(error).__name__, delivery=str(delivery.id))
        attempt.error = Rejected("adapter_error", type(error).__name__)
    return attempt


def _config(channel: Channel) -> Any:
    """Raises ConfigError: what is stored and no longer holds is the channel's trouble, not the message's."""
    try:
        return channel.adapter_config()
    except IncompleteChannel as error:
        raise ConfigError(error.code, error.message) from error


def _missing(delivery: Delivery, count: int) -> list[int]:
    """The calls that are still to be made: those that failed where they had been taken, and then the rest."""
    return [*(index for index in delivery.parts_again if index < count), *range(delivery.parts_sent, count)]


def _payloads(attempt: SendTry, calls: Http) -> Sequence[Payload]:
    """The API calls that carry the message: the same ones at every try, for a part counts by its index. Raises WindowClosed."""
    delivery, content = attempt.delivery, _content(attempt, calls)
    window_guard(attempt.channel, delivery.conversation, content, by_human=_by_human(delivery))
    recipient = recipient_of(delivery.conversation, delivery.message.identity)
    outgoing = payloads_for(
        attempt.channel, content, recipient, reference=str(delivery.id), reply_to=platform_name_of(content.quote),
        by_human=_by_human(delivery),
    )  # fmt: skip
    attempt.cuts += outgoing.cuts
    return outgoing.payloads


def _content(attempt: SendTry, calls: Http) -> Content:
    """What is to be sent; a file of ours in a form that the channel takes, which may have to be made first."""
    content, notes = Content.model_validate(attempt.delivery.message.content), list[str]()
    if content.media and content.type in ("audio", "video"):
        lease_longer(attempt.delivery, timedelta(seconds=settings.ENV["DELIVERY_LEASE_S"] + MOST_S))
    public = content_outgoing(attempt.channel, content, calls, notes)
    attempt.cuts = tuple(notes)
    return public


def _by_human(delivery: Delivery) -> bool:
    return delivery.message.role == Message.Role.AGENT


def settle_try(attempt: SendTry) -> bool:
    """Write what came of the try. True when the lane may go on to its next message."""
    error = attempt.error
    if attempt.trouble:
        return _interrupted(attempt)
    if error is None:
        try:
            ours = _sent(attempt)
        except Exception as trouble:
            if not server_trouble(trouble):
                raise
            attempt.trouble = type(trouble).__name__
            return _interrupted(attempt)
        channel_worked(attempt.channel)
        if ours and attempt.busy_s:
            _let_listen(attempt)
        return ours
    if isinstance(error, _Paced):
        _again(attempt, error, counts=False)
        return False
    channel_failed(attempt.channel, error)
    if isinstance(error, MediaLost):
        file_forget(attempt.channel, attempt.delivery.message.content)
    if isinstance(error, ConfigError):
        _again(attempt, error, counts=False)
        return False
    if error.retryable and attempt.delivery.attempts < (error.most_tries or settings.ENV["DELIVERY_MAX_ATTEMPTS"]):
        _again(attempt, error)
        return False
    return _dead(attempt, error)


def _interrupted(attempt: SendTry) -> bool:
    log.warning("delivery_interrupted", delivery=str(attempt.delivery.id), error=attempt.trouble)
    until = server_back()
    if put_off(attempt.delivery, until, counts=False):
        _wake_at(attempt.delivery, until)
    return False


def _sent(attempt: SendTry) -> bool:
    """Written, and what was reported before that is followed. False when another worker has the message by now."""
    delivery = attempt.delivery
    try:
        ours = _sent_write(attempt)
    except IntegrityError as error:
        if not attempt.last or not key_taken(error):
            raise
        attempt.last = None  # a report of the platform has told us of the part
        ours = _sent_write(attempt)
    WAITED.labels(attempt.channel.kind).observe((now() - delivery.message.created_at).total_seconds())
    conversation_changed(delivery.tenant_id, delivery.conversation_id)
    if attempt.last:
        attempt.more = delivery.id in parts_settled([delivery])
    else:
        early_statuses_apply(delivery)
    return ours


@retried
def _sent_write(attempt: SendTry) -> bool:
    """The last part, unless it is written down, the message's state and the try: one transaction."""
    delivery, taken = attempt.delivery, {}
    with atomic():
        if attempt.last:
            index, platform_id = attempt.last
            part_insert(delivery, index, platform_id)
            taken = {"parts_sent": index + 1}
        else:
            conversation_advance({"id": delivery.conversation_id})  # the lock
        ours = settle(delivery, status=Delivery.Status.SENT, sent_at=now(), error_code="", error_detail="", **taken)
        if taken and not ours:  # the worker that has the message has to know
            prepared.update(Delivery, {"id": delivery.id}, taken)
        _record(attempt)
        if ours and not attempt.last:  # reports of the parts may be there already, and will not come again
            parts_follow(delivery)
    return ours


def _let_listen(attempt: SendTry) -> None:
    """What was written along with this message waits until it was heard, the way to a human too; a person
    who has spoken since waits for nothing."""
    delivery = attempt.delivery
    following = lane_head(delivery.conversation_id)
    if following is None:
        wake.put_through(delivery.conversation_id, delay_s=attempt.busy_s)
        return
    between = {"seq__gt": delivery.seq, "seq__lt": following.seq, "direction": Message.Direction.INBOUND}
    if not Message.objects.filter(conversation_id=delivery.conversation_id, **between).exists():
        _put_off(following, now() + timedelta(seconds=attempt.busy_s))


@retried
def _again(attempt: SendTry, error: SendError, *, counts: bool = True) -> None:
    delivery = attempt.delivery
    wait_s = error.retry_after if error.retry_after is not None else A_DAY.after_s(delivery.attempts)
    due_at = now() + timedelta(seconds=wait_s)
    due_at = _not_beyond_life(delivery, max(due_at, channel_held_until(attempt.channel) or due_at))
    with atomic():
        _record(attempt)
        ours = put_off(
            delivery, due_at, counts=counts, error_code=error.code[:60], error_detail=error.detail
        )  # fmt: skip
    if ours:
        _wake_at(delivery, due_at)


@retried
def _dead(attempt: SendTry, error: SendError) -> bool:
    """A dead letter. False, and nothing is told, when another worker has the message by now."""
    delivery = attempt.delivery
    code = error.code[:60] or type(error).__name__
    if isinstance(error, WindowClosed):
        code = WINDOW_CLOSED  # one code, found by us or by the platform; the platform's own is in the attempt
        window_shut(attempt.channel, delivery.conversation_id, attempt.began)
    with atomic():
        conversation_advance({"id": delivery.conversation_id})  # the lock
        _record(attempt)
        failed = delivery_give_up(delivery, code, error.detail or error.sentence)
    if failed and isinstance(error, ContactRefuses):
        contact_refused(attempt.channel, delivery.conversation, delivery.message.identity_id, attempt.began)
    if failed:
        wake.publish_soon()
    return failed


def delivery_give_up(delivery: Delivery, code: str, detail: str) -> bool:
    """Make it a dead letter: it keeps its place and its reason, and can be replayed. Call in the transaction that holds
    the conversation. False, and nothing is told, when another worker has the message by now."""
    failed = {"status": Delivery.Status.FAILED, "dead_at": now(), "error_code": code, "error_detail": detail}
    if not settle(delivery, **failed):
        return False
    conversation = conversation_advance({"id": delivery.conversation_id}, events=1)
    if conversation:
        facts = report_facts(delivery, Delivery.Status.FAILED, code=code, detail=detail)
        events_append(conversation, [NewEvent("chat.message.failed", facts)])
    return True


def _record(attempt: SendTry) -> None:
    error, delivery = attempt.error, attempt.delivery
    outcome = str(error.outcome if error else DeliveryAttempt.Outcome.ACCEPTED)
    took_s = time.monotonic() - attempt.started
    DELIVERIES.labels(attempt.channel.kind, outcome).inc()
    STAGES.labels("deliver").observe(took_s)
    log.info("delivery_tried", delivery=str(delivery.id), outcome=outcome, code=error.code[:60] if error else "",
             number=delivery.attempts, took_ms=round(took_s * 1000))  # fmt: skip
    tried = DeliveryAttempt(
        tenant_id=delivery.tenant_id,
        delivery=delivery,
        number=delivery.attempts,
        outcome=outcome,
        code=error.code[:60] if error else "",
        latency_ms=int(took_s * 1000),
        exchange=[*attempt.http.trace, *({"cut": cut} for cut in attempt.cuts)],
    )
    prepared.insert([tried])


def file_sent_again(channel: Channel, report: StatusUpdate) -> None:
    """The platform took a message and found out later that it cannot read the file: sent once more, with the file put
    there anew. Once: a message that was tried before stays failed."""
    part = DeliveryPart.objects.select_related("delivery__message").filter(
        channel=channel, platform_id=report.platform_id, status=Delivery.Status.FAILED
    )
    failed = part.first()
    if failed is None or DeliveryAttempt.objects.filter(delivery=failed.delivery).count() > 1:
        return
    file_forget(channel, failed.delivery.message.content)
    redeliver(Delivery.objects.filter(id=failed.delivery_id))


def redeliver(deliveries: Any, *, at_once: bool = True) -> int:
    """Put failed deliveries of a queryset back into their lanes with fresh attempts (DEL-3): what the platform took
    and reported as failed is sent anew, what reached the person is not. Returns how many."""
    count = 0
    for delivery in deliveries.filter(status=Delivery.Status.FAILED, message__deleted_at=None):
        lost = DeliveryPart.objects.filter(delivery=delivery, status=Delivery.Status.FAILED).order_by("index")
        changed = Delivery.objects.filter(id=delivery.id, status=Delivery.Status.FAILED).update(
            status=Delivery.Status.QUEUED, attempts=0, leases=0, dead_at=None, due_at=now(), claim=None,
            expires_at=delivery.expires_at if delivery.action else now() + timedelta(days=1),
            error_code="", error_detail="",
            parts_again=list(lost.values_list("index", flat=True)),
        )  # fmt: skip
        count += changed
        if changed:
            on_commit(partial(conversation_changed, delivery.tenant_id, delivery.conversation_id))
        if changed and at_once:
            wake.deliver(delivery.conversation_id)
    return count
