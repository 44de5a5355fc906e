"""Vectors follow messages in the background: once each, and what was said otherwise since is made anew (AI-8)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assistant.knowledge import indexed
from assistant.knowledge.indexed import articles_go_on
from assistant.models import KnowledgeEntry, Vector, VectorLane
from assistant.vectors import lanes, rows, texts
from assistant.vectors.lanes import vectors_go_on
from assistant.vectors.port import StoreAway
from assistant.vectors.reindex import lane_take, messages_left
from assistant.vectors.rows import Text, digest_of, messages_forget, store, vectors_keep, vectors_like
from conversations.models import Message
from tenants.scope import tenant_scope
from tenants.storage.db import now, on_mongo
from tests.assistant.vectors.conftest import of_words
from tests.factories import ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
LOST = "my parcel is lost"


def go_on() -> int:
    VectorLane.objects.unscoped().update(due_at=now())
    return vectors_go_on(lambda: True, [articles_go_on])


@pytest.fixture
def said(scope) -> Message:
    return MessageFactory(tenant=scope, text=LOST)


def digests() -> list[str]:
    return sorted(Vector.objects.filter(stored=True).values_list("digest", flat=True))


def test_what_people_and_staff_say_is_made_into_vectors_once(scope, other_tenant, said) -> None:
    MessageFactory(tenant=scope, role="agent", direction="outbound", text="We look for your parcel")
    MessageFactory(tenant=scope, role="bot", direction="outbound", text="How can I help you today?")
    MessageFactory(tenant=scope, text="ok")
    MessageFactory(tenant=scope, text="this was taken back again", deleted_at=now())
    with tenant_scope(other_tenant.id):
        MessageFactory(tenant=other_tenant, text="another house, another parcel")
    assert (go_on(), go_on()) == (3, 0)
    assert digests() == sorted(map(digest_of, [LOST, "We look for your parcel"]))
    [found] = vectors_like("message", of_words(["parcel lost"])[0], 1)
    assert (found.ref_id, found.conversation_id) == (said.id, said.conversation_id)


@pytest.mark.skipif(on_mongo(), reason="no SQL there")
def test_a_batch_is_written_in_two_transactions(scope) -> None:
    for number in range(20):
        MessageFactory(tenant=scope, text=f"this is question number {number}")
    with CaptureQueriesContext(connection) as asked:
        assert go_on() == 20
    sql = [one["sql"] for one in asked]
    assert sum(one.startswith('INSERT INTO "assistant_vector" ') for one in sql) == 1
    assert sum(one.startswith("BEGIN") for one in sql) == 3  # the lane; the rows; their numbers


def test_a_vector_that_another_worker_makes_holds_up_none(scope, said, monkeypatch) -> None:
    """Its row came between our look and our own."""
    other = MessageFactory(tenant=scope, text="this is another question")
    taken = Vector(tenant=scope, model=texts.MODEL, kind="message", ref_id=said.id, digest="theirs")

    def digest(text: str) -> str:
        if text == LOST:
            taken.save()
        return digest_of(text)

    monkeypatch.setattr(rows, "digest_of", digest)
    assert vectors_keep("message", [Text(said.id, LOST), Text(other.id, other.text)]) == 1
    assert set(Vector.objects.values_list("ref_id", "digest")) == {
        (said.id, "theirs"),
        (other.id, digest_of(other.text)),
    }


def test_batches_follow_each_other(scope, monkeypatch) -> None:
    monkeypatch.setattr(lanes, "BATCH", 2)
    talk = ConversationFactory(tenant=scope)
    for number in range(5):
        MessageFactory(tenant=scope, conversation=talk, text=f"this is question number {number}")
    Message.objects.update(created_at=now())  # all in one millisecond
    assert (go_on(), go_on(), Vector.objects.count()) == (5, 0, 5)


def test_what_came_late_is_made_all_the_same(scope, said) -> None:
    go_on()
    late = MessageFactory(tenant=scope, text="this was committed late")
    Message.objects.filter(id=late.id).update(created_at=now() - lanes.AGAIN / 2)
    assert go_on() == 1


def test_what_was_edited_is_found_by_its_new_words_only(scope, said) -> None:
    go_on()
    Message.objects.filter(id=said.id).update(text="when do you open on sunday")
    messages_forget([said.id])
    assert vectors_like("message", of_words([LOST])[0], 1) == []
    assert (go_on(), digests()) == (1, [digest_of("when do you open on sunday")])


def test_what_was_deleted_is_forgotten(scope, said) -> None:
    go_on()
    Message.objects.filter(id=said.id).update(text="", deleted_at=now())
    messages_forget([said.id])
    assert (go_on(), Vector.objects.count()) == (0, 0)


def test_what_a_lost_worker_began_is_done_by_the_next(scope, said, monkeypatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(rows.Embedded, "upsert", _away)
        assert (go_on(), Vector.objects.filter(stored=False).count()) == (0, 1)
    assert (go_on(), digests()) == (1, [digest_of(LOST)])


def _away(*_: object) -> None:
    raise StoreAway("http_503")


def test_a_lane_that_a_worker_is_at_is_left_to_it(scope, said) -> None:
    go_on()
    MessageFactory(tenant=scope, text="one more question of mine")
    VectorLane.objects.update(claim=said.id, due_at=now() + lanes.LEASE)
    assert vectors_go_on(lambda: True, []) == 0


def test_without_the_setting_messages_are_left_alone(scope, said, settings) -> None:
    settings.ENV = {**settings.ENV, "VECTORS_OF_MESSAGES": False}
    assert (go_on(), Vector.objects.count()) == (0, 0)
    settings.ENV = {**settings.ENV, "VECTORS_OF_MESSAGES": True, "ASSISTANT_MEANING": False}
    assert (go_on(), VectorLane.objects.count()) == (0, 1)


def test_articles_are_followed_through_every_change(scope, monkeypatch) -> None:
    monkeypatch.setattr(lanes, "BATCH", 2)
    monkeypatch.setattr(indexed, "BATCH", 2)
    entry = KnowledgeEntry.objects.create(tenant=scope, title="Returns", questions=["Send it back?"], answer="30 days.")
    KnowledgeEntry.objects.create(tenant=scope, title="Draft", answer="Not yet.", enabled=False)
    assert (go_on(), go_on()) == (3, 0)
    kept = set(Vector.objects.values_list("id", flat=True))
    entry.questions = ["How do I return it?"]
    entry.save()
    assert go_on() == 1
    assert len(kept & set(Vector.objects.values_list("id", flat=True))) == 2
    entry.delete()
    assert (go_on(), Vector.objects.count()) == (0, 0)


def test_vectors_of_another_encoder_stay_and_new_ones_are_made(scope, said, monkeypatch) -> None:
    go_on()
    monkeypatch.setattr(texts, "MODEL", "another/512")
    assert (go_on(), sorted(Vector.objects.values_list("model", flat=True))) == (
        1, ["another/512", "use-multilingual-v3-r2/512"],
    )  # fmt: skip


def test_all_are_made_anew_by_command(scope, other_tenant, said, vector_store, capsys) -> None:
    KnowledgeEntry.objects.create(tenant=scope, title="Returns", answer="30 days.")
    with tenant_scope(other_tenant.id):
        MessageFactory(tenant=other_tenant, text="another house, another parcel")
    go_on()
    Vector.objects.filter(kind="article").update(model="older/512")
    call_command("reindex_vectors", tenant=scope.slug)
    assert "3 vectors taken away, 3 made" in capsys.readouterr().out
    assert Vector.objects.filter(stored=True, model=texts.MODEL).count() == 3
    call_command("reindex_vectors", forget=True)
    assert (Vector.objects.unscoped().count(), store().count("message")) == (0, 0)
    assert go_on() == 4


def test_a_run_that_was_killed_is_gone_on_with(scope, vector_store, monkeypatch, capsys) -> None:
    monkeypatch.setattr(lanes, "BATCH", 2)
    for number in range(6):
        MessageFactory(tenant=scope, text=f"this is question number {number}")
    batches: list[int] = []

    def killed(given: list[str]) -> Any:
        batches.append(len(given))
        if len(batches) == 3:
            raise KeyboardInterrupt
        return of_words(given)

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(texts, "encoded", killed)
        dying.setattr(lanes, "settle", lambda *given, **options: None)  # nor does it put down what it has
        call_command("reindex_vectors")
    assert (store().count("message"), VectorLane.objects.filter(claim=None).count(), messages_left()) == (4, 0, 2)
    call_command("reindex_vectors", resume=True)
    assert "0 vectors taken away, 2 made.\n" in capsys.readouterr().out
    assert (store().count("message"), Vector.objects.count(), messages_left()) == (6, 6, 0)


def test_of_two_runs_the_first_stops_and_says_so(scope, said, monkeypatch, capsys) -> None:
    def meanwhile(given: list[str]) -> Any:
        lane_take()
        VectorLane.objects.update(claim=uuid.uuid4())
        return of_words(given)

    monkeypatch.setattr(texts, "encoded", meanwhile)
    call_command("reindex_vectors")
    assert "1 made. Another run" in capsys.readouterr().out
