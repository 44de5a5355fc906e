"""Messenger: the check of the webhook address, typing and seen, health, page profile, configuration."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from channels_app.adapters.messenger import SUBSCRIPTION, MessengerConfig
from channels_app.adapters.messenger.inbound import READERS
from channels_app.content.fit import fit
from channels_app.content.types import Card, Content, text
from channels_app.contract import BadSignature, RawRequest, Reply
from tests.adapters.kit import RecordingHttp, answer
from tests.adapters.test_messenger import KIT

ADAPTER, CONFIG = KIT.adapter, KIT.configured
ASKED = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "SECRET-verify"}
BASE = "https://graph.example/v25.0"
PAGE = answer({"id": "200000000000002", "name": "Shop"})
MENU = [{"title": "Talk to a person", "payload": "agent"}, {"title": "Shop", "url": "https://example.org"}]
PROFILE = {
    "get_started": {"payload": "START"},
    "greeting": [{"locale": "default", "text": "Welcome"}],
    "persistent_menu": [
        {
            "locale": "default",
            "composer_input_disabled": False,
            "call_to_actions": [
                {"type": "postback", "title": "Talk to a person", "payload": "agent"},
                {"type": "web_url", "title": "Shop", "url": "https://example.org"},
            ],
        }
    ],
}


def configured(**more: Any) -> MessengerConfig:
    return MessengerConfig(**{**KIT.config, **more})


WITH_MENU = configured(get_started="START", greeting="Welcome", menu=MENU)


def subscribed(*fields: str, app: str = "111") -> Any:
    return answer({"data": [{"id": "999"}, {"id": app, "subscribed_fields": list(fields)}]})


ALL = subscribed(*SUBSCRIPTION)


def get(query: dict[str, str]) -> RawRequest:
    return RawRequest("GET", "/", query=query)


# ------------------------------------------------------------------------- handshake


def test_the_handshake_answers_the_challenge_as_text():
    assert ADAPTER.handshake(get(ASKED), CONFIG) == Reply(200, "1158201444", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "change",
    [{"hub.verify_token": "wrong"}, {"hub.verify_token": "é"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}],
)
def test_a_wrong_handshake_is_refused(change):
    with pytest.raises(BadSignature):
        ADAPTER.handshake(get({**ASKED, **change}), CONFIG)


@pytest.mark.parametrize("raw", [RawRequest("POST", "/", query=ASKED), get({})], ids=["post", "bare get"])
def test_other_requests_are_no_handshake(raw):
    assert ADAPTER.handshake(raw, CONFIG) is None


# --------------------------------------------------------------------------- signals


@pytest.mark.parametrize(("action", "word"), [("typing", "typing_on"), ("read", "mark_seen")])
def test_signals_go_without_a_message(action, word):
    payload = ADAPTER.signal(action, KIT.recipient, CONFIG)
    http = RecordingHttp([answer({"recipient_id": "6600000000000001"})])
    assert ADAPTER.send(payload, CONFIG, http).platform_id == ""
    assert http.requests[0]["url"] == f"{BASE}/200000000000002/messages"
    assert http.requests[0]["json"] == {"recipient": {"id": "6600000000000001"}, "sender_action": word}


def test_an_unknown_signal_is_not_shown():
    assert ADAPTER.signal("wave", KIT.recipient, CONFIG) is None


# ---------------------------------------------------------------- colleagues and proof


@pytest.mark.parametrize(
    ("by_human", "human_agent", "kind"),
    [
        (True, True, {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}),
        (True, False, {"messaging_type": "RESPONSE"}),
        (False, True, {"messaging_type": "RESPONSE"}),
    ],
    ids=["colleague", "colleague without permission", "bot"],
)
def test_only_colleagues_reply_as_human_agents(by_human, human_agent, kind):
    message = replace(KIT.message(text("hello")), by_human=by_human)
    [payload] = ADAPTER.render(message, configured(human_agent=human_agent))
    assert {name: value for name, value in payload.json.items() if name not in ("recipient", "message")} == kind


@pytest.mark.parametrize(("by_human", "persona"), [(True, "555"), (False, None)], ids=["colleague", "bot"])
def test_colleagues_reply_as_their_persona(by_human, persona):
    message = replace(KIT.message(text("hello")), by_human=by_human)
    [payload] = ADAPTER.render(message, configured(persona_id="555"))
    assert payload.json.get("persona_id") == persona


def test_the_proof_goes_with_every_call_when_wanted():
    config = configured(appsecret_proof=True)
    http = RecordingHttp([KIT.success])
    [payload] = ADAPTER.render(KIT.message(text("hello")), config)
    ADAPTER.send(payload, config, http)
    proof = hmac.new(b"SECRET-app-secret", b"SECRET-access", hashlib.sha256).hexdigest()
    assert http.requests[0]["url"] == f"{BASE}/200000000000002/messages?appsecret_proof={proof}"


def test_long_references_keep_their_part_mark():
    message = replace(
        KIT.message(Content(type="carousel", text="Rooms", cards=(Card(title="A"),))), client_ref="r" * 2000
    )
    first, second = ADAPTER.render(message, CONFIG)
    assert first.json["message"]["metadata"] == "r" * 1000
    assert second.json["message"]["metadata"] == "r" * 998 + "#2"


def test_a_long_subtitle_is_told_in_full():
    subtitle = "word " * 30
    fitted = fit(Content(type="carousel", cards=(Card(title="Room", subtitle=subtitle),)), ADAPTER.capabilities)
    [part] = fitted.parts
    assert len(part.cards[0].subtitle) <= 80
    assert subtitle.strip() in part.text
    assert fitted.cuts == ("card subtitle shortened",)


# ---------------------------------------------------------------------------- health


@pytest.mark.parametrize(
    ("apps", "state", "missing"),
    [
        (ALL, "healthy", None),
        (subscribed(*SUBSCRIPTION[:-1]), "healthy", ["standby"]),
        (subscribed(*SUBSCRIPTION[1:]), "degraded", ["messages"]),
        (subscribed(*SUBSCRIPTION, app="222"), "degraded", SUBSCRIPTION),
    ],
    ids=["all", "without a nicety", "without messages", "another app"],
)
def test_check_looks_at_the_subscription(apps, state, missing):
    http = RecordingHttp([PAGE, apps])
    found = ADAPTER.check(CONFIG, http)
    http.finish()
    assert (found.state, found.facts.get("missing_fields"), found.facts["name"]) == (state, missing, "Shop")
    assert [sent["url"] for sent in http.requests] == [
        f"{BASE}/200000000000002?fields=name",
        f"{BASE}/200000000000002/subscribed_apps",
    ]


#: what an item of a webhook is told by → the field that the page has to be subscribed to
TOLD_BY = {
    "message": "messages",
    "message_edit": "message_edits",
    "postback": "messaging_postbacks",
    "delivery": "message_deliveries",
    "read": "message_reads",
    "reaction": "message_reactions",
    "referral": "messaging_referrals",
    "optin": "messaging_optins",
    "pass_thread_control": "messaging_handovers",
    "policy_enforcement": "messaging_policy_enforcement",
}


def test_the_subscription_names_every_field_that_is_read():
    assert set(TOLD_BY) <= set(READERS)
    assert set(TOLD_BY.values()) | {"message_echoes", "standby"} == set(SUBSCRIPTION)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (answer({"error": {"code": 190, "message": "expired"}}, 401), "credential_refused"),
        (answer({"error": {"code": 2, "message": "later"}}, 500), "unknown"),
    ],
)
def test_check_tells_a_refusal_from_a_fault(reply, state):
    assert ADAPTER.check(CONFIG, RecordingHttp([reply])).state == state


def test_check_does_without_the_right_to_see_the_subscription():
    hidden = answer({"error": {"code": 200, "message": "Requires pages_manage_metadata"}}, 403)
    assert ADAPTER.check(CONFIG, RecordingHttp([PAGE, hidden])).state == "healthy"


@pytest.mark.parametrize(
    "found",
    [[], [{}], [{**PROFILE, "greeting": [{"locale": "default", "text": "Hi"}]}], [{**PROFILE, "persistent_menu": []}]],
    ids=["no profile", "empty profile", "other greeting", "no menu"],
)
def test_check_sets_the_page_profile_where_it_differs(found):
    http = RecordingHttp([PAGE, ALL, answer({"data": found}), answer({"result": "success"})])
    assert ADAPTER.check(WITH_MENU, http).facts["profile"] == "set"
    http.finish()
    assert http.requests[3]["method"] == "POST"
    assert http.requests[3]["url"] == f"{BASE}/me/messenger_profile"
    assert http.requests[3]["json"] == PROFILE


def test_check_leaves_a_page_profile_that_is_right():
    shown = {**PROFILE["persistent_menu"][0], "disabled_surfaces": []}  # the platform adds members
    http = RecordingHttp([PAGE, ALL, answer({"data": [{**PROFILE, "persistent_menu": [shown]}]})])
    assert "profile" not in ADAPTER.check(WITH_MENU, http).facts
    http.finish()
    assert http.requests[2]["url"] == f"{BASE}/me/messenger_profile?fields=get_started%2Cgreeting%2Cpersistent_menu"


# --------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    "change",
    [
        {"page_id": "my page"},
        {"app_id": ""},
        {"access_token": ""},
        {"api_base": "graph.example"},
        {"api_version": "25"},
        {"persona_id": "Maria"},
        {"greeting": "x" * 161},
        {"menu": MENU},
        {"menu": [{"title": "Both", "payload": "a", "url": "https://example.org"}], "get_started": "START"},
        {"menu": [{"title": "Neither"}], "get_started": "START"},
        {"menu": [{"title": "x" * 31, "payload": "a"}], "get_started": "START"},
        {"menu": MENU * 11, "get_started": "START"},
    ],
    ids=str,
)
def test_a_wrong_configuration_is_refused(change):
    with pytest.raises(ValidationError):
        configured(**change)


def test_the_configuration_is_json_and_comes_back():
    stored = WITH_MENU.model_dump(mode="json")
    assert MessengerConfig(**stored) == WITH_MENU
