"""A backup that was taken under load, put into a fresh place: everything in it goes on, and nothing comes twice (OPS-11).

The steps are those of docs/backups.md, with real processes: SQLite, or PostgreSQL and Redis by
`tests/run_cluster.sh -m chaos tests/journeys/test_restore.py`.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from pydantic_core import from_json

from channels_app.twin.calls import Webhook
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tenants.storage.db import on_mongo
from tests.chaos.ledger import UNFINISHED, Ledger, assert_answered_once, assert_dense
from tests.chaos.load import Load, post, under
from tests.chaos.servers import free_port, postgres_binaries, wait_until
from tests.chaos.service import ROOT, Process, answers, environment, manage, running, set_up

HOURS = "What are your opening hours?"
FILE = b"Our opening hours: nine to five.\n"
KEYS = {
    "SECRET_KEY": "restore-secret-key-0123456789-0123456789-0123456789",
    "JWT_SECRET_KEY": "restore-jwt-key-0123456789-0123456789-0123456789",
    "ENCRYPTION_KEYS": "restore-encryption-key-0123456789-0123456789",
}


class Place:
    """One installation: a database, a folder of files, a process."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder, self.url, self.port = folder, database_url, free_port()
        redis = {"REDIS_URL": settings.REDIS_URL}
        self.environ = environment(self.port, database_url, MEDIA_ROOT=str(folder / "media"), **redis, **KEYS)
        self.ledger = Ledger(database_url)
        folder.mkdir()

    @property
    def process(self) -> Process:
        return Process(["manage.py", "serve"], self.environ, self.folder / "serve.log", lambda: answers(self.port))

    def quiet(self) -> None:
        wait_until(lambda: not self.ledger.rows(UNFINISHED)[0][0], 60, "nothing unfinished")

    def hears(self, request: Webhook) -> int:
        return post(f"127.0.0.1:{self.port}", urlsplit(request.url).path, request.body, request.headers)[0]

    def receipts(self) -> int:
        return self.ledger.figures()["receipts"]


@pytest.mark.chaos
@pytest.mark.skipif(on_mongo(), reason="mongodump and mongorestore are MongoDB's own")
def test_a_backup_taken_under_load_goes_on_in_a_fresh_place(databases: Callable[[], str], tmp_path: Path) -> None:
    lost = Place(tmp_path / "lost", databases())
    fresh = Place(tmp_path / "fresh", databases())
    with Twin().start() as twin:
        twin.configure(dedupe=True, statuses=[])  # nothing tells us later what it took
        access = set_up(lost.environ, twin)
        load = Load(twin, 1, 2.0, ("whatsapp", "web"), 4, ports=[lost.port], api_key=access["api_key"])
        with running(lost.process):
            early = asked(twin, "15550100001")
            assert lost.hears(early) == 200
            link = uploaded(lost.port, access["api_key"])
            with under(load):
                twin.faults.order("timeout_after_accept", times=None)  # taken, and we are not told
                assert lost.hears(asked(twin, "15550100002")) == 200
                wait_until(lambda: told(twin, "+15550100002"), 30, "the platform has taken the second person's answer")
                backup(lost, tmp_path / "backup")
                twin.faults.clear()
                load.finish(60)
            late = asked(twin, "15550100003")
            assert lost.hears(late) == 200
            lost.quiet()
        restore(tmp_path / "backup", fresh)
        fresh.environ["OUTBOUND_ALLOW_HOSTS"] = lost.environ["OUTBOUND_ALLOW_HOSTS"]
        before = len(twin.repeats)

        said, warned = restored(fresh, "--files")
        assert " deliveries" in said
        assert "secrets" not in warned
        assert "files that are not there" not in warned
        assert "Ready to be started" in restored(fresh, "--go-on")[0]
        with running(fresh.process):
            fresh.quiet()
            assert len(twin.repeats) > before  # the second person's answer went out again, and was known by its id
            assert Counter(entry["client_ref"] for entry in twin.sent).most_common(1)[0][1] == 1
            assert_goes_on(fresh, early, late)
            assert get(fresh.port, link) == FILE
            fresh.quiet()
        assert_dense(fresh.ledger)
        assert_answered_once(fresh.ledger)
        assert sent_in_order(fresh.ledger, twin)


def assert_goes_on(place: Place, early: Webhook, late: Webhook) -> None:
    """A webhook from before the backup is known; one that came after it is new, once."""
    count = place.receipts()
    assert place.hears(early) == 200
    assert place.receipts() == count
    assert [place.hears(late), place.hears(late)] == [200, 200]
    assert place.receipts() == count + 1


def asked(twin: Twin, person: str) -> Webhook:
    _, [webhook] = PLATFORMS["whatsapp"].say(twin, {"from": person, "text": HOURS})
    return webhook


def told(twin: Twin, person: str) -> list[Any]:
    return [entry for entry in twin.sent if entry["person"] == person]


def sent_in_order(ledger: Ledger, twin: Twin) -> bool:
    """Whether the parts that the database knows as sent reached their persons in the order of the transcript."""
    rows = ledger.rows("SELECT id, seq, parts_sent FROM messaging_delivery ORDER BY conversation_id, seq")
    assert rows
    place = {f"{str(key).replace('-', '')}.{part}": (seq, part) for key, seq, parts in rows for part in range(parts)}
    reached: dict[Any, list[Any]] = {}
    for entry in twin.sent:
        known = place.get(entry["client_ref"].replace("-", ""))
        reached.setdefault((entry["platform"], entry["person"]), []).extend([known] if known else [])
    assert sum(map(len, reached.values())) == len(place)
    return all(found == sorted(found) for found in reached.values())


# ------------------------------------------------------------------------- as the page says


def backup(place: Place, into: Path) -> None:
    if place.url.startswith("sqlite"):
        assert "files" in manage(place.environ, "backup", str(into))
        return
    into.mkdir()
    postgres("pg_dump", "-Fc", "-f", f"{into}/chatsvc.dump", "-d", place.url)
    shutil.copytree(place.folder / "media", into / "media")


def restore(backup: Path, place: Place) -> None:
    if place.url.startswith("sqlite"):
        shutil.copy(backup / "chatsvc.sqlite3", place.url.removeprefix("sqlite:///"))
    else:
        postgres("pg_restore", "--no-owner", "--exit-on-error", "-d", place.url, f"{backup}/chatsvc.dump")
    shutil.copytree(backup / "media", place.folder / "media")
    manage(place.environ, "migrate", "--verbosity", "0")


def postgres(program: str, *arguments: str) -> None:
    subprocess.run([postgres_binaries() / program, *arguments], check=True, capture_output=True)


def restored(place: Place, *options: str) -> tuple[str, str]:
    """What the command says, and what it warns of."""
    command = [sys.executable, "manage.py", "restored", *options]
    done = subprocess.run(command, cwd=ROOT, env=place.environ, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


# ------------------------------------------------------------------------------------ files


def uploaded(port: int, api_key: str) -> str:
    """The path of the link to a file that was uploaded."""
    edge = "edge"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="hours.txt"\r\n\r\n'
    body = head.encode() + FILE + f"\r\n--{edge}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "Authorization": f"Bearer {api_key}"}
    status, _, answer = post(f"127.0.0.1:{port}", "/api/v2/media", body, headers)
    assert status == 201, answer
    return urlsplit(from_json(answer)["data"]["url"]).path


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().read()
