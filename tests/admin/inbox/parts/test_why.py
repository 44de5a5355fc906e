"""Why an answer was given, and what staff do with it: asked again, asked of others (ADM-1, ADM-2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assistant import engines
from assistant.models import KnowledgeEntry
from conversations.models import Conversation, Message
from messaging.admin.inbox.why import page as why_page
from messaging.assist import asking
from messaging.models import Turn
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tests.admin.conftest import World, rows
from tests.admin.inbox.parts.asking import AGENT, at, error_of

pytestmark = pytest.mark.django_db(transaction=True)


def explain(acme: World, **why: Any) -> int:
    row = rows(Message).get(conversation=acme.conversation, role="bot")
    rows(Message).filter(pk=row.pk).update(analysis={"engine": "builtin", "why": why})
    return row.seq


def test_an_answer_tells_how_it_came_about(staff_of: Any, acme: World) -> None:
    models = [
        {"model": "small-1", "input_tokens": 7, "cost_usd": 0.25},
        {"model": "tiny", "cost_usd": 0.0000061},
        {"cost_usd": "much"},
    ]
    seq = explain(acme, settled="letters", intents=[["returns", 0.91], "odd"], chunks=[{"title": "<b>Returns</b>", "score": 0.5}],
                  prompt="odd", models=models)  # fmt: skip
    agent = staff_of(acme.tenant, AGENT)
    assert f"{at(acme, 'why')}?seq={seq}" in agent.get(at(acme, "entries")).content.decode()
    page = agent.get(at(acme, "why", seq=seq)).content.decode()
    for words in ("91 %", "&lt;b&gt;Returns", "small-1", "0.25 USD", "0.0000061 USD", "much USD", "It knew the words"):
        assert words in page


def test_an_answer_in_a_models_place_says_why_in_words(staff_of: Any, acme: World) -> None:
    seq = explain(acme, settled="letters", degraded="llm_timeout", prompt={"version": 3, "tokens": 805, "left_out": {"turns": 2}},
                  tools=[{"name": "stock", "outcome": "refused:not_agreed"}])  # fmt: skip
    rows(Message).filter(conversation=acme.conversation, role="bot").update(
        analysis={**rows(Message).get(conversation=acme.conversation, role="bot").analysis, "degraded": True}
    )
    page = staff_of(acme.tenant, AGENT).get(at(acme, "why", seq=seq)).content.decode()
    for words in ("The model did not answer in time.", "version 3", "2 earlier turns", "refused: not agreed"):
        assert words in page


def test_models_that_gave_no_answer_stand_there_with_their_reason(staff_of: Any, acme: World) -> None:
    failed = {"model": "house/small", "outcome": "llm_denied", "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
    seq = explain(acme, settled="llm", models=[failed, {"model": "spare-7", "outcome": "stop", "input_tokens": 7}])
    page = staff_of(acme.tenant, AGENT).get(at(acme, "why", seq=seq)).content.decode()
    row = page[page.index("house/small") : page.index("spare-7")]
    assert "The provider refuses the key." in row and row.count("<td>–</td>") == 3 and "0.00" not in row


def test_a_hand_over_is_told_and_articles_are_a_step_away(staff_of: Any, acme: World, globex: World) -> None:
    with tenant_scope(acme.tenant.id):
        kept = KnowledgeEntry.objects.create(tenant=acme.tenant, title="Returns", answer="30 days")
    with tenant_scope(globex.tenant.id):
        theirs = KnowledgeEntry.objects.create(tenant=globex.tenant, title="Theirs", answer="?")
    chunks = [{"kind": "article", "id": str(id), "title": "x", "score": 0.5} for id in (kept.pk, theirs.pk, "odd")]
    seq = explain(
        acme, settled="letters", handover="requested", chunks=chunks, sources=[{**chunks[0], "title": "Returns"}]
    )
    where = reverse("admin:assistant_knowledgeentry_change", args=[kept.pk])
    page = staff_of(acme.tenant, (*AGENT, "intents:read")).get(at(acme, "why", seq=seq)).content.decode()
    assert "A colleague was called." in page and page.count(where) == 2 and str(theirs.pk) not in page
    assert where not in staff_of(acme.tenant, AGENT).get(at(acme, "why", seq=seq)).content.decode()


def test_a_model_that_is_not_asked_says_that_the_builtin_settles_it(staff_of: Any, acme: World, monkeypatch) -> None:
    seq = explain(acme, settled="letters")
    asked = rows(Message).filter(conversation=acme.conversation, role="visitor").first()
    rows(Message).filter(conversation=acme.conversation, role="bot").update(reply_to=asked.id)
    monkeypatch.setattr(why_page, "engines_shown", lambda: [("model:house/x", "house/x")])
    monkeypatch.setattr(asking, "engine_named", lambda name, tenant: engines.engine_named("builtin", tenant))
    page = staff_of(acme.tenant, AGENT).post(at(acme, "why", seq=seq), {"engines": ["model:house/x"]})
    assert "The built-in assistant knows this for certain" in page.content.decode()


def test_the_assistant_answers_again_where_it_may(staff_of: Any, acme: World, globex: World) -> None:
    seq, member = explain(acme, settled="letters"), staff_of(acme.tenant, (*AGENT, "messages:write"))
    asked = rows(Message).filter(conversation=acme.conversation, role="visitor").last()
    rows(Message).filter(conversation=acme.conversation, role="bot").update(reply_to=asked.id)
    rows(Turn).filter(conversation=acme.conversation).update(status="answered")
    rows(Conversation).filter(pk=acme.conversation.pk).update(control_owner="bot", is_open=True, status="active")

    def offered(client: Client) -> bool:
        return 'name="again"' in client.get(at(acme, "why", seq=seq)).content.decode()

    before = rows(Turn).count()
    reads = staff_of(acme.tenant, AGENT)
    assert (offered(member), offered(reads)) == (True, False)
    assert reads.post(at(acme, "why", seq=seq), {"again": "1"}).status_code == 403
    assert staff_of(globex.tenant).post(at(acme, "why", seq=seq), {"again": "1"}).status_code == 404
    assert rows(Turn).count() == before
    assert member.post(at(acme, "why", seq=seq), {"again": "1"}).headers["Location"].startswith("/admin/inbox/")
    assert rows(Turn).count() == before + 1
    assert rows(AuditEntry).filter(action="message.regenerated").count() == 1
    refused = member.post(at(acme, "why", seq=seq), {"again": "1"}, follow=True)
    assert "An answer is under way." in refused.content.decode()
    rows(Conversation).filter(pk=acme.conversation.pk).update(control_owner="human")
    assert not offered(member)


def test_others_are_asked_the_same_and_nothing_comes_of_it(staff_of: Any, acme: World) -> None:
    seq, before = explain(acme, settled="letters"), rows(Message).count()
    agent = staff_of(acme.tenant, AGENT)
    unasked = agent.post(at(acme, "why", seq=seq), {"engines": ["builtin"]})
    assert "Only words of a person" in unasked.content.decode()  # it answered none
    asked = rows(Message).filter(conversation=acme.conversation, role="visitor").first()
    rows(Message).filter(conversation=acme.conversation, role="bot").update(reply_to=asked.id)
    page = agent.post(at(acme, "why", seq=seq), {"engines": ["current", "builtin"]})
    assert [one["who"] for one in page.context["answers"]] == ["What answers people now", "The built-in assistant"]
    assert all(one["text"] in page.content.decode() for one in page.context["answers"])
    assert (rows(Message).count(), rows(AuditEntry).filter(action="conversation.compared").count()) == (before, 1)
    wrong = [{}, {"engines": ["model:other"]}, {"engines": ["prompt:7"]}]
    for given in wrong:
        page = agent.post(at(acme, "why", seq=seq), given)
        assert (page.context["answers"], page.context["form"].is_valid()) == ([], False)
    assert staff_of(acme.tenant, ("conversations:read",)).post(at(acme, "why", seq=seq)).status_code == 403


def test_only_answers_of_the_bot_are_explained_and_only_to_those_who_read(
    staff_of: Any, acme: World, globex: World
) -> None:
    seq = explain(acme, settled="letters")
    agent = staff_of(acme.tenant, AGENT)
    assert error_of(agent.get(at(acme, "why", seq=1))) == "message_not_found"
    assert agent.get(at(acme, "why", seq="x")).status_code == 400
    assert staff_of(globex.tenant).get(at(acme, "why", seq=seq)).status_code == 404
    assert staff_of(acme.tenant, ("conversations:read",)).get(at(acme, "why", seq=seq)).status_code == 403
