"""What one message costs in lines of the log over all its stages, and that nothing is written while nothing happens
(OPS-6)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from chatsvc.observe.logs import OWN
from messaging import tasks
from tests.conftest import Api
from tests.factories import ChannelFactory
from tests.journeys import connected as journey

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"
IDLE = [
    tasks.sweep, tasks.publish, tasks.stream, tasks.keep_house, tasks.remove_tenants, tasks.privacy, tasks.sync_templates,
    tasks.watch_channels,
]  # fmt: skip


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The events that were logged at INFO or above since the last call; work is done as Celery does it."""
    caplog.set_level(logging.INFO)

    def each(task: Any, rows: Iterable[Any]) -> None:
        for row in list(rows):
            task.apply((str(row),), throw=True)

    monkeypatch.setattr(journey, "_each", each)

    def since() -> list[str]:
        lines = [record for record in caplog.records if record.name.split(".")[0] in OWN]
        caplog.clear()
        return [line.msg["event"] for line in lines]  # type: ignore[index]

    return since


def test_a_platforms_message_has_two(connected, written) -> None:
    line = connected("whatsapp")
    line.ask(HOURS)  # the assistant learns
    written()
    line.ask("And on Sunday?")
    tasks.publish.apply(throw=True)
    assert len(line.heard) == 2
    assert line.deliveries()[-1] in ("delivered", "read")  # the platform's reports came in, too
    assert written() == ["message_accepted", "delivery_tried"]


def test_a_message_by_rest_has_two(connected, written, tenant, make_key) -> None:
    connected("whatsapp")  # the demo's assistant
    ChannelFactory(tenant=tenant, kind="web")
    client = Api(make_key(tenant)[1])

    def send(number: int) -> str:
        body = {
            "user_id": "u",
            "channel": "web",
            "message_id": f"m{number}",
            "content": {"type": "text", "text": HOURS},
        }
        return str(Api.data_of(client.post("/api/v2/chat/message", body))["processing_metadata"]["status"])

    send(1)
    journey.work(tenant)
    written()
    assert send(2) == "answered"
    journey.work(tenant)
    tasks.publish.apply(throw=True)
    assert written() == ["message_accepted", "request_done"]


def test_workers_without_work_write_nothing(tenant, written) -> None:
    ChannelFactory(tenant=tenant, kind="web")
    for task in IDLE * 2:
        task.apply(throw=True)
    assert written() == []
