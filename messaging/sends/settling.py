"""What came of a try is written: sent, tried again, or a dead letter.

Owns tries, back-off and dead letters. Must not call a platform.
"""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError

from channels_app.contract import (
    ConfigError,
    ContactRefuses,
    MediaLost,
    SendError,
    WindowClosed,
)
from conversations.models import Message
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.consent.rules import contact_refused
from messaging.live.staff import conversation_changed
from messaging.measures import DELIVERIES, STAGES, WAITED
from messaging.media.platform_files import file_forget
from messaging.models import Delivery, DeliveryAttempt
from messaging.reports.delivery_status import (
    early_statuses_apply,
    parts_follow,
    parts_settled,
    report_facts,
)
from messaging.reports.parts import part_insert
from messaging.rules.hold import channel_failed, channel_held_until, channel_worked
from messaging.rules.windows import CODE as WINDOW_CLOSED
from messaging.rules.windows import window_shut
from messaging.sends.due import lane_head, later, not_beyond_life, wake_at
from messaging.sends.trying import Paced, SendTry
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, now, retried, server_trouble
from tenants.work.leases import A_DAY, put_off, server_back, settle

log = structlog.get_logger(__name__)


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
    if isinstance(error, Paced):
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
        wake_at(attempt.delivery, until)
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
        try_record(attempt)
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
        later(following, now() + timedelta(seconds=attempt.busy_s))


@retried
def _again(attempt: SendTry, error: SendError, *, counts: bool = True) -> None:
    delivery = attempt.delivery
    asked_s = error.retry_after or 0.0
    paced = isinstance(error, Paced)  # we ourselves know how long
    due_at = now() + timedelta(seconds=asked_s) if paced else A_DAY.next(delivery.attempts, asked_s)
    due_at = not_beyond_life(delivery, max(due_at, channel_held_until(attempt.channel) or due_at))
    with atomic():
        try_record(attempt)
        ours = put_off(
            delivery, due_at, counts=counts, error_code=error.code[:60], error_detail=error.detail
        )  # fmt: skip
    if ours:
        wake_at(delivery, due_at)


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
        try_record(attempt)
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


def try_record(attempt: SendTry) -> None:
    """Write down the try, which the console and integrators see."""
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
