"""The search's index through the journey: what comes in, changes and goes is found as it is now, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Revision, Sender
from channels_app.words.folding import folded
from conversations.models import Message
from conversations.search import backfill, forget
from conversations.search.backfill import words_fill
from conversations.search.find import found_page, wanted
from conversations.search.forget import index_renew, words_forget
from conversations.search.index import FORGOTTEN, FOUND, PLACES, SECOND, index_drop, index_make, triggers_keep
from messaging.housekeeping import STEPS, removal
from messaging.receipts.applying import item_apply as apply
from messaging.rules.agent_replies import agent_reply
from tenants.removal import removal_start
from tenants.scope import tenant_scope
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="FTS5's own tables")

ANA = Sender("phone", "+4915100000001")


def at(second):
    return datetime(2026, 11, 21, 12, 0, second, tzinfo=UTC)


def always():
    return True


def found(query):
    ids = found_page(wanted(query), size=100, cursor=None, shape=lambda page: [one.id for one in page])["items"]
    return [Message.objects.get(id=id).text for id in ids]


def shadow():
    """Every byte that SQLite's index keeps of words."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT block FROM {FOUND}_data")
        return b"".join(bytes(row[0]) for row in cursor.fetchall())


def rows_of(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def no_wait(monkeypatch):
    monkeypatch.setattr("tenants.removal.IN_FLIGHT", timedelta(0))  # what MongoDB waits for


@pytest.fixture
def said(scope, whatsapp):
    apply(whatsapp, InboundMessage("m1", ANA, text("Where is my zebra"), sent_at=at(0)))
    return Message.objects.get(platform_message_id="m1")


def test_what_people_and_staff_say_is_found_at_once(said):
    agent_reply(said.conversation_id, None, text("The zebra is on its way"))
    assert found("zebra") == ["The zebra is on its way", "Where is my zebra"]


def test_an_edit_is_found_by_its_new_words(said, whatsapp):
    apply(whatsapp, Revision("e1", "m1", ANA, text("Where is my giraffe"), at(1)))
    assert (found("zebra"), found("giraffe")) == ([], ["Where is my giraffe"])


@pytest.mark.parametrize("words", ["Where is my ZEBRA!?", "where is my zebra"])
def test_an_edit_that_changes_no_word_stays_found(said, whatsapp, words):
    apply(whatsapp, Revision("e1", "m1", ANA, text(words), at(1)))
    assert found("my zebra") == [words]


def test_what_a_person_takes_back_is_found_no_more(said, whatsapp):
    apply(whatsapp, Revision("d1", "m1", ANA, None, at(1)))
    assert found("zebra") == []
    assert Message.objects.get(id=said.id).words in ("", [])


def test_every_entry_of_the_journey_has_its_words(said, whatsapp):
    agent_reply(said.conversation_id, None, text("The zebra is on its way"))
    apply(whatsapp, Revision("d1", "m1", ANA, None, at(1)))
    assert Message.objects.count() > 2
    assert not Message.objects.filter(words=None).exists()


def test_an_update_counts_the_rows_of_messages_alone(said):
    assert Message.objects.filter(id=said.id).update(words=folded("another"), text="another") == 1
    assert Message.objects.filter(conversation=said.conversation_id).update(words="") == Message.objects.count()


def test_a_removed_tenant_leaves_the_other_found(tenant, other_tenant):
    [MessageFactory(tenant=one, text="my zebra", words=folded("my zebra")) for one in (tenant, other_tenant)]
    removal_start(tenant, "system")
    assert removal.removals_go_on(always) == 1
    with tenant_scope(other_tenant.id):
        assert found("zebra") == ["my zebra"]
    with tenant_scope(tenant.id):
        assert found("zebra") == []


# -------------------------------------------------------------------------- older messages


def test_what_an_older_release_wrote_is_indexed_by_house_keeping(scope, monkeypatch):
    monkeypatch.setattr(backfill, "BATCH", 2)
    place = MessageFactory(tenant=scope, text="zebra 0").conversation
    [MessageFactory(tenant=scope, conversation=place, text=f"zebra {number}") for number in range(1, 5)]
    MessageFactory(tenant=scope, conversation=place, text="")
    assert found("zebra") == []
    assert (STEPS["message_words"](always), words_fill(always)) == (6, 0)
    assert sorted(found("zebra")) == [f"zebra {number}" for number in range(5)]


def test_a_run_without_time_fills_nothing(scope):
    MessageFactory(tenant=scope, text="zebra")
    assert (words_fill(lambda: False), found("zebra")) == (0, [])


def test_a_text_that_changes_meanwhile_is_not_overwritten(scope, monkeypatch):
    message = MessageFactory(tenant=scope, text="zebra")
    real = backfill._written

    def late(rows):
        Message.objects.filter(id=message.id).update(text="giraffe", words=folded("giraffe"))
        return real(rows)

    monkeypatch.setattr(backfill, "_written", late)
    words_fill(always)
    assert (found("zebra"), found("giraffe")) == ([], ["giraffe"])


def test_the_command_finds_words_that_are_of_another_text(scope, other_tenant):
    MessageFactory(tenant=scope, text="zebra")
    Message.objects.filter(id=MessageFactory(tenant=scope, text="x", words=folded("x")).id).update(text="a zebra too")
    MessageFactory(tenant=other_tenant, text="right", words=folded("right"))
    told = StringIO()
    call_command("index_messages", "--forget", stdout=told)
    assert "3 messages looked at, 2 indexed." in told.getvalue()
    assert sorted(found("zebra")) == ["a zebra too", "zebra"]


# ------------------------------------------------------------------------------ shadows


@on_sqlite
def test_nothing_of_what_was_taken_back_is_left_in_shadow_tables(said, whatsapp):
    apply(whatsapp, InboundMessage("m2", ANA, text("A lion"), sent_at=at(0)))
    assert b"zebra" in shadow()
    apply(whatsapp, Revision("d1", "m1", ANA, None, at(1)))
    assert words_forget(always) == 0, "not a merge of everything for each word"
    assert words_forget(always, pause_s=0) == 1
    assert b"zebra" not in shadow()
    assert (found("lion"), rows_of(FORGOTTEN)) == (["A lion"], 0)


@on_sqlite
def test_a_merge_that_is_broken_off_is_begun_again(said, monkeypatch):
    monkeypatch.setattr(forget, "_merged", lambda index, pages: True)
    said.delete()
    turns = iter([True, False])
    assert words_forget(lambda: next(turns), pause_s=0) == 0
    monkeypatch.undo()
    assert rows_of(FORGOTTEN) == 1
    assert words_forget(always, pause_s=0) == 1
    assert b"zebra" not in shadow()


@on_sqlite
def test_a_tenant_that_goes_leaves_no_place(tenant):
    MessageFactory(tenant=tenant, text="my zebra", words=folded("my zebra"))
    assert (rows_of(PLACES), b"zebra" in shadow()) == (1, True)
    removal_start(tenant, "system")
    removal.removals_go_on(always)
    index_renew()
    assert (rows_of(PLACES), b"zebra" in shadow()) == (0, False)


@on_sqlite
def test_triggers_that_a_migration_dropped_come_back(said):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER message_words_in")
    triggers_keep()
    MessageFactory(tenant=said.tenant, text="A lion", words=folded("A lion"))
    assert found("lion") == ["A lion"]


@on_sqlite
def test_more_messages_of_one_second_than_there_are_places_are_all_found(scope):
    with connection.cursor() as cursor:  # the last place of that second is taken
        last = int(at(0).timestamp()) * SECOND + SECOND - 1
        cursor.execute(f"INSERT INTO {PLACES} (place, message_id) VALUES (%s, 'of no message')", [last])
    place = MessageFactory(tenant=scope, text="zebra 0", words=" zebra 0 ", created_at=at(0)).conversation
    for second in (0, 0, 1, 1, 2):
        MessageFactory(tenant=scope, conversation=place, text="zebra", words=" zebra ", created_at=at(second))
    assert len(found("zebra")) == 6
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {PLACES} WHERE message_id = 'of no message'")


def test_the_index_can_be_dropped_and_made_again(said):
    index_drop()
    index_make()
    index_make()
    words_fill(always)
    assert found("zebra") == ["Where is my zebra"]
