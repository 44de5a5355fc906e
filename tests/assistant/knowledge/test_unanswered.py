"""What nothing answered is noted and listed, the like together, until an article answers it (AI-7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from assistant.intents import lessons as memory
from assistant.knowledge import search
from assistant.knowledge.articles import article_change
from assistant.knowledge.indexed import articles_go_on
from assistant.knowledge.unanswered import questions_unanswered, unanswered_note
from assistant.models import KnowledgeEntry, Unanswered, VectorLane
from assistant.vectors.lanes import vectors_go_on
from conversations.models import Message
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.assistant.vectors.conftest import read_off_words  # noqa: F401
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v2/knowledge/unanswered"


@pytest.fixture(autouse=True)
def looked_at_once(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(search, "LOOK_EVERY_S", 0.0)
    yield
    search.forget_all()
    memory.forget_all()


def go_on() -> None:
    VectorLane.objects.unscoped().update(due_at=now())
    vectors_go_on(lambda: True, [articles_go_on])


def note(row: Message) -> None:
    unanswered_note(row.id, row.conversation_id)


@pytest.fixture
def asked(scope, other_tenant) -> list[Message]:
    texts = ("do you lend tall ladders", "do you lend ladders", "ladders?", "can dogs come in here", "Ladders?")
    rows = [MessageFactory(tenant=scope, text=text) for text in texts]
    for row in rows:
        note(row)
        note(row)
    with tenant_scope(other_tenant.id):
        note(MessageFactory(tenant=other_tenant, text="do you lend ladders"))
    go_on()
    return rows


def listed(client: Any) -> list[tuple[str, int]]:
    return [(one["text"], one["count"]) for one in client.data_of(client.get(ADDRESS))["items"]]


def test_the_like_stand_together_the_most_frequent_first(tenant, api, asked) -> None:
    assert sorted(listed(api(tenant))[:2]) == [("Ladders?", 2), ("do you lend ladders", 2)]
    assert listed(api(tenant))[2:] == [("can dogs come in here", 1)]
    [first, *_] = [one for one in questions_unanswered(9) if one.text == "do you lend ladders"]
    assert first.message_ids == (asked[1].id, asked[0].id)


def test_an_article_that_answers_it_takes_it_off_the_list(tenant, scope, api, asked) -> None:
    KnowledgeEntry.objects.create(tenant=scope, title="do you lend ladders", answer="We do.")
    go_on()
    assert "do you lend ladders" not in [text for text, _ in listed(api(tenant))]


def test_an_article_takes_off_what_has_too_few_words_for_a_vector(tenant, scope, api, asked) -> None:
    """ "Ladders?" stayed on the list for ever: it was looked for by its vector alone, and has none."""
    KnowledgeEntry.objects.create(tenant=scope, title="Ladders", answer="We lend them, from 9 euros a day.")
    go_on()
    assert "Ladders?" not in [text for text, _ in listed(api(tenant))]


def test_what_the_tenant_holds_for_too_unlike_an_article_stays_listed(tenant, scope, api, asked) -> None:
    KnowledgeEntry.objects.create(tenant=scope, title="Can I lend ladders of you", answer="We do.")
    go_on()
    there = []
    for known in (0.38, 0.9):
        tenant.settings = {**tenant.settings, "assistant": {"known": known}}
        tenant.save()
        invalidate(tenant.id)
        there.append("do you lend ladders" in [text for text, _ in listed(api(tenant))])
    assert there == [False, True]


def test_an_article_that_was_there_when_it_was_asked_is_not_the_answer(tenant, scope, api, asked) -> None:
    """Who said "none of these" to the article of gift cards asks for gift wrapping still."""
    article = KnowledgeEntry.objects.create(tenant=scope, title="do you lend ladders", answer="We do.")
    KnowledgeEntry.objects.update(updated_at=asked[0].created_at - timedelta(hours=1))
    go_on()
    assert "do you lend ladders" in [text for text, _ in listed(api(tenant))]
    article_change(article, {"answer": "We do, from 9 euros a day."})
    go_on()
    assert "do you lend ladders" not in [text for text, _ in listed(api(tenant))]


def test_languages_stand_apart_and_wordings_are_told(scope) -> None:
    """The vectors of both are alike, as an encoder of many languages makes them; an article is in one."""
    for text, language in (
        ("do you lend ladders", "en"),
        ("Do you lend  ladders?", "en"),
        ("you do lend ladders", "en"),
        ("lend you do ladders", "de"),
    ):
        note(MessageFactory(tenant=scope, text=text, language=language))
    go_on()
    [english, german] = questions_unanswered(9)
    assert (english.count, english.language, english.texts) == (
        3,
        "en",
        ("you do lend ladders", "Do you lend  ladders?"),
    )
    assert (german.count, german.texts) == (1, ("lend you do ladders",))


def test_what_was_deleted_is_not_listed(tenant, api, asked) -> None:
    Message.objects.filter(text__icontains="ladders").update(text="", deleted_at=now())
    assert listed(api(tenant)) == [("can dogs come in here", 1)]


def test_it_takes_the_permission_to_read_messages(tenant, api, asked) -> None:
    assert api(tenant, "intents:read").get(ADDRESS).status_code == 403


def test_without_vectors_the_same_words_stand_together(scope, settings) -> None:
    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": False}
    for text in ("Ladders?", "ladders?", "Dogs?"):
        note(MessageFactory(tenant=scope, text=text))
    assert [(one.text, one.count) for one in questions_unanswered(9)] == [("ladders?", 2), ("Dogs?", 1)]
    assert Unanswered.objects.count() == 3


def test_a_question_is_dismissed_by_rest_with_the_like_of_it(tenant, other_tenant, api, asked) -> None:
    where = f"{ADDRESS}/{asked[1].id}/dismiss"
    assert api(tenant, "messages:read").post(where).status_code == 403
    assert api(other_tenant).post(where).status_code == 404
    client = api(tenant)
    assert client.data_of(client.post(where)) == {"messages": 2}
    assert "do you lend ladders" not in [text for text, _ in listed(client)]
    again = client.post(where)
    assert (again.status_code, client.error_of(again)["code"]) == (404, "question_not_found")
    assert AuditEntry.objects.filter(action="question.dismissed").count() == 1
