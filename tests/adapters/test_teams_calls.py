"""Teams: tokens, trusted hosts, signals, media and health."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from channels_app.adapters.teams import TeamsConfig
from channels_app.adapters.teams.address import trusted
from channels_app.adapters.teams.tokens import tokens_forget
from channels_app.content.types import QuickReply, text
from channels_app.contract import (
    CheckResult,
    ConfigError,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    Recipient,
    Rejected,
    Throttled,
    Unreachable,
)
from tests.adapters.kit import RecordingHttp, answer
from tests.adapters.teams_outbound import BEARER, CHAT, RECIPIENT, TOKEN_URL
from tests.adapters.teams_signing import keys, stopped_clocks
from tests.adapters.test_teams import KIT

ADAPTER, CONFIG = KIT.adapter, KIT.configured
NOW = 1_795_000_000
POSTED = answer({"id": "1"}, 201)
REFUSED = answer({"error": {"code": "Unauthorized", "message": "expired"}}, 401)


@pytest.fixture(autouse=True)
def cold():
    tokens_forget()
    yield
    tokens_forget()


def token(value="t-1", **more):
    return answer({"token_type": "Bearer", "expires_in": 3599, "access_token": value, **more})


def send(http, config=CONFIG, recipient=RECIPIENT):
    [payload] = ADAPTER.render(OutboundMessage("ref-1", recipient, text("hello")), config)
    return ADAPTER.send(payload, config, http)


def sent(http):
    """Of each call where it went and with which token."""
    return [(one["url"], (one.get("headers") or {}).get("Authorization", "")) for one in http.requests]


# ------------------------------------------------------------------------------ tokens


def test_a_token_is_asked_for_once_and_renewed_before_it_expires():
    with stopped_clocks(NOW) as clock:
        http = RecordingHttp([token(), POSTED, POSTED, token("t-2"), POSTED])
        send(http)
        clock.shift(3599 - 301)
        send(http)
        clock.shift(2)
        send(http)
        http.finish()
    asked, *posts = sent(http)
    assert asked == (TOKEN_URL, "")
    assert posts == [(CHAT, "Bearer t-1"), (CHAT, "Bearer t-1"), (TOKEN_URL, ""), (CHAT, "Bearer t-2")]
    assert http.requests[0]["data"] == {
        "grant_type": "client_credentials",
        "client_id": CONFIG.app_id,
        "client_secret": "SECRET-client",
        "scope": "https://api.botframework.com/.default",
    }


def test_a_refused_token_is_renewed_once():
    http = RecordingHttp([token(), POSTED, REFUSED, token("t-2"), POSTED])
    send(http)
    assert send(http).platform_id
    http.finish()
    assert sent(http)[-1] == (CHAT, "Bearer t-2")


def test_a_fresh_token_that_is_refused_holds_the_channel():
    http = RecordingHttp([token(), POSTED, REFUSED, token("t-2"), REFUSED, token("t-3"), POSTED])
    send(http)
    with pytest.raises(ConfigError) as caught:
        send(http)
    assert caught.value.code == "Unauthorized"
    send(http)  # once it works again, the refused one is not used any more
    http.finish()


def test_another_tenants_app_id_buys_nothing_without_its_secret():
    http = RecordingHttp([token(), POSTED, answer({"error": "invalid_client"}, 401)])
    send(http)
    with pytest.raises(ConfigError):
        send(http, CONFIG.model_copy(update={"client_secret": "a guess"}))
    http.finish()


AADSTS = "AADSTS7000222: The provided client secret keys are expired. Trace ID: 1"


@pytest.mark.parametrize(
    ("reply", "error", "code", "detail"),
    [
        (
            answer({"error": "invalid_client", "error_description": AADSTS, "error_codes": [7000222]}, 401),
            ConfigError,
            "AADSTS7000222",
            "AADSTS7000222: The provided client secret keys are expired.",
        ),
        (answer({"error": "unauthorized_client"}, 400), ConfigError, "unauthorized_client", ""),
        (answer(status=404), ConfigError, "token_404", ""),
        (answer(status=429, retry_after="9"), Throttled, "http_429", ""),
        (answer(status=408), Unreachable, "http_408", "no answer to the request for a token"),
        (answer(status=503), Unreachable, "http_503", ""),
        (answer({}), Unreachable, "no_token", "the answer to the request for a token holds none"),
        (OutcomeUnknown("read_timeout"), Unreachable, "read_timeout", "no answer to the request for a token"),
    ],
    ids=["secret expired", "not allowed", "no such directory", "429", "408", "503", "empty", "time-out"],
)
def test_no_token_no_message(reply, error, code, detail):
    """Nothing was sent, so no outcome is unknown: a time-out here must not count as a message that may have
    arrived (complaint 4)."""
    http = RecordingHttp([reply])
    with pytest.raises(error) as caught:
        send(http)
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.detail) == (code, detail)
    http.finish()


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"tenant_id": ""}, "https://login.microsoftonline.com/botframework.com/oauth2/v2.0/token"),
        (
            {"tenant_id": "", "login_base": "https://login.microsoftonline.us/"},
            "https://login.microsoftonline.us/botframework.com/oauth2/v2.0/token",
        ),
    ],
    ids=["multi-tenant", "government"],
)
def test_where_tokens_come_from(changes, url):
    http = RecordingHttp([token(), POSTED])
    send(http, CONFIG.model_copy(update=changes))
    assert http.requests[0]["url"] == url


# ----------------------------------------------------------------------- trusted hosts

TRUSTED = [
    "https://smba.trafficmanager.net/emea/x/",
    "https://smba.trafficmanager.net",
    "https://SMBA.trafficmanager.net/amer",
    "https://europe.api.botframework.com/x",
    "https://smba.infra.gov.teams.microsoft.us/gcch",
]
STRANGE = [
    "https://evil.example/",
    "http://smba.trafficmanager.net/emea/",
    "https://smba.trafficmanager.net.evil.example/",
    "https://evil.example/smba.trafficmanager.net",
    "https://smba.trafficmanager.net@evil.example/",
    "https://evil.example\\@smba.trafficmanager.net/",
    "https://evil.example#@smba.trafficmanager.net/",
    "https://evil.example?smba.trafficmanager.net/",
    "https://smba.trafficmanager.net:8443/",
    "https://botframework.com/",
    "https://evilbotframework.com/",
    "//smba.trafficmanager.net/",
    "smba.trafficmanager.net",
    "https://smba.trafficmanager.net/ x",
    "https://smba.trafficmanager.net\n.evil.example/",
    "https://ſmba.trafficmanager.net/",
    "",
]


@pytest.mark.parametrize("url", TRUSTED)
def test_trusted(url):
    assert trusted(url, CONFIG)


@pytest.mark.parametrize("url", STRANGE)
def test_a_token_never_goes_to_a_strange_host(url):
    recipient = replace(RECIPIENT, reference={**RECIPIENT.reference, "service_url": url or "https://x"})
    assert not trusted(url, CONFIG)
    http = RecordingHttp([])
    with pytest.raises(Rejected) as caught:
        send(http, recipient=recipient)
    assert caught.value.code == "service_url_not_trusted"


def test_the_configured_base_is_trusted_as_it_stands():
    config = CONFIG.model_copy(update={"api_base": "http://127.0.0.1:8900/teams"})
    assert trusted("http://127.0.0.1:8900/teams/v3/conversations", config)
    assert not trusted("http://127.0.0.1:8901/teams", config)
    assert not trusted("https://127.0.0.1:8900/teams", config)


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": "desk"},
        {"client_secret": ""},
        {"tenant_id": "contoso"},
        {"service_hosts": ["https://smba.trafficmanager.net"]},
        {"service_hosts": ["*"]},
        {"allowed_tenants": ["x"]},
        {"api_base": "ftp://x"},
        {"suggested_actions": "maybe"},
    ],
    ids=str,
)
def test_config_is_validated(changes):
    with pytest.raises(ValidationError):
        TeamsConfig(**{**KIT.config, **changes})


# ------------------------------------------------------- signals, choices, media, health


def test_typing():
    payload = ADAPTER.signal("typing", RECIPIENT, CONFIG)
    body = {"type": "typing", "from": {"id": CONFIG.bot_id}, "conversation": {"id": "a:1personalConv"}}
    assert payload == Payload(CHAT, json=body)


@pytest.mark.parametrize(("action", "recipient"), [("read", RECIPIENT), ("typing", Recipient("29:x"))])
def test_what_cannot_be_signalled(action, recipient):
    assert ADAPTER.signal(action, recipient, CONFIG) is None


SAME = (QuickReply(title="Yes", payload="Yes"),)
GROUP = replace(RECIPIENT, reference={**RECIPIENT.reference, "conversation_type": "groupChat"})


@pytest.mark.parametrize(
    ("setting", "recipient", "suggested"),
    [("personal", GROUP, False), ("always", GROUP, True), ("never", RECIPIENT, False), ("personal", RECIPIENT, True)],
)
def test_where_quick_replies_are_suggested(setting, recipient, suggested):
    """The platform's pages disagree on the chats that show suggested actions."""
    config = CONFIG.model_copy(update={"suggested_actions": setting})
    [payload] = ADAPTER.render(OutboundMessage("r", recipient, text("Sure?", quick_replies=SAME)), config)
    assert ("suggestedActions" in payload.json, "attachments" in payload.json) == (suggested, not suggested)


def test_pictures_want_the_token_and_files_must_not_get_it():
    http = RecordingHttp([token("app-token")])
    picture = "https://smba.trafficmanager.net/emea/v3/attachments/1/views/original"
    file = "https://acme.sharepoint.com/download?tempauth=x"
    assert ADAPTER.locate(MediaRef("image", url=picture), CONFIG, http) == (picture, BEARER)
    assert ADAPTER.locate(MediaRef("file", url=file), CONFIG, http) == (file, {})
    with pytest.raises(Rejected):
        ADAPTER.locate(MediaRef("file"), CONFIG, http)


@pytest.mark.parametrize(
    ("replies", "state", "facts"),
    [
        ([token(), *keys()], "healthy", {"token_lifetime_s": 3599}),
        ([token(), answer(status=503)], "degraded", {"code": "keys_unavailable"}),
        ([answer({"error": "invalid_client"}, 401)], "credential_refused", {"code": "invalid_client"}),
        ([Unreachable("connect")], "unknown", {"code": "connect"}),
    ],
    ids=["healthy", "no keys", "wrong secret", "not reached"],
)
def test_check(replies, state, facts):
    http = RecordingHttp(replies)
    found = ADAPTER.check(CONFIG, http)
    http.finish()
    assert isinstance(found, CheckResult)
    assert (found.state, found.facts) == (state, facts)


def test_check_asks_for_a_token_of_its_own():
    """A remembered one would hide for an hour that the secret has expired (channel silently disconnected)."""
    http = RecordingHttp([token(), POSTED, answer({"error": "invalid_client"}, 401)])
    send(http)
    assert ADAPTER.check(CONFIG, http).state == "credential_refused"
