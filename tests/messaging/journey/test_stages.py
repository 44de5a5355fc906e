"""What one WhatsApp message costs the database in each stage, alone: statements and commits, counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assistant.port import EngineReply
from benchmarks.webhooks import signed, webhook
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import SendResult
from messaging import tasks, wake
from messaging.models import Delivery, InboundEvent, Turn
from messaging.turns import thinking
from tenants.scope import tenant_scope
from tenants.storage.db import now, on_mongo
from tenants.work.crew import Lane
from tests.factories import ChannelFactory, TenantFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("remembered"),
    pytest.mark.skipif(on_mongo(), reason="counts statements of SQL"),
]
STAGES = {
    "inbound": (tasks.parse, InboundEvent, "id"),
    "respond": (tasks.respond, Turn, "id"),
    "deliver": (tasks.deliver, Delivery, "conversation_id"),
}
#: by whether the engine answers instantly: it is asked without a lease then, and its answer is sent by the same worker
COSTS = {
    True: {"webhook": (1, 1), "inbound": (7, 1), "respond": (11, 2)},
    False: {"webhook": (1, 1), "inbound": (7, 1), "respond": (8, 2), "deliver": (6, 2)},
}
BOUNDARIES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Engine:
    name = "test"

    def __init__(self, instant: bool):
        self.instant = instant

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text("Gladly."),), context={}, confidence=0.5, engine=self.name)


def said_now(number: int) -> bytes:
    """Within WhatsApp's reply window, unlike the benchmark's message of old."""
    return webhook(number).replace(b"1793000000", str(int(now().timestamp())).encode())


def counted(call: Callable[[], object]) -> tuple[int, int]:
    """Statements, and writing transactions or writes by themselves (each a commit)."""
    with CaptureQueriesContext(connection) as captured:
        call()
    inside, wrote, statements, commits = False, False, 0, 0
    for query in captured.captured_queries:
        sql = query["sql"].lstrip().upper()
        writes = sql.startswith(("INSERT", "UPDATE", "DELETE"))
        commits += (sql.startswith("COMMIT") and wrote) + (writes and not inside)
        boundary = sql.startswith(BOUNDARIES)
        inside = sql.startswith("BEGIN") or (inside and not sql.startswith(("COMMIT", "ROLLBACK")))
        wrote = inside and (wrote or writes)
        statements += not boundary
    return statements, commits


def called(task: Any, row_id: str, lane: Lane | None = None) -> None:
    """As a worker follows a call."""
    task.push_request(headers=wake.headers_of(lane))
    try:
        task.run(row_id)
    finally:
        task.pop_request()


@pytest.mark.parametrize("instant", [True, False], ids=["at-once", "leased"])
def test_one_message_costs_so_much_in_each_stage(monkeypatch: pytest.MonkeyPatch, instant: bool) -> None:
    lanes: dict[str, Lane] = {}
    monkeypatch.setattr(wake, "_call", lambda task, row_id=None, *more: lanes.update({str(row_id): more[-1]}))
    monkeypatch.setattr(thinking, "engine_for", lambda _: Engine(instant))
    sent: list[Any] = []
    monkeypatch.setattr(WhatsApp, "send", lambda self, payload, *_: sent.append(payload) or SendResult(f"o{len(sent)}"))
    tenant = TenantFactory()
    phone = ChannelFactory(
        tenant=tenant, kind="whatsapp", config={"phone_number_id": "400000000000001"},
        secrets={"access_token": "token-0123456789", "app_secret": "benchmark-app-secret", "verify_token": "v" * 16},
    )  # fmt: skip

    def receive(number: int) -> None:
        path, body, headers = signed(f"/api/v2/webhooks/whatsapp/{phone.key}", said_now(number))
        assert Client(headers=headers).post(path, body, content_type="application/json").status_code == 200

    def latest(model: Any, field: str = "id") -> str:
        with tenant_scope(tenant.id):
            model.objects.filter(claim=None).update(due_at=now())  # the pause in which a person may go on is over
            return str(model.objects.order_by("-id").values_list(field, flat=True)[0])

    def stages(number: int) -> dict[str, tuple[int, int]]:
        costs = {"webhook": counted(lambda: receive(number))}
        for name in list(COSTS[instant])[1:]:
            task, model, field = STAGES[name]
            row_id = latest(model, field)
            costs[name] = counted(lambda task=task, row_id=row_id: called(task, row_id, lanes[row_id]))
        return costs

    stages(1)  # what is remembered of tenant and channel is read once
    costs = stages(1 + 500)
    assert len(sent) == 2
    # The bar is 20 statements and 4 commits of all stages together; a count may be lowered here, never raised.
    assert costs == COSTS[instant]
    with tenant_scope(tenant.id):
        assert set(Delivery.objects.values_list("status", "attempts", "leases", "claim")) == {("sent", 1, 0, None)}
