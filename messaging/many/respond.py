"""Turns of many people at once, of a tenant whose engine answers instantly: thought about without a lease, and answered
in one transaction, by the functions that answer one alone.

Owns what becomes of the others when one of them fails, and which turns are for this way. Must not write rows of its own.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef

from conversations.models import Event, Message
from messaging import heads, respond
from messaging.deliver import deliver_leased
from messaging.measures import STAGES
from messaging.models import Delivery, Turn
from messaging.turns import thinking
from messaging.turns.request import asked_of, wants_review
from messaging.turns.settling import reply_store
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import atomic
from tenants.tenant_settings import settings_for
from tenants.work.crew import Lane, Told
from tenants.work.leases import claim_new, untried

log = structlog.get_logger(__name__)

#: in a worker: whether this process sends, too, and no platform of the lane has been slow; None: it always does
sends_here: Callable[[Lane], bool] | None = None
#: ``lane_waits``: something that was said before is still to be sent
TURNS = prepared.Select(
    Turn,
    lambda rows, ids: (
        rows.filter(id__in=ids, status=Turn.Status.WAITING)
        .select_related("conversation__contact", "conversation__identity")
        .annotate(lane_waits=Exists(heads.lane(OuterRef("conversation"))))
    ),
)


@dataclass(frozen=True)
class Thought:
    """A turn with the answer to it, which is nowhere yet; ``context``: in which it is logged; ``leased``: the delivery that
    its worker is to send."""

    turn: Turn
    unanswered: Sequence[Any]
    outcome: thinking.EngineOutcome
    context: Context
    leased: list[Delivery] = field(default_factory=list)

    def lease(self, delivery: Delivery) -> None:
        """Before it is written."""
        claim_new(delivery, timedelta(seconds=settings.ENV["DELIVERY_LEASE_S"]))
        delivery.message.identity = delivery.conversation.identity
        self.leased.append(delivery)


def answers_instantly(tenant_id: uuid.UUID) -> bool:
    """Whether the tenant's engine thinks in this process, for milliseconds, and is none the wiser afterwards: what is
    lost when its answer comes too late is that time."""
    with tenant_scope(tenant_id):
        return getattr(thinking.engine_for(settings_for(tenant_id).model_dump()), "instant", False)


def turns_take(told: Sequence[Told]) -> None:
    """`respond` for the first calls of turns of one tenant, which `answers_instantly`. Not for calls of the sweep: a turn
    that ends its workers has to be counted, so it is leased. One answer alone is sent at once, where this process sends
    and nothing else waits to be sent there; of many, the workers of the lanes send side by side."""
    began = time.monotonic()
    waiting = {turn.id: turn for turn in TURNS.run(ids=[one.row_id for one in told]) if untried(turn)}
    thought = [found for one in told if one.row_id in waiting if (found := _thought(waiting[one.row_id], one.context))]
    answered = _answered_together(thought, alone=len(told) == 1) if thought else set()
    for _ in answered:
        STAGES.labels("respond").observe(time.monotonic() - began)
    for one in told:
        if one.row_id not in answered:
            one.context.run(respond.respond, one.row_id)
    for answer in thought if answered else ():
        for delivery in answer.leased:
            answer.context.run(deliver_leased, delivery)


def _thought(turn: Turn, context: Context) -> Thought | None:
    """None for what is not simply answered: a turn that needs no answer, one that goes to a human, and whatever fails,
    which is told by the worker that has leased it."""
    try:
        asked = context.run(asked_of, turn)
        if asked is None or wants_review(asked.unanswered):
            return None
        with respond.at_work(turn.conversation):
            outcome = context.run(partial(thinking.thought_of, at_once=True), turn, asked)
    except Exception as error:  # noqa: BLE001  as above
        log.info("turn_not_at_once", turn=str(turn.id), error=type(error).__name__)
        return None
    if outcome.reply.handover or any(content.media for content in outcome.reply.contents):
        return None
    return Thought(turn, asked.unanswered, outcome, context)


def _answered_together(thought: Sequence[Thought], *, alone: bool) -> set[uuid.UUID]:
    """Which of them are answered now. When the transaction fails none is, and each goes the ordinary way."""
    try:
        with atomic(), prepared.gathered(Message, Delivery, Event):
            stored = [(one, one.context.run(_stored, one, alone)) for one in sorted(thought, key=_place)]
    except Exception as error:  # noqa: BLE001  whose fault it is shows when each is answered alone
        log.info("turns_answered_apart", error=type(error).__name__, turns=len(thought))
        return set()
    answered = [(one, turn) for one, turn in stored if turn]
    for one, turn in answered:
        one.context.run(respond.turn_tell, turn, one.outcome)
    return {turn.id for _, turn in answered}


def _stored(one: Thought, alone: bool) -> Turn | None:
    conversation = one.turn.conversation
    sends = (
        alone
        and not one.turn.lane_waits  # type: ignore[attr-defined] # of TURNS
        and (sends_here is None or sends_here(Lane(conversation.tenant_id, conversation.channel_id)))
    )
    return reply_store(one.turn, conversation, one.unanswered, one.outcome, one.lease if sends else None)


def _place(one: Thought) -> tuple[Any, ...]:
    """In the order in which every process locks rows of several people (messaging/receive.py)."""
    person = one.turn.conversation.identity
    return person.channel_id, person.scheme, person.scope, person.value
