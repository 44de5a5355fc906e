"""The reply window: how long after a person's message their platform lets us say what we like.

Owns the rule, for what staff send (told at once) and for what is queued (a dead letter, no call made). An
inbound message opens the window (messaging/accept.py). Must not know any platform.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q

from channels_app.content.types import Content
from channels_app.contract import StatusUpdate, WindowClosed
from channels_app.models import Channel
from channels_app.templates.resolve import templates_approved
from channels_app.words.moments import written
from conversations.models import Conversation
from tenants.errors import Conflict
from tenants.storage.db import now

CODE = "window_closed"


@dataclass(frozen=True)
class Window:
    """``expires_at`` None: there is none, or none is known; then the platform decides."""

    open: bool
    expires_at: datetime | None = None


def window_of(channel: Channel, conversation: Conversation, *, by_human: bool = False) -> Window:
    """Open up to, and not at, its end. Platforms that leave colleagues longer than the bot say so."""
    ends = conversation.reply_window_expires_at
    if ends is None:
        return Window(True)
    if by_human:
        adapter = channel.adapter
        longer_s = adapter.window_s(channel.adapter_config(), by_human=True) - adapter.capabilities.window_s
        ends += timedelta(seconds=max(0, longer_s))
    return Window(now() < ends, ends)


def may_go_out(channel: Channel, conversation: Conversation, content: Content, *, by_human: bool) -> bool:
    free = content.type in channel.adapter.capabilities.window_free
    return free or window_of(channel, conversation, by_human=by_human).open


def window_require(channel: Channel, conversation: Conversation, content: Content, *, by_human: bool = True) -> None:
    """For what is about to be written. Raises Conflict ``window_closed`` with the templates that may go out."""
    if may_go_out(channel, conversation, content, by_human=by_human):
        return
    window = window_of(channel, conversation, by_human=by_human)
    raise Conflict(
        "The reply window is closed: the person has to write first"
        + (", or send an approved template." if channel.adapter.capabilities.templates else "."),
        code=CODE,
        details={
            "expired_at": window.expires_at and written(window.expires_at),
            "templates": templates_approved(channel),
        },
    )


def window_guard(channel: Channel, conversation: Conversation, content: Content, *, by_human: bool) -> None:
    """For what is about to leave. Raises WindowClosed ``window_closed``."""
    if not may_go_out(channel, conversation, content, by_human=by_human):
        raise WindowClosed(CODE, WindowClosed.sentence)


def window_shut(channel: Channel, conversation_id: uuid.UUID, sent_at: datetime | None) -> None:
    """The platform says that the window was closed when it got what we sent at ``sent_at``: believe it, unless
    the person has written since."""
    opened_before = (sent_at or now()) + timedelta(seconds=channel.adapter.capabilities.window_s)
    at = now()
    open_to_us = Q(reply_window_expires_at=None) | Q(
        reply_window_expires_at__gt=at, reply_window_expires_at__lte=opened_before
    )
    Conversation.objects.filter(open_to_us, id=conversation_id).update(reply_window_expires_at=at)


def status_in_our_words(channel: Channel, update: StatusUpdate) -> StatusUpdate:
    """A failed status with the platform's code for a closed window has ours instead."""
    return replace(update, code=CODE) if update.code in channel.adapter.window_codes else update
