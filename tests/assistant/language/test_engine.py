"""A turn answered by a language model, with the built-in before and behind it (AI-5, AI-7)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from assistant.builtin import engine as builtin
from assistant.intents.lessons import invalidate, lessons
from assistant.knowledge import search
from assistant.models import Intent
from assistant.port import EngineError, EngineRequest, HistoryEntry
from assistant.products import plain
from assistant.products.models import ProductSource
from assistant.prompts.versions import prompt_activate, prompt_write
from assistant.tools.models import MOST, Tool
from channels_app.content.types import text
from chatsvc.demo import GOODS
from tenants.scope import tenant_scope
from tests.assistant.language.conftest import PROMPT

pytestmark = pytest.mark.django_db


def texts(reply: Any) -> list[str]:
    return [content.text for content in reply.contents]


def test_the_model_answers_from_the_tenants_articles_and_cites_them(person, model, article) -> None:
    row = article("Returning a tent", "Tents go back within thirty days.")
    model.otherwise = "Within thirty days [1]."
    someone = person()
    reply = someone.says("until when may a tent go back to you")
    assert texts(reply) == ["Within thirty days."]
    assert [(source.kind, source.id) for source in reply.sources] == [("article", str(row.id))]
    assert "".join(someone.streamed) == "Within thirty days."
    assert (reply.engine, reply.model, reply.usage["total_tokens"]) == ("language_model", "twin/obedient", 12)
    assert reply.why["settled"] == "llm" and reply.why["prompt"]["version"] == 0
    assert "Tents go back within thirty days." in model.requests[0].messages[1].text


def test_a_turn_looks_for_its_passages_once(person, model, article, monkeypatch) -> None:
    """The built-in looks first, and the prompt takes what it found."""
    article("Returning a tent", "Tents go back within thirty days.")
    looked: list[str] = []
    by_letters = search._by_letters

    def counted(known: Any, query: str, limit: int) -> dict[str, float]:
        looked.append(query)
        return by_letters(known, query, limit)

    monkeypatch.setattr(search, "_by_letters", counted)
    monkeypatch.setattr(search, "_by_meaning", lambda known, numbers, least: {})
    monkeypatch.setattr(search.texts, "available", lambda: True)
    person().says("until when may a tent go back to you")
    assert looked == ["until when may a tent go back to you"]
    assert "Tents go back within thirty days." in model.requests[0].messages[1].text


@pytest.mark.parametrize("said", ["hello", "I want to talk to a human"])
def test_what_letters_settle_costs_no_model(person, model, said) -> None:
    assert person().says(said).engine == "builtin"
    assert model.requests == []


def test_slots_in_progress_stay_with_the_builtin(person, model, tenant) -> None:
    with tenant_scope(tenant.id):
        Intent.objects.create(tenant=tenant, name="order", examples=["where is my order", "track my order", "order status"],
                              slots=[{"name": "number", "prompt": "Which number?", "pattern": r"\b(AC-\d+)\b"}],
                              responses=["{number} is on its way."])  # fmt: skip
    invalidate(tenant.id)
    someone = person()
    assert texts(someone.says("where is my order")) == ["Which number?"]
    assert texts(someone.says("AC-12")) == ["AC-12 is on its way."]
    assert model.requests == []


def test_a_model_that_takes_no_tools_answers_in_words(person, model, tool) -> None:
    tool()
    model.takes_tools, model.otherwise = False, "It is a fine tent."
    reply = person().says("ravens rest on rocks and what of tents")
    assert (texts(reply), reply.engine, reply.why.get("degraded")) == (["It is a fine tent."], "language_model", None)
    assert [bool(request.tools) for request in model.requests] == [True, False]


@pytest.mark.parametrize("code", ["no_model", "llm_timeout", "budget_exceeded"])
def test_without_a_model_the_builtin_answers_and_it_is_marked(person, model, article, code) -> None:
    article("Returning a tent", "Tents go back within thirty days.")
    model.fails = code
    reply = person().says("returning a tent")
    assert texts(reply) == ["Tents go back within thirty days."]
    assert (reply.engine, reply.why["degraded"]) == ("builtin", code)


def test_an_outage_is_no_misunderstanding(person, model) -> None:
    ada = person()
    model.fails = "llm_timeout"
    during = [ada.says(words) for words in ("ravens rest on rocks", "my leg hurts", "the sea sings")]
    assert [(reply.handover, reply.unanswered, reply.context["assistant"]["missed"]) for reply in during] == [
        (False, False, 0)
    ] * 3
    assert all(texts(reply) for reply in during)
    model.fails = ""
    assert texts(ada.says("ravens rest on rocks")) == ["I do not know."]


def test_what_has_to_be_loaded_is_loaded_without_a_question(person, model, scope, monkeypatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(builtin, "lessons", lambda: loaded.append("lessons") or lessons())
    replace(person().engine, load=lambda: loaded.append("sdk")).prepare()
    assert (loaded, model.requests) == (["lessons", "sdk"], [])


@pytest.mark.parametrize(
    ("code", "wanted", "reason"),
    [("budget_exceeded", True, "budget"), ("budget_exceeded", False, ""), ("llm_timeout", True, "")],
)
def test_a_colleague_gets_what_no_money_is_left_for(person, model, article, code, wanted, reason) -> None:
    article("Returning a tent", "Tents go back within thirty days.")
    model.fails = code
    reply = person(unpaid_to_staff=wanted).says("returning a tent", language="de")
    assert (reply.handover_reason, reply.handover, reply.why["degraded"]) == (reason, bool(reason), code)
    assert (reply.context["conversation_stage"] == "handover") is bool(reason)
    said = "Ich übergebe an eine Kollegin oder einen Kollegen. Die Antwort kommt hier."
    assert (texts(reply) == [said]) is bool(reason)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("How much does the Lino camp lantern cost?", "Lino camp lantern costs €129."),
        ("Do you sell bicycles?", "bicycles"),
    ],
)
def test_without_a_model_the_shop_is_asked_as_for_a_tenant_that_has_none(person, model, tenant, said, told) -> None:
    with tenant_scope(tenant.id):
        ProductSource.objects.create(tenant=tenant, products=GOODS)
    model.fails = "llm_timeout"
    reply = person().says(said)
    assert told in texts(reply)[0]
    assert (reply.engine, reply.intent, reply.why["degraded"]) == ("builtin", "products", "llm_timeout")


def test_a_shop_away_is_not_asked_when_the_model_took_the_time(person, model, tenant, monkeypatch) -> None:
    monkeypatch.setattr(plain, "shop_of", lambda *_: pytest.fail("the shop was asked"))
    with tenant_scope(tenant.id):
        ProductSource.objects.create(tenant=tenant, url="https://shop.example.com")
    model.fails = "llm_timeout"
    reply = person().says("How much does the Lino camp lantern cost?", deadline_s=0.5)
    assert (reply.engine, reply.why["degraded"], bool(reply.contents)) == ("builtin", "deadline_passed", True)


def test_turns_before_are_told_by_who_said_them(person, model) -> None:
    person().says("and in winter", history=(HistoryEntry("visitor", "is it warm"), HistoryEntry("agent", "It is.")))
    roles = [(said.role, said.text) for said in model.requests[0].messages[-3:]]
    assert roles == [
        ("user", "is it warm"),
        ("assistant", "(written by a human colleague) It is."),
        ("user", "and in winter"),
    ]


def test_the_active_version_of_the_prompt_is_told(person, model, tenant) -> None:
    with tenant_scope(tenant.id):
        first, second = prompt_write("Speak like a pirate."), prompt_write("Speak like a bishop.")
        prompt_activate(second)
    reply = person().says("what is the weight of it")
    assert "bishop" in model.requests[-1].messages[0].text and PROMPT not in model.requests[-1].messages[0].text
    assert reply.why["prompt"]["version"] == 2
    with tenant_scope(tenant.id):
        prompt_activate(first)
    person().says("what is the weight of it")
    assert "pirate" in model.requests[-1].messages[0].text


def test_personal_data_is_masked_and_comes_back(person, model) -> None:
    model.otherwise = "I write to [EMAIL_1]."
    someone = person(mask=("email",))
    reply = someone.says("my address changed, it is mira@example.com now")
    assert texts(reply) == ["I write to mira@example.com."] == ["".join(someone.streamed)]
    assert all("mira@" not in said.text for said in model.requests[0].messages)


def test_a_tools_answer_is_told_as_data_and_counted(person, model, tool, served) -> None:
    tool()
    reply = person().says('CALL order_status {"order": "AC-1"}')
    assert [(name, dict(arguments)) for name, arguments, _ in served] == [("order_status", {"order": "AC-1"})]
    told = model.requests[1].messages[-1]
    assert told.role == "tool" and told.text.startswith('<data kind="tool_result"') and "in transit" in told.text
    assert reply.why["tools"] == [{"name": "order_status", "outcome": "ok", "took_ms": 3}]
    assert reply.usage["input_tokens"] == 20


def test_a_model_that_calls_for_ever_is_stopped(person, model, tool, served) -> None:
    tool()
    served.answer = 'CALL order_status {"order": "1"} CALL order_status {"order": "2"} CALL order_status {"order": "3"}'
    person().says(" ".join(f'CALL order_status {{"order": "x{n}"}}' for n in range(9)))
    assert len(served) <= 12 and len(model.requests) <= 4


def test_the_model_may_give_the_conversation_to_a_human(person, model) -> None:
    reply = person().says("nobody understands what my tent poles are about: CALL hand_over {}")
    assert (reply.handover, reply.handover_reason) == (True, "engine") and reply.contents


def test_a_tool_that_was_switched_off_is_not_there(person, model, tool, served) -> None:
    tool(enabled=False)
    assert person().says('CALL order_status {"order": "AC-1"}').why["tools"][0]["outcome"] == "refused:unknown_tool"
    assert served == []


def test_a_model_is_shown_all_that_a_tenant_lists_beside_ours(person, model, tool, tenant) -> None:
    """With a shop, six of ours took the places of the last of a full list."""
    names = [f"tool_{number:02}" for number in range(MOST)]
    for name in names:
        tool(name)
    with tenant_scope(tenant.id):
        ProductSource.objects.create(tenant=tenant, products=GOODS)
    person().says("nobody understands what my tent poles are about")
    shown = [one.name for one in model.requests[0].tools]
    assert shown[-MOST:] == names and len(shown) == len(set(shown)) == MOST + 7


def test_another_tenants_tools_prompts_and_articles_are_not_there(person, model, tool, served, other_tenant) -> None:
    tool("mine")
    with tenant_scope(other_tenant.id):
        Tool.objects.create(tenant=other_tenant, name="theirs", title="t", description="d", schema={"type": "object"},
                            url="https://theirs.example.com", secret="whsec_" + "A" * 32)  # fmt: skip
        prompt_activate(prompt_write("Their secret instructions."))
    person().says("CALL theirs {}")
    assert [one.name for one in model.requests[0].tools] == ["hand_over", "mine"]
    assert "Their secret" not in model.requests[0].messages[0].text and served == []


def test_no_answer_in_another_tenants_scope(person, other_tenant) -> None:
    request = EngineRequest(uuid.UUID(int=9), uuid.UUID(int=2), "web", (text("x"),))
    with pytest.raises(EngineError, match="tenant_mismatch"), tenant_scope(other_tenant.id):
        person().engine.respond(request)
