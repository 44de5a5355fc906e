"""How the benchmarks count: what publishing costs a batch, and what a commit is."""

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


def test_publishing_asks_by_batch(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatsvc.web.requests import wsgi

    secrets = {"access_token": "token-0123456789", "app_secret": APP_SECRET, "verify_token": "v" * 16}
    phone = ChannelFactory(tenant=tenant, kind="whatsapp", config={"phone_number_id": PHONE}, secrets=secrets)
    monkeypatch.setattr(respond, "engine_for", lambda settings: Echo())
    monkeypatch.setattr(wake, "_call", lambda *_, **__: None)
    with Journey.on(wsgi(), f"/api/v2/webhooks/whatsapp/{phone.key}", PHONE) as journey:
        journey.slice(PEOPLE)
        counts = journey.counted_stages()
    # of all lanes; how many of the 16 have events is chance. The other stages: tests/messaging/test_stages.py
    assert counts["publish_statements"] * BATCH <= 60
    assert counts["publish_commits"] * BATCH <= 36


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
