"""Messages of many people at once, of any tenants: stored in one transaction, by the functions that store one alone.

Owns what becomes of the others when one of them fails. Must not write rows of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import structlog

from channels_app.contract import InboundMessage
from channels_app.models import Channel
from conversations.models import Event, Message
from messaging.accept import checked_of, store, store_alone, told
from messaging.arrivals.entrance import Accepted, Checked, Entrance
from messaging.measures import STAGES
from messaging.models import Turn
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import atomic, server_lost

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Arrival:
    """What `accept` is called with, of any tenant; ``context``: in which it is logged and traced."""

    channel: Channel
    inbound: InboundMessage
    entrance: Entrance = field(default_factory=Entrance)
    context: Context = field(default_factory=copy_context)


A = TypeVar("A", bound=Arrival)


def accept_many(
    arrivals: Sequence[A], along: Callable[[Sequence[A]], object] = lambda _: None
) -> list[Accepted | Exception]:
    """As `accept` for each, in its tenant's scope; of each what that returns or raises. Whatever is wrong with one
    harms no other. ``along``: as `accept`, for those that share the transaction.

    One transaction, and one INSERT per table, where all goes well. For that, no two may be of one sender: such messages
    share a conversation, and what the first leaves is not yet to be seen.
    """
    checked: list[Checked | Exception] = [
        _tried(arrival, checked_of, arrival.channel, arrival.inbound) for arrival in arrivals
    ]
    sound = [(arrival, found) for arrival, found in zip(arrivals, checked, strict=True) if isinstance(found, Checked)]
    stored = iter(_store_together(sound, along))
    return [found if isinstance(found, Exception) else next(stored) for found in checked]


def _store_together(
    sound: Sequence[tuple[A, Checked]], along: Callable[[Sequence[A]], object]
) -> list[Accepted | Exception]:
    """In one transaction; when that fails, each in its own. A database that does not answer is not asked again."""
    began = time.monotonic()
    if len(sound) > 1:
        try:
            with atomic(), prepared.gathered(Message, Turn, Event):
                stored = [_in_scope(arrival, store, *_arguments(arrival, found)) for arrival, found in sound]
                along([arrival for arrival, _ in sound])
        except Exception as error:  # noqa: BLE001  whose fault it is shows when each is stored alone
            if server_lost(error):
                return [error] * len(sound)
            log.info("messages_stored_apart", error=type(error).__name__, messages=len(sound))
        else:
            took = time.monotonic() - began
            for (arrival, _), accepted in zip(sound, stored, strict=True):
                STAGES.labels("accept").observe(took)
                arrival.context.run(told, arrival.channel, accepted)
            return list(stored)
    timed = STAGES.labels("accept").time()(store_alone)
    return [
        _tried(arrival, timed, *_arguments(arrival, found), along=partial(along, [arrival])) for arrival, found in sound
    ]


def _arguments(arrival: Arrival, checked: Checked) -> tuple[Any, ...]:
    return arrival.channel, arrival.inbound, checked, arrival.entrance


def _tried(arrival: Arrival, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What ``call`` returns, or the exception that it raises."""
    try:
        return _in_scope(arrival, call, *arguments, **options)
    except Exception as error:  # noqa: BLE001  the caller gets it
        return error


def _in_scope(arrival: Arrival, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    def scoped() -> Any:
        with tenant_scope(arrival.channel.tenant_id):
            return call(*arguments, **options)

    return arrival.context.run(scoped)
