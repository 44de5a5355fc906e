"""Channels connected, changed and disconnected by the API; no answer ever has a secret (API-2, CH-9)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels_app.models import Channel
from conversations.models import Conversation
from tenants.models import AuditEntry
from tests.factories import ChannelFactory, ConversationFactory

pytestmark = pytest.mark.django_db(transaction=True)
WHERE = "/api/v2/channels"
SECRET = "SECRET-0123456789abcdef"
CONFIG = {"account_sid": f"AC{'0' * 32}", "from_number": "+15550100002", "auth_token": SECRET}
SMS = {"kind": "sms", "name": "Support number", "config": CONFIG, "rate_per_second": 2.5}


@pytest.fixture
def client(tenant, api) -> Any:
    return api(tenant)


def test_a_channel_is_connected_and_its_secret_never_shown(client, scope) -> None:
    answer = client.post(WHERE, SMS)
    made = client.data_of(answer)
    assert (answer.status_code, made["secrets"], made["rate_per_second"]) == (201, ["auth_token"], 2.5)
    assert made["config"] == {name: value for name, value in CONFIG.items() if name != "auth_token"}
    row = Channel.objects.get()
    assert row.secrets == {"auth_token": SECRET}
    shown = [
        answer,
        client.get(WHERE),
        client.get(f"{WHERE}/{row.id}"),
        client.patch(f"{WHERE}/{row.id}", {"name": "x"}),
    ]
    assert [SECRET.encode() in one.content for one in shown] == [False] * 4
    trail = json.dumps(list(AuditEntry.objects.values_list("action", "changes")))
    assert SECRET not in trail and "channel.created" in trail


def test_what_is_changed_is_what_is_named(client, scope) -> None:
    row = ChannelFactory(
        tenant=scope, kind="sms", config={"account_sid": CONFIG["account_sid"], "from_number": "+15550100002"},
        secrets={"auth_token": SECRET},
    )  # fmt: skip
    changed = client.data_of(client.patch(f"{WHERE}/{row.id}", {"config": {"longest_text": 480}, "enabled": False}))
    assert (changed["config"]["longest_text"], changed["config"]["from_number"]) == (480, "+15550100002")
    assert (changed["enabled"], changed["state"], changed["name"]) == (False, "disabled", row.name)
    row.refresh_from_db()
    assert row.secrets == {"auth_token": SECRET}
    new = client.patch(f"{WHERE}/{row.id}", {"config": {"auth_token": "another-secret-0123"}})
    row.refresh_from_db()
    assert (new.status_code, row.secrets) == (200, {"auth_token": "another-secret-0123"})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**SMS, "kind": "pigeon"}, "validation_error"),
        ({**SMS, "name": ""}, "validation_error"),
        ({**SMS, "rate_per_second": 0}, "validation_error"),
        ({**SMS, "ip_allow_list": ["here"]}, "validation_error"),
        ({**SMS, "config": {**CONFIG, "from_number": "soon"}}, "invalid_channel"),
        ({**SMS, "config": {"account_sid": CONFIG["account_sid"]}}, "invalid_channel"),
        ({**SMS, "config": {**CONFIG, "colour": "red"}}, "invalid_channel"),
        ({**SMS, "config": {**CONFIG, "api_base": "http://169.254.169.254"}}, "invalid_channel"),
    ],
    ids=["kind", "name", "rate", "network", "value", "missing", "unknown", "address"],
)
def test_what_does_not_hold_is_refused(client, scope, body, code) -> None:
    answer = client.post(WHERE, body)
    assert (answer.status_code, client.error_of(answer)["code"]) == (400, code)
    assert SECRET.encode() not in answer.content
    assert Channel.objects.count() == 0


def test_a_secret_goes_to_no_other_address(client, scope, reachable) -> None:
    reachable("http://127.0.0.1:9")
    row = ChannelFactory(
        tenant=scope, kind="sms", config={"account_sid": CONFIG["account_sid"], "from_number": "+15550100002"},
        secrets={"auth_token": SECRET},
    )  # fmt: skip
    answer = client.patch(f"{WHERE}/{row.id}", {"config": {"api_base": "http://127.0.0.1:9"}})
    assert (answer.status_code, client.error_of(answer)["code"]) == (400, "secrets_required")


def test_disconnected_it_ends_for_good_and_what_was_said_stays(client, scope) -> None:
    row = ChannelFactory(tenant=scope, kind="web")
    talk = ConversationFactory(tenant=scope, channel=row)
    key = row.key
    first, again = (client.delete(f"{WHERE}/{row.id}") for _ in range(2))
    assert [client.data_of(one)["state"] for one in (first, again)] == ["disconnected"] * 2
    row.refresh_from_db()
    assert (row.enabled, row.key != key, row.disconnected_at is not None) == (False, True, True)
    assert Conversation.objects.get(id=talk.id).is_open is False
    assert client.data_of(client.get(WHERE))["items"] == []
    refused = client.patch(f"{WHERE}/{row.id}", {"enabled": True})
    assert (refused.status_code, client.error_of(refused)["code"]) == (400, "channel_disconnected")
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["channel.disconnected"]


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_no_tenant_reaches_anothers(scope, other_tenant, api, method) -> None:
    row = ChannelFactory(tenant=scope, kind="web", name="Website")
    theirs = api(other_tenant)
    answer = getattr(theirs, method)(f"{WHERE}/{row.id}", {"name": "theirs"} if method == "patch" else None)
    assert (answer.status_code, theirs.error_of(answer)["code"]) == (404, "channel_not_found")
    row.refresh_from_db()
    assert (row.name, row.disconnected_at) == ("Website", None)
