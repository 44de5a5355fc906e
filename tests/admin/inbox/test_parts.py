"""The addresses behind a conversation's page: who may ask, what entries say, what becomes of a draft (ADM-2)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assistant import engines
from assistant.models import KnowledgeEntry
from channels_app.health import health_forget
from channels_app.models import ChannelHealth, MessageTemplate
from conversations.models import Attachment, Conversation, Message, Note
from messaging.admin.inbox.why import page as why_page
from messaging.agents.models import CannedReply, ScheduledReply
from messaging.assist import asking
from messaging.models import Delivery, Turn
from messaging.rules.control import conversation_end, take_over
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import World, rows
from tests.factories import DeliveryFactory, MembershipFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
AGENT = ("conversations:read", "conversations:write", "messages:read", "messages:send", "contacts:read")
JSON = {"headers": {"Accept": "application/json"}}


def at(world: World, name: str, **query: Any) -> str:
    place = reverse(f"admin:conversations_conversation_{name}", args=[world.conversation.pk])
    return place + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def post(client: Client, world: World, name: str, **body: Any) -> Any:
    return client.post(at(world, name), json.dumps(body), content_type="application/json")


def error_of(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


@pytest.fixture(autouse=True)
def open_window(acme: World) -> None:
    rows(Conversation).filter(pk=acme.conversation.pk).update(reply_window_expires_at=now() + timedelta(hours=2))


# ------------------------------------------------------------------------ why an answer was given


def explain(acme: World, **why: Any) -> int:
    row = rows(Message).get(conversation=acme.conversation, role="bot")
    rows(Message).filter(pk=row.pk).update(analysis={"engine": "builtin", "why": why})
    return row.seq


def test_an_answer_tells_how_it_came_about(staff_of: Any, acme: World) -> None:
    models = [
        {"model": "small-1", "input_tokens": 7, "cost_usd": 0.25},
        {"model": "tiny", "cost_usd": 0.0000061},
        {"cost_usd": "much"},
    ]
    seq = explain(acme, settled="letters", intents=[["returns", 0.91], "odd"], chunks=[{"title": "<b>Returns</b>", "score": 0.5}],
                  prompt="odd", models=models)  # fmt: skip
    agent = staff_of(acme.tenant, AGENT)
    assert f"{at(acme, 'why')}?seq={seq}" in agent.get(at(acme, "entries")).content.decode()
    page = agent.get(at(acme, "why", seq=seq)).content.decode()
    for words in ("91 %", "&lt;b&gt;Returns", "small-1", "0.25 USD", "0.0000061 USD", "much USD", "It knew the words"):
        assert words in page


def test_an_answer_in_a_models_place_says_why_in_words(staff_of: Any, acme: World) -> None:
    seq = explain(acme, settled="letters", degraded="llm_timeout", prompt={"version": 3, "tokens": 805, "left_out": {"turns": 2}},
                  tools=[{"name": "stock", "outcome": "refused:not_agreed"}])  # fmt: skip
    rows(Message).filter(conversation=acme.conversation, role="bot").update(
        analysis={**rows(Message).get(conversation=acme.conversation, role="bot").analysis, "degraded": True}
    )
    page = staff_of(acme.tenant, AGENT).get(at(acme, "why", seq=seq)).content.decode()
    for words in ("The model did not answer in time.", "version 3", "2 earlier turns", "refused: not agreed"):
        assert words in page


def test_models_that_gave_no_answer_stand_there_with_their_reason(staff_of: Any, acme: World) -> None:
    failed = {"model": "house/small", "outcome": "llm_denied", "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
    seq = explain(acme, settled="llm", models=[failed, {"model": "spare-7", "outcome": "stop", "input_tokens": 7}])
    page = staff_of(acme.tenant, AGENT).get(at(acme, "why", seq=seq)).content.decode()
    row = page[page.index("house/small") : page.index("spare-7")]
    assert "The provider refuses the key." in row and row.count("<td>–</td>") == 3 and "0.00" not in row


def test_a_hand_over_is_told_and_articles_are_a_step_away(staff_of: Any, acme: World, globex: World) -> None:
    with tenant_scope(acme.tenant.id):
        kept = KnowledgeEntry.objects.create(tenant=acme.tenant, title="Returns", answer="30 days")
    with tenant_scope(globex.tenant.id):
        theirs = KnowledgeEntry.objects.create(tenant=globex.tenant, title="Theirs", answer="?")
    chunks = [{"kind": "article", "id": str(id), "title": "x", "score": 0.5} for id in (kept.pk, theirs.pk, "odd")]
    seq = explain(
        acme, settled="letters", handover="requested", chunks=chunks, sources=[{**chunks[0], "title": "Returns"}]
    )
    where = reverse("admin:assistant_knowledgeentry_change", args=[kept.pk])
    page = staff_of(acme.tenant, (*AGENT, "intents:read")).get(at(acme, "why", seq=seq)).content.decode()
    assert "A colleague was called." in page and page.count(where) == 2 and str(theirs.pk) not in page
    assert where not in staff_of(acme.tenant, AGENT).get(at(acme, "why", seq=seq)).content.decode()


def test_a_model_that_is_not_asked_says_that_the_builtin_settles_it(staff_of: Any, acme: World, monkeypatch) -> None:
    seq = explain(acme, settled="letters")
    asked = rows(Message).filter(conversation=acme.conversation, role="visitor").first()
    rows(Message).filter(conversation=acme.conversation, role="bot").update(reply_to=asked.id)
    monkeypatch.setattr(why_page, "engines_shown", lambda: [("model:house/x", "house/x")])
    monkeypatch.setattr(asking, "engine_named", lambda name, tenant: engines.engine_named("builtin", tenant))
    page = staff_of(acme.tenant, AGENT).post(at(acme, "why", seq=seq), {"engines": ["model:house/x"]})
    assert "The built-in assistant knows this for certain" in page.content.decode()


def test_the_assistant_answers_again_where_it_may(staff_of: Any, acme: World, globex: World) -> None:
    seq, member = explain(acme, settled="letters"), staff_of(acme.tenant, (*AGENT, "messages:write"))
    asked = rows(Message).filter(conversation=acme.conversation, role="visitor").last()
    rows(Message).filter(conversation=acme.conversation, role="bot").update(reply_to=asked.id)
    rows(Turn).filter(conversation=acme.conversation).update(status="answered")
    rows(Conversation).filter(pk=acme.conversation.pk).update(control_owner="bot", is_open=True, status="active")

    def offered(client: Client) -> bool:
        return 'name="again"' in client.get(at(acme, "why", seq=seq)).content.decode()

    before = rows(Turn).count()
    reads = staff_of(acme.tenant, AGENT)
    assert (offered(member), offered(reads)) == (True, False)
    assert reads.post(at(acme, "why", seq=seq), {"again": "1"}).status_code == 403
    assert staff_of(globex.tenant).post(at(acme, "why", seq=seq), {"again": "1"}).status_code == 404
    assert rows(Turn).count() == before
    assert member.post(at(acme, "why", seq=seq), {"again": "1"}).headers["Location"].startswith("/admin/inbox/")
    assert rows(Turn).count() == before + 1
    assert rows(AuditEntry).filter(action="message.regenerated").count() == 1
    refused = member.post(at(acme, "why", seq=seq), {"again": "1"}, follow=True)
    assert "An answer is under way." in refused.content.decode()
    rows(Conversation).filter(pk=acme.conversation.pk).update(control_owner="human")
    assert not offered(member)


def test_others_are_asked_the_same_and_nothing_comes_of_it(staff_of: Any, acme: World) -> None:
    seq, before = explain(acme, settled="letters"), rows(Message).count()
    agent = staff_of(acme.tenant, AGENT)
    unasked = agent.post(at(acme, "why", seq=seq), {"engines": ["builtin"]})
    assert "Only words of a person" in unasked.content.decode()  # it answered none
    asked = rows(Message).filter(conversation=acme.conversation, role="visitor").first()
    rows(Message).filter(conversation=acme.conversation, role="bot").update(reply_to=asked.id)
    page = agent.post(at(acme, "why", seq=seq), {"engines": ["current", "builtin"]})
    assert [one["who"] for one in page.context["answers"]] == ["What answers people now", "The built-in assistant"]
    assert all(one["text"] in page.content.decode() for one in page.context["answers"])
    assert (rows(Message).count(), rows(AuditEntry).filter(action="conversation.compared").count()) == (before, 1)
    wrong = [{}, {"engines": ["model:other"]}, {"engines": ["prompt:7"]}]
    for given in wrong:
        page = agent.post(at(acme, "why", seq=seq), given)
        assert (page.context["answers"], page.context["form"].is_valid()) == ([], False)
    assert staff_of(acme.tenant, ("conversations:read",)).post(at(acme, "why", seq=seq)).status_code == 403


def test_only_answers_of_the_bot_are_explained_and_only_to_those_who_read(
    staff_of: Any, acme: World, globex: World
) -> None:
    seq = explain(acme, settled="letters")
    agent = staff_of(acme.tenant, AGENT)
    assert error_of(agent.get(at(acme, "why", seq=1))) == "message_not_found"
    assert agent.get(at(acme, "why", seq="x")).status_code == 400
    assert staff_of(globex.tenant).get(at(acme, "why", seq=seq)).status_code == 404
    assert staff_of(acme.tenant, ("conversations:read",)).get(at(acme, "why", seq=seq)).status_code == 403


# ---------------------------------------------------------------------------------- who may

READS = ("entries", "choices", "person")
WRITES = ("preview", "send", "plan", "unplan", "upload", "note", "retry", "person")


@pytest.mark.parametrize("name", READS)
def test_another_tenants_conversation_is_not_there(name: str, staff_of: Any, acme: World, globex: World) -> None:
    assert staff_of(globex.tenant).get(at(acme, name)).status_code == 404
    assert staff_of(acme.tenant).get(at(acme, name)).status_code == 200


@pytest.mark.parametrize("name", WRITES)
def test_what_is_posted_to_another_tenant_reaches_nothing(name: str, staff_of: Any, acme: World, globex: World) -> None:
    assert staff_of(globex.tenant).post(at(acme, name), {"seq": 2}).status_code == 404


@pytest.mark.parametrize("name", ["choices", "preview", "send", "plan", "unplan", "upload", "note", "retry"])
def test_people_who_only_read_write_nothing(name: str, staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("conversations:read", "messages:read", "contacts:read"))
    method = client.get if name == "choices" else client.post
    assert method(at(acme, name), {"seq": 2}).status_code == 403
    assert client.post(at(acme, "person"), {"name": "New"}).status_code == 403


def test_words_are_only_for_those_who_may_read_them(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("conversations:read", "contacts:read"))
    assert client.get(at(acme, "entries")).status_code == 403
    assert b"acme answer" not in client.get(at(acme, "person")).content


def test_an_upload_of_another_site_is_refused(acme: World, superuser: Client) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = superuser.cookies
    file = SimpleUploadedFile("a.txt", b"plain words", "text/plain")
    assert client.post(at(acme, "upload"), {"file": file}).status_code == 403
    assert not rows(Attachment).filter(name="a.txt").exists()


# ------------------------------------------------------------------------------ the transcript


def entry_of(client: Client, world: World, seq: int) -> str:
    return str(client.get(at(world, "entries", after=99, changed=seq)).content.decode())


def test_entries_come_page_by_page(staff_of: Any, acme: World) -> None:
    for _ in range(70):
        MessageFactory(tenant=acme.tenant, conversation=acme.conversation)
    client = staff_of(acme.tenant, AGENT)
    older = client.get(at(acme, "entries", before=71)).content.decode()
    assert (older.count("data-seq="), 'data-older="11"' in older) == (60, True)
    oldest = client.get(at(acme, "entries", before=11)).content.decode()
    assert (oldest.count("data-seq="), "data-older" in oldest) == (10, False)
    newer = client.get(at(acme, "entries", after=5))
    assert (newer["X-More"], newer["X-Last-Seq"], newer.content.decode().count("data-seq=")) == ("yes", "65", 60)


def test_an_edit_brings_the_message_that_it_changed(staff_of: Any, acme: World) -> None:
    first = rows(Message).get(conversation=acme.conversation, seq=1)
    rows(Message).filter(pk=first.pk).update(content={"type": "text", "text": "I meant AC-2"}, edited_at=now())
    MessageFactory(
        tenant=acme.tenant, conversation=acme.conversation, role="system", text="A message was edited.", reply_to=first.id,
        metadata={"change": "edited"},
    )  # fmt: skip
    answer = staff_of(acme.tenant, AGENT).get(at(acme, "entries", after=2))
    shown = answer.content.decode()
    assert (answer["X-Last-Seq"], shown.count("data-seq="), 'data-seq="1"' in shown) == ("3", 1, True)
    assert "I meant AC-2" in shown
    assert "A message was edited" not in shown


def test_the_number_of_statements_does_not_grow_with_the_page(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    client.get(at(acme, "entries"))
    with CaptureQueriesContext(connection) as few:
        client.get(at(acme, "entries"))
    for _ in range(10):
        answer = MessageFactory(tenant=acme.tenant, conversation=acme.conversation, direction="outbound", role="bot")
        DeliveryFactory(tenant=acme.tenant, message=answer, status="sent")
    with CaptureQueriesContext(connection) as many:
        assert client.get(at(acme, "entries")).content.decode().count("data-seq=") == 12
    assert len(many) == len(few)


FAULTS = {
    "ours": ("window_closed", "", "The reply window had closed."),
    "the platform's": ("131026", "message undeliverable", "Message undeliverable."),
    "a code that is known": ("131026", "", "This person cannot be reached on this channel"),
    "only a code": ("999999", "", "The platform refused it (999999)."),
}


@pytest.mark.parametrize(("code", "detail", "words"), FAULTS.values(), ids=FAULTS)
def test_a_message_that_failed_says_why(code: str, detail: str, words: str, staff_of: Any, acme: World) -> None:
    rows(Delivery).update(status="failed", error_code=code, error_detail=detail)
    assert words in entry_of(staff_of(acme.tenant, AGENT), acme, 2)


def _held(world: World, state: str = "degraded") -> None:
    rows(ChannelHealth).filter(channel=world.channel).update(held_until=now() + timedelta(minutes=9), state=state)
    health_forget(world.channel.id)


def _behind(world: World) -> None:
    MessageFactory(tenant=world.tenant, conversation=world.conversation)
    rows(Delivery).update(seq=3)
    answer = MessageFactory(
        tenant=world.tenant, conversation=world.conversation, direction="outbound", role="bot", seq=9
    )
    DeliveryFactory(tenant=world.tenant, message=answer, status="queued", seq=1)


WAITS: dict[str, tuple[Callable[[World], Any], str]] = {
    "held": (_held, "waits since 4 min: WhatsApp does not answer"),
    "refused": (lambda world: _held(world, "credential_refused"), "WhatsApp refuses the channel&#x27;s credentials"),
    "switched off": (
        lambda world: type(world.channel).objects.unscoped().filter(pk=world.channel.pk).update(enabled=False),
        "the channel is switched off",
    ),
    "tried": (
        lambda world: rows(Delivery).update(
            attempts=2, error_code="http_503", error_detail="fault of its own", due_at=now() + timedelta(seconds=130)
        ),
        "Fault of its own, next try in 2 min",
    ),
    "behind": (_behind, "an earlier message has to go first"),
}  # fmt: skip


@pytest.mark.parametrize(("happens", "words"), WAITS.values(), ids=WAITS)
def test_a_message_that_waits_says_for_what(happens: Any, words: str, staff_of: Any, acme: World) -> None:
    rows(Delivery).filter(pk=acme.delivery.pk).update(
        status="queued", error_code="", error_detail="", created_at=now() - timedelta(minutes=4, seconds=5)
    )
    with tenant_scope(acme.tenant.id):
        happens(acme)
    assert words in entry_of(staff_of(acme.tenant, AGENT), acme, 2)


def test_a_message_on_its_way_waits_for_nothing(staff_of: Any, acme: World) -> None:
    rows(Delivery).update(status="queued", error_code="", error_detail="")
    assert "waits since" not in entry_of(staff_of(acme.tenant, AGENT), acme, 2)


def test_what_was_flagged_and_what_is_expected_stands_at_the_message(staff_of: Any, acme: World) -> None:
    rows(Message).filter(conversation=acme.conversation, seq=1).update(
        analysis={"flags": ["card"], "masked": ["card"]}, hints={"priority": "urgent", "expected_response_type": "text"}
    )
    shown = entry_of(staff_of(acme.tenant, AGENT), acme, 1)
    assert "Expects words only" in shown
    assert "Urgent" in shown
    assert "masked" in shown


def test_an_agent_sends_a_failed_message_again(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    assert "data-retry" in entry_of(client, acme, 2)
    assert client.post(at(acme, "retry"), {"seq": 2}, **JSON).json() == {"seq": 2}
    assert rows(Delivery).get(pk=acme.delivery.pk).status == "queued"
    assert rows(AuditEntry).filter(action="delivery.retried").exists()
    assert error_of(client.post(at(acme, "retry"), {"seq": 77}, **JSON)) == "message_not_found"


def test_without_a_script_retry_leads_back_to_the_page(staff_of: Any, acme: World) -> None:
    page = f"http://testserver{at(acme, 'change')}"
    client = staff_of(acme.tenant, AGENT)
    assert client.post(at(acme, "retry"), {"seq": 2}, headers={"Referer": page}).url == at(acme, "change")
    for evil in ("https://evil.example/admin/", "http://[", "//evil.example/admin/"):
        answer = client.post(at(acme, "retry"), {"seq": 2}, headers={"Referer": evil})
        assert answer.url == at(acme, "change")


# --------------------------------------------------------------------------- the reply box


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


# ------------------------------------------------------------------------------ replies that are planned


def planned(acme: World) -> Any:
    return rows(ScheduledReply).filter(conversation=acme.conversation, author__isnull=False).order_by("at")


def test_a_reply_is_planned_stands_above_the_box_and_is_taken_back(staff_of: Any, acme: World) -> None:
    client, at_ = staff_of(acme.tenant, AGENT), now() + timedelta(hours=1)
    made = post(client, acme, "plan", text="Did it <b>arrive</b>?", at=at_.isoformat(), unless_person_writes=True)
    assert made.status_code == 201 and "Did it &lt;b&gt;arrive" in made.text and "unless they write before" in made.text
    row = planned(acme).get()
    assert (row.at, row.status, row.unless_after) == (at_, "waiting", acme.conversation.last_seq)
    page = client.get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
    assert "Did it &lt;b&gt;arrive" in page and str(row.pk) in page
    for _ in range(2):
        gone = client.post(at(acme, "unplan"), {"scheduled": str(row.pk)}, **JSON)
        assert gone.status_code == 200 and str(row.pk) not in gone.text
    assert planned(acme).get().status == "cancelled"
    acts = rows(AuditEntry).filter(action__contains="reply_").order_by("created_at").values_list("action", flat=True)
    assert list(acts) == ["conversation.reply_scheduled", "conversation.reply_unscheduled"]
    assert not rows(Message).filter(conversation=acme.conversation, role="agent").exists()


def test_a_planned_reply_says_that_it_will_not_go_once_they_have_written(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    soon = (now() + timedelta(hours=1)).isoformat()
    post(client, acme, "plan", text="unless", at=soon, unless_person_writes=True)
    assert "will not go out" not in post(client, acme, "plan", text="anyway", at=soon).text
    seq = acme.conversation.last_seq + 1
    with tenant_scope(acme.tenant.id):
        MessageFactory(tenant=acme.tenant, conversation=acme.conversation, text="It came", seq=seq)
    page = client.get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
    assert page.count("They have written: it will not go out.") == 1


def test_the_words_of_a_planned_reply_that_was_refused_are_not_lost(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    post(client, acme, "plan", text="Did it arrive?", at=(now() + timedelta(hours=1)).isoformat())
    for ago, shown in ((timedelta(minutes=1), 1), (timedelta(days=1, minutes=1), 0)):
        planned(acme).update(status="refused", reason="conversation_closed", at=now() - ago)
        page = client.get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
        assert (page.count("Was not sent; a note says why"), page.count("Did it arrive?")) == (shown, shown)
        assert str(planned(acme).get().pk) not in page


def test_staff_read_which_colleague_has_joined(staff_of: Any, acme: World) -> None:
    with tenant_scope(acme.tenant.id):
        mira = MembershipFactory(tenant=acme.tenant, user__first_name="Mira", user__last_name="Holt").user
        take_over(acme.conversation.pk, mira)
    page = staff_of(acme.tenant, AGENT).get(f"/admin/inbox/{acme.conversation.pk}/", {"part": "conversation"}).text
    assert "Mira Holt has joined the conversation." in page


def test_without_a_script_a_planned_reply_is_taken_back_too(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    post(client, acme, "plan", text="Did it arrive?", at=(now() + timedelta(hours=1)).isoformat())
    answer = client.post(at(acme, "unplan"), {"scheduled": str(planned(acme).get().pk)})
    assert answer.status_code == 302 and planned(acme).get().status == "cancelled"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": " "}, 400, "empty_message"),
        ({"text": "Hi", "at": "2020-01-01T09:00:00Z"}, 422, "schedule_time"),
        ({"text": "Hi", "at": "2026-01-01T09:00:00"}, 400, "validation_error"),
        ({"text": "Hi", "at": None}, 400, "validation_error"),
        ({"files": [str(uuid.uuid4())]}, 404, "media_not_found"),
    ],
)
def test_a_plan_that_cannot_be_says_why(body: Any, status: int, code: str, staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    answer = post(client, acme, "plan", **{"at": (now() + timedelta(hours=1)).isoformat(), **body})
    assert (answer.status_code, error_of(answer)) == (status, code)
    assert not planned(acme).exists()


def test_a_plan_behind_the_reply_window_is_refused_or_says_when_it_goes(staff_of: Any, acme: World) -> None:
    client, late = staff_of(acme.tenant, AGENT), (now() + timedelta(hours=3)).isoformat()
    never = post(client, acme, "plan", text="Hi", at=late, unless_person_writes=True)
    assert error_of(never) == "window_ends_before"
    told = post(client, acme, "plan", text="Hi", at=late)
    assert told.status_code == 201 and "only if they write again" in told.text


def test_a_planned_reply_of_another_conversation_is_not_there(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    for other in (rows(ScheduledReply).get(tenant=globex.tenant).pk, uuid.uuid4(), "none"):
        answer = client.post(at(acme, "unplan"), {"scheduled": str(other)}, **JSON)
        assert answer.status_code == 404
    assert set(rows(ScheduledReply).values_list("status", flat=True)) == {"waiting"}


def test_two_files_are_not_one_planned_reply(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, AGENT)
    files = [
        client.post(at(acme, "upload"), {"file": SimpleUploadedFile(name, b"plain words", "text/plain")}).json()["id"]
        for name in ("a.txt", "b.txt")
    ]
    soon = (now() + timedelta(hours=1)).isoformat()
    assert error_of(post(client, acme, "plan", files=files, at=soon)) == "one_message"
    assert post(client, acme, "plan", text="See", files=files[:1], at=soon).status_code == 201


# ------------------------------------------------------------------------------------------ notes


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


# ------------------------------------------------------------------------ the assistant's proposal


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


# ------------------------------------------------------------------------------ edits and deletions


def _change(world: World, kind: str, **delivery: Any) -> Delivery:
    """An answer that went out, and its edit or deletion on its way."""
    answer = rows(Message).get(conversation=world.conversation, seq=2)
    rows(Message).filter(pk=answer.pk).update(**{f"{kind}_at": now()})
    rows(Delivery).filter(message=answer).update(status="sent", error_code="", error_detail="", parts_sent=1)
    entry = MessageFactory(
        tenant=world.tenant, conversation=world.conversation, role="system", direction="outbound", reply_to=answer.id,
        metadata={"change": kind},
    )  # fmt: skip
    action = {"edited": "edit", "deleted": "delete"}[kind]
    row: Delivery = DeliveryFactory(tenant=world.tenant, message=entry, action=action, **delivery)
    return row


CHANGES = {
    "edit waits": ("edited", {"status": "queued"}, "the edit is on its way"),
    "deletion waits": ("deleted", {"status": "sending"}, "the deletion is on its way"),
    "edit failed": (
        "edited", {"status": "failed", "error_code": "edit_window_closed", "error_detail": "too old"},
        "<b>The person does not see the edit.</b> Too old.",
    ),
    "deletion failed": (
        "deleted", {"status": "failed", "error_code": "cant_delete_message"},
        "<b>The person may still read it.</b> The platform refused it (cant_delete_message).",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "delivery", "words"), CHANGES.values(), ids=CHANGES)
def test_a_message_says_whether_its_change_arrived(
    kind: str, delivery: Any, words: str, staff_of: Any, acme: World
) -> None:
    change = _change(acme, kind, **delivery)
    client = staff_of(acme.tenant, AGENT)
    assert words in entry_of(client, acme, 2)
    assert words in client.get(at(acme, "entries", after=99, changed=change.seq)).content.decode(), (
        "told of by its entry"
    )
    rows(Delivery).filter(pk=change.pk).update(status="sent")
    shown = entry_of(client, acme, 2)
    assert (words in shown, "chat-fault" in shown) == (False, False)


def test_a_change_that_failed_is_tried_again(staff_of: Any, acme: World) -> None:
    change = _change(acme, "edited", status="failed", error_code="x", dead_at=now())
    client = staff_of(acme.tenant, AGENT)
    assert f'name="seq" value="{change.seq}"' in entry_of(client, acme, 2)
    assert client.post(at(acme, "retry"), {"seq": change.seq}, **JSON).json() == {"seq": change.seq}
    assert rows(Delivery).get(pk=change.pk).status == "queued"


def test_what_was_deleted_here_only_says_so(staff_of: Any, acme: World) -> None:
    rows(Delivery).filter(pk=_change(acme, "deleted").pk).delete()
    assert "the person&#x27;s app still shows it" in entry_of(staff_of(acme.tenant, AGENT), acme, 2).replace(
        "'", "&#x27;"
    )
