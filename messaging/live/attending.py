"""What a visitor sees of the staff behind a conversation: who is there, that they read, that they write.

Owns the staff's read mark. Must not change who answers (rules/control.py).
"""

from __future__ import annotations

import uuid
from typing import Any

from channels_app.content.types import Capabilities
from channels_app.hours import hours_told
from channels_app.selectors import channel_for_id
from conversations.models import Conversation, Message
from conversations.waiting import place_of
from messaging.live.hub import hub
from messaging.live.push import push_read, push_typing
from messaging.live.staff import GROUP, agent_typing, conversation_changed, person_changed
from tenants.access.limits import allow
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import User
from tenants.scope import current_tenant_id, tenant_scope
from tenants.staff import face_of
from tenants.storage.db import now, retried

TYPING_EVERY_S = 2.0
MOST_TOLD = 50  # conversations of one person that are open at a time
RECENT = 20  # entries of staff and system in which the last change of hands is looked for


@retried
def staff_read(conversation_id: uuid.UUID, seq: int) -> int:
    """Staff have seen everything up to ``seq``; the mark only moves forward. Returns how far it is now.

    Raises NotFound ``conversation_not_found``, Invalid ``seq_unknown`` when the transcript is shorter.
    """
    behind = Conversation.objects.filter(id=conversation_id, kind="chat", agent_read_seq__lt=seq, last_seq__gte=seq)
    if behind.update(agent_read_seq=seq):
        conversation_changed(current_tenant_id(), conversation_id)
        if _shown(conversation_id).read_marks:
            push_read(conversation_id, "agent", seq)
        return seq
    marks = (
        Conversation.objects.filter(id=conversation_id, kind="chat").values_list("agent_read_seq", "last_seq").first()
    )
    if marks is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    if seq > marks[1]:
        raise Invalid(f"The transcript ends at {marks[1]}.", code="seq_unknown")
    return marks[0]


def contact_shown(tenant_id: uuid.UUID, contact_id: uuid.UUID) -> None:
    """Tell staff that what is known of a person has changed. A statement where any of them looks. Call after the commit."""
    if not hub.heard(GROUP):
        return
    with tenant_scope(tenant_id):
        talks = Conversation.objects.filter(contact_id=contact_id, kind="chat", is_open=True)
        person_changed(tenant_id, list(talks.order_by("-id").values_list("id", flat=True)[:MOST_TOLD]))


def read_shown(conversation: Conversation | None) -> int:
    """How far staff have read, as the visitor may know it."""
    shown = conversation and _shows(conversation.channel_id).read_marks
    return conversation.agent_read_seq if conversation and shown else 0


def staff_typing(conversation_id: uuid.UUID, agent: User | None, *, on: bool) -> None:
    """Show the visitor and colleagues that an agent is writing, at most every TYPING_EVERY_S as long as they do;
    visitors see it in the web widget.

    Raises NotFound ``conversation_not_found``, Conflict ``conversation_closed``.
    """
    found = Conversation.objects.filter(id=conversation_id, kind="chat").values_list("tenant_id", "is_open").first()
    if found is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    tenant_id, is_open = found
    if not is_open:
        raise Conflict("The conversation has ended.", code="conversation_closed")
    agent_id = agent.id if agent else None
    shown = _shown(conversation_id).typing
    # The end gives back what the beginning took: an agent who goes on after a reply is seen at once.
    if not allow(f"typing:{conversation_id}:{agent_id}", 1 / TYPING_EVERY_S, 1, cost=1 if on else -1):
        name = agent.get_full_name() or agent.get_username() if agent else ""
        agent_typing(tenant_id, conversation_id, agent_id, name, on=on)
        if shown:
            push_typing(conversation_id, "agent", face_of(tenant_id, agent_id), on=on)


def _shown(conversation_id: uuid.UUID) -> Capabilities:
    """What the conversation's channel shows of staff."""
    return _shows(Conversation.objects.filter(id=conversation_id).values_list("channel_id", flat=True).first())


def _shows(channel_id: uuid.UUID | None) -> Capabilities:
    channel = channel_for_id(channel_id) if channel_id else None
    return channel.capabilities if channel else Capabilities()


def answering(conversation: Conversation | None) -> dict[str, Any]:
    """Who answers what the visitor writes next: ``mode`` bot, human, or queue (a human is asked for and none has
    come yet), with the ``hours`` in which one does and the place in the ``queue``; and of a human the ``name``."""
    if conversation is None or not conversation.is_open or conversation.control_owner == Conversation.Owner.BOT:
        return {"mode": "bot", "name": ""}
    if conversation.held_by == Conversation.Holder.QUEUE:
        hours = hours_told(conversation.tenant_id, conversation.channel_id, now())
        return {"mode": "queue", "name": "", "hours": hours, "queue": place_of(conversation)}
    entry = _last_of_staff(conversation)
    author_id = entry.author_id if entry else None
    return {"mode": "human", "name": face_of(conversation.tenant_id, author_id or conversation.assignee_id).name}


def _last_of_staff(conversation: Conversation) -> Message | None:
    """The last answer of an agent, or the entry that says that one is asked for or has come."""
    staff = Message.objects.filter(conversation=conversation, role__in=(Message.Role.AGENT, Message.Role.SYSTEM))
    newest = staff.only("role", "metadata", "author_id", "tenant_id").order_by("-seq")[:RECENT]
    return next((entry for entry in newest if entry.role == Message.Role.AGENT or "state" in entry.metadata), None)
