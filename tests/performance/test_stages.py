"""Statements and commits of a WhatsApp message, stage by stage: each is a cost that every message has."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from benchmarks.cpu.counting import counted
from benchmarks.cpu.journey import BATCH, PEOPLE, Journey
from benchmarks.ground import APP_SECRET
from channels_app.content.types import text
from conversations.models import Contact
from messaging import respond, wake
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, on_mongo
from tests.factories import ChannelFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_mongo(), reason="counts statements of SQL"),
]
PHONE = "400000000000001"


class Echo:
    name = "echo"

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text("Good day."),), engine=self.name)


def test_statements_and_commits_of_every_stage(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatsvc.web.requests import wsgi

    secrets = {"access_token": "token-0123456789", "app_secret": APP_SECRET, "verify_token": "v" * 16}
    phone = ChannelFactory(tenant=tenant, kind="whatsapp", config={"phone_number_id": PHONE}, secrets=secrets)
    monkeypatch.setattr(respond, "engine_for", lambda settings: Echo())
    monkeypatch.setattr(wake, "_call", lambda *_, **__: None)
    with Journey.on(wsgi(), f"/api/v2/webhooks/whatsapp/{phone.key}", PHONE) as journey:
        journey.slice(PEOPLE)
        counts = journey.counted_stages()
    publish = {name: counts.pop(name) * BATCH for name in ("publish_statements", "publish_commits")}
    assert counts == {
        "webhook_statements": 1, "webhook_commits": 1,
        "inbound_statements": 15, "inbound_commits": 3,
        "respond_statements": 9, "respond_commits": 2,
        "deliver_statements": 12, "deliver_commits": 3,
    }  # fmt: skip
    assert publish["publish_statements"] <= 60  # of all lanes; how many of the 16 have events is chance
    assert publish["publish_commits"] <= 36


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
