"""Who is in control: a human is asked for, agents take over, hand back, end. The bot never talks over them.

Owns every change of ``control_owner``, ``held_by``, ``control_epoch`` and ``status`` of an open conversation. A change
of owner writes an entry of the transcript, which makes any answer void that was begun before. What has been done before is not done
again: the row that comes back then says ``repeated``, and nothing was written.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db.models import F, IntegerField, QuerySet, Value
from django.db.models.functions import Coalesce

from channels_app.content.types import text
from channels_app.hours import hours_on, hours_told
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from conversations.models import Conversation, Identity, Message, Note
from conversations.safety import human_wanted
from conversations.selectors import holder_shape
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.context.changes import UPDATED
from messaging.context.wording import entry_for
from messaging.hours.told import waiting_tell
from messaging.live.staff import note_written
from messaging.models import Turn
from messaging.rating.asked import rating_ask, rating_wanted
from messaging.reply import Author, reply_write, staff_of
from messaging.rules.windows import window_of
from tenants.errors import Conflict, NotFound
from tenants.hours import open_seconds_between
from tenants.models import User
from tenants.storage.db import atomic, now, on_commit, retried
from tenants.tenant_settings import settings_for

Holder = Conversation.Holder

#: a reason that is a code, and the one that stands for words
CODE, NOTED = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9_.-]+)?"), "noted"

TO_HUMAN: Mapping[str, Any] = {
    "control_owner": Conversation.Owner.HUMAN,
    "status": Conversation.Status.ESCALATED,
    "control_epoch": F("control_epoch") + 1,
}
TO_QUEUE: Mapping[str, Any] = {
    **TO_HUMAN,
    "held_by": Holder.QUEUE,
    "rank": Coalesce(F("rank"), Value(int(Conversation.Rank.NORMAL), output_field=IntegerField())),
}
TO_BOT: Mapping[str, Any] = {
    "control_owner": Conversation.Owner.BOT,
    "held_by": Holder.BOT,
    "status": Conversation.Status.ACTIVE,
    "control_epoch": F("control_epoch") + 1,
    "assignee": None,
    "team": None,
    "snoozed_until": None,
}


# ----------------------------------------------------------------------- a human is asked for


def hand_over(conversation: Conversation, reason: str) -> Conversation:
    """A human is asked for, and the bot keeps still: the one door of engine, hints and rules. Call it as the last part
    of the transaction that holds the conversation. Nothing happens while a human is in control."""
    if conversation.control_owner == Conversation.Owner.HUMAN:
        return conversation
    told = human_has(reason=_code_of(conversation, reason), trigger="handover")
    return waiting_tell(hands_change(conversation.id, "queued", told, **TO_QUEUE))


def words_judged(conversation: Conversation, message: Message) -> None:
    """Words of a person that were not there when the message came, heard in a recording or changed since, may call for a
    human by the tenant's rules as any others. In the transaction that wrote them, as its last part."""
    why = human_wanted(message) if conversation.is_open else ""
    if why:
        hand_over(conversation, why)


def _code_of(conversation: Conversation, reason: str) -> str:
    """What events tell of why a human is asked for. An engine's own words may be of the person: they are a note, which
    goes when the person is erased."""
    if not reason or CODE.fullmatch(reason) or settings_for(conversation.tenant_id).event_words:
        return reason
    note = Note.objects.create(
        tenant_id=conversation.tenant_id, conversation_id=conversation.id, text=f"The assistant says: {reason}"
    )
    on_commit(partial(note_written, note.tenant_id, note.conversation_id, note.id))
    return NOTED


def bot_off(tenant_id: uuid.UUID, channel: Channel | None) -> str:
    """Why no assistant answers: ``assistant_off`` at the tenant's, ``bot_off`` on the channel; or ""."""
    if not settings_for(tenant_id).features.assistant:
        return "assistant_off"
    return "" if channel is None or channel.config.get("bot_answers", True) else "bot_off"


def answer_failed(conversation: Conversation, reason: str) -> None:
    """No answer came about, and the person has been waiting: the conversation is in error until one does, or a human
    takes over. Call in the transaction that holds the conversation."""
    if not conversation.is_open or conversation.status != Conversation.Status.ACTIVE:
        return
    taken = conversation_advance({"id": conversation.id}, events=1, status=Conversation.Status.ERROR)
    if taken:
        facts = {"status": "error", "control_owner": "bot", "trigger": "failed", "reason": reason}
        events_append(taken, [NewEvent(UPDATED, facts)])


# ------------------------------------------------------------------------- what agents do


@retried
def take_over(
    conversation_id: uuid.UUID, agent: User | None, *, expected_epoch: int | None = None,
    follows: Callable[[Conversation], object] | None = None,
) -> Conversation:  # fmt: skip
    """From here on ``agent`` answers (None: an integrator's desk, without a name); what the bot thinks of is void.

    ``expected_epoch`` is the epoch that the caller has seen: without it no agent is replaced. ``follows``: called with
    what has changed, in its transaction.
    Raises NotFound, Conflict ``conversation_closed`` and ``control_changed`` (its details say who is in control).
    """
    agent_id = agent.id if agent else None
    with atomic():
        seen = locked_open(conversation_id)
        if seen.held_by == Holder.STAFF and seen.assignee_id == agent_id:
            return repeated(seen)
        if seen.held_by == Holder.STAFF and expected_epoch is None:
            raise control_changed(seen)
        require_epoch(seen, expected_epoch)
        taken = hands_change(
            seen.id, "assigned", human_has(agent_id), **TO_HUMAN, held_by=Holder.STAFF, assignee_id=agent_id,
            snoozed_until=None,
        )  # fmt: skip
        if agent:
            on_commit(lambda: wake.put_through(conversation_id))
        if follows:
            follows(taken)
        return taken


@retried
def hand_back(conversation_id: uuid.UUID, *, expected_epoch: int | None = None) -> Conversation:
    """The bot answers again, also what no human has answered yet. Raises as `take_over` does, and Conflict
    ``assistant_off`` or ``bot_off``."""
    with atomic():
        seen = locked_open(conversation_id)
        if seen.control_owner == Conversation.Owner.BOT:
            return repeated(seen)
        require_epoch(seen, expected_epoch)
        if off := bot_off(seen.tenant_id, channel_for_id(seen.channel_id)):
            raise Conflict("No assistant answers here: it is switched off.", code=off)
        return to_bot(seen)


@retried
def conversation_end(
    conversation_id: uuid.UUID, *, reason: str = "completed", expected_epoch: int | None = None,
    only_if: Callable[[Conversation], bool] | None = None,
) -> Conversation:  # fmt: skip
    """Close the conversation; the person's next message opens a new one. One that has ended stays as it ended, and so
    does one of which ``only_if`` does not hold under the lock: what a list said may no longer be so. Raises NotFound,
    Conflict ``control_changed``."""
    with atomic():
        seen = locked(conversation_id)
        if not seen.is_open or (only_if and not only_if(seen)):
            return repeated(seen)
        require_epoch(seen, expected_epoch)
        status = _last_status(seen, reason)
        ended = hands_change(
            seen.id, "closed", _ended(seen, status, reason),
            status=status, is_open=False, control_epoch=F("control_epoch") + 1, ended_at=now(), ended_reason=reason,
            waiting_since=None,
        )  # fmt: skip
        return rating_ask(ended) if reason == "completed" and _may_ask(ended) else ended


def _may_ask(ended: Conversation) -> bool:
    """Whether the person is asked how it was by a message: where they had an answer, and one may still be sent."""
    channel = channel_for_id(ended.channel_id)
    if channel is None or channel.adapter.instant or not channel.enabled or not _unrated(ended, channel):
        return False
    had_answer, reachable = (
        ended.first_reply_at is not None,
        Identity.objects.filter(id=ended.identity_id, stopped_at=None),
    )
    return had_answer and window_of(channel, ended).open and reachable.exists()


def _unrated(ended: Conversation, channel: Channel) -> bool:
    """Whether how it was is still to be asked: some rate before the end."""
    return ended.satisfaction is None and rating_wanted(channel)


def _last_status(seen: Conversation, reason: str) -> str:
    """How it ended: one that fell silent after the bot could not answer ended in an error, one that the person left
    before they had an answer is abandoned."""
    unanswered = seen.waiting_since is not None and seen.held_by != Holder.OUTSIDE  # outside, answers are not seen
    if reason != "idle" and not (reason == "ended_by_contact" and unanswered):
        return Conversation.Status.COMPLETED
    return Conversation.Status.ERROR if seen.status == Conversation.Status.ERROR else Conversation.Status.ABANDONED


def _ended(seen: Conversation, status: str, reason: str) -> NewEvent:
    facts = {
        "status": status,
        "reason": reason,
        "duration_seconds": max(0, int((now() - seen.created_at).total_seconds())),
        "message_count": seen.message_count + 1,  # with the entry that tells the visitor
        "satisfaction": seen.satisfaction,
        "handled_by": _handled_by(seen),
        **staff_of(seen),
    }
    if seen.first_reply_at and seen.waiting_since is None:  # it fell silent when the last thing was said
        until = min(now(), seen.last_message_at or now()) if reason == "idle" else now()
        hours = hours_on(seen.tenant_id, seen.channel_id)
        facts["open_duration_seconds"] = max(0, round(open_seconds_between(hours, seen.created_at, until)))
    return NewEvent("chat.conversation.ended", facts)


def _handled_by(seen: Conversation) -> str:
    """Every change of control counts: before the first one the bot was alone."""
    if seen.control_epoch:
        return "human"
    return "bot" if seen.first_reply_at else "none"


# ------------------------------------------------------------------------ under the lock


def locked(conversation_id: uuid.UUID) -> Conversation:
    seen = conversation_advance({"id": conversation_id, "kind": "chat"})
    if seen is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    return seen


def locked_open(conversation_id: uuid.UUID) -> Conversation:
    seen = locked(conversation_id)
    require_open(seen)
    return seen


def require_open(seen: Conversation) -> None:
    if not seen.is_open:
        raise Conflict("The conversation has ended.", code="conversation_closed")


def unanswered(conversation: Conversation) -> QuerySet[Message]:
    """What the person said that has no reply, oldest first."""
    theirs = Message.objects.filter(conversation=conversation, seq__gt=conversation.answered_seq, deleted_at=None)
    return theirs.filter(role=Message.Role.VISITOR).order_by("seq")


def require_epoch(seen: Conversation, expected: int | None) -> None:
    if expected is not None and expected != seen.control_epoch:
        raise control_changed(seen)


def control_changed(seen: Conversation) -> Conflict:
    by = {"bot": "The bot", "queue": "No colleague yet"}.get(seen.held_by, "A colleague")
    if colleague := seen.assignee:
        by = colleague.get_full_name() or colleague.get_username()
    details = holder_shape(seen)
    return Conflict(f"Control has changed meanwhile: {by} answers now.", code="control_changed", details=details)


def repeated(seen: Conversation) -> Conversation:
    seen.repeated = True
    return seen


def human_has(
    agent_id: Any = None, *, team_id: Any = None, reason: str = "", trigger: str = "agent", first: bool = False
) -> NewEvent:
    """``first``: no human has had this conversation before."""
    facts: dict[str, Any] = {"control_owner": "human", "status": "escalated", "trigger": trigger}
    facts |= {"first_escalation": first}
    facts |= {"assignee_id": str(agent_id)} if agent_id else {}
    facts |= {"team_id": str(team_id)} if team_id else {}
    return NewEvent(UPDATED, {**facts, **({"reason": reason} if reason else {})})


def to_bot(seen: Conversation) -> Conversation:
    """The bot's again; what is unanswered gets a turn."""
    last = unanswered(seen).last()
    told = NewEvent(UPDATED, {"control_owner": "bot", "status": "active", "trigger": "hand_back"})
    if last is None:
        return hands_change(seen.id, "bot", told, **TO_BOT, answered_seq=F("last_seq") + 1, waiting_since=None)
    conversation = hands_change(seen.id, "bot", told, **TO_BOT)
    turn = Turn.objects.create(
        tenant_id=seen.tenant_id, conversation=conversation, first_seq=seen.answered_seq + 1, last_seq=last.seq
    )
    on_commit(lambda: wake.respond(turn.id))
    return conversation


def hands_change(conversation_id: uuid.UUID, state: str, event: NewEvent, **changes: Any) -> Conversation:
    """Within the caller's transaction: the change, a transcript entry that tells the visitor, the event, no open turns."""
    conversation = conversation_advance({"id": conversation_id}, messages=1, events=2, **changes)
    assert conversation is not None  # locked by the caller
    turns_void(conversation, state)
    if event.payload.get("first_escalation") is False:  # the epoch counts changes of control
        event = NewEvent(event.type, {**event.payload, "first_escalation": conversation.control_epoch == 1})
    channel = channel_for_id(conversation.channel_id) if state == "closed" else None
    asks = channel is not None and channel.adapter.instant and _unrated(conversation, channel)
    shown: dict[str, Any] = {"csat": asks}
    if state == "queued":  # for a widget that says how long the person may have to wait
        shown["hours"] = hours_told(conversation.tenant_id, conversation.channel_id, now())
    reply_write(
        conversation, [text(entry_for(conversation, state))], Author.system(about=changes.get("assignee_id")),
        metadata={"state": state, **shown}, news=[event],
    )  # fmt: skip
    return conversation


def turns_void(conversation: Conversation, outcome: str) -> None:
    Turn.objects.filter(conversation=conversation, status__in=Turn.OPEN).update(
        status=Turn.Status.VOID, outcome=outcome
    )
