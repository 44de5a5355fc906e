"""Messages of many people in one transaction: each has its own outcome, and none suffers from another."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import structlog
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from conversations.models import Conversation, Event, Message
from messaging import accept as module
from messaging import wake
from messaging.arrivals.entrance import Accepted, Entrance
from messaging.many import accept as many
from messaging.many.accept import Arrival, accept_many
from messaging.models import Turn
from tenants.errors import Conflict, Invalid, NotFound
from tenants.scope import tenant_scope
from tenants.storage.db import on_mongo
from tests.factories import ChannelFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("remembered")]


@pytest.fixture
def shop(other_tenant: Any) -> Channel:
    return ChannelFactory(tenant=other_tenant, kind="web", name="Shop")


def arrival(channel: Channel, who: str, words: str = "Hello", cid: str = "c1", **entrance: Any) -> Arrival:
    said = InboundMessage(platform_id="", sender=Sender(scheme="web", value=who), content=text(words))
    return Arrival(channel, said, Entrance(client_message_id=cid, **entrance))


def stored(outcome: Accepted | Exception) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    return outcome


def test_each_tenant_gets_what_its_people_said(web: Channel, shop: Channel) -> None:
    outcomes = accept_many([arrival(web, "Ana"), arrival(shop, "Ana", "Hi"), arrival(web, "Ben")])
    assert [stored(one).message.seq for one in outcomes] == [1, 1, 1]
    for channel, words in ((web, ["Hello", "Hello"]), (shop, ["Hi"])):
        with tenant_scope(channel.tenant_id):
            assert list(Message.objects.values_list("text", flat=True)) == words
            assert {row.tenant_id for table in (Message, Turn, Event) for row in table.objects.all()} == {
                channel.tenant_id
            }
            assert Turn.objects.count() == Conversation.objects.count() == len(words)


@pytest.mark.skipif(on_mongo(), reason="one by one there")
def test_a_table_gets_one_insert_and_the_batch_one_commit(web: Channel, shop: Channel) -> None:
    people = [(channel, f"visitor {number}") for number in range(5) for channel in (web, shop)]
    accept_many([arrival(channel, who) for channel, who in people])
    with CaptureQueriesContext(
        connection,
    ) as seen:
        accept_many([arrival(channel, who, "Again", "c2") for channel, who in people])
    inserts = Counter(re.findall(r'INSERT INTO "(\w+)"', " ".join(one["sql"] for one in seen)))
    assert inserts == {"conversations_message": 1, "conversations_event": 1}
    assert len([one for one in seen if "COMMIT" in one["sql"]]) <= 1


BAD = {
    "nothing said": ({"words": "\0"}, Invalid, "empty_message"),
    "no such conversation": ({"conversation_id": "0192f0d0-7b1a-4c3e-9a55-1f0a7a3c9e10"}, NotFound, "conversation_not_found"),
    "an id used twice": ({"words": "Other words"}, Conflict, "message_id_conflict"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_is_wrong_with_one_harms_no_other(web: Channel, shop: Channel, bad: str) -> None:
    wrong, kind, code = BAD[bad]
    accept_many([arrival(web, "Eve")])
    outcomes = accept_many([arrival(shop, "Ana"), arrival(web, "Eve", **wrong), arrival(web, "Ben")])
    assert [stored(outcomes[place]).message.seq for place in (0, 2)] == [1, 1]
    assert isinstance(outcomes[1], kind)
    assert outcomes[1].code == code  # type: ignore[union-attr]
    with tenant_scope(web.tenant_id):
        assert Message.objects.count() == 2


def test_a_value_that_the_database_refuses_harms_no_other(
    web: Channel, shop: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no check of ours has foreseen shows only when the rows are written, all at once."""
    words_of = module.words_of

    def too_much(tenant_id: Any, content: Content, *hidden: Any) -> dict[str, Any]:
        return {**words_of(tenant_id, content, *hidden), **({"text": None} if content.text == "bad" else {})}

    monkeypatch.setattr(module, "words_of", too_much)
    outcomes = accept_many([arrival(shop, "Ana"), arrival(web, "Eve", "bad"), arrival(web, "Ben")])
    assert [isinstance(one, Accepted) for one in outcomes] == [True, False, True]
    with tenant_scope(web.tenant_id):
        assert list(Message.objects.values_list("text", flat=True)) == ["Hello"]


def test_a_repetition_in_between_is_told_and_stored_once(web: Channel) -> None:
    accept_many([arrival(web, "Ana"), arrival(web, "Ben")])
    outcomes = accept_many([arrival(web, "Ana"), arrival(web, "Ben", "More", "c2")])
    assert [(stored(one).message.seq, stored(one).duplicate) for one in outcomes] == [(1, True), (2, False)]


@pytest.mark.skipif(on_mongo(), reason="one by one there")
def test_a_database_that_is_away_is_asked_once_for_all(web: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def away(*_: Any) -> None:
        asked.append(1)
        lost = OperationalError("connection lost")
        lost.__cause__ = Exception()
        lost.__cause__.sqlstate = "57P01"  # type: ignore[attr-defined]
        raise lost

    monkeypatch.setattr(many, "store", away)
    outcomes = accept_many([arrival(web, who) for who in ("Ana", "Ben", "Cem")])
    assert [type(one) for one in outcomes] == [OperationalError] * 3
    assert len(asked) == 1


def test_each_message_keeps_the_trail_of_its_caller(web: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[Any] = []

    def note(task: str, *_: Any) -> None:
        woken.append((task.rsplit(".", 1)[1], structlog.contextvars.get_contextvars().get("correlation_id")))

    monkeypatch.setattr(wake, "_call", note)
    arrivals = []
    for who in ("Ana", "Ben"):
        with structlog.contextvars.bound_contextvars(correlation_id=f"trail of {who}"):
            arrivals.append(arrival(web, who))
    accept_many(arrivals)
    with tenant_scope(web.tenant_id):
        trails = [(event.type, event.correlation_id) for event in Event.objects.order_by("id")]
    assert [trail for kind, trail in trails if kind == "chat.message.received"] == ["trail of Ana", "trail of Ben"]
    assert [trail for task, trail in woken if task == "respond"] == ["trail of Ana", "trail of Ben"]
