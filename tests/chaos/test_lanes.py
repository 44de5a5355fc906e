"""What one person sends stands in the transcript in the order in which it came, however webhooks pile up and however
many workers take them up, and a STOP is not undone by the message before it (PIPE-1, CH-12).

``-s`` prints the figures.
"""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from channels_app.twin.calls import Webhook
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger
from tests.chaos.servers import Postgres, Redis, free_port, wait_until
from tests.chaos.service import Process, answers, deployed, environment, running, set_up

pytestmark = pytest.mark.chaos

PEOPLE = 60  # of each kind
CONNECTIONS = 8
QUIET_S = 180
#: kind → the id of its nth person, and what each says
SAID = {
    "whatsapp": ("155508{:05}", ("first words", "second words", "third words")),
    "sms": ("+155509{:05}", ("hello there", "and where is my order AC-10042?", "STOP")),
}
TRANSCRIPTS = """
    SELECT i.value, m.text FROM conversations_message m JOIN conversations_identity i ON i.id = m.identity_id
    WHERE m.role = 'visitor' ORDER BY i.value, m.conversation_id, m.seq
"""
STOPPED = "SELECT COUNT(*) FROM conversations_identity WHERE scheme = 'phone' AND stopped_at IS NOT NULL"
#: what was said to a person after the confirmation of their STOP
AFTER_STOP = """
    SELECT COUNT(*) FROM conversations_message later JOIN conversations_message stop
    ON stop.conversation_id = later.conversation_id AND later.seq > stop.seq + 1
    WHERE stop.role = 'visitor' AND stop.text = 'STOP' AND later.role = 'bot'
"""


def surroundings(port: int, url: str, **more: str) -> dict[str, str]:
    """Eight threads; the address is the one that the carrier signs."""
    public = f"http://127.0.0.1:{port}"
    return environment(port, url, PUBLIC_URL=public, WORKER_THREADS="8", ENABLE_RATE_LIMITING="false", **more)


def say_all(twin: Twin, port: int) -> None:
    """Each person's webhooks leave one after another over one connection, those of eight people at a time. The
    carrier leaves STOP to us."""
    twin.configure("sms", advanced_opt_out=False)
    crowd = [said_by(twin, kind, number) for number in range(PEOPLE) for kind in SAID]
    with ThreadPoolExecutor(CONNECTIONS) as connections:
        shares = [connections.submit(post_all, port, crowd[share::CONNECTIONS]) for share in range(CONNECTIONS)]
        for share in shares:
            share.result()


def said_by(twin: Twin, kind: str, number: int) -> list[Webhook]:
    person, words = SAID[kind]
    return [PLATFORMS[kind].say(twin, {"from": person.format(number), "text": text})[1][0] for text in words]


def post_all(port: int, crowd: Sequence[Sequence[Webhook]]) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for webhook in [webhook for person in crowd for webhook in person]:
            connection.request("POST", urlsplit(webhook.url).path, webhook.body, dict(webhook.headers))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200


def assert_in_order(ledger: Ledger, twin: Twin) -> None:
    wait_until(lambda: not ledger.unfinished(), QUIET_S, "nothing unfinished", pause=0.5)
    transcripts: dict[str, list[str]] = {}
    for person, text in ledger.rows(TRANSCRIPTS):
        transcripts.setdefault(person, []).append(text)
    said = {tuple(words) for _, words in SAID.values()}
    out_of_order = [words for words in transcripts.values() if tuple(words) not in said]
    figures = {
        "people": len(transcripts), "out of order": len(out_of_order), "stopped": ledger.rows(STOPPED)[0][0],
        "answers after a STOP": ledger.rows(AFTER_STOP)[0][0], "figures": ledger.figures(),
    }  # fmt: skip
    print(figures)
    assert (len(transcripts), out_of_order) == (PEOPLE * len(SAID), [])
    assert (figures["stopped"], figures["answers after a STOP"]) == (PEOPLE, 0)


def test_one_process_keeps_the_order_of_each_person(tmp_path: Path, twin: Twin) -> None:
    port, url = free_port(), f"sqlite:///{tmp_path}/lanes.sqlite3"
    environ = surroundings(port, url)
    set_up(environ, twin)
    with running(Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))):
        say_all(twin, port)
        assert_in_order(Ledger(url), twin)


def test_two_workers_keep_the_order_of_each_person(
    tmp_path: Path, twin: Twin, postgres: Postgres, broker: Redis
) -> None:
    port = free_port()
    environ = surroundings(port, postgres.url, REDIS_URL=broker.url)
    set_up(environ, twin)
    workers = [
        deployed("worker", queues, environ=environ, log=tmp_path / f"{name}.log", ready=broker.waiting)
        for name, queues in (("in-1", "inbound"), ("in-2", "inbound"), ("out", "respond,deliver,events,background"))
    ]
    web = deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port))
    beat = deployed("beat", environ=environ, log=tmp_path / "beat.log")
    with running(web, beat, *workers):
        say_all(twin, port)
        assert_in_order(Ledger(postgres.url), twin)
