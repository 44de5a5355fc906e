"""What a tenant switches off is off, and it is spoken to people in their language (TEN-2)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineError
from channels_app.content.types import text
from conversations.models import Contact, Conversation, Message
from messaging.accept import accept
from messaging.context.wording import ENTRIES, FALLBACKS, OWN_FALLBACK, fallback_for
from messaging.live import typing as live_typing
from messaging.live.attending import staff_read, staff_typing
from messaging.media import transcribe
from messaging.models import Turn
from messaging.reports.typing_marks import show_typing
from messaging.respond import respond
from messaging.rules.control import hand_back, hand_over, take_over
from messaging.turns import thinking
from tenants.errors import Conflict
from tenants.storage.db import atomic, now
from tenants.tenant_settings import TenantSettings, invalidate, settings_for
from tests.conftest import Api
from tests.factories import ChannelFactory, ConversationFactory, MessageFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chooses(tenant: Any) -> Any:
    """``chooses(features={"typing": False})``: the tenant's settings."""

    def choose(**settings: Any) -> None:
        tenant.settings = settings
        tenant.save()
        invalidate(tenant.id)

    return choose


# ---------------------------------------------------------------------------- assistant


def test_without_the_assistant_a_human_is_asked_for(page, scope, chooses) -> None:
    chooses(features={"assistant": False})
    page.begin()
    page.say("Hello")
    conversation = Conversation.objects.get()
    assert (conversation.held_by, conversation.waiting_since is None) == ("queue", False)
    assert not Turn.objects.exists()
    assert not Message.objects.filter(role="bot").exists()


def test_by_rest_the_answer_says_so(api, tenant, channel, chooses) -> None:
    chooses(features={"assistant": False})
    client = api(tenant)
    body = {"user_id": "u1", "channel": "web", "content": {"type": "text", "text": "hello"}}
    answer = client.data_of(client.post("/api/v2/chat/message", body))
    assert answer["processing_metadata"]["status"] == "with_human"


def test_what_is_off_is_not_handed_back_to(scope, chooses) -> None:
    conversation = ConversationFactory(tenant=scope)
    take_over(conversation.id, UserFactory())
    chooses(features={"assistant": False})
    with pytest.raises(Conflict) as caught:
        hand_back(conversation.id)
    assert caught.value.code == "assistant_off"


# ------------------------------------------------------------- files, typing, read marks


def test_no_file_is_taken_and_the_widget_offers_none(page, chooses) -> None:
    assert Api.data_of(page.session())["config"]["uploads"] is True
    chooses(features={"uploads": False})
    session = page.begin()
    assert session["config"]["uploads"] is False
    wanted = {"name": "a.png", "type": "image/png", "size": 10}
    answer = page.client.post(f"{page.base}/files", wanted, headers=page._known())
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "uploads_off")


def test_no_agent_is_seen_typing(scope, chooses, monkeypatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr("messaging.live.attending.push_typing", lambda *facts, **more: told.append(facts))
    conversation = ConversationFactory(tenant=scope)
    staff_typing(conversation.id, None, on=True)
    assert len(told) == 1
    chooses(features={"typing": False})
    staff_typing(ConversationFactory(tenant=scope).id, None, on=True)
    assert len(told) == 1


def test_the_bots_dots_are_off_too(scope, chooses, monkeypatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(live_typing.hub, "repeat", lambda *facts, **more: shown.append(facts) or Beat())
    monkeypatch.setattr(thinking, "engine_for", lambda settings: Silent())
    channel = ChannelFactory(tenant=scope, kind="web")
    answer_of(channel, "v1")
    assert len(shown) == 1
    chooses(features={"typing": False})
    answer_of(channel, "v2")
    assert len(shown) == 1


class Beat:
    def stop(self) -> bool:
        return False


class Silent:
    name = "silent"

    def respond(self, request: Any) -> Any:
        raise EngineError("down")


def answer_of(channel: Any, visitor: str, words: str = "hello") -> Message:
    from channels_app.contract import InboundMessage, Sender

    stored = accept(channel, InboundMessage("", Sender("web", visitor), text(words)))
    Turn.objects.filter(conversation=stored.conversation).update(due_at=now())
    respond(Turn.objects.get(conversation=stored.conversation).id)
    reply: Message = Message.objects.get(conversation=stored.conversation, role="bot")
    return reply


def test_no_agent_is_seen_reading(page, scope, chooses) -> None:
    chooses(features={"read_marks": False})
    page.begin()
    conversation = Api.data_of(page.say("Hello"))["conversation"]
    staff_read(conversation, 1)
    assert Api.data_of(page.read())["read_seq"] == 0
    assert Conversation.objects.get().agent_read_seq == 1


@pytest.mark.parametrize(
    ("features", "signals"),
    [
        ({}, ["typing"]),
        ({"typing": False}, ["read"]),
        ({"typing": False, "read_marks": False}, []),
    ],
    ids=["on", "no typing", "neither"],
)
def test_platforms_are_told_what_the_tenant_wants_shown(
    scope, whatsapp, chooses, monkeypatch, features, signals
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(type(whatsapp.adapter), "signal", lambda self, action, *_: asked.append(action))
    chooses(features=features)
    show_typing(accept(whatsapp, _phone("hello")).conversation.id)
    assert asked == signals


def _phone(words: str) -> Any:
    from channels_app.contract import InboundMessage, Sender

    return InboundMessage("wamid.1", Sender("phone", "+4915112345678"), text(words))


def test_recordings_are_heard_where_the_tenant_wants_it(scope, chooses, monkeypatch) -> None:
    from django.conf import settings

    monkeypatch.setitem(settings.ENV, "TRANSCRIBE_URL", "https://transcriber.example")
    assert transcribe.listens("audio/ogg")
    chooses(features={"transcripts": False})
    assert not transcribe.listens("audio/ogg")


# ---------------------------------------------------------------------------- languages


def asks_for_a_human(conversation: Conversation) -> str:
    with atomic():
        hand_over(Conversation.objects.get(id=conversation.id), "requested")
    entry: Message = Message.objects.get(conversation=conversation, role="system")
    return entry.text


@pytest.mark.parametrize(
    ("languages", "said", "entered", "expected"),
    [
        (["en", "de"], "de", "", "de"),
        (["en", "de-AT"], "de", "", "de"),
        (["en", "de"], "de", "en", "en"),
        (["en", "de"], "fr", "", "en"),
        (["de"], "en", "", "de"),
        (["fi"], "fi", "", "en"),
    ],
    ids=["as they wrote", "a region", "as staff entered", "not spoken", "only one", "not ours"],
)
def test_people_are_told_in_their_language(scope, chooses, languages, said, entered, expected) -> None:
    chooses(languages=languages)
    conversation = ConversationFactory(tenant=scope)
    MessageFactory(tenant=scope, conversation=conversation, language=said)
    Contact.objects.update(language=entered)
    assert asks_for_a_human(conversation) == ENTRIES["queued"][expected]


@pytest.mark.parametrize(
    ("settings", "language", "expected"),
    [
        ({}, "de", OWN_FALLBACK),
        ({"languages": ["en", "de"]}, "de", FALLBACKS["de"]),
        ({"languages": ["en", "de"], "fallback_reply": "Later."}, "de", "Later."),
        ({"languages": ["en", "de"], "fallback_reply": "Later.", "fallback_replies": {"de": "Gleich."}}, "de", "Gleich."),
        ({"languages": ["en", "de"], "fallback_replies": {"de": "Gleich."}}, "en", OWN_FALLBACK),
        ({"languages": ["de"]}, "", FALLBACKS["de"]),
    ],
)  # fmt: skip
def test_the_fallback_reply_is_in_their_language(settings, language, expected) -> None:
    assert fallback_for(TenantSettings.model_validate(settings), language) == expected


def test_an_engine_that_is_down_is_excused_in_their_language(scope, chooses, monkeypatch) -> None:
    chooses(languages=["en", "de"])
    monkeypatch.setattr(thinking, "engine_for", lambda settings: Silent())
    reply = answer_of(ChannelFactory(tenant=scope, kind="web"), "v1", "Wo ist meine Bestellung, bitte sagen Sie es mir")
    assert reply.text == FALLBACKS["de"]
    assert settings_for(scope.id).languages == ("en", "de")


@pytest.mark.parametrize("state", ENTRIES)
def test_every_sentence_is_there_in_every_language(state: str) -> None:
    assert ENTRIES[state].keys() == {"en", *FALLBACKS}
