"""The journey writes the same rows by kept statements and by the ORM alone, whatever is said."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from assistant.port import EngineReply
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender, SendResult, StatusUpdate
from channels_app.models import Channel
from conversations.models import Contact, Conversation, Event, Identity, Message, Session
from messaging import accept, deliver, respond
from messaging.many import accept as accept_many
from messaging.models import DailyFigure, Delivery, DeliveryAttempt, DeliveryPart, HandledEvent, Turn
from messaging.publish import publish_events
from messaging.reports.delivery_status import status_apply
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.turns import thinking
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import now, on_mongo
from tenants.storage.prepared import kept, orm, reading
from tests.contents import contents
from tests.factories import ChannelFactory, TenantFactory, UserFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_mongo(), reason="there is but one way there"),
]
TABLES = (
    Contact, Identity, Session, Conversation, Message, Turn, Delivery, DeliveryPart, DeliveryAttempt, Event,
    HandledEvent, DailyFigure,
)  # fmt: skip
PASSING = re.compile(
    r"((?:latency_ms|duration_seconds|delivery_timestamp)\W+)[\dTZ:.-]+"
)  # no two runs take the same time
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class Engine:
    name = "test"

    def respond(self, request: Any) -> EngineReply:
        seen = {"seen": len(request.history), "who": request.profile["name"]}
        said = tuple(text(f"{content.type} of {request.language}") for content in request.contents)
        return EngineReply(contents=(*said, text("100 % 'done' %s")), context=seen, confidence=0.5, engine=self.name)


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answers at once, and a platform that takes everything and gives the same ids to both tenants."""
    monkeypatch.setattr(thinking, "engine_for", lambda _: Engine())
    monkeypatch.setattr(
        WhatsApp, "send", lambda self, payload, config, http: SendResult(f"out.{Message.objects.count()}")
    )


@contextmanager
def by(way: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name in ("gathered", "insert", "update", "update_where"):
            patched.setattr(prepared, name, getattr(way, name))
        patched.setattr(prepared, "insert_reading", (orm if way is orm else reading).insert_reading)
        patched.setattr(kept.Select, "run", way.Select.run)
        yield


class House:
    """A tenant with its channels, its time and its people."""

    def __init__(self) -> None:
        self.tenant = TenantFactory()
        self.web = ChannelFactory(tenant=self.tenant, kind="web", name="Website")
        self.phone = ChannelFactory(
            tenant=self.tenant, kind="whatsapp", name="WhatsApp", config={"phone_number_id": "400000000000001"},
            secrets={"access_token": "token-0123456789", "app_secret": "twin-secret", "verify_token": "v" * 16},
        )  # fmt: skip
        self.agent = UserFactory()

    def says(self, channel: Channel, content: Content, number: int, **entrance: Any) -> accept.Accepted:
        said = self.arrival(channel, content, number, **entrance)
        return accept.accept(said.channel, said.inbound, said.entrance)

    def arrival(self, channel: Channel, content: Content, number: int, **entrance: Any) -> accept_many.Arrival:
        sender = Sender(scheme="phone", value="+491511234567", name="Mira", address="+491511234567")
        platform_id = f"in.{number}" if channel is self.phone else ""
        opens = 24 * 3600 if channel is self.phone else 0
        said = InboundMessage(
            platform_id=platform_id, sender=sender, content=content, opens_window_s=opens, reference={"n": number}
        )
        return accept_many.Arrival(channel, said, accept.Entrance(**entrance))

    def visit(self, number: int, words: str, cid: str) -> accept_many.Arrival:
        """Of the visitor of this number; every second one has a name."""
        content = text(words)
        arrival = self.arrival(self.web, content, number, client_message_id=cid, device={"kind": "web"})
        sender = Sender(scheme="web", value=f"visitor-{number}", name=f"V {number}" if number % 2 else "")
        return replace(arrival, inbound=replace(arrival.inbound, sender=sender, metadata={"n": number}))

    def rows(self) -> list[str]:
        """All rows of the tenant, ids by the order in which they are met, without times."""
        names: dict[str, str] = {}

        def name(found: re.Match[str]) -> str:
            return names.setdefault(found[0], f"id {len(names)}")

        written = []
        for table in TABLES:
            for row in table.objects.order_by("id"):
                facts = {field.attname: _fact(getattr(row, field.attname)) for field in row._meta.concrete_fields}
                written.append(UUID.sub(name, f"{table.__name__} {json.dumps(facts | {'latency_ms': 0}, default=str)}"))
        return [PASSING.sub(r"\1", row) for row in written]


def _fact(value: Any) -> Any:
    return "a time" if isinstance(value, datetime.datetime) else str(value) if isinstance(value, uuid.UUID) else value


def the_same(journey: Callable[[House], object]) -> list[str]:
    """The rows that ``journey`` writes, which are those of both ways."""
    written = []
    for way in (kept, orm):
        house = House()
        with by(way), tenant_scope(house.tenant.id):
            journey(house)
            written.append(house.rows())
    assert written[0] == written[1]
    return written[0]


def answered(house: House, content: Content, number: int = 1) -> None:
    turn = house.says(house.web, content, number, answer_now=True, client_message_id=f"c{number}").turn
    assert turn
    respond.answer(turn)


def a_visit(house: House) -> None:
    for number in range(3):
        answered(house, text(f"hello {number}"), number)
    again = house.says(house.web, text("hello 1"), 9, client_message_id="c1")
    assert again.duplicate


def a_platforms_message(house: House) -> None:
    for number in range(2):
        accepted = house.says(house.phone, text("wie geht's?"), number)
    turn = Turn.objects.get()
    Turn.objects.update(due_at=now())
    respond.respond(turn.id)
    deliver.deliver(accepted.conversation.id)
    for status in ("delivered", "read"):
        status_apply(house.phone, StatusUpdate(f"out.{Message.objects.count()}", status))


def a_human(house: House) -> None:
    conversation = house.says(house.web, text("a human, please"), 1).conversation
    take_over(conversation.id, house.agent)
    agent_reply(conversation.id, house.agent, text("Here I am."))
    hand_back(conversation.id)
    conversation_end(conversation.id)


def stopped(house: House) -> None:
    for number, word in enumerate(("hello", "STOP", "START")):
        house.says(house.phone, text(word), number)


def published(house: House) -> None:
    for number in range(2):
        answered(house, text(f"hello {number}"), number)
        assert publish_events() > 3


def together(house: House) -> None:
    """Five people at once: their first words, what they add, and a repetition in between."""
    for words in ("Hello", "I have lost my order"):
        stored = accept_many.accept_many([house.visit(number, words, words) for number in range(5)])
        assert not [one for one in stored if isinstance(one, Exception)]
    take_over(Conversation.objects.order_by("id")[2].id, house.agent)
    third = [
        house.visit(number, "Hello" if number == 1 else "well?", "Hello" if number == 1 else "w") for number in range(5)
    ]
    repeated = accept_many.accept_many(third)[1]
    assert isinstance(repeated, accept.Accepted)
    assert repeated.duplicate


def one_after_the_other(house: House) -> None:
    """The same, each in a transaction of its own."""

    def alone(arrivals: Sequence[accept_many.Arrival]) -> list[accept.Accepted]:
        return [accept.accept(one.channel, one.inbound, one.entrance) for one in arrivals]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(accept_many, "accept_many", alone)
        together(house)


JOURNEYS = [together, a_visit, a_platforms_message, a_human, stopped, published]


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_writes_the_same_rows(journey: Callable[[House], object]) -> None:
    assert len(the_same(journey)) > 6


def test_people_who_are_stored_together_leave_what_they_leave_alone() -> None:
    assert the_same(together) == the_same(one_after_the_other)


@given(contents)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
def test_whatever_is_said_is_stored_the_same(content: Content) -> None:
    assert len(the_same(lambda house: answered(house, content))) > 6


def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    insert = orm.insert

    def forgetful(rows: Any) -> None:
        for row in rows:
            row.created_at = now()
            setattr(row, "language", "xx") if isinstance(row, Message) else None
        insert(rows)

    monkeypatch.setattr(orm, "insert", forgetful)
    with pytest.raises(AssertionError):
        the_same(a_visit)
