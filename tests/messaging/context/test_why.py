"""An answer keeps how it came about, which is asked for apart (AI-10)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply, Source
from channels_app.content.types import text
from conversations import selectors
from conversations.models import Event, Message
from conversations.safety import WHY
from messaging.accept import accept
from messaging.models import Turn
from messaging.respond import respond
from messaging.turns import thinking
from tenants.storage.db import now

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = Source("article", "7", "Returns", "https://shop.example/returns", 0.9)


class Engine:
    name = "test"

    def respond(self, request: Any) -> EngineReply:
        why = {"settled": "llm", "tools": [{"name": "lookup", "outcome": "done", "took_ms": 4}]}
        return EngineReply(contents=(text("Within 30 days."),), engine="test", sources=(PAGE,), why=why)


@pytest.fixture
def answer(scope, web, said, calls, monkeypatch) -> Message:
    monkeypatch.setattr(thinking, "engine_for", lambda settings: Engine())
    accept(web, said("Can I send it back?"))
    turn = Turn.objects.get()
    Turn.objects.filter(id=turn.id).update(due_at=now())
    respond(turn.id)
    return Message.objects.get(role="bot")


def test_it_is_kept_with_the_message_and_its_source_is_shown(answer) -> None:
    assert answer.analysis[WHY]["tools"] == [{"name": "lookup", "outcome": "done", "took_ms": 4}]
    assert answer.analysis[WHY]["sources"][0]["title"] == "Returns"
    assert [button["url"] for button in answer.content["buttons"]] == [PAGE.url]


def test_lists_and_events_do_not_carry_it(answer) -> None:
    assert WHY not in selectors.message_detail(selectors.message_get(answer.id))["analysis"]
    assert "lookup" not in str(list(Event.objects.values_list("payload", flat=True)))


def test_the_api_tells_it_to_the_tenant_alone(answer, tenant, other_tenant, api) -> None:
    where = f"/api/v2/chat/messages/{answer.id}/analysis"
    client = api(tenant)
    told = client.data_of(client.get(where))
    assert (told["why"]["settled"], WHY in told["details"]) == ("llm", False)
    assert api(other_tenant).get(where).status_code == 404
