"""No tenant's address leads inside: not when saved, not when called, not by lending its trust to files."""

from __future__ import annotations

import pytest

from channels_app.contract import Rejected, Unreachable
from channels_app.http import addresses, client
from channels_app.http.addresses import BadAddress, address_check
from channels_app.http.client import HttpClient, listed
from channels_app.models import Channel
from channels_app.registry import KINDS, adapter_for
from channels_app.services import channel_save, http_for
from tenants.errors import Invalid
from tests.adapters.kit import kits
from tests.channels_app.loopback import answers, http_answer, served

SECRETS = {"access_token": "t" * 12, "app_secret": "a" * 12, "verify_token": "v" * 12}
INSIDE = (
    "http://127.0.0.1:8198/x http://localhost/x http://[::1]:80/ http://[::ffff:127.0.0.1]:80/ http://10.1.2.3/ "
    "https://192.168.0.1/ http://100.64.0.1/ http://169.254.169.254/latest http://[fd00::1]/ http://0.0.0.0/ "
    "http://2130706433/ http://0x7f.1/"
).split()
#: settings that look like addresses and are never connected to by us, by the reason
NOT_CALLED = {
    "webhook_url": "our own, as the platform knows it",
    "hold_music_url": "played by the phone network",
    "privacy_url": "opened by the visitor's browser",
}


def whatsapp(tenant, **config) -> Channel:
    return Channel(tenant=tenant, kind="whatsapp", name="W", config={"phone_number_id": "1", **config}, secrets=SECRETS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_that_is_called_is_declared_an_address(kind):
    """A new field with an address is guarded, or says why it need not be."""
    adapter = adapter_for(kind)
    fields = adapter.config_class.model_fields
    looks_like_one = {name for name in fields if name.endswith(("_base", "_url", "_hosts", "_uri", "_host"))}
    assert adapter.address_keys <= fields.keys()
    assert looks_like_one - NOT_CALLED.keys() == adapter.address_keys


@pytest.mark.parametrize("url", INSIDE)
def test_an_address_inside_is_not_saved(scope, url):
    with pytest.raises(Invalid) as caught:
        channel_save(whatsapp(scope, api_base=url))
    assert caught.value.code == "invalid_channel"
    assert [(one["field"], one["code"]) for one in caught.value.details] == [("api_base", "url_not_public")]
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("login_base", "http://127.0.0.1:1/login"),
        ("openid_url", "https://10.0.0.1/keys"),
        ("service_hosts", ["10.0.0.1:443"]),
        ("api_base", "http://[::1]/teams"),
    ],
)
def test_no_address_of_a_kind_leads_inside(scope, field, value):
    kit = next(kit for kit in kits() if kit.kind == "teams")
    config = {**kit.configured.model_dump(mode="json"), field: value}
    with pytest.raises(Invalid) as caught:
        channel_save(Channel(tenant=scope, kind="teams", name="T"), config=config)
    assert [one["field"] for one in caught.value.details] == [field]


def test_http_is_for_development(scope, settings):
    settings.PRODUCTION = True
    with pytest.raises(Invalid) as caught:
        channel_save(whatsapp(scope, api_base="http://93.184.216.34/x"))
    assert caught.value.details[0]["code"] == "url_not_https"


def test_a_place_the_operator_allows_is_saved_and_called(scope, reachable):
    with served(answers(http_answer())) as inside:
        reachable(inside.url)
        channel = channel_save(whatsapp(scope, api_base=inside.url))
        assert http_for(channel).request("GET", inside.url).status == 200


def test_a_host_alone_stands_for_all_its_ports(scope, monkeypatch, settings):
    with served(answers(http_answer())) as inside:
        monkeypatch.setitem(settings.ENV, "OUTBOUND_ALLOW_HOSTS", ["127.0.0.1"])
        channel = channel_save(whatsapp(scope, api_base=inside.url))
        assert http_for(channel).fetch(inside.url, max_bytes=10).status == 200
    assert not listed("127.0.0.11:80", frozenset({"127.0.0.1"}))
    assert not listed("", frozenset({""}))


def test_a_stored_address_inside_is_not_called(scope):
    with served(answers(http_answer())) as inside:
        channel = whatsapp(scope, api_base=inside.url)
        channel.save()
        with pytest.raises(Rejected, match="address_blocked"):
            http_for(channel).request("GET", inside.url)
        with pytest.raises(Rejected, match="address_blocked"):
            http_for(channel).fetch(inside.url, max_bytes=10)
    assert inside.connections == []


def test_no_redirect_from_outside_leads_to_a_place_the_operator_allows(monkeypatch):
    """Neither at once nor over a place outside; from inside it may."""
    pools = []
    real = client._pool
    monkeypatch.setattr(client, "_pool", lambda inside: pools.append(inside) or real(True))
    moved = "location: {}\r\n"
    with served(answers(*[http_answer()] * 2)) as allowed:
        start = http_answer("302 Found", headers=moved.format(allowed.url))
        with served(answers(start, start)) as elsewhere:
            http = HttpClient(allow_hosts=frozenset({allowed.authority}))
            assert http.fetch(elsewhere.url, max_bytes=10).status == 200
            both = HttpClient(allow_hosts=frozenset({allowed.authority, elsewhere.authority}))
            assert both.fetch(elsewhere.url, max_bytes=10).status == 200
    assert pools == [False, False, True, True]


def test_files_come_from_the_channels_own_place_only(scope, reachable):
    """What one tenant's operator allows for calls is not a library for files that people name."""
    with served(answers(http_answer())) as own, served(answers(http_answer())) as other:
        reachable(own.url)
        reachable(other.url)
        http = http_for(whatsapp(scope, api_base=own.url))
        assert http.fetch(own.url, max_bytes=10).status == 200
        with pytest.raises(Rejected, match="address_blocked"):
            http.fetch(other.url, max_bytes=10)
    assert other.connections == []


def test_another_address_needs_the_secrets_again(scope):
    channel = channel_save(whatsapp(scope, api_base="https://93.184.216.34"))
    with pytest.raises(Invalid) as caught:
        channel_save(channel, config={"api_base": "https://93.184.216.35", "access_token": "n" * 12})
    assert caught.value.code == "secrets_required"
    assert [one["field"] for one in caught.value.details] == ["app_secret", "verify_token"]
    assert Channel.objects.get().config["api_base"] == "https://93.184.216.34"
    assert channel_save(Channel.objects.get(), config={"api_version": "v26.0"}).config["api_version"] == "v26.0"
    moved = channel_save(Channel.objects.get(), config={"api_base": "https://93.184.216.35", **SECRETS})
    assert Channel.objects.get().config == moved.config


def test_a_change_made_on_the_row_itself_needs_them_too(scope):
    channel = channel_save(whatsapp(scope))
    channel.config = {**channel.config, "api_base": "https://93.184.216.35"}
    with pytest.raises(Invalid, match="secrets"):
        channel_save(channel)


def test_a_name_that_cannot_be_resolved_now_passes(monkeypatch):
    def resolve(host, port):
        raise Unreachable("dns_failed")

    monkeypatch.setattr(addresses, "resolve", resolve)
    address_check("https://soon.example/x", allowed=frozenset(), https=True)


@pytest.mark.parametrize("url", ["ftp://x.example", "https://u:p@x.example", "https://x.example/#f", "https://x:99999"])
def test_what_is_no_address_is_told(url):
    with pytest.raises(BadAddress) as caught:
        address_check(url, allowed=frozenset(), https=True)
    assert caught.value.code == "invalid_url"


@pytest.mark.parametrize(
    "url",
    ["https://ex..example/", f"https://{'a' * 64}.example/", f"https://{'a.' * 127}example/", "https://.example/",
     "https://ex.example/ a", "https://ex.example/\u202egnp.exe", "https://ex.example/\u200b", "https://ex.example/\x7f"],
    ids=ascii,
)  # fmt: skip
def test_an_address_that_no_name_server_can_know_or_people_cannot_read_is_not_saved(url):
    with pytest.raises(BadAddress) as caught:
        address_check(url, allowed=frozenset(), https=True)
    assert caught.value.code == "invalid_url"


@pytest.mark.parametrize("url", ["https://ex.example./", f"https://{'a' * 63}.example/", "https://exämple.example/ä"])
def test_an_address_at_the_limits_is(monkeypatch, url):
    monkeypatch.setattr(addresses, "resolve", lambda host, port: ["8.8.8.8"])
    address_check(url, allowed=frozenset(), https=True)
