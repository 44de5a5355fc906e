"""What each tenant's assistant knows, when it learns anew, and that no tenant answers for another."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from assistant import demo
from assistant.demo import INTENTS, KNOWLEDGE, seed_assistant
from assistant.engines import engine_for
from assistant.intents import lessons as memory
from assistant.intents.lessons import invalidate, lessons
from assistant.intents.skills import digest_of, read_facts, read_skills
from assistant.models import Intent, KnowledgeEntry
from assistant.port import EngineError, EngineReply, EngineRequest
from channels_app.content.types import text
from tenants.models import Tenant
from tenants.scope import NoTenantScope, tenant_scope
from tests.factories import TenantFactory


def ask(tenant: Tenant, line: str, **settings: Any) -> EngineReply:
    request = EngineRequest(tenant.id, uuid.UUID(int=1), "web", (text(line),))
    with tenant_scope(tenant.id):
        return engine_for(settings).respond(request)


def teach(tenant: Tenant, name: str = "juggling", **members: Any) -> Intent:
    members = {"examples": ["can you juggle", "teach me juggling"], "responses": ["Three balls at once."]} | members
    return Intent.objects.unscoped().create(tenant=tenant, name=name, **members)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``clock.at`` is what the memory takes for the time, in seconds."""

    class Clock:
        at = 1000.0

        def monotonic(self) -> float:
            return self.at

    made = Clock()
    monkeypatch.setattr(memory, "time", made)
    return made


def test_answers_what_a_tenant_taught(tenant):
    teach(tenant)
    reply = ask(tenant, "Can you juggle?")
    assert (reply.intent, reply.confidence, reply.contents[0].text) == ("juggling", 1.0, "Three balls at once.")


def test_another_tenants_intents_and_knowledge_never_answer(tenant, other_tenant):
    teach(other_tenant)
    KnowledgeEntry.objects.unscoped().create(
        tenant=other_tenant, title="Secret", questions=["what is the secret"], answer="Forty-two."
    )
    assert ask(other_tenant, "what is the secret").contents[0].text == "Forty-two."
    assert ask(other_tenant, "can you juggle").intent == "juggling"
    for line in ("can you juggle", "what is the secret"):
        reply = ask(tenant, line)
        assert reply.intent not in ("juggling", "knowledge")
        assert "juggling" not in reply.confidence_scores


def test_two_tenants_with_the_same_intent_each_use_their_own_words(tenant, other_tenant):
    teach(tenant)
    teach(other_tenant, responses=["Five clubs."])
    assert ask(tenant, "can you juggle").contents[0].text == "Three balls at once."
    assert ask(other_tenant, "can you juggle").contents[0].text == "Five clubs."


def test_refuses_to_answer_in_another_tenants_scope(tenant, other_tenant):
    request = EngineRequest(other_tenant.id, uuid.UUID(int=1), "web", (text("hi"),))
    with tenant_scope(tenant.id), pytest.raises(EngineError, match="tenant_mismatch") as error:
        engine_for({}).respond(request)
    assert not error.value.retryable


def test_refuses_to_answer_outside_a_scope(tenant):
    with pytest.raises(NoTenantScope):
        engine_for({}).respond(EngineRequest(tenant.id, uuid.UUID(int=1), "web", (text("hi"),)))


def test_a_warm_answer_asks_the_database_nothing(scope, django_assert_num_queries):
    ask(scope, "hi")
    with django_assert_num_queries(0):
        ask(scope, "hello")


def test_looks_for_changes_every_few_seconds(scope, clock, django_assert_num_queries):
    before = lessons()
    clock.at += memory.CHECK_EVERY_S
    with django_assert_num_queries(3):
        assert lessons() is before
    with django_assert_num_queries(0):
        lessons()


def _change(tenant: Tenant, intent: Intent) -> None:
    intent.examples = ["do the balls"]
    intent.save()


def _delete(tenant: Tenant, intent: Intent) -> None:
    intent.delete()


def _add_fact(tenant: Tenant, intent: Intent) -> None:
    KnowledgeEntry.objects.create(tenant=tenant, title="A fact", answer="It is so.")


@pytest.mark.parametrize("alter", [_change, _delete, _add_fact])
def test_a_change_by_another_process_is_seen_after_a_while(scope, clock, alter):
    intent = teach(scope)
    before = lessons()
    alter(scope, intent)
    assert lessons() is before
    clock.at += memory.CHECK_EVERY_S
    assert lessons().digest != before.digest


def test_invalidate_is_seen_at_once_and_spares_other_tenants(tenant, other_tenant):
    with tenant_scope(other_tenant.id):
        others = lessons()
    assert ask(tenant, "can you juggle").intent != "juggling"
    teach(tenant)
    invalidate(tenant.id)
    assert ask(tenant, "can you juggle").intent == "juggling"
    with tenant_scope(other_tenant.id):
        assert lessons() is others


def test_lessons_keep_the_ones_in_use(tenant, other_tenant, monkeypatch):
    third = TenantFactory()
    monkeypatch.setattr(memory, "MAX_REMEMBERED", 2)
    for one in (tenant, other_tenant, tenant, third):
        ask(one, "hi")
    assert list(memory._remembered) == [tenant.id, third.id]


def test_memory_is_bound_by_bytes(tenant, other_tenant, settings):
    settings.ENV = {**settings.ENV, "ASSISTANT_MEMORY_MB": 0}
    ask(tenant, "hi")
    assert memory._remembered[tenant.id].size > 100_000
    ask(other_tenant, "hi")
    assert list(memory._remembered) == [other_tenant.id]


def test_threads_that_answer_at_once_do_not_mix_tenants(shop, monkeypatch):
    def learnt(former: Any, is_chosen: bool) -> tuple[Any, bool]:
        return replace(shop, digest=str(memory.current_tenant_id())), True

    monkeypatch.setattr(memory, "rows_stamp", lambda: 0)
    monkeypatch.setattr(memory, "held_stamp", lambda: None)
    monkeypatch.setattr(memory, "_catch_up", learnt)
    ids, wrong = [uuid.UUID(int=i) for i in range(8)], []

    def work(tenant_id: uuid.UUID) -> None:
        with tenant_scope(tenant_id):
            wrong.extend(found for _ in range(200) if (found := lessons().digest) != str(tenant_id))

    threads = [threading.Thread(target=work, args=(tenant_id,)) for tenant_id in ids * 2]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert wrong == []


def test_the_digest_does_not_hang_on_the_order_of_rows(tenant, other_tenant):
    for taught, names in ((tenant, ("a", "b")), (other_tenant, ("b", "a"))):
        for name in names:
            teach(taught, name)
    digests = []
    for one in (tenant, other_tenant):
        with tenant_scope(one.id):
            digests.append(digest_of(read_skills(), read_facts()))
    assert digests[0] == digests[1]


def test_an_own_intent_adds_to_the_common_one_of_that_name(scope):
    teach(scope, "greeting", examples=["ahoy"], responses=["Ahoy!"])
    assert ask(scope, "ahoy").contents[0].text == "Ahoy!"
    assert ask(scope, "hello").contents[0].text == "Ahoy!"


def test_replies_may_be_written_per_language(scope):
    teach(scope, responses=[{"type": "text", "text": "Drei Bälle.", "language": "de"}, "Three balls."])
    assert ask(scope, "can you juggle", languages=("de",)).contents[0].text == "Drei Bälle."
    assert ask(scope, "can you juggle", languages=("en",)).contents[0].text == "Three balls."


def test_settings_of_the_tenant_reach_the_assistant(scope):
    reply = ask(scope, "i love you", assistant={"handover_after": 1, "unheard_of": 3})
    assert reply.handover_reason == "misunderstood"


def test_the_demo_may_be_seeded_twice(scope):
    seed_assistant(scope)
    Intent.objects.filter(name="discount").update(title="Spoilt")
    seed_assistant(scope)
    assert Intent.objects.count() == len(INTENTS)
    assert KnowledgeEntry.objects.count() == len(KNOWLEDGE)
    assert Intent.objects.get(name="discount").title == "Discounts"
    assert ask(scope, "any promotions").intent == "discount"


def test_two_languages_of_the_demo_may_call_an_article_the_same(scope, monkeypatch):
    same = {("en", "Garantie"): {"answer": "Two years."}, ("fr", "Garantie"): {"answer": "Deux ans."}}
    monkeypatch.setattr(demo, "KNOWLEDGE", same)
    for _ in range(2):  # the second time the rows are there
        seed_assistant(scope)
        rows = KnowledgeEntry.objects.order_by("language").values_list("language", "title", "answer")
        assert list(rows) == [("en", "Garantie", "Two years."), ("fr", "Garantie", "Deux ans.")]


def test_a_process_that_loads_asks_the_database_little(scope, connection_queries):
    seed_assistant(scope)
    ask(scope, "hi")
    memory.forget_all()
    with connection_queries() as queries:
        ask(scope, "hi")
    assert len(queries) <= 7


@pytest.fixture
def connection_queries() -> Any:
    from django.db import connection

    return lambda: CaptureQueriesContext(connection)
