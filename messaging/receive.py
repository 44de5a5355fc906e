"""The webhook's way in: a request is verified, stored whole, acknowledged, and understood afterwards.

Owns receipts (InboundEvent) and what each parsed item leads to. Must not know any platform.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import F

from channels_app.contract import (
    BadPayload,
    ChannelNotice,
    Ignored,
    InboundItem,
    InboundMessage,
    RawRequest,
    Reaction,
    Revision,
    Signal,
    StatusUpdate,
    TemplateStatus,
)
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.templates.sync import template_status_apply
from conversations.timeline import system_event
from messaging import wake
from messaging.accept import accept
from messaging.health.watch import channel_notice, inbound_seen
from messaging.models import InboundEvent
from messaging.rules.contact_signals import signal_apply
from messaging.rules.delivery_status import status_apply
from messaging.rules.revise import changes_apply, reaction_take, revision_take
from tenants.errors import Invalid
from tenants.storage.db import atomic, now, on_commit, retried

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8


@retried
def receipt_store(channel: Channel, raw: RawRequest) -> InboundEvent | None:
    """Keep a verified request. None when the very same one is here already: the platform resent it."""
    line = f"{raw.method} {raw.path} {sorted(raw.query.items())}\n"
    digest = hashlib.sha256(line.encode() + raw.body).hexdigest()
    try:
        with atomic():
            receipt = InboundEvent.objects.create(
                tenant_id=channel.tenant_id, channel=channel, digest=digest, request=raw.to_stored()
            )
            on_commit(lambda: wake.parse(receipt.id))
    except IntegrityError:
        return None
    return receipt


def receipt_process(receipt_id: uuid.UUID) -> InboundEvent | None:
    """Understand a stored request. None when somebody else is at it or it is done."""
    at, lease = now(), timedelta(seconds=settings.ENV["DELIVERY_LEASE_S"])
    due = InboundEvent.objects.filter(id=receipt_id, status=InboundEvent.Status.RECEIVED, due_at__lte=at)
    if not due.update(due_at=at + lease, attempts=F("attempts") + 1):
        return None
    receipt = InboundEvent.objects.get(id=receipt_id)
    channel = channel_for_id(receipt.channel_id)
    if channel is None:
        return _close(receipt, InboundEvent.Status.IGNORED, "channel is gone")
    try:
        items = channel.adapter.parse(RawRequest.from_stored(receipt.request), channel.adapter_config())
    except BadPayload as error:
        system_event(channel.tenant_id, "chat.system.webhook_malformed", {"receipt_id": str(receipt.id)})
        return _close(receipt, InboundEvent.Status.MALFORMED, str(error))
    if any(isinstance(item, InboundMessage) for item in items):
        inbound_seen(channel)
    reasons = [reason for item in items if (reason := _item_apply(channel, item))]
    if len(reasons) == len(items):
        return _close(receipt, InboundEvent.Status.IGNORED, "; ".join(dict.fromkeys(reasons)) or "nothing in it")
    return _close(receipt, InboundEvent.Status.PROCESSED, "; ".join(dict.fromkeys(reasons)))


def receipt_failed(receipt_id: uuid.UUID, error: Exception) -> None:
    """Something of ours broke: try again with growing pauses, then keep it for inspection and replay."""
    receipt = InboundEvent.objects.get(id=receipt_id)
    log.error("receipt_failed", receipt=str(receipt_id), error=type(error).__name__, attempts=receipt.attempts)
    if receipt.attempts >= MAX_ATTEMPTS:
        _close(receipt, InboundEvent.Status.FAILED, type(error).__name__)
    else:
        InboundEvent.objects.filter(id=receipt_id).update(
            due_at=now() + timedelta(seconds=2**receipt.attempts), reason=type(error).__name__
        )


def _item_apply(channel: Channel, item: InboundItem) -> str:
    """Do what one item asks for. Returns why nothing was done, or "". Repeats do nothing twice."""
    apply = APPLY.get(type(item))
    return apply(channel, item) if apply else f"no use for {type(item).__name__}"


def _message(channel: Channel, item: InboundMessage) -> str:
    try:
        accepted = accept(channel, item)
    except Invalid as error:
        return error.code
    if item.platform_id:  # an edit or a reaction may have been quicker
        changes_apply(channel.id, item.platform_id)
    return "repeated" if accepted.duplicate else ""


def _status(channel: Channel, item: StatusUpdate) -> str:
    status_apply(channel, item)
    return ""


def _notice(channel: Channel, item: ChannelNotice) -> str:
    channel_notice(channel, item)
    return ""


def _template_status(channel: Channel, item: TemplateStatus) -> str:
    if not template_status_apply(channel, item):
        wake.sync_templates(channel.id)  # one that we have not seen yet
    return ""


def _ignored(channel: Channel, item: Ignored) -> str:
    return item.reason


APPLY: dict[type, Callable[[Channel, Any], str]] = {
    InboundMessage: _message,
    StatusUpdate: _status,
    Revision: revision_take,
    Reaction: reaction_take,
    Signal: signal_apply,
    TemplateStatus: _template_status,
    ChannelNotice: _notice,
    Ignored: _ignored,
}


def _close(receipt: InboundEvent, status: str, reason: str) -> InboundEvent:
    receipt.status, receipt.reason, receipt.processed_at = status, reason[:300], now()
    InboundEvent.objects.filter(id=receipt.id).update(
        status=receipt.status, reason=receipt.reason, processed_at=receipt.processed_at
    )
    return receipt
