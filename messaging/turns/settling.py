"""The reply to one turn is written, with everything that follows from it, if it still counts.

Owns the conditions under which an answer counts. Must not ask an engine.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from assistant.intents.common import NO
from assistant.knowledge.unanswered import unanswered_note
from assistant.port import EngineReply
from assistant.traces import trace_of
from channels_app.content.types import Content
from conversations.models import Conversation, Message, Note
from conversations.safety import WHY, replies_hidden
from conversations.timeline import NewEvent, conversation_advance
from messaging import wake
from messaging.context.changes import UPDATED, context_news
from messaging.context.expected import expected_told
from messaging.context.flows import greeting_of
from messaging.context.profile import profile_keep
from messaging.live.answers import turn_settled
from messaging.models import Delivery, Turn
from messaging.reply import Author, answering, reply_write, spoken
from messaging.rules.control import hand_over
from messaging.turns.request import hints_of, wants_review
from messaging.turns.thinking import EngineOutcome
from tenants.storage.db import atomic, now, on_commit, retried
from tenants.work.leases import LeaseLost, settle

LONGEST_REASON = 60  # characters of an engine's code of why its answer is its second best


@retried
def turn_settle(turn: Turn, conversation: Conversation, unanswered: Sequence[Any], outcome: EngineOutcome) -> Turn:
    """Write the reply if the bot is still in control and no other has said anything new; else the answer is void. Raises
    LeaseLost."""
    with atomic():
        stored = reply_store(turn, conversation, unanswered, outcome)
        if stored is None and _own_words_only(conversation):
            stored = reply_store(turn, conversation, unanswered, outcome)
        return stored or _void(turn, conversation)


def _own_words_only(seen: Conversation) -> bool:
    """Whether all that was said since is the bot's, said unasked (messaging/unasked): the answer follows it. ``seen`` is moved
    on to where the transcript ends now, and stays locked."""
    same = {"is_open": True, "control_epoch": seen.control_epoch, "answered_seq": seen.answered_seq}
    current = conversation_advance({"id": seen.id, **same})
    if current is None:
        return False
    since = Message.objects.filter(conversation=current, seq__gt=seen.last_seq, role=Message.Role.BOT).count()
    if since != current.last_seq - seen.last_seq:
        return False
    seen.last_seq, seen.first_reply_at = current.last_seq, current.first_reply_at
    return True


def reply_store(
    turn: Turn,
    conversation: Conversation,
    unanswered: Sequence[Any],
    outcome: EngineOutcome,
    sends: Callable[[Delivery], object] | None = None,
) -> Turn | None:
    """Within a transaction: conversation → messages, deliveries, events → turn. None, and nothing is written, where the
    answer does not count any more. ``sends``: as `reply_write`. Raises LeaseLost."""
    reply, judged = _hidden(conversation.tenant_id, outcome)
    contents, changes = _consequences(reply, unanswered)
    greeting = greeting_of(conversation) if contents else ()
    contents, judged = (*greeting, *contents), [*({} for _ in greeting), *judged] if judged and contents else []
    news = _news(turn, conversation, unanswered, outcome)
    if conversation.status == Conversation.Status.ERROR:
        changes["status"] = Conversation.Status.ACTIVE
    turn.reply = None  # a try that lost the race leaves nothing behind
    taken = conversation_advance(
        {
            "id": conversation.id,
            "is_open": True,
            "control_owner": Conversation.Owner.BOT,
            "last_seq": conversation.last_seq,  # control that changed and came back has taken numbers, too
        },
        messages=len(contents),
        events=len(news) + len(contents),
        context=reply.context,
        **changes,
    )
    if taken is None:
        return None
    if taken.identity_id == conversation.identity_id and Conversation.identity.is_cached(conversation):
        taken.identity = conversation.identity
    profile_keep(conversation.contact, reply.context.get("user_profile"))
    messages = reply_write(
        taken,
        contents,
        Author.bot(),
        analysis={"intent": reply.intent, "confidence": reply.confidence, "degraded": outcome.marked,
                  "engine": reply.engine, "model": reply.model, "usage": dict(reply.usage), "parts": len(contents),
                  **({WHY: trace} if (trace := trace_of(reply)) else {}),
                  **expected_told(reply.contents, hints_of(unanswered))},
        judged=judged,
        reply_to=unanswered[-1].id,
        news=news,
        answering=answering(conversation, Author.bot()),
        sends=sends,
    )  # fmt: skip
    if reply.unanswered:
        unanswered_note(_in_vain(conversation, reply, unanswered), conversation.id)
    if wants_review(unanswered):
        _suggest(taken, reply)
    turn.reply, turn.conversation = messages[0] if messages else None, taken
    status = Turn.Status.ANSWERED if messages else Turn.Status.SILENT
    turn = turn_close(turn, status, "fallback" if outcome.degraded else "handover" if reply.handover else "replied",
                  replied=True, engine=reply.engine, latency_ms=outcome.latency_ms)  # fmt: skip
    if reply.handover or wants_review(unanswered):
        turn.conversation = hand_over(taken, reply.handover_reason or "review")
    return turn


def _in_vain(conversation: Conversation, reply: EngineReply, unanswered: Sequence[Any]) -> uuid.UUID:
    """The message that nothing answers: where "none of these" was said to what it may have meant, the one before that."""
    if reply.intent == NO:
        spoken = Message.objects.filter(conversation_id=conversation.id, role=Message.Role.VISITOR, deleted_at=None)
        before = spoken.filter(seq__lt=unanswered[0].seq).order_by("-seq").values_list("id", flat=True).first()
        if before:
            return cast(uuid.UUID, before)
    return cast(uuid.UUID, unanswered[-1].id)


def _hidden(tenant_id: uuid.UUID, outcome: EngineOutcome) -> tuple[EngineReply, Sequence[dict[str, Any]]]:
    """The reply as it may be stored and sent, and what the safety rules say of its contents. The fallback is the tenant's
    own words."""
    if outcome.degraded:
        return outcome.reply, ()
    contents, judged = replies_hidden(tenant_id, outcome.reply.contents)
    return (replace(outcome.reply, contents=contents) if judged else outcome.reply), judged


def _consequences(reply: EngineReply, unanswered: Sequence[Any]) -> tuple[tuple[Content, ...], dict[str, Any]]:
    """What is said, and what changes about the conversation. Before a review by a human nothing is answered."""
    if wants_review(unanswered):
        return (), {}
    changes = {**spoken(reply.contents), "answered_seq": unanswered[-1].seq}
    return reply.contents, changes if reply.handover else {**changes, "waiting_since": None}


def _suggest(conversation: Conversation, reply: EngineReply) -> None:
    """The bot's proposal, for the human who was asked to look first."""
    said = "\n\n".join(content.text or content.summary for content in reply.contents)
    Note.objects.create(tenant_id=conversation.tenant_id, conversation=conversation, text=f"Suggested reply:\n{said}")


def _news(turn: Turn, conversation: Conversation, unanswered: Sequence[Any], outcome: EngineOutcome) -> list[NewEvent]:
    reply = outcome.reply
    about = {"turn_id": str(turn.id), "message_ids": [str(message.id) for message in unanswered]}
    tenant_id, last = conversation.tenant_id, str(unanswered[-1].id)
    news = context_news(tenant_id, conversation.context, reply.context, "message")
    if conversation.status == Conversation.Status.ERROR:
        news.append(NewEvent(UPDATED, {"status": "active", "control_owner": "bot", "trigger": "recovered"}))
    if reply.intent:
        runners_up = {name: score for name, score in reply.confidence_scores.items() if name != reply.intent}
        found = {"intent": reply.intent, "confidence": reply.confidence, "alternatives": runners_up}
        news.append(NewEvent("chat.intent.classified", {"message_id": last, **found}))
    if outcome.marked and isinstance(why := reply.why.get("degraded"), str):
        about["reason"] = why[:LONGEST_REASON]
    if not outcome.degraded:
        made = {"engine": reply.engine, "model": reply.model, "latency_ms": outcome.latency_ms,
                "parts": len(reply.contents), "usage": dict(reply.usage)}  # fmt: skip
        news.append(NewEvent("chat.response.generated", {"turn_id": str(turn.id), **made}))
    return [
        *news,
        NewEvent(
            "chat.message.processed",
            {**about, "engine": reply.engine, "degraded": outcome.marked, "latency_ms": outcome.latency_ms,
             "intent": reply.intent, "confidence": reply.confidence},
        )
    ]  # fmt: skip


def _void(turn: Turn, seen: Conversation) -> Turn:
    """The answer came too late. A newer message has a turn of its own, a human needs none; where
    neither is so (only a system entry came between), this turn is tried again."""
    current = conversation_advance({"id": seen.id})
    if current is None or not current.is_open:
        return turn_close(turn, Turn.Status.VOID, "ended")
    if current.control_owner != Conversation.Owner.BOT or current.control_epoch != seen.control_epoch:
        return turn_close(turn, Turn.Status.VOID, "human")
    if Turn.objects.filter(conversation=current, status__in=Turn.OPEN, last_seq__gt=turn.last_seq).exists():
        return turn_close(turn, Turn.Status.VOID, "superseded")
    if Turn.objects.filter(conversation=current, last_seq__gt=turn.last_seq, status=Turn.Status.ANSWERED).exists():
        return turn_close(turn, Turn.Status.VOID, "superseded")
    turn_id = turn.id
    on_commit(lambda: wake.respond(turn_id))
    settle(turn, status=Turn.Status.RUNNING, outcome="again", due_at=now())
    return turn


def turn_close(turn: Turn, status: str, outcome: str, *, replied: bool = False, **changes: Any) -> Turn:
    """Write what became of the turn, if it is still ours; a worker that was declared dead changes nothing. ``replied``:
    the reply stands in the same transaction. Raises LeaseLost then."""
    changes |= {"status": status, "outcome": outcome, "reply": turn.reply}
    if not settle(turn, **changes) and replied:
        raise LeaseLost  # the transaction with the reply is undone
    on_commit(lambda: turn_settled(turn.conversation_id))
    for name, value in changes.items():
        setattr(turn, name, value)
    return turn
