"""A backup of MongoDB by our command, put into an empty database: every document and index as it was (OPS-11).

Runs under tests/run_mongo.sh. That the server reads all of it at one moment is MongoDB's own promise, which its stand-in
there does not keep: no test of ours proves it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from chatsvc.mongo import copies
from conversations.models import Message
from tenants.storage.db import on_mongo
from tests.factories import MessageFactory

pytestmark = [
    pytest.mark.skipif(not on_mongo(), reason="copies MongoDB"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def server() -> Iterator[Any]:
    import pymongo

    with pymongo.MongoClient(settings.DATABASE_URL) as client:
        yield client


@pytest.fixture
def fresh(server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an empty database."""
    name = f"restored_{secrets.token_hex(4)}"
    yield name
    server.drop_database(name)


@pytest.fixture
def taken(scope: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of a database with some rows and a file."""
    monkeypatch.setattr(settings, "MEDIA_ROOT", str(tmp_path / "media"))
    (tmp_path / "media").mkdir()
    (tmp_path / "media/a.txt").write_text("hello")
    for number in range(3):
        MessageFactory(tenant=scope, text=f"words {number} – ü")
    call_command("backup", str(tmp_path / "copy"))
    return tmp_path / "copy"


def contents(database: Any) -> dict[str, Any]:
    return {
        name: (
            sorted(database[name].find({}), key=lambda row: str(row["_id"])),
            sorted(database[name].list_indexes(), key=lambda index: index["name"]),
        )
        for name in database.list_collection_names()
    }


def test_all_of_it_is_as_it_was(taken: Path, server: Any, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = connection.settings_dict["NAME"]
    assert json.loads((taken / "backup.json").read_text())["files"] == 1
    monkeypatch.setitem(connection.settings_dict, "NAME", fresh)
    call_command("restore", str(taken))
    before, after = contents(server[here]), contents(server[fresh])
    assert len(before[Message._meta.db_table][0]) == 3
    assert any(index.get("unique") for _, indexes in before.values() for index in indexes)
    assert after == before


def test_it_is_its_owners_alone(taken: Path) -> None:
    assert {path.stat().st_mode & 0o077 for path in (taken / copies.FOLDER).rglob("*") if path.is_file()} == {0}


def test_a_database_that_has_something_is_left_alone(taken: Path, server: Any) -> None:
    before = contents(server[connection.settings_dict["NAME"]])
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(taken))
    assert contents(server[connection.settings_dict["NAME"]]) == before


def test_what_is_no_backup_is_said(tmp_path: Path, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", fresh)
    with pytest.raises(CommandError, match="Nothing more was restored"):
        call_command("restore", str(tmp_path))
