"""Verb three, deliver: every outgoing message leaves through its channel, in order, at least once.

A lane is one conversation; only the head of a lane may be sent. Owns claiming it and the order of what is done with it
(`sends/`: due, trying, settling). Must not render: that is the adapter's.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings

from messaging import wake
from messaging.live.staff import conversation_changed
from messaging.media.platform_files import file_forget
from messaging.models import Delivery, DeliveryAttempt, DeliveryPart
from messaging.sends.due import lane_head, later, may_leave, ready
from messaging.sends.settling import settle_try
from messaging.sends.trying import send_try
from messaging.shutdown import stopping
from tenants.storage.db import now, on_commit
from tenants.work.leases import claim

MOST_IN_A_ROW = 50  # then the lane goes back to the queue, so that others have their turn


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
        later(head, now())
        return 0
    if not may_leave(head):
        return 0
    attempt = send_try(head)
    if not settle_try(attempt):
        return 0
    return 1 + (deliver(head.conversation_id) if attempt.more else 0)


def file_sent_again(part: DeliveryPart, code: str) -> None:
    """The platform took a message and found out later that it cannot read the file: sent once more, with the file put
    there anew. Once: a message that was tried before stays failed."""
    if code not in part.channel.adapter.media_codes:
        return
    failed = (
        DeliveryPart.objects.select_related("delivery__message")
        .filter(id=part.id, status=Delivery.Status.FAILED)
        .first()
    )
    if failed is None or DeliveryAttempt.objects.filter(delivery=failed.delivery).count() > 1:
        return
    file_forget(part.channel, failed.delivery.message.content)
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
