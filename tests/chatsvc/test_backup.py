"""`manage.py backup` and `manage.py restored`: a whole copy or none, and a clear word before the start (OPS-11)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from chatsvc.management.commands import restored
from chatsvc.management.commands.backup import _copier
from chatsvc.observe import pulse
from chatsvc.processes import backup
from messaging.models import Delivery
from tenants.models import ServiceProcess
from tenants.storage.db import now
from tests.factories import DeliveryFactory

sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="copies SQLite")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A database with a writer in the middle of a transaction, and a folder with a file."""
    database = tmp_path / "chatsvc.sqlite3"
    (tmp_path / "media/attachments").mkdir(parents=True)
    (tmp_path / "media/attachments/a.txt").write_text("hello")
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE said (words TEXT)")
        writer.execute("INSERT INTO said VALUES ('committed')")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO said VALUES ('not yet')")
        yield tmp_path


def take(place: Path, *, media: bool = True) -> dict[str, Any]:
    copy_rows = partial(backup.sqlite_copy, place / "chatsvc.sqlite3")
    return backup.backup_take(place / "copy", copy_rows, place / "media" if media else None)


def test_the_copy_has_what_was_committed_and_the_files(place: Path) -> None:
    about = take(place)
    with closing(sqlite3.connect(place / "copy/chatsvc.sqlite3")) as copied:
        assert copied.execute("SELECT words FROM said").fetchall() == [("committed",)]
    assert sorted(path.name for path in (place / "copy").iterdir()) == ["backup.json", "chatsvc.sqlite3", "media"]
    assert (place / "copy/media/attachments/a.txt").read_text() == "hello"
    assert json.loads((place / "copy/backup.json").read_text()) == about
    assert (about["files"], about["files_bytes"]) == (1, 5)
    assert (place / "copy").stat().st_mode & 0o077 == 0


def test_files_that_lie_elsewhere_are_not_copied(place: Path) -> None:
    assert take(place, media=False)["files"] == 0
    assert not (place / "copy/media").exists()


def test_a_copy_that_failed_has_not_its_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(backup, "_copy_files", full)
    with pytest.raises(OSError, match="No space"):
        take(place)
    assert not (place / "copy").exists()


def test_nothing_is_overwritten(place: Path) -> None:
    (place / "copy").mkdir()
    with pytest.raises(FileExistsError, match="is there already"):
        take(place)


@sqlite_only
@pytest.mark.django_db
def test_the_command_says_what_it_copied_and_where_the_keys_are(place: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(place / "media")
    out = StringIO()
    call_command("backup", str(place / "copy"), stdout=out)
    assert "1 files." in out.getvalue()
    assert "ENCRYPTION_KEYS" in out.getvalue()
    with closing(sqlite3.connect(place / "copy/chatsvc.sqlite3")) as copied:
        assert copied.execute("SELECT COUNT(*) FROM tenants_tenant").fetchall() == [(0,)]
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(place / "copy"))


def test_another_engine_is_left_to_its_own_tools() -> None:
    with pytest.raises(CommandError, match=r"pg_dump.*docs/backups\.md"):
        _copier("postgresql")


@pytest.mark.skipif(connection.vendor == "mongodb", reason="there it works: test_mongo_backup.py")
def test_only_mongodb_is_restored_by_a_command(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"restores MongoDB.*docs/backups\.md"):
        call_command("restore", str(tmp_path))


@pytest.mark.django_db
class TestRestored:
    def run(self, *options: str) -> str:
        out = StringIO()
        call_command("restored", *options, stdout=out, stderr=out)
        return out.getvalue()

    @pytest.fixture(autouse=True)
    def no_redis(self, settings: Any) -> None:
        settings.REDIS_URL = ""

    @pytest.fixture
    def sending(self, scope: Any) -> Delivery:
        held = {"status": Delivery.Status.SENDING, "claim": scope.id, "due_at": now() + timedelta(minutes=1)}
        delivery: Delivery = DeliveryFactory(tenant=scope, **held)
        return delivery

    def test_it_only_tells_unless_it_is_told_to_do_something(self, sending: Delivery) -> None:
        said = self.run()
        assert "Not finished then: 1 deliveries." in said
        assert "Nothing was changed" in said
        sending.refresh_from_db()
        assert sending.due_at > now()

    def test_what_goes_on_is_due_at_once_and_those_who_held_it_are_forgotten(self, sending: Delivery) -> None:
        ServiceProcess.objects.create(role="serve", place="elsewhere", pid=1, seen_at=now() - timedelta(hours=1))
        assert "Ready to be started" in self.run("--go-on")
        sending.refresh_from_db()
        assert (sending.status, sending.due_at < now()) == ("sending", True)
        assert not ServiceProcess.objects.exists()

    def test_what_is_put_aside_is_named_with_the_command_that_starts_it(self, sending: Delivery) -> None:
        assert "1 deliveries put aside; `manage.py replay_dead_letters --what deliveries`" in self.run("--put-aside")
        sending.refresh_from_db()
        assert (sending.status, sending.error_code) == ("failed", "restored")

    def test_it_refuses_beside_a_process_that_lives(self, sending: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
        row = ServiceProcess.objects.create(role="serve", place="elsewhere", pid=1, seen_at=now())
        monkeypatch.setattr(restored.time, "sleep", lambda _: ServiceProcess.objects.update(seen_at=now()))
        with pytest.raises(CommandError, match="Stop first what works on this database: serve"):
            self.run("--put-aside")
        sending.refresh_from_db()
        assert sending.status == "sending"
        assert row.role == "serve"

    def test_a_young_backup_of_a_process_that_is_gone_is_no_reason(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ServiceProcess.objects.create(role="serve", place="elsewhere", pid=1, seen_at=now())
        waited: list[float] = []
        monkeypatch.setattr(restored.time, "sleep", waited.append)
        assert "Ready to be started" in self.run("--go-on")
        assert waited == [2 * pulse.EVERY_S]

    def test_redis_that_cannot_be_emptied_stops_it(self, sending: Delivery, settings: Any) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
        with pytest.raises(CommandError, match="Redis could not be emptied"):
            self.run("--put-aside")
        sending.refresh_from_db()
        assert sending.status == "sending"
