"""What the benchmark counts of a WhatsApp message: every stage works, and none does more than is recorded. The exact
counts are those of tests/messaging/journey/test_stages.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.port import EngineReply
from benchmarks.cpu import journey as journey_module
from benchmarks.cpu.counting import counted
from benchmarks.cpu.journey import BATCH, COUNTED, PEOPLE, Journey
from benchmarks.ground import APP_SECRET
from benchmarks.recorded.record import MORE, RECORD
from channels_app.content.types import text
from conversations.models import Contact
from messaging import wake
from messaging.rules.loops import SAME
from messaging.turns import thinking
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, on_mongo
from tests.factories import ChannelFactory

pytestmark = [
    pytest.mark.usefixtures("remembered"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_mongo(), reason="counts statements of SQL"),
]
PHONE = "400000000000001"
RECORDED = json.loads(RECORD.read_text())["sqlite"]


class Echo:
    name, instant = "echo", True

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text("Good day."),), engine=self.name)


@pytest.fixture
def path(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the webhooks of a number go whose tenant's engine answers at once; no worker is called."""
    secrets = {"access_token": "token-0123456789", "app_secret": APP_SECRET, "verify_token": "v" * 16}
    phone = ChannelFactory(tenant=tenant, kind="whatsapp", config={"phone_number_id": PHONE}, secrets=secrets)
    monkeypatch.setattr(thinking, "engine_for", lambda settings: Echo())
    monkeypatch.setattr(wake, "_call", lambda task, row_id=None, delay_s=0.0, expires_s=None, lane=None: None)
    return f"/api/v2/webhooks/whatsapp/{phone.key}"


def test_people_are_answered_in_every_round(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However quick the rounds are: no person is taken for a machine. Each slice checks that all were answered."""
    from chatsvc.web.serving.requests import wsgi

    monkeypatch.setattr(journey_module, "PEOPLE", 2)
    with Journey.on(wsgi(), path, PHONE) as journey:
        assert journey.slice(2 * (SAME + 4))["whatsapp_total_us"] > 0


def test_statements_and_commits_of_every_stage(path: str) -> None:
    from chatsvc.web.serving.requests import wsgi

    with Journey.on(wsgi(), path, PHONE) as journey:
        journey.slice(PEOPLE)
        counts = journey.counted_stages()
    assert counts["webhook_statements"] == counts["webhook_commits"] == 1
    for stage in COUNTED[:-1]:
        recorded = RECORDED[f"{stage}_statements"], RECORDED[f"{stage}_commits"]
        assert 1 <= counts[f"{stage}_statements"] <= recorded[0] + MORE
        assert 1 <= counts[f"{stage}_commits"] <= recorded[1]
    assert 0 < counts["publish_statements"] * BATCH <= 60  # of all lanes; how many of the 16 have events is chance
    assert 0 < counts["publish_commits"] * BATCH <= 36


def test_what_counts_as_a_commit(tenant: Tenant) -> None:
    def write(name: str) -> None:
        Contact.objects.create(tenant=tenant, name=name)

    with tenant_scope(tenant.id):
        with counted() as alone:
            write("alone")
        with counted() as together, atomic():
            write("one")
            write("two")
        with counted() as reads, atomic():
            Contact.objects.count()
    assert [(count.statements, count.commits) for count in (alone, together, reads)] == [(1, 1), (2, 1), (1, 0)]
