"""The web widget: no webhook, no call, only configuration."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from channels_app.adapters.web import WebConfig
from channels_app.content.types import text
from channels_app.contract import BadSignature
from channels_app.models import Channel
from channels_app.services import channel_save
from tests.adapters.kit import InboundCase, Kit, OutboundCase

KIT = Kit(
    kind="web",
    config={"allowed_origins": ["https://shop.example"], "identity_secret": "SECRET-identity"},
    inbound=[InboundCase("nothing comes by webhook", {"text": "hi"}, BadSignature)],
    outbound=[OutboundCase("the live push has delivered it", text("hi"))],
    any_address=True,
)


@pytest.mark.parametrize("case", KIT.inbound, ids=str)
def test_inbound(case):
    KIT.run_inbound(case)


@pytest.mark.parametrize("case", KIT.outbound, ids=str)
def test_outbound(case):
    KIT.run_outbound(case)


@pytest.mark.parametrize(
    ("allowed", "origin", "verdict"),
    [
        (["https://shop.example"], "https://shop.example", True),
        (["https://Shop.example"], "https://shop.example", True),
        (["https://shop.example"], "http://shop.example", False),
        (["https://shop.example"], "https://shop.example.evil.example", False),
        (["https://shop.example:8443"], "https://shop.example", False),
        ([], "https://shop.example", False),
        (["*"], "https://anyone.example", True),
        (["https://*.shop.example"], "https://www.shop.example", True),
        (["https://*.Shop.example"], "https://a.b.shop.example", True),
        (["https://*.shop.example:8443"], "https://www.shop.example:8443", True),
        (["https://*.shop.example"], "https://shop.example", False),
        (["https://*.shop.example"], "https://evilshop.example", False),
        (["https://*.shop.example"], "http://www.shop.example", False),
        (["https://*.shop.example"], "https://www.shop.example:8443", False),
        (["https://*.shop.example"], "https://www.shop.example.evil.example", False),
        (["https://*.shop.example"], "https://evil.example:1.shop.example", False),
        (["https://*.shop.example"], "https://evil.example/.shop.example", False),
        (["https://*.shop.example"], "https://.shop.example", False),
        (["https://*.shop.example"], "null", False),
    ],
)
def test_origin(allowed, origin, verdict):
    assert WebConfig(allowed_origins=allowed).allows(origin) is verdict


@pytest.mark.parametrize(
    "wrong",
    [
        {"allowed_origins": ["https://shop.example/path"]},
        {"allowed_origins": ["javascript:alert(1)"]},
        {"allowed_origins": ["https://*.example"]},
        {"allowed_origins": ["https://shop.*.example"]},
        {"allowed_origins": ["https://*"]},
        {"pre_chat": [{"name": "Full name", "label": "Name"}]},
        {"pre_chat": [{"name": "topic", "label": "Topic", "type": "select"}]},
        {"pre_chat": [{"name": "a", "label": "A"}, {"name": "a", "label": "B"}]},
        {"color": "red;}"},
        {"position": "top"},
        {"title": ""},
        {"locale": "klingon"},
        {"unknown": 1},
        {"starters": [{"title": ""}]},
        {"starters": [{"title": "x" * 81}]},
        {"starters": [{"title": "Track", "url": "https://a.example"}]},
        {"starters": [{"title": str(number)} for number in range(7)]},
        {"privacy_url": "javascript:alert(1)"},
        {"privacy_url": "/privacy"},
        {"subtitle": "x" * 101},
        {"launcher_text": "x" * 41},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValidationError):
        WebConfig(**wrong)


@pytest.mark.parametrize(
    "trigger",
    [
        {"text": ""},
        {"text": "x" * 201},
        {"text": "Hi", "after_s": -1},
        {"text": "Hi", "after_s": 3601},
        {"text": "Hi", "path": "cart"},
        {"text": "Hi", "path": "/cart?x=1"},
        {"text": "Hi", "selector": "#buy"},
    ],
    ids=["no words", "long", "negative", "late", "no path", "a query", "unknown"],
)
def test_an_invitation_is_checked(trigger):
    with pytest.raises(ValidationError):
        WebConfig(triggers=[trigger])


def test_invitations_are_few():
    with pytest.raises(ValidationError):
        WebConfig(triggers=[{"text": str(number)} for number in range(6)])


@pytest.mark.django_db
def test_settings_as_they_are_by_default_are_not_stored_for_the_release_beside(scope):
    channel = Channel(tenant=scope, kind="web", name="W")
    channel_save(channel, config={"triggers": [], "triggers_a_day": 1, "title": "Ask us"})
    assert channel.config == {"title": "Ask us"}
    channel_save(channel, config={"triggers_a_day": 2, "title": "Chat"})
    assert channel.config == {"title": "Chat", "triggers_a_day": 2}
    channel_save(channel, config={"triggers_a_day": 1})
    assert channel.config["triggers_a_day"] == 1


TOPIC = {"name": "topic", "label": "About", "type": "select", "options": ["Order", "Return"]}


@pytest.mark.parametrize(
    ("german", "why"),
    [
        ({"triggers": ["Fragen?", "Noch da?"]}, "de: 2 triggers for the 1 of the channel"),
        ({"pre_chat": [{"name": "size", "label": "Größe"}]}, "the form does not ask size"),
        ({"pre_chat": [{"name": "topic", "label": "A"}, {"name": "topic", "label": "B"}]}, "have the same name"),
        ({"pre_chat": [{"name": "topic", "options": ["Bestellung"]}]}, "1 options for the 2 of topic"),
        ({"pre_chat": [{"name": "topic", "options": ["Return", "Order"]}]}, "stands for two options of topic"),
        ({"privacy_url": "javascript:alert(1)"}, "translations.de.privacy_url"),
        ({"triggers": [""]}, "translations.de.triggers.0"),
    ],
)
def test_words_of_what_the_channel_has_not_are_refused(german, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        WebConfig.model_validate(
            {"triggers": [{"text": "Questions?"}], "pre_chat": [TOPIC], "translations": {"de": german}}
        )
