"""The turn by which a message gets its reply.

Must not answer it.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db.models import F, Value
from django.db.models.functions import Greatest, Least

from channels_app.content.types import Content
from channels_app.models import Channel
from conversations.models import Conversation, Message
from messaging import wake
from messaging.arrivals.entrance import Entrance
from messaging.consent import steps as consent
from messaging.media.transcribe import transcript_wait
from messaging.models import Turn
from tenants.storage import prepared
from tenants.storage.db import new_id, now, on_commit
from tenants.work.crew import Lane

HURRIED = ("high", "urgent")  # not gathered with what the person may write next
LONGEST_BURST = timedelta(seconds=10)
NOTICE_S = 0.7  # then a person who has had no answer yet sees that an answer is being written


def turn_open(
    channel: Channel, conversation: Conversation, message: Message, entrance: Entrance, step: consent.Step
) -> Turn | None:
    """See to it that the message gets its reply: join the waiting turn, or open one. None when a
    human owns the conversation."""
    if conversation.control_owner != Conversation.Owner.BOT:
        return None
    at = now()
    common = {"tenant_id": conversation.tenant_id, "conversation": conversation, "last_seq": message.seq,
              "first_seq": conversation.answered_seq + 1}  # fmt: skip
    wait = transcript_wait(Content.model_validate(message.content)) if message.content_type == "audio" else timedelta(0)
    if entrance.answer_now and not wait:
        # Born running: the caller holds the lease. If it dies, the sweep finds the turn.
        running = Turn(**common, status=Turn.Status.RUNNING, claim=new_id(), attempts=1, due_at=at + Turn.lease())
        prepared.insert([running])
        return running
    hurried = entrance.hints.get("priority") in HURRIED
    due_at = at + max(wait, timedelta(seconds=0 if hurried else channel.adapter.debounce_s))
    further = {
        "last_seq": message.seq,
        # a turn that waits for the words of a recording is not answered before them
        "due_at": Least(Greatest(F("latest_at"), Value(at + wait)), Greatest(F("due_at"), Value(due_at))),
        "latest_at": Greatest(F("latest_at"), Value(at + wait)),
    }
    if hurried and not wait:
        further["due_at"] = at
        on_commit(lambda: _hurry(conversation.id))
    turn = None
    waiting = {"conversation": conversation, "status": Turn.Status.WAITING}
    if not (step.turn_waits and prepared.update(Turn, waiting, further)):
        turn = Turn(**common, due_at=due_at, latest_at=at + max(wait, LONGEST_BURST))
        prepared.insert([turn])
        turn_id, lane = turn.id, Lane(conversation.tenant_id, conversation.channel_id)
        on_commit(lambda: wake.respond(turn_id, delay_s=(due_at - at).total_seconds(), lane=lane))
        if not channel.adapter.instant:
            on_commit(lambda: wake.show_typing(conversation.id, delay_s=NOTICE_S, lane=lane))
    return turn


def _hurry(conversation_id: uuid.UUID) -> None:
    """The turn that the message has joined is answered now."""
    waiting = Turn.objects.filter(conversation_id=conversation_id, status=Turn.Status.WAITING)
    for turn_id in waiting.values_list("id", flat=True):
        wake.respond(turn_id)
