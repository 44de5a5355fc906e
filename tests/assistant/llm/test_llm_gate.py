"""When a provider is left alone, and which model is asked first (AI-5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.llm.ask import chat
from assistant.llm.chat import ChatError, ChatRequest, Said, Tool
from assistant.llm.choice import chosen, hardness
from assistant.llm.faults import ProviderFault
from assistant.llm.gate import COOL_S, FAILURES, asking, breaker
from assistant.llm.providers.offers import Offer, Server, offer_of
from assistant.models import Provider
from channels_app.twin import server as twins
from tenants.scope import tenant_scope
from tests.assistant.llm import model, provider, question, reachable

HOUSE = Server("1", "house", "openai", "https://llm.example.com/v1", "key")
TOOL = Tool("look", "Looks", {"type": "object"})


@pytest.fixture(autouse=True)
def closed_breakers():
    breaker.cache_clear()
    yield
    breaker.cache_clear()


@pytest.fixture
def twin(monkeypatch):
    monkeypatch.setattr("assistant.llm.ask.time.sleep", lambda seconds: None)
    with twins.start() as twin, reachable(twin):
        yield twin


@pytest.mark.django_db
def test_a_provider_that_is_away_is_left_alone_and_found_again(twin, tenant, scope, monkeypatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("tenants.work.breaker.time.monotonic", lambda: clock[0])
    model(provider(tenant, twin))
    twin.faults.order("529", times=FAILURES)
    codes = []
    for _ in range(3):
        with pytest.raises(ChatError) as failed:
            chat(question(), purpose="answer")
        codes.append(failed.value.code)
    assert (codes, len(twin.requests)) == (["llm_overloaded", "llm_resting", "llm_resting"], FAILURES)
    clock[0] += COOL_S + 1
    assert chat(question(), purpose="answer").text
    assert chat(question(), purpose="answer").text


@pytest.mark.django_db
def test_a_wrong_key_does_not_open_the_breaker(twin, tenant, scope) -> None:
    row = model(provider(tenant, twin))
    twin.faults.order("refuse_token", times=None)
    for _ in range(FAILURES + 1):
        with pytest.raises(ChatError, match="llm_denied"):
            chat(question(), purpose="answer")
    assert not breaker(offer_of(row).server).open


@pytest.mark.django_db
def test_the_minute_of_a_provider_is_used_up_and_the_next_one_answers(twin, tenant, other_tenant, scope) -> None:
    model(provider(tenant, twin, requests_per_minute=2))
    model(provider(tenant, twin, "compatible"), rank=200)
    assert [chat(question(), purpose="answer").model for _ in range(3)] == [
        "openai/gpt-twin", "openai/gpt-twin", "compatible/gpt-twin",
    ]  # fmt: skip
    Provider.objects.filter(name="compatible").update(enabled=False)
    with pytest.raises(ChatError, match="llm_busy"):
        chat(question(), purpose="answer")
    assert len(twin.requests) == 3


@pytest.mark.django_db
def test_one_tenants_minute_is_not_anothers(tenant, other_tenant) -> None:
    shared = replace(HOUSE, id="given:house", requests_per_minute=1)
    for one in (tenant, other_tenant):
        with tenant_scope(one.id), asking(shared):
            pass
    with tenant_scope(tenant.id), pytest.raises(ProviderFault, match="llm_busy"), asking(shared):
        pass


def test_a_changed_key_begins_anew() -> None:
    for _ in range(FAILURES):
        breaker(HOUSE).failed()
    assert breaker(HOUSE).open
    assert not breaker(replace(HOUSE, key="another")).open


# ------------------------------------------------------------------------------------------------ choice


def offer(name: str, **facts) -> Offer:
    return Offer(facts.pop("server", HOUSE), name, **{"context_tokens": 10_000, **facts})


def first(offers: list[Offer], request: ChatRequest | None = None, **about) -> list[str]:
    given = {"purpose": "answer", "intent": "", "language": "", "needs": frozenset(), **about}
    return [one.name for one in chosen(offers, request or question(), **given)]


def test_the_cheaper_first_and_the_rank_before_it() -> None:
    dear, cheap = offer("dear", input_usd=5), offer("cheap", input_usd=1)
    assert first([dear, cheap]) == ["cheap", "dear"]
    assert first([replace(dear, rank=1), cheap]) == ["dear", "cheap"]


def test_the_one_that_is_named_comes_before_all() -> None:
    offers = [offer("dear", input_usd=5), offer("cheap", rank=0)]
    assert first(offers, model="dear") == first(offers, model="house/dear") == ["dear", "cheap"]


def test_hard_questions_go_to_strong_models_and_easy_ones_to_cheap_ones() -> None:
    offers = [offer("weak", strength=1, input_usd=1), offer("strong", strength=3, input_usd=9)]
    assert first(offers) == ["weak", "strong"]
    assert first(offers, question(schema={"type": "object"})) == ["strong", "weak"]


@pytest.mark.parametrize(
    ("asked", "hard"),
    [
        ({}, 1),
        ({"schema": {"type": "object"}}, 2),
        ({"tools": (TOOL,)}, 1),
        ({"tools": (TOOL, TOOL, TOOL), "schema": {"type": "object"}}, 3),
    ],
)
def test_how_hard_a_question_is(asked, hard) -> None:
    assert hardness(question(**asked)) == hard
    assert hardness(question("x" * 9500, **asked)) == min(3, hard + 1)


def test_what_a_model_cannot_do_it_is_not_asked_for() -> None:
    able = offer("able", capabilities=frozenset({"tools", "vision"}))
    barred = offer("barred", capabilities=able.capabilities, server=replace(HOUSE, supports_tools=False))
    offers = [offer("plain"), able, barred]
    assert first(offers, question(tools=(TOOL,))) == ["able"]
    assert first(offers, needs=frozenset({"vision"})) == ["able", "barred"]
    with pytest.raises(ChatError, match="no_model_fits"):
        first([offer("plain")], needs=frozenset({"vision"}))


def test_what_is_too_long_for_a_model_goes_to_another() -> None:
    offers = [offer("short", context_tokens=1000), offer("long", context_tokens=9000, input_usd=9)]
    assert first(offers, question("x" * 900, max_tokens=600)) == ["short", "long"]
    assert first(offers, question("x" * 1500, max_tokens=600)) == ["long"]


def test_models_kept_for_something_serve_that_alone_and_first() -> None:
    offers = [
        offer("all"),
        offer("returns", intents=frozenset({"returns"}), input_usd=9),
        offer("german", languages=frozenset({"de"}), input_usd=9),
        offer("sums", purposes=frozenset({"summary"}), input_usd=9),
    ]
    assert first(offers) == ["all"]
    assert first(offers, intent="returns") == ["returns", "all"]
    assert first(offers, language="de-AT") == ["german", "all"]
    assert first(offers, purpose="summary") == ["sums", "all"]


@pytest.mark.parametrize("frugal", [False, True])
def test_a_model_whose_price_is_not_known_passes_for_no_cheap_one(frugal: bool) -> None:
    """Without a price it stood before all that have one, also from the soft limit on."""
    at_its_maker = replace(HOUSE, base_url="https://api.openai.com/v1", kind="openai")
    offers = [offer("unpriced", server=at_its_maker), offer("cheap", input_usd=0.1), offer("own")]
    assert first(offers, frugal=frugal) == ["own", "cheap", "unpriced"]


def test_no_model_at_all() -> None:
    with pytest.raises(ChatError, match=r"no_model$"):
        first([])


def test_wide_scripts_take_more_tokens() -> None:
    asked = ChatRequest((Said("user", "日本語" * 400),), max_tokens=100)
    assert first([offer("short", context_tokens=1100), offer("long", context_tokens=9000)], asked) == ["long"]
