"""What a script gives by mistake, and a database that is not there, are refused in one line (OPS-4)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, load_command_class
from django.db import DatabaseError, OperationalError, ProgrammingError

from chatsvc.management import line
from chatsvc.management.making import TellingCommand
from tenants.models import Tenant

WRONG = [
    (["purge", "--tenant", ""], "empty_value", "--tenant"),
    (["purge", "--tenant="], "empty_value", "--tenant"),
    (["verify_audit", "--tenant", " "], "empty_value", "--tenant"),
    (["retry_deliveries", "--channel="], "empty_value", "--channel"),
    (["remove_tenant", ""], "empty_value", "The value is"),
    (["train_assistant", "--tenant", "\udcff"], "not_text", "--tenant"),
    (["erase_contact", "\udcffacme", "x"], "not_text", "What is given is"),
]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The lines that reached their command."""
    lines: list[Any] = []
    monkeypatch.setattr(line, "execute_from_command_line", lines.append)
    return lines


@pytest.mark.parametrize("as_json", [False, True], ids=["words", "json"])
@pytest.mark.parametrize(("words", "code", "told"), WRONG, ids=[" ".join(map(ascii, one[0])) for one in WRONG])
def test_what_no_command_can_use_is_refused_before_it_begins(
    words: list[str], code: str, told: str, as_json: bool, begun: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        line.run(["manage.py", *words, *(["--json"] if as_json else [])])
    out, err = capsys.readouterr()
    assert (ended.value.code, begun, err.count("\n")) == (2, [], 1)
    assert told in err and f"({code})" in err
    assert (json.loads(out)["error"]["code"] == code) if as_json else out == ""


@pytest.mark.parametrize(
    "words",
    [["purge", "--tenant", "acme"], ["purge"], ["create_channel", '--config={"a": ""}'], ["createsuperuser", "--email", ""]],
    ids=lambda words: " ".join(words),
)  # fmt: skip
def test_what_can_be_used_is_passed_on_as_it_is(words: list[str], begun: list[Any]) -> None:
    line.run(["manage.py", *words])
    assert begun == [["manage.py", *words]]


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception, *, behind: int) -> None:
    def execute(argv: Any) -> None:
        raise error

    monkeypatch.setattr(line, "execute_from_command_line", execute)
    monkeypatch.setattr(line, "migrations_missing", lambda: behind)


@pytest.mark.parametrize(
    ("error", "behind", "code"),
    [
        (OperationalError("no such table: x"), 3, "database_behind"),
        (ProgrammingError("relation x does not exist"), 1, "database_behind"),
        (OperationalError("connection refused"), 0, "database_away"),
    ],
)
def test_a_database_that_cannot_be_worked_with_is_told(
    error: DatabaseError, behind: int, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(monkeypatch, error, behind=behind)
    with pytest.raises(SystemExit) as ended:
        line.run(["manage.py", "stats", "--json"])
    out, err = capsys.readouterr()
    assert (ended.value.code, json.loads(out)["error"]["code"], err.count("\n")) == (1, code, 1)


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, ProgrammingError("syntax error"), behind=0)
    with pytest.raises(ProgrammingError):
        line.run(["manage.py", "stats"])
    fails(monkeypatch, OperationalError("connection refused"), behind=0)
    with pytest.raises(OperationalError):
        line.run(["manage.py", "stats", "--traceback"])


@pytest.mark.django_db
def test_a_database_that_has_them_all_lacks_none() -> None:
    assert line.migrations_missing() == 0


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["stats"], 1, "database_behind"),
        (["erase_contact", "acme", "abc"], 2, "invalid_arguments"),
        (["stats", "--nonsense"], 2, "invalid_arguments"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_it_is_what_manage_py_asks(tmp_path: Path, words: list[str], status: int, code: str) -> None:
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}"}
    asked = [sys.executable, "manage.py", *words, "--json"]
    ended = subprocess.run(asked, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, json.loads(ended.stdout)["error"]["code"]) == (status, code)
    assert "Traceback" not in ended.stderr and ended.stderr.count("\n") == 1


NOBODY = str(uuid.UUID(int=0))
REFUSED = [
    (["purge", "--tenant", "nope"], "unknown_tenant"),
    (["stats", "--tenant", "nope"], "unknown_tenant"),
    (["stats", "--from", "yesterday"], "invalid_time"),
    (["stats", "--from", "2026-02-01", "--to", "2026-01-01"], "invalid_time"),
    (["verify_audit", "--tenant", "nope"], "unknown_tenant"),
    (["verify_audit", "--head", "abc"], "tenant_required"),
    (["channel_doctor", "--tenant", "nope"], "unknown_tenant"),
    (["figures_rebuild", "--tenant", "nope"], "unknown_tenant"),
    (["evaluate_assistant", "nope"], "unknown_tenant"),
    (["evaluate_assistant", "acme", "--set", "nope"], "unknown_set"),
    (["evaluate_assistant", "acme", "--no-worse"], "invalid_argument"),
    (["erase_contact", "nope", NOBODY], "unknown_tenant"),
    (["erase_contact", "acme", NOBODY], "contact_not_found"),
    (["erase_contact", "acme", NOBODY, "--dry-run"], "contact_not_found"),
    (["export_contact", "acme", NOBODY], "contact_not_found"),
    (["export_contact", "acme", NOBODY, "--dry-run"], "contact_not_found"),
    (["export_contact", "acme", NOBODY, "--output", "/"], "file_exists"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("words", "code"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_what_a_command_is_refused_for_has_a_code(tenant: Tenant, words: list[str], code: str) -> None:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command(*[tenant.slug if word == "acme" else word for word in words], "--json", stdout=out)
    assert json.loads(out.getvalue())["error"]["code"] == code


@pytest.mark.django_db
def test_what_is_long_is_not_repeated_whole() -> None:
    with pytest.raises(CommandError) as refused:
        call_command("purge", "--tenant", "x" * 5000)
    assert len(str(refused.value)) < 200


def test_every_command_of_ours_is_known() -> None:
    root = Path(settings.BASE_DIR)
    apps = {one.parent for one in root.glob("*/management/commands/__init__.py")}
    assert {line.ROOM} == apps


def test_a_value_that_ends_in_an_equals_sign_is_one() -> None:
    assert line._complaint("create_channel", ["--tenant=shop=", "--config", "QUJD=="]) is None


def test_every_command_that_tells_json_tells_its_refusals_so() -> None:
    ours = [load_command_class("chatsvc", file.stem) for file in line.ROOM.glob("[!_]*.py")]
    json_told = [one for one in ours if "--json" in one.create_parser("manage.py", "x")._option_string_actions]
    assert len(json_told) > 10
    assert [type(one).__module__ for one in json_told if not isinstance(one, TellingCommand)] == []
