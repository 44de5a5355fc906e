"""Threads under retention, erasure and after their deletion (API-3, PRIV-2, PRIV-3): one house with the chats."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from conversations.models import Contact, Conversation, Event, Message
from messaging.housekeeping import STEPS
from messaging.privacy import erase, purge
from messaging.privacy.erase import erasure_go_on, erasure_start
from messaging.privacy.export.job import export_start
from messaging.threads import leftovers, rows
from messaging.threads.people import Who
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.storage.db import now
from tests.messaging.threads.test_threads import THREADS, opened, wrote

pytestmark = pytest.mark.django_db(transaction=True)
OLD = timedelta(days=31)


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(erase, "PAUSE", timedelta(0))
    purge.rest.end()
    leftovers.rest.end()
    yield
    purge.rest.end()
    leftovers.rest.end()


def always() -> bool:
    return True


def told(tenant: Tenant) -> None:
    """Every event has been handed on."""
    Event.objects.filter(tenant=tenant).update(published_at=now(), streamed_at=now())


def test_a_thread_in_which_nothing_happens_goes(scope: Tenant, api: Any) -> None:
    client = api(scope)
    quiet, busy = opened(client, "l-1"), opened(client, "l-2")
    for thread in (quiet, busy):
        wrote(client, thread, "words")
    told(scope)
    Event.objects.update(created_at=now() - OLD)
    Conversation.objects.filter(id=quiet["id"]).update(last_message_at=now() - OLD)
    Tenant.objects.filter(id=scope.id).update(settings={"retention_days": 30})
    tenant_settings.invalidate(scope.id)
    shown = client.data_of(client.get("/api/v2/retention"))
    assert (shown["conversations"], shown["messages"]) == (1, 1)
    STEPS["retention"](always)
    assert [str(row.id) for row in Conversation.objects.all()] == [busy["id"]]
    assert Message.objects.count() == 1
    gone = Event.objects.get(type="CHAT_THREAD_DELETED")
    assert (gone.payload["thread_id"], gone.payload["learner_id"], gone.conversation_id) == (quiet["id"], "l-1", None)


def test_a_thread_that_was_deleted_by_request_is_told_once(scope: Tenant, api: Any) -> None:
    client = api(scope)
    thread = opened(client)
    client.delete(f"{THREADS}/{thread['id']}")
    told(scope)
    Event.objects.update(created_at=now() - OLD)
    Conversation.objects.update(last_message_at=now() - OLD, ended_at=now() - OLD)
    Tenant.objects.filter(id=scope.id).update(settings={"retention_days": 30})
    tenant_settings.invalidate(scope.id)
    STEPS["retention"](always)
    assert (Conversation.objects.count(), Event.objects.count()) == (0, 0)


def test_an_erasure_takes_the_learners_threads_and_no_others(scope: Tenant, api: Any) -> None:
    client = api(scope)
    theirs, others = opened(client, "l-1", subject="zebrafink"), opened(client, "l-2")
    for thread in (theirs, others):
        wrote(client, thread, "words")
    contact = Contact.objects.get(identities__value="l-1")
    begun = erasure_start(contact.id, "system")
    erasure_go_on(begun.id, always)
    assert client.get(f"{THREADS}/{theirs['id']}").status_code == 404
    assert erasure_go_on(begun.id, always)
    assert [str(row.id) for row in Conversation.objects.all()] == [others["id"]]
    assert (Message.objects.count(), Event.objects.filter(payload__learner_id="l-1").count()) == (1, 0)
    anew = opened(client, "l-1")
    assert Conversation.objects.get(id=anew["id"]).contact_id != contact.id


@pytest.mark.parametrize(
    ("type", "start"), [("DELETION", erasure_start), ("EXPORT", export_start)], ids=["delete", "export"]
)
def test_a_request_of_privacy_is_told_by_ids_alone(scope: Tenant, api: Any, type: str, start: Any) -> None:
    opened(api(scope), "l-1")
    contact = Contact.objects.get()
    begun = start(contact.id, "system")
    asked = Event.objects.get(type=f"CHAT_PRIVACY_{type}_REQUESTED")
    assert asked.payload == {
        "learner_id": str(contact.id), "contact_id": str(contact.id), "request_id": str(begun.id),
    }  # fmt: skip


def test_a_deleted_thread_leaves_its_last_event_for_a_month(scope: Tenant, api: Any) -> None:
    client = api(scope)
    thread = opened(client, subject="zebrafink", metadata={"a": "b"})
    wrote(client, thread, "words")
    client.delete(f"{THREADS}/{thread['id']}")
    told(scope)
    row = Conversation.objects.get()
    assert (row.subject, row.context, Message.objects.count()) == ("", {}, 0)
    for ago, left in ((timedelta(days=29), 1), (OLD, 0)):
        Conversation.objects.update(ended_at=now() - ago)
        leftovers.rest.end()
        STEPS["deleted_threads"](always)
        assert (Conversation.objects.count(), bool(Event.objects.count())) == (left, bool(left))


def test_a_deletion_that_was_broken_off_is_gone_on_with(
    scope: Tenant, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(scope)
    thread = opened(client)
    wrote(client, thread, "words")

    def dies(_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rows, "_messages_delete", dies)
        with pytest.raises(KeyboardInterrupt):
            rows.thread_delete(thread["id"], Who("system", "staff"))
    assert (client.get(f"{THREADS}/{thread['id']}").status_code, Message.objects.count()) == (404, 1)
    told(scope)
    STEPS["deleted_threads"](always)
    assert Message.objects.count() == 1, "the request may still be at it"
    Conversation.objects.update(ended_at=now() - timedelta(minutes=11))
    leftovers.rest.end()
    STEPS["deleted_threads"](always)
    assert (Message.objects.count(), Conversation.objects.count()) == (0, 0)
