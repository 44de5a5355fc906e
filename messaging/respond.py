"""Verb two, respond: one reply for one turn, written only if no person has written meanwhile.

Owns claiming a turn, the order of what is done with it (`turns/`: request, thinking, settling), and what follows when
that fails. Must not hold a transaction while an engine thinks.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import structlog
from django.db.models import QuerySet

from channels_app.selectors import channel_for_id
from conversations.models import Conversation
from conversations.safety import replies_as_written
from conversations.timeline import conversation_advance, work_given_up
from messaging import wake
from messaging.live.hub import hub
from messaging.live.typing import Writing, writing_shown
from messaging.measures import STAGES
from messaging.models import Turn
from messaging.rules.control import answer_failed
from messaging.turns.request import Asked, asked_of, hints_of, wants_review
from messaging.turns.settling import turn_close, turn_settle
from messaging.turns.thinking import EngineOutcome, thought_of
from tenants.errors import Unavailable
from tenants.storage import prepared
from tenants.storage.db import atomic, now, on_commit, server_trouble
from tenants.work.leases import A_DAY, MOST_LEASES, WORKER_LOST, LeaseLost, claim_by_id, put_off, server_back, settle

log = structlog.get_logger(__name__)

TRIES = A_DAY
CONVERSATION = prepared.Select(Conversation, lambda rows, id: rows.filter(id=id).select_related("contact", "identity"))


def respond(turn_id: uuid.UUID) -> Turn | None:
    """Answer a turn that is due, or take over one whose worker is silent. None when another worker has it."""
    turn = turn_claim(turn_id)
    return turn_work(turn) if turn else None


def turn_claim(turn_id: uuid.UUID) -> Turn | None:
    """Lease the turn to this worker; its conversation and contact are read along."""
    turn = claim_by_id(Turn, turn_id, Turn.lease())
    conversation = CONVERSATION.first(id=turn.conversation_id) if turn else None
    if turn is None or conversation is None:
        return None
    turn.conversation = conversation
    return turn


def turn_work(turn: Turn) -> Turn:
    """Answer a turn that the caller has leased; what goes wrong puts it off, and ends it after a day."""
    if turn.leases > 2 * MOST_LEASES:  # the fallback reply, too, has ended its workers
        return turn_give_up(turn, WORKER_LOST)
    try:
        return answer(turn)
    except Exception as error:  # noqa: BLE001  the person is still waiting
        return _failed(turn, error)


@STAGES.labels("respond").time()
def answer(turn: Turn) -> Turn:
    """Gather, think, settle. ``turn`` is claimed by the caller."""
    conversation = turn.conversation
    asked = asked_of(turn)
    if asked is None:
        if conversation.control_owner != Conversation.Owner.BOT or not conversation.is_open:
            return turn_close(turn, Turn.Status.VOID, "human" if conversation.is_open else "ended")
        return turn_close(turn, Turn.Status.SILENT, "nothing_left")
    with at_work(conversation) as writing:
        outcome = thought_of(turn, asked, stream=_stream_of(turn, asked, writing))
        if writing:
            writing.end()  # else dots may follow the answer
        try:
            turn = turn_settle(turn, conversation, asked.unanswered, outcome)
        except LeaseLost:
            log.warning("turn_lost", turn=str(turn.id), took_ms=outcome.latency_ms)
            return Turn.objects.select_related("conversation").get(id=turn.id)
    if turn.status == Turn.Status.VOID:
        outcome.void(turn.outcome)
    turn_tell(turn, outcome)
    return turn


def turn_tell(turn: Turn, outcome: EngineOutcome) -> None:
    """What became of it, for the log."""
    facts = {"turn": str(turn.id), "status": str(turn.status), "outcome": turn.outcome, "took_ms": outcome.latency_ms}
    if turn.status == Turn.Status.ANSWERED:  # its delivery tells of it
        log.debug("turn_done", **facts)
    else:
        log.info("turn_done", **facts)


def at_work(conversation: Conversation) -> AbstractContextManager[Writing | None]:
    """What widgets see of the work (live/typing.py); other channels have a way of their own to show it
    (reports/typing_marks.py)."""
    channel = channel_for_id(conversation.channel_id)
    shown = channel and channel.adapter.instant and channel.capabilities.typing
    return writing_shown(conversation.id, conversation.last_seq) if shown else nullcontext(None)


def _stream_of(turn: Turn, asked: Asked, writing: Writing | None) -> Callable[[str], None] | None:
    """Where the person sees the text grow. Not where the reply may not be sent as it is written: a tenant hides words of
    replies, a human is to look first, or the sender asked for a form of reply."""
    hints = hints_of(asked.unanswered)
    if writing is None or not hub.attended or wants_review(asked.unanswered) or hints.get("expected_response_type"):
        return None
    return writing.grow if replies_as_written(turn.tenant_id) else None


def _failed(turn: Turn, error: Exception) -> Turn:
    """Trouble of our own servers costs no try."""
    ours, name = server_trouble(error) or isinstance(error, Unavailable), type(error).__name__
    log.error("turn_failed", turn=str(turn.id), error=name, attempts=turn.attempts, counts=not ours)
    if ours:
        put_off(turn, server_back(), counts=False, status=Turn.Status.RUNNING)
    elif TRIES.over(turn.attempts):
        return turn_give_up(turn, name)
    else:
        put_off(turn, TRIES.next(turn.attempts), status=Turn.Status.RUNNING)
    return turn


def turn_give_up(turn: Turn, reason: str) -> Turn:
    """It can be started again; until then the conversation is in error, and staff are told."""
    with atomic():
        conversation = conversation_advance({"id": turn.conversation_id})  # the lock
        if settle(turn, status=Turn.Status.FAILED, outcome=reason[:40]):
            work_given_up("turns", turn, reason)
            if conversation:
                answer_failed(conversation, reason[:40])
    return turn


def turns_replay(turns: QuerySet[Turn]) -> int:
    """Answer turns of a queryset that were given up, with fresh tries. Returns how many."""
    ids = list(turns.filter(status=Turn.Status.FAILED).order_by("created_at").values_list("id", flat=True))
    for turn_id in ids:
        again = Turn.objects.filter(id=turn_id, status=Turn.Status.FAILED)
        again.update(status=Turn.Status.RUNNING, attempts=0, leases=0, claim=None, due_at=now(), outcome="")
        on_commit(partial(wake.respond, turn_id))
    return len(ids)
