"""What becomes of a draft: sent once, refused with a reason, previewed, noted, proposed (ADM-2)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from assistant import engines
from assistant.port import EngineReply
from channels_app.content.types import text
from channels_app.models import MessageTemplate
from conversations.models import Attachment, Conversation, Message, Note
from messaging.agents.models import CannedReply
from messaging.rules.control import conversation_end, take_over
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import World, rows
from tests.admin.inbox.parts.asking import AGENT, at, error_of, post
from tests.factories import MembershipFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_reply_goes_out_once_for_its_id(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    for _ in range(2):
        assert post(client, acme, "send", id="a1", text="Hello", seen_seq=2).json() == {"sent": [3]}
    assert rows(AuditEntry).filter(action="conversation.replied").count() == 1
    assert error_of(post(client, acme, "send", id="a1", text="Other")) == "message_id_conflict"


def test_after_the_end_the_box_begins_a_new_conversation(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    with tenant_scope(acme.tenant.id):
        conversation_end(acme.conversation.id)
    page = client.get(f"/admin/inbox/{acme.conversation.id}/").text
    assert "What you write begins a new one" in page and 'data-state="again"' in page
    with tenant_scope(acme.tenant.id):
        ends = Conversation.objects.filter(id=acme.conversation.id)
        ends.update(reply_window_expires_at=now() - timedelta(minutes=1))
        shut = client.get(f"/admin/inbox/{acme.conversation.id}/").text
        ends.update(reply_window_expires_at=None)
    assert "has ended" in shut and "begins a new one" not in shut, "nothing can be sent"
    assert error_of(post(client, acme, "send", id="a1", text="Hello")) == "conversation_closed"
    told = post(client, acme, "send", id="a1", text="Hello", again=True).json()
    assert (told["sent"], told["leads"] != str(acme.conversation.id)) == ([1], True)
    entry = rows(AuditEntry).get(action="conversation.replied")
    assert entry.target == f"conversation:{told['leads']}"
    page = client.get(f"/admin/inbox/{acme.conversation.id}/").text
    assert f'data-state="{told["leads"]}"' in page and "goes on in a newer one" in page


REFUSED = {
    "nothing": ({"id": "a1", "text": "  "}, "empty_message"),
    "unknown member": ({"id": "a1", "text": "x", "colour": "red"}, "validation_error"),
    "no id": ({"text": "x"}, "validation_error"),
    "file of another": ({"id": "a1", "files": ["0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"]}, "media_not_found"),
    "unknown template": ({"id": "a1", "template": {"name": "gone"}}, "template_not_found"),
    "unknown quote": ({"id": "a1", "text": "x", "quote": "0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"}, "quote_unknown"),
}


@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED)
def test_a_reply_that_cannot_be_sent_says_why(body: Any, code: str, staff_of: Any, acme: World) -> None:
    answer = post(staff_of(acme.tenant, AGENT), acme, "send", **body)
    assert (answer.status_code // 100, error_of(answer)) == (4, code)
    assert not rows(Message).filter(role="agent").exists()


def test_a_closed_window_names_what_still_goes(staff_of: Any, acme: World) -> None:
    rows(Conversation).update(reply_window_expires_at=now() - timedelta(minutes=1))
    approved = {"content": {"type": "text", "text": "Hi {{1}}"}, "external": {"status": "APPROVED"}}
    approved["external"]["status"] = "approved"
    with tenant_scope(acme.tenant.id):
        MessageTemplate.objects.create(
            tenant=acme.tenant, channel=acme.channel, name="hello", variants={"en": approved}
        )
    client = staff_of(acme.tenant, AGENT)
    assert error_of(post(client, acme, "send", id="a1", text="x")) == "window_closed"
    assert 'data-template="hello"' in client.get(at(acme, "change")).content.decode()
    offered = {one["name"]: one["always"] for one in client.get(at(acme, "choices")).json()["templates"]}
    assert offered == {"acme template": False, "hello": True}
    sent = post(client, acme, "send", id="a2", template={"name": "hello", "language": "en", "variables": {"1": "Ana"}})
    assert sent.json() == {"sent": [3]}


def test_a_preview_shows_what_the_channel_makes_of_it(staff_of: Any, acme: World) -> None:
    with tenant_scope(acme.tenant.id):
        words = {"content": {"type": "text", "text": "Order <b>{{order}}</b>"}, "defaults": {}}
        MessageTemplate.objects.create(tenant=acme.tenant, name="late", variants={"en": words})
    client = staff_of(acme.tenant, AGENT)
    template = {"name": "late", "language": "en", "variables": {"order": "AC-1"}}
    shown = post(client, acme, "preview", template=template).json()
    assert "Order &lt;b&gt;AC-1&lt;/b&gt;" in shown["html"][0]
    assert (shown["problem"], shown["text"]) == (None, "Order <b>AC-1</b>")
    assert (
        error_of(post(client, acme, "preview", template={**template, "variables": {}})) == "template_variable_missing"
    )
    assert not rows(Message).filter(role="agent").exists()


def test_files_go_as_one_message_each_and_say_what_the_channel_makes_of_them(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    told = [
        client.post(at(acme, "upload"), {"file": SimpleUploadedFile(name, b"plain words", "text/plain")}).json()
        for name in ("a.txt", "b.txt")
    ]
    assert [(one["name"], one["refused"]) for one in told] == [("a.txt", False), ("b.txt", False)]
    persons = rows(Attachment).filter(name__in=["a.txt", "b.txt"]).values_list("identity", flat=True)
    assert set(persons) == {acme.conversation.identity_id}, "an erasure finds what was never sent"
    sent = post(client, acme, "send", id="a1", text="Both", files=[one["id"] for one in told])
    assert sent.json() == {"sent": [3, 4]}
    said = rows(Message).filter(role="agent").order_by("seq").values_list("content_type", "text")
    assert list(said) == [("file", "Both"), ("file", "")]


def test_staff_read_which_colleague_has_joined(staff_of: Any, acme: World) -> None:
    with tenant_scope(acme.tenant.id):
        mira = MembershipFactory(tenant=acme.tenant, user__first_name="Mira", user__last_name="Holt").user
        take_over(acme.conversation.pk, mira)
    page = staff_of(acme.tenant, AGENT).get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
    assert "Mira Holt has joined the conversation." in page


def test_a_note_is_for_colleagues(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    assert "Called <b>" not in (shown := post(client, acme, "note", text=" Called <b> ").content.decode())
    assert "Called &lt;b&gt;" in shown
    assert rows(Note).filter(text="Called <b>").count() == 1
    assert error_of(post(client, acme, "note", text="  ")) == "empty_note"
    assert not rows(Message).filter(role="agent").exists()


def test_a_reply_that_crosses_with_a_message_is_refused(staff_of: Any, acme: World) -> None:
    MessageFactory(tenant=acme.tenant, conversation=acme.conversation, text="Never mind!")
    client = staff_of(acme.tenant, AGENT)
    refused = post(client, acme, "send", id="a1", text="Tomorrow", seen_seq=2)
    assert (refused.status_code, error_of(refused)) == (409, "reply_outdated")
    assert post(client, acme, "send", id="a1", text="Tomorrow", seen_seq=3).json() == {"sent": [4]}


def test_a_canned_reply_fills_itself_in(staff_of: Any, acme: World) -> None:
    content = {"type": "text", "text": "Hello {{name}}, {{amount}} come back."}
    with tenant_scope(acme.tenant.id):
        row = CannedReply.objects.create(tenant=acme.tenant, shortcut="refund", title="Refund", content=content)
    client = staff_of(acme.tenant, AGENT)
    (offered,) = [one for one in client.get(at(acme, "choices")).json()["canned"] if one["shortcut"] == "refund"]
    assert (offered["text"], offered["missing"]) == ("Hello acme contact, {{amount}} come back.", ["amount"])
    use = {"id": str(row.pk), "values": {"amount": "12 EUR"}}
    assert "acme contact, 12 EUR" in post(client, acme, "preview", canned=use).json()["html"][0]
    assert post(client, acme, "send", id="a1", canned=use).json() == {"sent": [3]}
    assert rows(Message).get(seq=3).text == "Hello acme contact, 12 EUR come back."
    assert error_of(post(client, acme, "send", id="a2", canned={**use, "values": {}})) == "template_variable_missing"


def test_canned_replies_of_another_tenant_are_not_there(staff_of: Any, acme: World, globex: World) -> None:
    with tenant_scope(globex.tenant.id):
        row = CannedReply.objects.create(
            tenant=globex.tenant, shortcut="x", title="X", content={"type": "text", "text": "x"}
        )
    client = staff_of(acme.tenant, AGENT)
    assert [one["shortcut"] for one in client.get(at(acme, "choices")).json()["canned"]] == ["acme"]
    assert error_of(post(client, acme, "send", id="a1", canned={"id": str(row.pk)})) == "canned_reply_not_found"


def test_the_assistant_proposes_a_reply_that_is_not_sent(staff_of: Any, acme: World, globex: World) -> None:
    before = rows(Message).count()
    agent = staff_of(acme.tenant, AGENT)
    assert (
        f'data-propose="{at(acme, "propose")}"'
        in agent.get(reverse("admin:inbox_conversation", args=[acme.conversation.pk])).content.decode()
    )
    answer = agent.post(at(acme, "propose"))
    assert answer.status_code == 200
    assert set(answer.json()) >= {"text", "sources", "reason"}
    assert rows(Message).count() == before
    assert staff_of(globex.tenant).post(at(acme, "propose")).status_code == 404
    blind = tuple(name for name in AGENT if name != "messages:read")
    assert staff_of(acme.tenant, blind).post(at(acme, "propose")).status_code == 403


def test_why_there_is_no_proposal_is_told_in_words(staff_of: Any, acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = EngineReply(contents=(text("I do not know."),), why={"degraded": "llm_denied"})
    monkeypatch.setattr(
        engines, "engine_for", lambda settings: SimpleNamespace(name="x", respond=lambda request: reply)
    )
    told = staff_of(acme.tenant, AGENT).post(at(acme, "propose")).json()
    assert (told["reason"], told["why"]) == ("llm_denied", "The provider refuses the key.")
