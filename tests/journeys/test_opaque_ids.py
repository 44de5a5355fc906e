"""Log lines, events and the audit trail know people by opaque ids: a whole journey leaves no name, address or word of a
person there (PRIV-2, TEN-7)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from channels_app.twin.platforms import PLATFORMS
from conversations.models import Contact, Conversation, Event, Message
from messaging import tasks
from messaging.models import HandledEvent
from messaging.privacy import erase
from messaging.privacy.erase import erasure_go_on, erasure_start
from tenants.access.auth import issue_access_token, principal_for
from tenants.scope import tenant_scope
from tenants.trail.audit import AuditEntry, actor_name
from tests.conftest import Api
from tests.factories import ChannelFactory
from tests.journeys.connected import work

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = PLATFORMS["whatsapp"].person.lstrip("+")
MAIL = "ritaluna@example.com"
#: who the person is, what they are reached by, and what was said by and to them
TRACES = (PHONE, "Ritaluna", "ritaluna", "zebrafink", "giraffal", "lionesso", "ocelotum", "tapirus")


def left_in(*things: Any) -> list[str]:
    text = "\n".join(map(str, things))
    return [trace for trace in TRACES if trace in text]


def test_a_whole_journey(connected, tenant, caplog, monkeypatch) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(erase, "PAUSE", timedelta(0))
    line = connected("whatsapp")
    ChannelFactory(tenant=tenant, kind="web")
    _journey(line, tenant, Api(issue_access_token(tenant, MAIL, role="admin")))
    with tenant_scope(tenant.id):
        said = (
            list(Message.objects.values_list("text", flat=True)),
            list(Contact.objects.values("name", "email", "phone")),
        )
        assert left_in(said) == [*TRACES], "it was all said"
        assert left_in(*Event.objects.values_list("payload", flat=True)) == []
        for contact in Contact.objects.order_by("created_at"):
            begun = erasure_start(contact.id, "system")
            erasure_go_on(begun.id, lambda: True)
            assert erasure_go_on(begun.id, lambda: True)
        assert left_in(*AuditEntry.objects.values(), *HandledEvent.objects.values()) == []
        assert AuditEntry.objects.filter(actor__startswith="token:").count() > 8
    lines = caplog.records
    assert left_in(*(f"{record.getMessage()} {record.args} {record.exc_info}" for record in lines)) == []
    assert {"message_accepted", "request_done", "delivery_tried", "contact_erased"} <= {
        _event(record) for record in lines
    }


def _event(record: logging.LogRecord) -> str:
    return str(record.msg["event"]) if isinstance(record.msg, dict) else ""


def _journey(line: Any, tenant: Any, client: Api) -> None:
    line.ask("My zebrafink is called giraffal, call me or write to ritaluna@example.com", name="Ritaluna")
    line.ask("Let me talk to a human about lionesso")
    with tenant_scope(tenant.id):
        talk, contact = Conversation.objects.get(), Contact.objects.get()
    for way, body in (
        (f"chat/conversations/{talk.id}/messages", {"content": {"type": "text", "text": "The ocelotum, Ritaluna"}}),
        (f"chat/conversations/{talk.id}/notes", {"text": "tapirus"}),
        (f"chat/conversations/{talk.id}/escalate", {"reason": "order_lost"}),
        (f"chat/conversations/{talk.id}/export", {"format": "json"}),
        (f"contacts/{contact.id}/stop", {}),
        (f"contacts/{contact.id}/allow", {}),
        ("contacts", {"name": "Ritaluna", "email": MAIL, "phone": f"+{PHONE}"}),
        ("chat/message", {"user_id": MAIL, "channel": "web", "content": {"type": "text", "text": "And my tapirus"}}),
        ("chat/message", {"user_id": "", "channel": "web", "content": {"type": "text", "text": "tapirus, refused"}}),
    ):
        _done(client.post(f"/api/v2/{way}", body), refused=body.get("user_id") == "")
    changes = {"name": "Ritaluna Sol", "email": MAIL, "profile": {"pet": "giraffal"}}
    _done(client.patch(f"/api/v2/contacts/{contact.id}", changes))
    work(tenant)
    line.settle()
    with tenant_scope(tenant.id):
        other = Contact.objects.exclude(id=contact.id).order_by("-created_at")[0]
        bot = Message.objects.filter(role="agent").order_by("-id")[0]
    _done(client.get("/api/v2/chat/messages", {"search_query": "zebrafink"}))
    _done(client.get("/api/v2/contacts", {"email": MAIL}))
    _done(client.get(f"/api/v2/chat/messages/{bot.id}"))
    _done(client.post(f"/api/v2/contacts/{contact.id}/merges", {"contact_id": str(other.id)}))
    _done(client.post(f"/api/v2/chat/conversations/{talk.id}/end", {}))
    for task in (tasks.publish, tasks.keep_house):
        task.apply(throw=True)
    work(tenant)


def _done(answer: Any, *, refused: bool = False) -> None:
    assert (answer.status_code >= 400) == refused, answer.content


def test_a_tokens_holder_is_found_by_the_subject_that_its_issuer_knows(tenant, api, make_key) -> None:
    key = make_key(tenant)
    client = Api(key[1])
    _done(client.post("/api/v2/auth/token", {"subject": MAIL}))
    issued = client.data_of(client.get("/api/v2/audit", {"action": "token.issued"}))["items"][0]
    mine = Api(issue_access_token(tenant, MAIL, role="admin"))
    _done(mine.post("/api/v2/labels", {"name": "Refund"}))
    found = client.data_of(client.get("/api/v2/audit", {"actor": f"token:{MAIL}"}))["items"]
    assert [(one["action"], one["actor"]) for one in found] == [("label.created", issued["target"])]
    assert "ritaluna" not in issued["target"]


def test_the_same_subject_has_another_name_at_another_tenant(tenant, other_tenant) -> None:
    names = {
        actor_name(principal_for(issue_access_token(one, MAIL, kind=kind), limited=True))
        for one in (tenant, other_tenant)
        for kind in ("token", "visitor")
    }
    assert len(names) == 4
    assert actor_name(principal_for(issue_access_token(tenant, "key:ab", key_prefix=""))) != "token:key:ab"
