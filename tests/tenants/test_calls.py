"""A call that we write is the message that Celery would send, so that workers of every release take it up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
import time_machine
from celery import current_app

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
