"""Faults put into the service on purpose, each of which the simulator must find: the measure of the simulator.

Owns what is changed and which promise must then break. Must be applied within a test or a run of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.models import Conversation
from messaging import deliver, receive, respond
from messaging.housekeeping import idle
from messaging.many import deliver as deliver_many
from messaging.models import Delivery, InboundEvent, Turn
from messaging.receipts import settling as receipt_settling
from messaging.receipts import together as at_once
from messaging.reports import delivery_status
from messaging.rules import control
from messaging.sends import settling, trying
from messaging.turns import settling as turn_settling
from tenants.storage import prepared
from tenants.work import leases
from tenants.work.leases import Leased, Work
from tests.simulation import steps
from tests.simulation.world import Patch


@dataclass(frozen=True)
class Mutation:
    """``breaks``: the promises of which one must be found broken."""

    apply: Callable[[Patch], None]
    breaks: frozenset[str]


def _receipts_without_lanes(patch: Patch) -> None:
    """Receipts are taken up in any order."""
    received = {"status": InboundEvent.Status.RECEIVED}
    patch(receive, "HEADS", prepared.Select(InboundEvent, lambda rows, ids: rows.filter(id__in=ids, **received)))


def _settle_without_the_claim(patch: Patch) -> None:
    """A worker writes the outcome of a row by its key alone, though another holds it by now or has done with it."""

    def anyhow(row: Leased, **changes: Any) -> bool:
        changes |= {"claim": None, **({"leases": 0} if isinstance(row, Work) else {})}
        return bool(type(row)._default_manager.filter(pk=row.pk).update(**changes))

    def all_anyhow(rows: Sequence[Leased], **changes: Any) -> bool:
        return min(anyhow(row, **changes) for row in rows)

    for owner in (leases, settling, respond, turn_settling, receipt_settling):
        patch(owner, "settle", anyhow)
    patch(at_once, "settle_untried", all_anyhow)
    patch(deliver_many, "settle_all", all_anyhow)


def _told_without_the_claim(patch: Patch) -> None:
    """A worker tells of the outcome of a delivery that another has taken over (code F11)."""
    settle = settling.settle

    def anyhow(row: Delivery, **changes: Any) -> bool:
        settle(row, **changes)
        return True

    patch(settling, "settle", anyhow)


def _idle_sweep_looks_once(patch: Patch) -> None:
    """The idle sweep ends what its list names, without a second look."""
    patch(idle, "_is_idle", lambda conversation, since: True)


def _guard_without(*dropped: str) -> Callable[[Patch], None]:
    """The reply is written whatever became of ``dropped`` while the engine thought."""

    def apply(patch: Patch) -> None:
        advance = turn_settling.conversation_advance

        def lax(where: dict[str, Any], **changes: Any) -> Conversation | None:
            return advance({k: v for k, v in where.items() if k not in dropped}, **changes)

        patch(turn_settling, "conversation_advance", lax)

    return apply


def _no_owner_asked(patch: Patch) -> None:
    """A change of control leaves the turns that are under way, and the reply does not look at who is in control."""
    _guard_without("control_owner", "last_seq")(patch)
    patch(control, "turns_void", lambda conversation, outcome: None)


def _silent_change(patch: Patch) -> None:
    """A colleague takes over, and no entry tells it."""

    def silently(conversation_id: uuid.UUID, user: Any) -> None:
        Conversation.objects.filter(id=conversation_id, is_open=True).update(control_owner=Conversation.Owner.HUMAN)

    patch(steps, "take_over", silently)


def _parts_are_remembered_late(patch: Patch) -> None:
    """What a platform took is written down when the whole message is sent."""
    taken, sent = trying.part_taken, settling._sent
    parts: list[tuple[Delivery, int, str]] = []

    def put_aside(delivery: Delivery, index: int, platform_id: str) -> None:
        parts.append((delivery, index, platform_id))

    def write_all(attempt: Any) -> None:
        for one in [one for one in parts if one[0] is attempt.delivery]:
            taken(*one)
        sent(attempt)

    patch(trying, "part_taken", put_aside)
    patch(settling, "_sent", write_all)


def _status_follows_the_last_report(patch: Patch) -> None:
    """A report counts because it came last, not because it says more."""

    def any_but(status: str) -> list[str]:
        return [name for name in Delivery.RANK if name != status]

    patch(delivery_status, "_lower", any_but)


def _hand_back_closes_the_question(patch: Patch) -> None:
    """A hand-back marks as answered what no agent has answered."""
    back = steps.hand_back

    def forgets(conversation_id: uuid.UUID) -> Conversation:
        conversation = back(conversation_id)
        Turn.objects.filter(conversation_id=conversation_id, status__in=Turn.OPEN).update(status=Turn.Status.VOID)
        Conversation.objects.filter(id=conversation_id).update(answered_seq=conversation.last_seq, waiting_since=None)
        return conversation

    patch(steps, "hand_back", forgets)


def _any_message_may_be_sent(patch: Patch) -> None:
    """What was queued before a STOP goes out after it."""
    patch(trying, "check_reachable", lambda message: None)


def _lane_is_any_order(patch: Patch) -> None:
    """The newest unfinished delivery of a conversation goes first."""

    def newest(conversation_id: uuid.UUID) -> Delivery | None:
        unfinished = Delivery.objects.filter(conversation_id=conversation_id, status__in=Delivery.UNFINISHED)
        return unfinished.order_by("-seq").select_related("message__identity", "conversation").first()

    for owner in (deliver, settling):
        patch(owner, "lane_head", newest)


MUTATIONS: dict[str, Mutation] = {
    "receipts without lanes": Mutation(
        _receipts_without_lanes, frozenset({"out of order", "consent is not what was last said"})
    ),
    "last_seq dropped from the reply's guard": Mutation(_guard_without("last_seq"), frozenset({"a stale answer"})),
    "the bot steps back in silence": Mutation(_silent_change, frozenset({"control changes in silence"})),
    "the bot asks no owner": Mutation(_no_owner_asked, frozenset({"the bot talks over a human"})),
    "a settle without the claim": Mutation(_settle_without_the_claim, frozenset({"a status goes back", "sent twice"})),
    "an outcome told without the claim": Mutation(_told_without_the_claim, frozenset({"told as failed, and is not"})),
    "the idle sweep looks once": Mutation(_idle_sweep_looks_once, frozenset({"ended as idle in the middle of a talk"})),
    "parts are remembered late": Mutation(
        _parts_are_remembered_late, frozenset({"went on to the next call before it remembered"})
    ),
    "a status follows the last report": Mutation(_status_follows_the_last_report, frozenset({"a status goes back"})),
    "hand-back closes the question": Mutation(_hand_back_closes_the_question, frozenset({"never answered"})),
    "anything queued is sent": Mutation(_any_message_may_be_sent, frozenset({"sent to a person who had stopped us"})),
    "lanes in any order": Mutation(_lane_is_any_order, frozenset({"overtook a message of its lane"})),
}
