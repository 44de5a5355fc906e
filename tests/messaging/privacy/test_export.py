"""An export has everything of the person and nothing of another, goes on after a worker was killed, and its file goes when
its time is over and with the person (PRIV-1)."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversations.contacts.people import contacts_join, contacts_merge, contacts_part
from conversations.models import Contact, ContactMerge, Conversation, Identity, Message, Note, Session
from conversations.timeline import system_event
from messaging.housekeeping import STEPS
from messaging.privacy.erase import erasure_go_on, erasure_start
from messaging.privacy.export import job, lines
from messaging.privacy.export.job import export_go_on, export_start
from messaging.privacy.export.lines import EXPORTED, LEFT_OUT
from messaging.privacy.export.package import package_open
from messaging.privacy.holds import hold_place
from messaging.privacy.models import Export
from messaging.privacy.tables import OWNED
from tenants.errors import Conflict, NotFound
from tenants.scope import tenant_scope
from tenants.storage.db import StorageAway, atomic, new_id, now
from tenants.trail.audit import AuditEntry
from tests.factories import ContactFactory, ConversationFactory, MessageFactory
from tests.messaging.privacy.rita import RITA, TRACES, always, erased, left_in

pytestmark = pytest.mark.django_db(transaction=True)


def package(export: Export) -> zipfile.ZipFile:
    export.refresh_from_db()
    with package_open(export.tenant_id, export.id, export.place["file"]) as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def rows(found: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.read(f"{name}.jsonl").splitlines()]


def exported(contact: Contact) -> zipfile.ZipFile:
    begun = export_start(contact.id, "system")
    assert export_go_on(begun.id, always)
    return package(begun)


def times(count: int) -> Callable[[], bool]:
    """``more`` that many times."""
    left: Iterator[bool] = iter([True] * count)
    return lambda: next(left, False)


def test_every_table_of_a_person_is_exported_or_says_why_not() -> None:
    assert sorted([*EXPORTED, *LEFT_OUT]) == sorted({*OWNED, "messaging.Export", "tenants.AuditEntry"})
    assert len(set(EXPORTED.values())) == len(EXPORTED)


def test_it_has_everything_of_the_person_and_nothing_of_another(rita: Contact) -> None:
    found = exported(rita)
    index = json.loads(found.read("index.json"))
    assert (index["schema"], index["version"], index["contact_id"]) == ("chatsvc.person-export", 1, str(rita.id))
    assert index["files"] == {"count": 1, "missing": 0}
    assert [*index["tables"]] == list(EXPORTED.values())
    for name, told in index["tables"].items():
        assert len(rows(found, name)) == told["rows"], name
    assert {name: told["rows"] for name, told in index["tables"].items() if not told["rows"]} == dict.fromkeys(
        ("edits", "reactions", "reviews", "labels", "agreed_calls", "scheduled_replies"), 0
    )
    text = "\n".join(found.read(name).decode() for name in found.namelist())
    assert left_in(text) == [*TRACES]
    assert not [word for word in ("walrus", "Otto") if word in text]
    [file] = rows(found, "attachments")
    assert found.read(file["path"]) == b"zebrafink"
    hidden = {"tenant_id", "claim", "due_at", "words", "name_words", "email_words", "file", "ip"}
    assert not [name for name in EXPORTED.values() for row in rows(found, name) if hidden & row.keys()]
    assert rows(found, "identities")[0]["channel__kind"] == "whatsapp"
    assert [row["action"] for row in rows(found, "privacy_log")] == ["contact.export_requested"]
    assert [row["seq"] for row in rows(found, "messages")] == [1, 2]


def test_the_record_tells_size_digest_and_counts(rita: Contact, tmp_path: Path) -> None:
    exported(rita)
    made = Export.objects.get()
    [kept] = [path for path in tmp_path.rglob("*") if path.is_file() and made.id.hex in str(path)]
    assert (made.size, made.sha256) == (kept.stat().st_size, hashlib.sha256(kept.read_bytes()).hexdigest())
    assert (made.status, made.counts["messages"], made.counts["files"], made.claim) == ("ready", 2, 1, None)
    assert made.total == sum(made.counts.values()) - 1
    assert made.expires_at == made.finished_at + timedelta(days=7)
    acts = AuditEntry.objects.order_by("id").values_list("action", "target")
    assert [*acts] == [(f"contact.{act}", f"contact:{rita.id}") for act in ("export_requested", "exported")]


def test_what_the_tenants_own_timeline_tells_is_in_it(rita: Contact) -> None:
    channel = str(Identity.objects.get(contact=rita).channel_id)
    facts = {"channel_id": channel, "session_id": str(new_id()), "duration_seconds": 7, "end_reason": "expired"}
    for contact_id in (rita.id, new_id()):
        system_event(rita.tenant_id, "chat.session.ended", {**facts, "contact_id": str(contact_id)})
    ended = [row for row in rows(exported(rita), "events") if row["conversation_id"] is None]
    assert [row["payload"]["contact_id"] for row in ended] == [str(rita.id)]


@pytest.fixture
def long(rita: Contact, monkeypatch: pytest.MonkeyPatch) -> Contact:
    """Rita has talked for long, in several conversations and as another contact; parts and pages are small."""
    monkeypatch.setattr(lines, "PAGE", 7)
    monkeypatch.setattr(job, "PART", 2000)
    tenant, identity = rita.tenant, Identity.objects.get(contact=rita)
    for number in range(3):
        talk = ConversationFactory(
            tenant=tenant, contact=rita, identity=identity, channel=identity.channel, is_open=False, thread=f"t{number}"
        )
        for seq in range(1, 20):
            MessageFactory(tenant=tenant, conversation=talk, identity=identity, seq=seq, text=f"words {number}.{seq}")
            Note.objects.create(tenant=tenant, conversation=talk, text=f"note {number}.{seq}")
    return rita


def said(found: zipfile.ZipFile) -> list[tuple[str, int]]:
    return [(row["conversation_id"], row["seq"]) for row in rows(found, "messages")]


def all_said(contact: Contact) -> list[tuple[str, int]]:
    there = Message.objects.filter(conversation__contact=contact).order_by("conversation_id", "seq")
    return [(str(conversation), seq) for conversation, seq in there.values_list("conversation_id", "seq")]


def test_a_long_story_is_written_in_parts_each_row_once_and_in_order(long: Contact) -> None:
    begun = export_start(long.id, "system")
    runs = 0
    while not export_go_on(begun.id, times(2)):
        runs += 1
    assert runs > 10
    found = package(begun)
    assert said(found) == all_said(long)
    assert len(said(found)) == 59
    assert len({row["id"] for row in rows(found, "notes")}) == 58


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_worker_that_is_killed_is_followed_by_another(long: Contact, monkeypatch, after: int) -> None:
    begun = export_start(long.id, "system")
    written: list[str] = []
    real: Callable[..., None] = job.part_write

    def dies(*given: Any) -> None:
        real(*given)
        written.append(given[2])
        if len(written) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "part_write", dies)
        with pytest.raises(KeyboardInterrupt):
            export_go_on(begun.id, always)
    assert not export_go_on(begun.id, always), "its lease runs"
    Export.objects.update(due_at=now())
    assert export_go_on(begun.id, always)
    assert said(package(begun)) == all_said(long)


def test_a_worker_that_is_killed_at_the_end_leaves_one_file(long: Contact, monkeypatch, tmp_path: Path) -> None:
    begun = export_start(long.id, "system")
    with monkeypatch.context() as patch:
        patch.setattr(job, "settle", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            export_go_on(begun.id, always)
    Export.objects.update(due_at=now())
    assert export_go_on(begun.id, always)
    kept = [path.name for path in tmp_path.rglob("*") if path.is_file() and begun.id.hex in str(path)]
    begun.refresh_from_db()
    assert kept == [begun.place["file"]]
    assert said(package(begun)) == all_said(long)


def test_a_worker_that_is_too_slow_spoils_nothing(long: Contact, monkeypatch) -> None:
    begun = export_start(long.id, "system")
    real: Callable[..., None] = job.part_write

    def slow(*given: Any) -> None:
        real(*given)
        monkeypatch.setattr(job, "part_write", real)
        Export.objects.update(due_at=now())
        assert export_go_on(begun.id, always), "another worker"

    monkeypatch.setattr(job, "part_write", slow)
    assert not export_go_on(begun.id, always)
    assert said(package(begun)) == all_said(long)


def test_what_fails_again_and_again_is_given_up_and_trouble_of_our_own_is_not(
    rita: Contact, monkeypatch, tmp_path
) -> None:
    begun = export_start(rita.id, "system")

    def run(error: Exception) -> Export:
        monkeypatch.setattr(job, "pack", lambda *_: (_ for _ in ()).throw(error))
        Export.objects.update(due_at=now())
        with pytest.raises(type(error)):
            export_go_on(begun.id, always)
        return Export.objects.get()

    for _ in range(6):
        assert run(StorageAway("OSError")).status == "running"
    told = [run(ValueError("Ritaluna")) for _ in range(5)]
    assert [row.status for row in told] == ["running"] * 4 + ["failed"]
    assert (told[-1].reason, told[-1].claim) == ("ValueError", None)
    assert not [path for path in tmp_path.rglob("*") if begun.id.hex in str(path) and path.is_file()]
    assert export_start(rita.id, "system").id != begun.id


def test_a_second_request_is_the_first_one_while_it_is_made(rita: Contact) -> None:
    first = export_start(rita.id, "system")
    assert export_start(rita.id, "user:ana") == first
    assert export_go_on(first.id, always)
    assert export_start(rita.id, "system") != first


def test_the_file_goes_when_its_time_is_over(rita: Contact, tmp_path: Path) -> None:
    exported(rita)
    assert STEPS["expired_exports"](always) == 0
    Export.objects.update(expires_at=now())
    assert STEPS["expired_exports"](always) == 1
    over = Export.objects.get()
    assert (over.status, over.place, over.counts["messages"]) == ("expired", {}, 2), "the record stays"
    assert not [path for path in tmp_path.rglob("*") if over.id.hex in str(path) and path.is_file()]


def test_workers_make_it(rita: Contact) -> None:
    export_start(rita.id, "system")
    assert STEPS["exports"](always) == 1
    assert STEPS["exports"](always) == 0


# --------------------------------------------------------------------- beside other acts


def test_the_file_goes_with_the_person(rita: Contact, tmp_path: Path) -> None:
    exported(rita)
    erased(rita)
    assert Export.objects.get().status == "erased"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    with pytest.raises(NotFound):
        export_start(rita.id, "system")


def test_an_erasure_waits_for_the_worker_that_writes_an_export(rita: Contact, monkeypatch, tmp_path: Path) -> None:
    begun = export_start(rita.id, "system")
    real: Callable[..., Any] = job.pack
    erasures = []

    def meanwhile(*given: Any) -> Any:
        erasure = erasure_start(rita.id, "system")
        erasure_go_on(erasure.id, always)
        assert not erasure_go_on(erasure.id, always), "waits"
        assert Contact.objects.filter(id=rita.id).exists()
        erasures.append(erasure)
        return real(*given)

    monkeypatch.setattr(job, "pack", meanwhile)
    assert not export_go_on(begun.id, always)
    assert not [path for path in tmp_path.rglob("*") if begun.id.hex in str(path) and path.is_file()]
    Export.objects.update(due_at=now())  # its lease is over
    assert erasure_go_on(erasures[0].id, always)


def test_of_a_person_who_is_being_erased_there_is_none(rita: Contact) -> None:
    erasure_start(rita.id, "system")
    with pytest.raises(Conflict) as refused:
        export_start(rita.id, "system")
    assert refused.value.code == "being_erased"


def test_a_legal_hold_does_not_stand_in_its_way(rita: Contact) -> None:
    hold_place(rita.id, "case 7/2026", "system")
    assert "case 7/2026" not in exported(rita).read("privacy_log.jsonl").decode()


def test_it_follows_its_contact_into_another_one(long: Contact) -> None:
    otto = Contact.objects.get(name="Otto")
    begun = export_start(long.id, "system")
    assert not export_go_on(begun.id, times(6))
    with atomic():
        contacts_join(otto.id, [long.id])
    assert not export_go_on(begun.id, always), "from its beginning"
    assert export_go_on(begun.id, always)
    found = package(begun)
    assert [row["id"] for row in rows(found, "contact")] == [str(otto.id)]
    assert said(found) == all_said(otto)
    assert len(rows(found, "merges")) == 2


def test_who_was_one_with_another_takes_that_ones_export_and_ledger_along(rita: Contact, tmp_path: Path) -> None:
    otto = Contact.objects.get(name="Otto")
    contacts_merge(otto.id, rita.id, "user:ana")
    exported(otto)
    contacts_part(ContactMerge.objects.get(contact=otto, former_id=rita.id).id, "user:ana")
    erased(Contact.objects.get(id=rita.id))
    assert Export.objects.get(contact_id=otto.id).status == "erased"
    assert left_in(str([*ContactMerge.objects.values(), *Contact.objects.values()])) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_contact_of_another_tenant_is_not_there(rita: Contact, other_tenant: Any) -> None:
    with tenant_scope(other_tenant.id), pytest.raises(NotFound):
        export_start(rita.id, "system")


def test_a_person_of_whom_nothing_is_known_has_an_export_too(scope: Any) -> None:
    found = exported(ContactFactory(tenant=scope, name="Bare"))
    assert [row["name"] for row in rows(found, "contact")] == ["Bare"]
    assert (rows(found, "messages"), Session.objects.count(), Conversation.objects.count()) == ([], 0, 0)


# ------------------------------------------------------------------------------- command


def told(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("export_contact", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_the_command_writes_a_file_and_a_dry_run_does_not(rita: Contact, scope: Any, tmp_path: Path) -> None:
    preview = told(scope.slug, str(rita.id), "--dry-run")
    assert (preview["status"], Export.objects.count()) == ("preview", 0)
    file = tmp_path / "rita.zip"
    made = told(scope.slug, str(rita.id), "--output", str(file))
    assert (made["status"], made["counts"]["messages"], made["size"]) == ("ready", 2, file.stat().st_size)
    assert (
        sum(made["counts"].values())
        - made["counts"]["files"]
        - made["counts"]["exports"]
        - made["counts"]["privacy_log"]
        == preview["rows"]
    )
    assert RITA in zipfile.ZipFile(file).read("identities.jsonl").decode()
    with pytest.raises(CommandError, match="there already"):
        told(scope.slug, str(rita.id), "--output", str(file))
    assert told(scope.slug, str(rita.id), "--background")["status"] == "running"


def test_the_command_says_why_there_is_none(scope: Any) -> None:
    with pytest.raises(CommandError, match="no such contact"):
        told(scope.slug, str(new_id()))
    with pytest.raises(CommandError, match="no such contact"):
        told(scope.slug, str(new_id()), "--dry-run")
