"""One try to send a message: rendered, and the calls made that the platform has not taken yet.

Owns what a try needs and what came of each call. Must not write what became of the message: that is `settling`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings

from channels_app.content.types import Content
from channels_app.contract import (
    ConfigError,
    Http,
    Payload,
    Rejected,
    SendError,
    Throttled,
)
from channels_app.http.client import HttpClient
from channels_app.models import Channel, IncompleteChannel
from channels_app.outgoing import payloads_for
from channels_app.selectors import channel_for_id
from channels_app.services import http_for
from conversations.models import Message
from messaging.consent.rules import check_reachable
from messaging.media.convert.make import MOST_S
from messaging.media.platform_files import OwnFiles, content_outgoing
from messaging.models import Delivery
from messaging.reply import recipient_of
from messaging.reports.parts import change_taken, part_taken
from messaging.rules.changes import DELETE, MESSAGE_DELETED, calls_of
from messaging.rules.leased_calls import WhileLeased, seen_anew
from messaging.rules.opening import thread_learnt
from messaging.rules.quotes import platform_name_of
from messaging.rules.windows import window_guard
from messaging.sends.due import expired
from tenants.storage.db import now, server_trouble
from tenants.work.leases import WORKER_LOST, LeaseLost, lease_longer

log = structlog.get_logger(__name__)


class Paced(Throttled):
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
        if expired(delivery):
            raise Rejected("expired", "The message was too old when it could have been sent.")
        if delivery.action != DELETE:  # what is taken back is no message to a person who wants none
            check_reachable(delivery.message)
        config = _config(channel)
        payloads = calls_of(delivery, channel) if delivery.action else _payloads(attempt, calls)
        for index in _missing(delivery, len(payloads)):
            if attempt.busy_s:
                raise Paced("paced", retry_after=attempt.busy_s)
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
