"""The webhook address is public: monitors, passers-by and strangers neither get in nor say anything about a channel."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from channels_app.models import Channel, ChannelHealth
from channels_app.registry import KINDS, adapter_for
from channels_app.selectors import channel_forget
from channels_app.services import bad_signature_count, bad_signatures_take
from messaging.health import watch
from messaging.models import InboundEvent
from tenants.access import buckets
from tests.adapters.kit import kit_for
from tests.factories import ChannelFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("remembered")]


CALLED = sorted(kind for kind in KINDS if adapter_for(kind).signature_header)


def address_of(channel: Channel) -> str:
    return f"/api/v2/webhooks/{channel.kind}/{channel.key}"


@pytest.fixture(params=CALLED)
def called(request, tenant) -> Channel:
    return ChannelFactory(tenant=tenant, kind=request.param, config=kit_for(request.param).config)


def signed(channel: Channel, body: bytes = b"{}", *, good: bool = False, **headers: str) -> Any:
    proof = "sha256=" + (hmac.new(b"twin-app-secret", body, hashlib.sha256).hexdigest() if good else "0" * 64)
    given = {"X-Hub-Signature-256": proof, **headers}
    return Client(raise_request_exception=False).post(address_of(channel), body, "application/json", headers=given)


@pytest.mark.parametrize("kind", CALLED)
def test_the_header_that_proves_is_the_adapters_own(kind):
    assert adapter_for(kind).signature_header == kit_for(kind).signature


class TestNoise:
    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
    def test_other_methods_are_not_taken_and_not_counted(self, called, method, django_assert_num_queries):
        client = Client()
        getattr(client, method)(address_of(called))
        with django_assert_num_queries(0):
            answer = getattr(client, method)(address_of(called))
        assert (answer.status_code, answer["Allow"]) == (405, "GET, POST")
        assert bad_signatures_take(called) == 0

    def test_a_request_without_a_signature_is_not_a_wrong_one(self, called, scope, django_assert_num_queries):
        client = Client()
        client.post(address_of(called), b"{}", "application/json")
        with django_assert_num_queries(0):
            answers = {client.post(address_of(called), b"{}", "application/json").status_code for _ in range(25)}
        assert answers == {401}
        assert bad_signatures_take(called) == 0

    def test_a_wrong_verify_token_is_not_counted(self, whatsapp):
        query = {"hub.mode": "subscribe", "hub.verify_token": "wrong", "hub.challenge": "1"}
        assert Client().get(address_of(whatsapp), query).status_code == 401
        assert bad_signatures_take(whatsapp) == 0

    def test_a_kind_without_webhooks_has_no_such_address(self, web):
        assert Client().post(address_of(web), b"{}", "application/json").status_code == 404
        assert bad_signatures_take(web) == 0

    @pytest.mark.parametrize("key", ["%00", "a%00b", "%F0%9F%98%80", "x" * 500])
    def test_odd_keys_are_unknown(self, db, key):
        assert Client().post(f"/api/v2/webhooks/whatsapp/{key}", b"{}", "application/json").status_code == 404

    def test_one_address_says_nothing_about_a_channel(
        self, whatsapp, scope, settings, monkeypatch, django_assert_num_queries
    ):
        settings.REDIS_URL = ""
        monkeypatch.setattr(buckets.time, "monotonic", lambda: 1000.0)  # no bucket fills, no memory is read anew
        signed(whatsapp)
        with django_assert_num_queries(0):
            answers = [signed(whatsapp).status_code for _ in range(100)]
        assert (answers[0], answers[-1]) == (401, 429)
        assert bad_signatures_take(whatsapp) == 10

    def test_many_addresses_do_unless_good_ones_get_through(self, whatsapp, scope, monkeypatch, settings):
        settings.ENV = {**settings.ENV, "TRUSTED_PROXIES": 1}
        asked = [signed(whatsapp, **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(25)]
        assert set(asked) == {401}
        assert watch._signatures(whatsapp).state == "degraded"
        [bad_signature_count(whatsapp) for _ in range(25)]
        body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
        assert signed(whatsapp, body, good=True).status_code == 200
        assert watch._signatures(whatsapp) is None

    def test_the_count_begins_anew_with_each_check(self, whatsapp):
        [bad_signature_count(whatsapp) for _ in range(3)]
        assert (bad_signatures_take(whatsapp), bad_signatures_take(whatsapp)) == (3, 0)

    def test_a_cache_that_is_away_harms_nothing(self, whatsapp, monkeypatch):
        monkeypatch.setattr(type(cache._connections[cache._alias]), "add", lambda *_, **__: 1 / 0)
        bad_signature_count(whatsapp)
        assert bad_signatures_take(whatsapp) == 0


class TestErrors:
    """A refusal names the request, as every answer of the API does: platforms show it to those who look for the fault."""

    @pytest.mark.parametrize(
        ("method", "key", "status"), [("post", "", 401), ("delete", "", 405), ("post", "unknown", 404)]
    )
    def test_each_has_the_id_that_the_header_has(self, whatsapp, method, key, status):
        answer = getattr(Client(), method)(f"/api/v2/webhooks/whatsapp/{key or whatsapp.key}")
        body, request_id = answer.json(), answer["X-Request-ID"]
        assert (answer.status_code, body["error"]["request_id"], body["meta"]["request_id"]) == (
            status,
            request_id,
            request_id,
        )
        assert set(body["meta"]) == {"request_id", "timestamp"}

    def test_outside_the_allow_list_too(self, whatsapp):
        whatsapp.ip_allow_list = ["203.0.113.0/24"]
        whatsapp.save()
        channel_forget(whatsapp)
        answer = signed(whatsapp)
        assert (answer.status_code, answer.json()["error"]["request_id"]) == (403, answer["X-Request-ID"])


class TestUnreadable:
    """What the platform's request finds is ours to repair: it is told to send again, and nothing is lost."""

    @pytest.mark.parametrize("config", [{"phone_number_id": ""}, {"nonsense": 1}, {}])
    def test_settings_that_hold_no_more(self, whatsapp, config):
        Channel.objects.unscoped().filter(id=whatsapp.id).update(config=config, secrets={})
        channel_forget(whatsapp)
        answer = signed(whatsapp, good=True)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "invalid_channel")
        assert "phone_number_id" in answer.json()["error"]["message"]

    def test_secrets_whose_key_is_gone(self, whatsapp, settings):
        channel_forget(whatsapp)
        settings.ENCRYPTION_KEYS = ["another key than the one that they were stored with"]
        answer = signed(whatsapp, good=True)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "secrets_unreadable")


class TestProof:
    """Health is green only when something has proved that the channel works."""

    def test_not_asked_yet(self, api, tenant, whatsapp):
        client = api(tenant)
        found = client.data_of(client.get(f"/api/v2/channels/{whatsapp.id}/health"))
        assert (found["state"], found["problems"][0:0]) == ("unchecked", [])

    def test_a_platform_that_cannot_be_reached_is_not_healthy(self, api, tenant, scope, whatsapp):
        ChannelHealth.objects.create(channel=whatsapp, state="healthy")
        client = api(tenant)
        found = client.data_of(client.post(f"/api/v2/channels/{whatsapp.id}/health"))  # no server listens there
        assert found["state"] == "unchecked"
        assert found["incidents"] == []

    def test_our_own_widget_works_as_we_do(self, scope, web):
        web.config = {"allowed_origins": ["https://shop.example.com"]}
        web.save()
        watch.channel_check(web)
        assert ChannelHealth.objects.get(channel=web).state == "healthy"

    def test_a_message_is_a_proof(self, scope, whatsapp):
        watch.inbound_seen(whatsapp)
        assert ChannelHealth.objects.get(channel=whatsapp).state == "healthy"

    def test_new_settings_have_to_be_proved_anew(self, scope, whatsapp):
        ChannelHealth.objects.create(channel=whatsapp, state="healthy")
        watch.channel_saved(whatsapp)
        assert ChannelHealth.objects.get(channel=whatsapp).state == "unchecked"


class TestAddresses:
    """The allow-list by what proxies write into X-Forwarded-For."""

    @pytest.fixture(autouse=True)
    def behind_a_proxy(self, settings, whatsapp):
        settings.ENV = {**settings.ENV, "TRUSTED_PROXIES": 1}
        whatsapp.ip_allow_list = ["203.0.113.0/24", "2001:db8::/32"]
        whatsapp.save()

    @pytest.mark.parametrize(
        "forwarded",
        [
            "203.0.113.7",
            "203.0.113.7:51234",
            "  203.0.113.7:51234 ",
            '"203.0.113.7:51234"',
            "2001:db8::7",
            "[2001:db8::7]",
            "[2001:db8::7]:51234",
            '"[2001:db8::7]:51234"',
            "::ffff:203.0.113.7",
            "[::ffff:203.0.113.7]:1",
            "10.0.0.1, 203.0.113.7:51234",
            "unknown, 203.0.113.7",
        ],
    )
    def test_callers_of_the_list_are_let_in(self, whatsapp, forwarded):
        assert signed(whatsapp, **{"X-Forwarded-For": forwarded}).status_code == 401  # by the list, not by its proof

    @pytest.mark.parametrize(
        "forwarded",
        [
            "198.51.100.7:443", "unknown", "_hidden", "203.0.113.7:port", "203.0.113.999", "[2001:db8::7", "x" * 5000,
            "203.0.113.7, unknown", "[::1]:99", "1.2.3.4.5", ":", "[]", "\u0662", "203.0.113.7;x",
        ],
    )  # fmt: skip
    def test_everybody_else_is_refused(self, whatsapp, forwarded):
        assert signed(whatsapp, **{"X-Forwarded-For": forwarded}).status_code == 403
        assert not InboundEvent.objects.unscoped().exists()

    def test_a_server_without_a_peer_address_lets_no_caller_in(self, whatsapp, settings):
        settings.ENV = {**settings.ENV, "TRUSTED_PROXIES": 0}
        answer = Client(REMOTE_ADDR="").post(address_of(whatsapp), b"{}", "application/json")
        assert answer.status_code == 403
