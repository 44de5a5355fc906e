"""After an erasure no byte of the person is left in the database, its log, its index and the files; the other person's
are untouched, and a person who writes anew is a new contact (PRIV-2, PRIV-3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from channels_app.contract import RawRequest
from conversations.contacts.people import contacts_join, contacts_merge, contacts_part
from conversations.models import Contact, ContactMerge, Conversation, Event, Identity, Message
from messaging.housekeeping import STEPS
from messaging.models import Delivery, InboundEvent, Turn
from messaging.privacy import erase
from messaging.privacy.erase import erasure_go_on, erasure_start
from messaging.privacy.holds import hold_place, holds_lift
from messaging.privacy.models import Erasure, Tombstone
from messaging.receive import receipt_process, receipt_store
from tenants.errors import Conflict, NotFound
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, now
from tenants.trail.audit import AuditEntry
from tests.messaging.arrivals import change
from tests.messaging.privacy.rita import RITA, TRACES, always, erased, left_in, writes

pytestmark = pytest.mark.django_db(transaction=True)
FOLDED = "ritaluna"  # as she is looked for
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="searches SQLite's file")
on_sql = pytest.mark.skipif("connection.vendor == 'mongodb'", reason="reads tables by SQL")


def everything() -> str:
    """Every column of every table."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        rows = []
        for name in names:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            rows += cursor.fetchall()
    return "\n".join(map(str, rows))


def raw_bytes() -> bytes:
    file = Path(connection.settings_dict["NAME"])
    log = Path(f"{file}-wal")
    return file.read_bytes() + (log.read_bytes() if log.exists() else b"")


@on_sql
def test_no_column_of_any_table_names_the_person(rita: Contact) -> None:
    before = everything()
    assert (left_in(before), FOLDED in before) == ([*TRACES], True)
    ids = [str(rita.id), rita.id.hex]
    erased(rita)
    after = everything()
    assert (left_in(after), FOLDED in after) == ([], False)
    kept = [row.target for row in AuditEntry.objects.all()]
    assert set(kept) == {f"contact:{ids[0]}"}, "the record has opaque ids"


@on_sqlite
def test_no_byte_is_left_in_the_file_and_its_log(rita: Contact) -> None:
    assert b"zebrafink" in raw_bytes()
    erased(rita)
    found = raw_bytes()
    assert [trace for trace in (*TRACES, FOLDED) if trace.encode() in found] == []


def test_files_go_and_the_other_person_stays(rita: Contact, tmp_path: Path) -> None:
    assert any(path.is_file() for path in tmp_path.rglob("*"))
    done = erased(rita)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (done.status, done.counts["conversations.Message"], done.counts["conversations.Contact"]) == ("done", 2, 1)
    assert [row.name for row in Contact.objects.all()] == ["Otto"]
    assert [row.text for row in Message.objects.all()] == ["My walrus"]
    assert (Conversation.objects.get().is_open, Turn.objects.count()) == (True, 1)
    bodies = [bool(row.request["body"]) for row in InboundEvent.objects.order_by("place")]
    assert bodies == [True, False], "the digest goes on refusing a repeat of it"


def test_a_person_who_writes_anew_is_a_new_contact(rita: Contact, whatsapp: Any) -> None:
    erased(rita)
    writes(whatsapp, RITA, "Rita", "Hello again", "wamid.N")
    fresh = Contact.objects.get(name="Rita")
    assert fresh.id != rita.id
    assert [row.text for row in Message.objects.filter(conversation__contact=fresh)] == ["Hello again"]


def test_what_is_written_while_an_erasure_goes_on_is_the_new_contacts(rita: Contact, whatsapp: Any) -> None:
    begun = erasure_start(rita.id, "system")
    erasure_go_on(begun.id, always)
    writes(whatsapp, RITA, "Rita", "Hello again", "wamid.N")
    assert erasure_go_on(begun.id, always)
    assert sorted(row.text for row in Message.objects.all()) == ["Hello again", "My walrus"]


def test_what_was_received_before_is_understood_first(rita: Contact, whatsapp: Any) -> None:
    told = {"from": RITA, "timestamp": "1764300000", "id": "wamid.L", "type": "text", "text": {"body": "late"}}
    body = json.dumps(change("messages", messages=[told])).encode()
    receipt = receipt_store(whatsapp, RawRequest("POST", "/", {"content-type": "application/json"}, body=body))
    begun = erasure_start(rita.id, "system")
    erasure_go_on(begun.id, always)
    assert Erasure.objects.get().detached_at is None
    assert receipt is not None
    receipt_process(receipt.id)
    STEPS["erasures"](always)
    assert STEPS["erasures"](always) == 1
    assert [row.text for row in Message.objects.all()] == ["My walrus"]


def test_nothing_is_under_way_once_the_ids_are_gone(rita: Contact) -> None:
    erasure_go_on(erasure_start(rita.id, "system").id, always)
    theirs = Conversation.objects.get(contact=rita)
    assert (theirs.is_open, theirs.control_owner) == (False, "human")
    assert not Delivery.objects.filter(conversation=theirs, status__in=Delivery.UNFINISHED).exists()
    assert not Turn.objects.filter(conversation=theirs, status__in=Turn.OPEN).exists()


@pytest.mark.parametrize("table", ["conversations.Message", "conversations.Contact"])
def test_a_worker_that_dies_is_followed_by_another(rita: Contact, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    begun = erasure_start(rita.id, "system")
    erasure_go_on(begun.id, always)
    real: Callable[..., int] = erase._batch

    def dies(erasure: Erasure, name: str, *rest: Any) -> int:
        if name == table:
            raise KeyboardInterrupt
        return real(erasure, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(erase, "_batch", dies)
        with pytest.raises(KeyboardInterrupt):
            erasure_go_on(begun.id, always)
    assert not erasure_go_on(begun.id, always), "its lease runs"
    Erasure.objects.filter(id=begun.id).update(due_at=now())
    assert erasure_go_on(begun.id, always)
    assert not Contact.objects.filter(id=rita.id).exists()


def test_a_legal_hold_refuses_with_its_reason(rita: Contact) -> None:
    hold_place(rita.id, "case 7/2026", "system")
    with pytest.raises(Conflict, match="case 7/2026") as refused:
        erasure_start(rita.id, "system")
    assert refused.value.code == "legal_hold"
    assert holds_lift(rita.id, "system") == 1
    erased(rita)


def test_a_hold_that_comes_later_stops_what_has_not_begun(rita: Contact) -> None:
    begun = erasure_start(rita.id, "system")
    hold_place(rita.id, "case 8/2026", "system")
    assert not erasure_go_on(begun.id, always)
    held = Erasure.objects.get()
    assert (held.table, held.claim, held.detached_at) == ("legal hold", None, None)
    assert not Identity.objects.filter(contact=rita, scheme=erase.ERASED).exists()
    assert Message.objects.filter(conversation__contact=rita).exists()


def test_a_hold_goes_with_a_merge(rita: Contact) -> None:
    otto = Contact.objects.get(name="Otto")
    hold_place(rita.id, "case 9/2026", "system")
    contacts_merge(otto.id, rita.id, "user:ana")
    with pytest.raises(Conflict, match="case 9/2026"):
        erasure_start(otto.id, "system")
    assert holds_lift(otto.id, "system") == 1


@pytest.mark.parametrize("begun", [False, True], ids=["asked", "detached"])
def test_who_is_being_erased_is_neither_merged_nor_parted(rita: Contact, begun: bool) -> None:
    otto = Contact.objects.get(name="Otto")
    erasure = erasure_start(rita.id, "system")
    for _ in range(begun):
        erasure_go_on(erasure.id, always)
    for kept, joined in ((otto, rita), (rita, otto)):
        with pytest.raises(Conflict) as refused:
            contacts_merge(kept.id, joined.id, "user:ana")
        assert refused.value.code == "being_erased"
    with pytest.raises(Conflict, match="erased"):
        contacts_part(ContactMerge.objects.get(contact=rita).id, "user:ana")


def test_what_was_told_of_a_merge_goes_with_the_one_who_was_parted(rita: Contact) -> None:
    otto = Contact.objects.get(name="Otto")
    contacts_merge(otto.id, rita.id, "user:ana")
    contacts_part(ContactMerge.objects.get(contact=otto, former_id=rita.id).id, "user:ana")
    told = Event.objects.filter(type__startswith="chat.contact.", payload__former_id=str(rita.id))
    assert told.count() == 2
    erased(rita)
    assert not told.exists()


def test_an_erasure_follows_its_contact_into_another_one(rita: Contact) -> None:
    """A platform calls both one person: that is never refused."""
    otto = Contact.objects.get(name="Otto")
    begun = erasure_start(rita.id, "system")
    with atomic():
        contacts_join(otto.id, [rita.id])
    for _ in range(2):
        assert not erasure_go_on(begun.id, always), "the ledger, then the ids"
    assert erasure_go_on(begun.id, always)
    assert (Erasure.objects.get().contact_id, Erasure.objects.get().status) == (otto.id, "done")
    assert (Contact.objects.count(), Message.objects.count(), ContactMerge.objects.count()) == (0, 0, 0)


def test_two_erasures_of_contacts_that_became_one_both_end(rita: Contact) -> None:
    otto = Contact.objects.get(name="Otto")
    first, second = (erasure_start(one.id, "system") for one in (rita, otto))
    with atomic():
        contacts_join(otto.id, [rita.id])
    assert not erasure_go_on(first.id, always), "waits for the other"
    erasure_go_on(second.id, always)
    assert erasure_go_on(second.id, always)
    assert erasure_go_on(first.id, always)
    assert Contact.objects.count() == 0


def test_the_index_is_made_anew_once_for_all_who_are_erased(rita: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[int] = []
    real = erase.index_renew

    def renew() -> None:
        renewed.append(Contact.objects.count())
        assert not Erasure.objects.filter(due_at__lt=now() + timedelta(minutes=20)).exists(), (
            "leased for as long as it takes"
        )
        real()

    monkeypatch.setattr(erase, "index_renew", renew)
    for contact in Contact.objects.all():
        erasure_start(contact.id, "system")
    assert [STEPS["erasures"](always), STEPS["erasures"](always)] == [0, 2]
    assert (renewed, Contact.objects.count()) == ([0], 0)


def test_a_contact_of_another_tenant_is_not_there(rita: Contact, other_tenant: Any) -> None:
    with tenant_scope(other_tenant.id), pytest.raises(NotFound):
        erasure_start(rita.id, "system")


def test_a_second_request_is_the_first_one(rita: Contact) -> None:
    assert erasure_start(rita.id, "system") == erasure_start(rita.id, "system")
    assert erased(rita).requested_by == "system"
    assert erasure_start(rita.id, "system").status == "done"


# ---------------------------------------------------------------------------- tombstones


def said_before(id: str, sent_at: Any, words: str) -> dict[str, Any]:
    return {
        "id": id, "conversation": "old", "channel": "web", "user_id": "u-rita", "role": "visitor",
        "content": {"type": "text", "text": words}, "sent_at": sent_at,
    }  # fmt: skip


def test_an_import_brings_nothing_back_that_is_older(scope: Any, web: Any, api: Any) -> None:
    client, where = api(scope), "/api/v2/chat/messages/import"
    early = said_before("1", "2025-11-03T10:00:00Z", "zebrafink")
    client.post(where, {"items": [early]})
    erased(Contact.objects.get())
    assert not Tombstone.objects.filter(digest__contains="u-rita").exists()
    again = client.data_of(client.post(where, {"items": [early]}))["items"][0]
    assert (again["status"], again["error"]["code"]) == ("refused", "person_erased")
    assert (Contact.objects.count(), Message.objects.count()) == (0, 0)
    Tombstone.objects.update(at=now() - timedelta(hours=2))
    late = said_before("2", (now() - timedelta(hours=1)).isoformat(), "hello")
    assert client.data_of(client.post(where, {"items": [early, late]}))["stored"] == 1


# ------------------------------------------------------------------------------- commands


def told(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("erase_contact", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_the_command_erases_and_a_dry_run_does_not(rita: Contact, scope: Any) -> None:
    preview = told(scope.slug, str(rita.id), "--dry-run")
    assert (preview["status"], preview["counts"]["conversations.Message"]) == ("preview", 2)
    assert (Erasure.objects.count(), Contact.objects.count()) == (0, 2)
    assert told(scope.slug, str(rita.id))["status"] == "done"
    assert Contact.objects.count() == 1


def test_the_commands_of_a_hold(rita: Contact, scope: Any) -> None:
    call_command("hold_contact", scope.slug, str(rita.id), "--reason", "case 9", stdout=StringIO())
    with pytest.raises(CommandError, match="case 9"):
        told(scope.slug, str(rita.id), "--dry-run")
    call_command("hold_contact", scope.slug, str(rita.id), "--lift", stdout=StringIO())
    assert told(scope.slug, str(rita.id), "--background")["status"] == "running"


@on_sqlite
def test_sqlite_overwrites_what_is_deleted_however_it_was_built() -> None:
    options = connection.settings_dict["OPTIONS"]
    assert "PRAGMA secure_delete=ON" in options["init_command"]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone() == (1,)
