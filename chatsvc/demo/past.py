"""A week of the demo shop: its colleagues, and what talks.py tells, as rows with their timeline and figures.

Owns how they are written, all at once. Must not send anything: nothing of it is due, and no event of it is told outside.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from channels_app.content.types import text
from channels_app.contract import Sender
from channels_app.models import Channel
from chatsvc.demo.talks import OPEN, OVER, PEOPLE, Person, Talk
from conversations.contacts.people import identity_resolve
from conversations.event_schemas import SCHEMAS, envelope_of
from conversations.messages import message_facts, processing_result, words_of
from conversations.models import Contact, Conversation, Event, Identity, Message, Note
from conversations.timeline import VERSIONS
from messaging.models import Delivery, DeliveryAttempt
from messaging.outbox.handlers import handle
from tenants.models import Tenant, User
from tenants.storage.db import atomic, now

DAYS, A_DAY = 7, 7  # so many talks a day, besides those that go on
FIRST = "demo-ada"  # the first person's id on the web chat: with it the past is there
PAUSE = {"v": timedelta(seconds=40), "b": timedelta(seconds=1), "a": timedelta(minutes=4)}
ROLE = {"v": "visitor", "b": "bot", "a": "agent"}
#: kind → the person's id there
IDS = {
    "slack": "U0DEMO{n:03}", "teams": "29:00000000-0000-4000-8000-{n:012}", "messenger": "2468013579{n:04}",
    "webhook": "customer-{n}",
}  # fmt: skip


def past_there() -> bool:
    return Identity.objects.filter(value=FIRST, channel__kind="web").exists()


def past_seed(tenant: Tenant, channels: dict[str, Channel], colleagues: dict[str, User]) -> None:
    """In the tenant's scope. ``channels`` by kind, ``colleagues`` by their names in talks.py."""
    if past_there():
        return
    with atomic():
        people = [_met(number, person, channels) for number, person in enumerate(PEOPLE)]
        written = Written()
        for past in pasts(people, list(colleagues.values())):
            _write(tenant, past, written)
        for number, (minutes, holder, person, talk) in enumerate(OPEN):
            whose = Past(
                people[person], talk, now() - timedelta(minutes=minutes), holder, colleagues.get(holder), number
            )
            _write(tenant, whose, written)
        written.store()
    handle("analytics", [envelope_of(event) for event in written.events])


@dataclass(frozen=True)
class Whose:
    """A person on the channel that they like most."""

    person: Person
    channel: Channel
    contact_id: uuid.UUID
    identity: Identity


@dataclass(frozen=True)
class Past:
    """A talk of a person whose last message came ``at``. ``holder``: as in OPEN; "over": it has ended."""

    whose: Whose
    talk: Talk
    at: datetime
    holder: str = "over"
    agent: User | None = None
    number: int = 0


@dataclass
class Written:
    """The rows, by the order in which they have to be stored."""

    conversations: list[Conversation] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def store(self) -> None:
        Conversation.objects.bulk_create(self.conversations)
        Message.objects.bulk_create(self.messages)
        Delivery.objects.bulk_create(self.deliveries)
        DeliveryAttempt.objects.bulk_create(self.attempts)
        Note.objects.bulk_create(self.notes)
        Event.objects.bulk_create(self.events)


def pasts(people: list[Whose], colleagues: list[User]) -> Iterator[Past]:
    """The talks that are over, spread over the days before this one, by day."""
    midday = now().replace(hour=12, minute=0, second=0, microsecond=0)
    for day in range(DAYS, 0, -1):
        for place in range(A_DAY):
            number = (DAYS - day) * A_DAY + place
            at = midday - timedelta(days=day) + timedelta(minutes=67 * place - 200 + number)
            yield Past(
                people[number % len(people)], OVER[(3 * number + number // len(OVER)) % len(OVER)], at, agent=colleagues[number % len(colleagues)],
                number=number,
            )  # fmt: skip


def _met(number: int, person: Person, channels: dict[str, Channel]) -> Whose:
    channel = channels[person.kind]
    known = identity_resolve(channel, _sender(number, person, channel))
    Contact.objects.filter(id=known.contact_id).update(
        name=person.name, email=person.email, phone=person.phone, language=person.language
    )
    return Whose(person, channel, known.contact_id, Identity.objects.get(id=known.identity_id))


def _sender(number: int, person: Person, channel: Channel) -> Sender:
    if channel.kind == "web":
        first = person.name.partition(" ")[0].lower()
        return Sender("user", f"demo-{first}", name=person.name)
    address = IDS.get(channel.kind, person.phone).format(n=number)
    sender = channel.adapter.sender_at(address, person.name, channel.adapter_config())
    return sender or Sender("user", address, name=person.name)


def _write(tenant: Tenant, past: Past, written: Written) -> None:
    """One talk with everything that goes with it."""
    talk, whose, over = past.talk, past.whose, past.holder == "over"
    times = list(_times(talk, past.at))
    human = bool(talk.handed)
    agent = past.agent if any(who == "a" for who, _ in talk.said) else None
    last_v = max(place for place, (who, _) in enumerate(talk.said) if who == "v")
    answered = any(who == "a" for who, _ in talk.said[last_v + 1 :])
    row = Conversation(
        id=_id(times[0]), tenant=tenant, created_at=times[0], channel=whose.channel, contact_id=whose.contact_id,
        identity=whose.identity, status="completed" if over else "escalated" if human else "active", is_open=not over,
        control_owner="human" if human else "bot", control_epoch=int(human),
        held_by="bot" if not human else "staff" if agent else "queue", assignee=agent, last_seq=len(talk.said),
        answered_seq=len(talk.said), message_count=len(talk.said), context={"intent": talk.intent},
        last_message_at=times[-1], last_message_preview=talk.said[-1][1][:120],
        waiting_since=times[last_v] if human and not over and not answered else None,
        first_reply_at=next((at for at, (who, _) in zip(times, talk.said, strict=True) if who != "v"), None),
        visitor_read_seq=len(talk.said), agent_read_seq=len(talk.said) if agent else 0,
        rank=Conversation.Rank.NORMAL if human else None, reply_window_expires_at=_window(whose.channel, times[last_v]),
        ended_at=times[-1] + timedelta(minutes=10) if over else None, ended_reason="resolved" if over else "",
        satisfaction=talk.rated if over else None,
    )  # fmt: skip
    timeline = Timeline(row, written.events)
    person = {"contact_id": str(whose.contact_id), "identity_id": str(whose.identity.id)}
    timeline.add(
        times[0], "chat.conversation.started", user_id=whose.identity.value, channel=whose.channel.kind, **person
    )
    written.conversations.append(row)
    handed = False
    for seq, (at, (who, words)) in enumerate(zip(times, talk.said, strict=True), 1):
        if human and not handed and (who == "a" or words == talk.said[-1][1]):
            handed = True
            timeline.add(
                at, "chat.conversation.updated", trigger="handover", status="escalated", control_owner="human",
                reason=talk.handed, first_escalation=True,
            )  # fmt: skip
        message = _message(row, seq, at, who, words, agent)
        written.messages.append(message)
        if who == "v":
            timeline.add(
                at, "chat.message.received", **message_facts(message), **person, user_id=whose.identity.value,
                channel=whose.channel.kind, processing_result=processing_result(message),
            )  # fmt: skip
            continue
        lost = past.number % 16 == 6 and over and seq == len(talk.said) and whose.channel.kind != "web"
        _sent(row, message, past, lost, timeline, written, since=times[seq - 2] if seq > 1 else at)
    if talk.note:
        written.notes.append(
            Note(id=_id(times[-1]), tenant=tenant, created_at=times[-1], conversation=row, author=agent, text=talk.note)
        )
    if over:
        _ended(row, talk, agent, timeline)
    row.event_seq = timeline.seq


def _message(row: Conversation, seq: int, at: datetime, who: str, words: str, agent: User | None) -> Message:
    return Message(
        id=_id(at), tenant_id=row.tenant_id, created_at=at, sent_at=at, conversation=row, identity=row.identity,
        channel=row.channel, seq=seq, direction="inbound" if who == "v" else "outbound", role=ROLE[who],
        author=agent if who == "a" else None, **words_of(row.tenant_id, text(words)),
    )  # fmt: skip


def _sent(
    row: Conversation, message: Message, past: Past, lost: bool, timeline: Timeline, written: Written, since: datetime
) -> None:
    at, by_agent = message.created_at, message.role == "agent"
    waited = int((at - since).total_seconds() * 1000)
    first = by_agent and not any(one.role == "agent" for one in written.messages[:-1] if one.conversation_id == row.id)
    latency: dict[str, Any] = {"answer_latency_ms": waited} if message.seq == 2 else {}
    if by_agent:
        latency |= {
            "response_latency_ms": waited,
            "first_response": first,
            "author_id": str(past.agent.id) if past.agent else None,
        }
    timeline.add(
        at, "chat.message.sent", **message_facts(message), recipient=row.identity.value,
        delivery_status="sent" if row.channel.kind == "web" else "queued", channel_response={"code": "", "attempts": 0},
        **latency,
    )  # fmt: skip
    if not by_agent:
        timeline.add(
            at, "chat.message.processed", turn_id=str(message.id), message_ids=[str(written.messages[-2].id)],
            engine="builtin", degraded=False, latency_ms=180, intent=past.talk.intent, confidence=0.92,
        )  # fmt: skip
    status, done = ("failed", None) if lost else ("read", at + timedelta(seconds=3))
    delivery = Delivery(
        id=_id(at), tenant_id=row.tenant_id, created_at=at, message=message, conversation=row, channel=row.channel,
        seq=message.seq, status=status, parts_sent=0 if lost else 1, sent_at=done, delivered_at=done, read_at=done,
        due_at=at, attempts=1, error_code="recipient_gone" if lost else "", dead_at=at if lost else None,
        error_detail="This number cannot be reached any more." if lost else "",
    )  # fmt: skip
    written.deliveries.append(delivery)
    told = {"message_id": str(message.id), "seq": message.seq}
    if lost:
        timeline.add(at, "chat.message.failed", **told, code="recipient_gone", delivery_status="failed")
        written.attempts.append(
            DeliveryAttempt(
                id=_id(at),
                tenant_id=row.tenant_id,
                created_at=at,
                delivery=delivery,
                number=1,
                outcome="permanent",
                code="recipient_gone",
            )
        )
    else:
        timeline.add(at, "chat.message.delivered", **told, delivery_status="delivered")


def _ended(row: Conversation, talk: Talk, agent: User | None, timeline: Timeline) -> None:
    assert row.ended_at is not None
    lasted, whose = int((row.ended_at - row.created_at).total_seconds()), str(agent.id) if agent else None
    timeline.add(
        row.ended_at, "chat.conversation.ended", status="completed", reason="resolved", duration_seconds=lasted,
        message_count=row.message_count, satisfaction=row.satisfaction, handled_by="human" if talk.handed else "bot",
        assignee_id=whose, open_duration_seconds=lasted,
    )  # fmt: skip
    if row.satisfaction:
        facts = {"trigger": "rated", "satisfaction": row.satisfaction, "assignee_id": whose}
        timeline.add(row.ended_at, "chat.conversation.updated", **facts)


@dataclass
class Timeline:
    """The events of a conversation, in their order, published when they happened."""

    row: Conversation
    events: list[Event]
    seq: int = 0

    def add(self, at: datetime, type_: str, **payload: Any) -> None:
        self.seq += 1
        known = SCHEMAS[type_, VERSIONS[type_]].model_fields
        facts = {"conversation_id": str(self.row.id), "channel_id": str(self.row.channel_id), **payload}
        told = {name: value for name, value in facts.items() if name in known}
        self.events.append(
            Event(
                id=_id(at),
                tenant_id=self.row.tenant_id,
                created_at=at,
                conversation=self.row,
                seq=self.seq,
                type=type_,
                version=VERSIONS[type_],
                payload=told,
                correlation_id="",
                published_at=at,
                streamed_at=at,
            )
        )


def _times(talk: Talk, end: datetime) -> Iterator[datetime]:
    """When each was said, the last at ``end``."""
    at = end - sum((PAUSE[who] for who, _ in talk.said[1:]), timedelta())
    for place, (who, _) in enumerate(talk.said):
        at = at + PAUSE[who] if place else at
        yield at


def _window(channel: Channel, since: datetime) -> datetime | None:
    window_s = channel.adapter.window_s(channel.adapter_config(), by_human=False)
    return since + timedelta(seconds=window_s) if window_s else None


def _id(at: datetime) -> uuid.UUID:
    """A UUIDv7 of that time, so that rows stand among the others where they belong."""
    millis = int(at.timestamp() * 1000)
    return uuid.UUID(int=millis << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))
