"""Answers that are given again: to the same person, of the same tenant, for the same question alone (AI-5, OPS-2)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from assistant.language.own_tools import HAND_OVER
from assistant.llm.ask import chat
from assistant.llm.chat import ChatError, Said, Tool, ToolCall
from assistant.models import CachedAnswer, ModelUse
from channels_app.twin import server as twins
from conversations.models import Contact
from messaging.housekeeping.trims import trim
from messaging.privacy.tables import Person, rows_of
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.assistant.llm import model, provider, question, reachable

pytestmark = pytest.mark.django_db
LOOK = Tool("order_status", "Where an order is.", {"type": "object", "properties": {}})


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("assistant.llm.ask.time.sleep", lambda seconds: None)
    with twins.start() as twin, reachable(twin):
        monkeypatch.setitem(settings.ENV, "RESPONSE_CACHE_TTL", 60)
        for number in range(5):
            twin.llm.say(f"Answer {number}.", times=1)
        yield twin


@pytest.fixture
def served(twin: Any, tenant: Tenant, scope: Any) -> Any:
    return model(provider(tenant, twin))


@pytest.fixture
def ada(tenant: Tenant, served: Any) -> uuid.UUID:
    return Contact.objects.create(tenant=tenant).id


def asked(person: uuid.UUID | None, request: Any = None, **given: Any) -> tuple[str, bool]:
    result = chat(request or question(), purpose="answer", person=person, **given)
    return result.text, result.cached


def test_the_same_question_costs_once(ada: uuid.UUID) -> None:
    first = chat(question(), purpose="answer", person=ada)
    pieces: list[str] = []
    again = chat(question(deadline_s=3.0), purpose="answer", person=ada, stream=pieces.append)
    assert (first.text, first.cached) == ("Answer 0.", False) and first.cost_usd > 0
    assert (again.text, again.cached, again.stop, again.model) == ("Answer 0.", True, "stop", "openai/gpt-twin")
    assert (again.cost_usd, again.input_tokens, again.output_tokens, pieces) == (0.0, 0, 0, ["Answer 0."])
    assert ModelUse.objects.get().questions == 1


def test_another_person_and_another_tenant_are_answered_anew(
    twin: Any, tenant: Tenant, other_tenant: Tenant, ada: uuid.UUID
) -> None:
    bob = Contact.objects.create(tenant=tenant).id
    told = [asked(ada), asked(bob), asked(None), asked(None)]
    with tenant_scope(other_tenant.id):
        model(provider(other_tenant, twin))
        told.append(asked(ada))  # even with an id of another tenant's
        assert not CachedAnswer.objects.exists()
    assert told == [(f"Answer {number}.", False) for number in range(5)]


@pytest.mark.parametrize(
    "other",
    [
        question("Where is my letter?"),
        question(system="Be polite."),
        question(max_tokens=700),
        question(temperature=0.5),
        question(schema={"type": "object"}),
        question(tools=(HAND_OVER,)),
    ],
    ids=["words", "prompt", "length", "temperature", "schema", "sign"],
)
def test_another_question_is_asked(twin: Any, ada: uuid.UUID, other: Any) -> None:
    twin.llm.lines.clear()
    twin.llm.say("{}", times=2)
    assert [asked(ada)[1], asked(ada, other)[1], asked(ada, other)[1]] == [False, False, True]


def test_another_model_is_asked(served: Any, ada: uuid.UUID) -> None:
    asked(ada)
    served.defaults = {"temperature": 0.9}
    served.save()
    assert asked(ada) == ("Answer 1.", False)
    served.name = "gpt-other"
    served.save()
    assert asked(ada) == ("Answer 2.", False)


@pytest.mark.parametrize(
    "request_",
    [
        question(tools=(HAND_OVER, LOOK)),
        question().__class__(
            (
                *question().messages,
                Said("assistant", "", (ToolCall("c1", "order_status", {}),)),
                Said("tool", "in transit", call_id="c1"),
            )
        ),
    ],
    ids=["may run", "has run"],
)
def test_what_tools_may_answer_is_asked_each_time(ada: uuid.UUID, request_: Any) -> None:
    assert [asked(ada, request_), asked(ada, request_)] == [("Answer 0.", False), ("Answer 1.", False)]
    assert not CachedAnswer.objects.exists()


def test_a_sign_and_what_broke_off_are_not_kept(twin: Any, ada: uuid.UUID) -> None:
    twin.llm.lines.clear()
    twin.llm.say("", calls=[("hand_over", {})], times=1)
    twin.llm.say("It comes to", stop="length", times=1)
    request = question(tools=(HAND_OVER,))
    chat(request, purpose="answer", person=ada)
    chat(request, purpose="answer", person=ada)
    assert not CachedAnswer.objects.exists()


def test_it_ends(monkeypatch: pytest.MonkeyPatch, ada: uuid.UUID) -> None:
    asked(ada)
    CachedAnswer.objects.update(expires_at=now() - timedelta(seconds=1))
    assert asked(ada) == ("Answer 1.", False)
    assert asked(ada) == ("Answer 1.", True)
    assert trim("cached_answers") == 0
    monkeypatch.setitem(settings.ENV, "RESPONSE_CACHE_TTL", 0)
    assert asked(ada) == ("Answer 2.", False)
    CachedAnswer.objects.update(expires_at=now() - timedelta(seconds=1))
    assert trim("cached_answers") == 1


def test_it_is_given_when_the_money_is_spent(tenant: Tenant, ada: uuid.UUID) -> None:
    asked(ada)
    Tenant.objects.filter(id=tenant.id).update(settings={"llm_budget": {"hard_usd": 0.0}})
    invalidate(tenant.id)
    assert asked(ada) == ("Answer 0.", True)
    with pytest.raises(ChatError, match="budget_exceeded"):
        asked(ada, question("Where is my letter?"))
    invalidate(tenant.id)


@pytest.mark.parametrize("limits", [{"soft_usd": 0.0}, {"soft_usd": 0.0, "hard_usd": 0.0}])
def test_it_is_given_when_the_money_would_have_another_model_asked(
    twin: Any, tenant: Tenant, served: Any, ada: uuid.UUID, limits: dict[str, float]
) -> None:
    """From the soft limit on the cheapest is asked first, which has not answered this yet."""
    model(served.provider, "gpt-cheap", rank=200, output_usd=0.1)
    assert asked(ada) == ("Answer 0.", False)
    Tenant.objects.filter(id=tenant.id).update(settings={"llm_budget": limits})
    invalidate(tenant.id)
    assert asked(ada) == ("Answer 0.", True)
    assert [use.model for use in ModelUse.objects.all()] == ["openai/gpt-twin"]
    invalidate(tenant.id)


def test_it_goes_with_the_person(ada: uuid.UUID) -> None:
    asked(ada)
    row = CachedAnswer.objects.get()
    assert row.answer == {"text": "Answer 0."}
    assert CachedAnswer.objects.filter(rows_of("assistant.CachedAnswer", Person.of(ada))).get() == row
    Contact.objects.filter(id=ada).delete()
    assert not CachedAnswer.objects.exists()
    assert asked(ada) == ("Answer 1.", False)  # no row is written of a contact that has gone
    assert not CachedAnswer.objects.exists()
