"""What operators see of models in /metrics (ADM-3, OBS)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from prometheus_client import REGISTRY

from assistant.llm import measures
from assistant.llm.ask import chat
from assistant.llm.chat import ChatError
from assistant.llm.providers.offers import Offer, Server
from channels_app.twin import server as twins
from conversations.models import Contact
from tenants.models import Tenant
from tenants.tenant_settings import invalidate
from tests.assistant.llm import model, provider, question, reachable

MODEL = "gpt-measured"


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("assistant.llm.ask.time.sleep", lambda seconds: None)
    monkeypatch.setattr(measures, "_told_apart", set())
    with twins.start() as twin, reachable(twin):
        monkeypatch.setitem(settings.ENV, "RESPONSE_CACHE_TTL", 60)
        yield twin


def counted(name: str, outcome: str, model: str = MODEL, **more: str) -> float:
    labels = {"provider": "openai", "model": model, "outcome": outcome, **more}
    return REGISTRY.get_sample_value(f"chatsvc_llm_{name}", labels) or 0.0


def calls() -> dict[str, float]:
    return {
        outcome: counted("calls_total", outcome) for outcome in ("answered", "cached", "llm_denied", "budget_exceeded")
    }


@pytest.mark.django_db
def test_a_call_is_counted_by_what_came_of_it(twin: Any, tenant: Tenant, scope: Any) -> None:
    model(provider(tenant, twin), MODEL, input_usd=1_000, output_usd=10_000)
    ada = Contact.objects.create(tenant=tenant).id
    before = calls()
    costs, reads = counted("cost_usd_total", "answered"), counted("tokens_total", "answered", direction="input")
    twin.llm.say("It comes tomorrow.")
    paid = chat(question(), purpose="answer", person=ada)
    chat(question(), purpose="answer", person=ada)
    twin.faults.order("refuse_token")
    with pytest.raises(ChatError, match="llm_denied"):
        chat(question("Where is it?"), purpose="answer")
    Tenant.objects.filter(id=tenant.id).update(settings={"llm_budget": {"hard_usd": 0.0}})
    invalidate(tenant.id)
    with pytest.raises(ChatError, match="budget_exceeded"):
        chat(question("Where is it?"), purpose="answer")
    invalidate(tenant.id)
    assert {outcome: number - before[outcome] for outcome, number in calls().items()} == dict.fromkeys(before, 1.0)
    assert counted("cost_usd_total", "answered") - costs == pytest.approx(paid.cost_usd)
    assert counted("tokens_total", "answered", direction="input") - reads == paid.input_tokens
    assert counted("cost_usd_total", "cached") == counted("tokens_total", "cached", direction="input") == 0
    assert counted("call_seconds_count", "answered") >= 1


def test_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_told_apart", set())
    before = counted("calls_total", "answered", "other")
    server = Server("1", "own", "openai", "", "")
    for number in (*range(measures.MOST_MODELS + 2), 0):
        measures.call_count(Offer(server, f"many-{number}"), "answered", 0.1)
    assert counted("calls_total", "answered", "other") - before == 2
    assert counted("calls_total", "answered", "many-0") == 2
