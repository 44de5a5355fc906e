"""A call that we write is the message that Celery would send, so that workers of every release take it up."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import structlog
import time_machine
from celery import Celery, current_app

from chatsvc.observe import trail
from tenants.work import calls

TASK, QUEUE, ROW = "messaging.tasks.deliver", "deliver", "0192f0d0-7b1a-7c3e-9a55-000000000001"
AT = "2026-05-04T03:02:01+00:00"
HEADERS = {"lane": ["a", "b"], "void_at": 1014.5}
#: of the call alone, and what Celery says of a call that comes from within another task of its own
OWN = ("id", "root_id", "correlation_id", "delivery_tag", "reply_to")


class Lying:
    """The calls that lie in the broker in memory, and are taken from it."""

    def __init__(self) -> None:
        self._connection = current_app.connection_for_write()
        self._channel = self._connection.default_channel
        self._channel._purge(QUEUE)

    def taken(self) -> dict[str, Any]:
        message: dict[str, Any] = self._channel._get(QUEUE)
        assert self._channel._size(QUEUE) == 0
        message["body"] = json.loads(self._channel.decode_body(message["body"], message["properties"]["body_encoding"]))
        return message

    def close(self) -> None:
        self._channel._purge(QUEUE)
        self._connection.close()


@pytest.fixture
def lying() -> Iterator[Lying]:
    found = Lying()
    yield found
    found.close()


def comparable(message: dict[str, Any]) -> dict[str, Any]:
    for part in (message["headers"], message["properties"]):
        for name in OWN:
            part.pop(name, None)
    return message


@pytest.mark.parametrize("args", [[ROW], []], ids=["of-a-row", "of-none"])
@pytest.mark.parametrize("headers", [HEADERS, None], ids=["with-headers", "without"])
def test_a_call_is_what_celery_would_send(lying: Lying, args: list[str], headers: dict[str, Any] | None) -> None:
    trail.begin("c-1", request_id="r-1")
    current_app.send_task(TASK, args=args, headers=headers, retry=False)
    wanted = lying.taken()
    calls.send(TASK, args, headers=headers)
    ours = lying.taken()
    structlog.contextvars.clear_contextvars()
    assert ours["headers"]["id"] == ours["headers"]["root_id"] == ours["properties"]["correlation_id"]
    assert ours["headers"][trail.HEADER] == {"correlation_id": "c-1", "request_id": "r-1"}
    assert comparable(ours) == comparable(wanted)


def test_no_call_has_the_id_of_another(lying: Lying) -> None:
    ids = set()
    for _ in range(3):
        calls.send(TASK, [ROW])
        message = lying.taken()
        ids |= {message["headers"]["id"], message["properties"]["delivery_tag"]}
    assert len(ids) == 6


@time_machine.travel(AT, tick=False)
def test_a_call_for_later_says_when(lying: Lying) -> None:
    current_app.send_task(TASK, args=[ROW], countdown=2.5, retry=False)
    wanted = lying.taken()["headers"]["eta"]
    calls.send(TASK, [ROW], delay_s=2.5)
    assert lying.taken()["headers"]["eta"] == wanted == "2026-05-04T03:02:03.500000+00:00"


def test_each_task_goes_to_its_own_workers() -> None:
    queues = {
        name: calls._queue(current_app, f"messaging.tasks.{name}")
        for name in ("parse", "respond", "publish", "media", "other")
    }
    assert queues == {
        "parse": "inbound", "respond": "respond", "publish": "events", "media": "background", "other": "background",
    }  # fmt: skip


class Connections:
    """Those that calls go out by, in the order in which they were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Any] = []
        make = Celery.connection_for_write

        def another(app: Celery) -> Any:
            self.made.append(make(app))
            return self.made[-1]

        monkeypatch.setattr(Celery, "connection_for_write", another)  # of each thread's app
        monkeypatch.setattr(calls, "_idle", deque())


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch, lying: Lying) -> Connections:
    return Connections(monkeypatch)


def test_calls_one_after_the_other_go_out_by_one_connection(connections: Connections, lying: Lying) -> None:
    for _ in range(3):
        calls.send(TASK, [ROW])
        lying.taken()
    assert len(connections.made) == 1


def test_a_connection_is_one_threads_as_long_as_a_call_goes_out_by_it(
    connections: Connections, lying: Lying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the calls goes out while those before it still do."""
    threads = calls.KEPT + 2
    together = threading.Barrier(threads)
    channel = type(lying._channel)
    put = channel.basic_publish
    monkeypatch.setattr(channel, "basic_publish", lambda *of, **call: (together.wait(10), put(*of, **call)))
    with ThreadPoolExecutor(threads) as pool:
        for sent in [pool.submit(calls.send, TASK, [ROW]) for _ in range(threads)]:
            sent.result(10)
    assert lying._channel._size(QUEUE) == threads == len(connections.made)
    kept = [connection for connection in connections.made if connection.connected]
    assert len(kept) == calls.KEPT and set(map(id, kept)) == set(map(id, calls._idle))


def test_a_connection_on_which_a_call_failed_is_closed_and_not_used_again(
    connections: Connections, lying: Lying, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.send(TASK, [ROW])
    lying.taken()
    with monkeypatch.context() as broken:
        broken.setattr(type(lying._channel), "_put", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            calls.send(TASK, [ROW])
    calls.send(TASK, [ROW])
    lying.taken()
    [failed, used] = connections.made
    assert (failed.connected, used.connected) == (False, True)
