"""A conversation's page of the console: contents, replies, notes, who is in control (ADM-1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from conversations.files.media_links import media_link
from conversations.models import Conversation, Message
from messaging.live.hub import hub
from messaging.models import Delivery
from tenants.models import Tenant
from tests.admin.conftest import XSS, World, do, rows, url
from tests.factories import (
    MessageFactory,
)


def test_a_reply_becomes_a_message_of_the_agent_once(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant)
    page = client.get(url(type(acme.conversation), "change", acme.conversation.pk)).content.decode()
    assert "&lt;script&gt;" in page
    assert "Acme number is gone" in page
    for _ in range(2):
        answer = do(client, acme.conversation, "reply", text=f"Hello {XSS}", reply_id="1")
    assert XSS not in answer.content.decode()
    message = rows(Message).get(role="agent")
    assert message.text == f"Hello {XSS}"  # a tag that is typed is words
    assert message.author is not None
    acme.conversation.refresh_from_db()
    assert acme.conversation.control_owner == "human"
    assert rows(Delivery).filter(message=message).exists()


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    monkeypatch.setattr(hub, "heard", lambda group: group.startswith("conversation."))
    monkeypatch.setattr(hub, "push", lambda group, frame: frames.append(frame))
    return frames


def test_who_opens_a_conversation_has_read_it(staff_of: Any, acme: World, pushed: list[Any]) -> None:
    address = url(type(acme.conversation), "change", acme.conversation.pk)
    for _ in range(2):
        staff_of(acme.tenant).get(address)
    acme.conversation.refresh_from_db()
    assert acme.conversation.agent_read_seq == acme.conversation.last_seq == 2
    assert pushed == [{"t": "read", "by": {"role": "agent"}, "seq": 2}]


def test_who_may_not_read_messages_has_read_nothing(staff_of: Any, acme: World, globex: World) -> None:
    address = url(type(acme.conversation), "change", acme.conversation.pk)
    staff_of(acme.tenant, ("conversations:read",)).get(address)
    staff_of(globex.tenant).get(address)
    acme.conversation.refresh_from_db()
    assert acme.conversation.agent_read_seq == 0


def test_the_reply_form_shows_that_an_agent_types(staff_of: Any, acme: World, pushed: list[Any]) -> None:
    client = staff_of(acme.tenant)
    page = client.get(url(type(acme.conversation), "change", acme.conversation.pk)).content.decode()
    assert f'data-typing="{url(type(acme.conversation), "do", acme.conversation.pk, "typing")}"' in page
    pushed.clear()
    for on in ("1", "1", ""):
        do(client, acme.conversation, "typing", on=on)
    assert [(frame["t"], frame["on"]) for frame in pushed] == [("typing", True), ("typing", False)]
    reader = staff_of(acme.tenant, ("conversations:read", "messages:read"))
    assert do(reader, acme.conversation, "typing", on="1").status_code == 403


CONTENTS: dict[str, tuple[dict[str, Any], str]] = {
    "markup": ({"type": "text", "text": XSS}, "&lt;script&gt;alert"),
    "buttons": (
        {"type": "text", "text": "a", "buttons": [{"type": "url", "title": "Shop", "url": "https://a.example"}]},
        "Shop",
    ),
    "quick replies": ({"type": "text", "text": "a", "quick_replies": [{"title": XSS[:20], "payload": "b"}]}, "&lt;scr"),
    "image elsewhere": (
        {"type": "image", "media": {"url": "https://a.example/a.png", "type": "image/png"}},
        '<a class="chat-file" href="https://a.example/a.png"',
    ),
    "recording of ours": (
        {"type": "audio", "media": {"url": media_link(UUID(int=7)), "type": "audio/ogg"}},
        "<audio controls",
    ),
    "film elsewhere": (
        {"type": "video", "media": {"url": "https://a.example/a.mp4", "type": "video/mp4"}},
        '<a class="chat-file" href="https://a.example/a.mp4"',
    ),
    "file by us": (
        {"type": "file", "media": {"url": "media:1", "type": "text/csv", "name": "a.csv"}},
        "a.csv (text/csv)",
    ),
    "odd address": (
        {"type": "image", "media": {"url": "javascript:alert(1)", "type": "image/png"}},
        "image (image/png)",
    ),
    "place": ({"type": "location", "location": {"latitude": 1.5, "longitude": 2}}, "📍 Location"),
    "named place": ({"type": "location", "location": {"latitude": 1.5, "longitude": 2, "name": "Home"}}, "📍 Home"),
    "carousel": (
        {"type": "carousel", "cards": [{"title": "Shoe", "buttons": [{"type": "postback", "title": "Buy"}]}]},
        "Buy",
    ),
    "list": ({"type": "list", "sections": [{"title": "Sizes", "rows": [{"title": "42", "payload": "1"}]}]}, "Sizes"),
    "template": ({"type": "template", "template": {"name": "welcome", "language": "de"}}, "welcome"),
    "choice": ({"type": "quick_reply", "text": "Yes", "choice": {"value": "YES"}}, "picked YES"),
    "nothing known": ({"type": "text"}, "Visitor"),
}


@pytest.mark.parametrize(("content", "shown"), CONTENTS.values(), ids=CONTENTS)
def test_every_content_is_shown(superuser: Client, tenant: Tenant, content: dict[str, Any], shown: str) -> None:
    message = MessageFactory(tenant=tenant, content=content, content_type=content["type"])
    page = superuser.get(url(Conversation, "change", message.conversation_id)).content.decode()
    assert shown in page
    assert XSS not in page
    assert "javascript:alert" not in page


def test_staff_take_over_hand_back_and_close(staff_of: Any, acme: World) -> None:
    client, seen = staff_of(acme.tenant), []
    for verb in ("take_over", "hand_back", "close"):
        do(client, acme.conversation, verb)
        acme.conversation.refresh_from_db()
        seen.append((acme.conversation.control_owner, acme.conversation.status))
    assert seen == [("human", "escalated"), ("bot", "active"), ("bot", "completed")]


@pytest.mark.parametrize("text", ["", "   ", "x" * 5000], ids=["empty", "blank", "too long"])
def test_what_cannot_be_sent_is_told(superuser: Client, acme: World, text: str) -> None:
    answer = do(superuser, acme.conversation, "reply", text=text)
    assert "Write between 1 and 4096 characters." in answer.content.decode()
    assert not rows(Message).filter(role="agent").exists()


def test_a_link_cannot_act(superuser: Client, acme: World) -> None:
    superuser.get(url(type(acme.conversation), "do", acme.conversation.pk, "close"))
    acme.conversation.refresh_from_db()
    assert acme.conversation.is_open


def test_a_note_stays_in_the_house(superuser: Client, acme: World) -> None:
    assert "a note by me" in do(superuser, acme.conversation, "annotate", text="a note by me").content.decode()
    assert not rows(Message).filter(text="a note by me").exists()
