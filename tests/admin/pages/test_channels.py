"""Channels in the console: connected, changed, tested; secrets are kept and never shown (ADM-1)."""

from __future__ import annotations

import pytest
from django.test import Client

from channels_app.contract import CheckResult
from channels_app.models import Channel
from tenants.models import AuditEntry, Membership, Tenant
from tests.admin.conftest import SECRET, World, do, rows, url

WHATSAPP = {
    "name": "Support", "enabled": "on", "config_api_base": "https://graph.example.com", "config_api_version": "v25.0",
    "config_phone_number_id": "777", "config_list_label": "Options",
}  # fmt: skip


def test_a_channel_is_connected(superuser: Client, tenant: Tenant) -> None:
    secrets = {"config_access_token": "token-0123456789", "config_app_secret": "s", "config_verify_token": "v"}
    assert b"WhatsApp" in superuser.get(url(Channel, "add")).content
    answer = superuser.post(url(Channel, "add") + "?kind=whatsapp", {**WHATSAPP, **secrets, "tenant": tenant.pk})
    assert answer.status_code == 302
    channel = rows(Channel).get(name="Support")
    assert channel.config["phone_number_id"] == "777"
    assert channel.secrets == {"access_token": "token-0123456789", "app_secret": "s", "verify_token": "v"}
    page = superuser.get(url(Channel, "change", channel.pk)).content.decode()
    assert f"/api/v2/webhooks/whatsapp/{channel.key}" in page
    assert "••••6789" in page
    assert "token-0123456789" not in page
    entry = rows(AuditEntry).get(action="channel.created")
    assert entry.tenant_id == tenant.pk
    assert "token-0123456789" not in str(entry.changes)


def test_what_a_widget_shows_is_set_in_the_console(superuser: Client, tenant: Tenant) -> None:
    look = {
        "config_title": "Ask us", "config_color": "#112233", "config_position": "left", "config_subtitle": "We listen",
        "config_launcher_text": "Help", "config_privacy_url": "https://shop.example.com/privacy",
        "config_starters-0-title": "Track", "config_starters-0-payload": "track",
            "config_starters-1-title": "", "config_starters-1-payload": "",  # the empty row at the end
        "config_triggers-0-text": "Any questions?", "config_triggers-0-path": "/cart*", "config_triggers_a_day": "2",
    }  # fmt: skip
    base = {"tenant": tenant.pk, "name": "Website", "enabled": "on", "rate_per_second": "", "ip_allow_list": ""}
    address = url(Channel, "add") + "?kind=web"
    refused = superuser.post(address, {**base, **look, "config_privacy_url": "javascript:alert(1)"})
    assert b"Write a web address that begins with https://." in refused.content
    both = superuser.post(address, {**base, **look, "config_privacy_url": "javascript:alert(1)", "name": ""})
    assert b"Write a web address that begins with https://." in both.content, "all that is wrong is told at once"
    assert superuser.post(address, {**base, **look}).status_code == 302
    config = rows(Channel).get(name="Website").config
    assert config["starters"] == [{"title": "Track", "payload": "track"}]
    assert (config["triggers"], config["triggers_a_day"]) == (
        [{"text": "Any questions?", "path": "/cart*", "on_exit": False}],
        2,
    )
    assert (config["subtitle"], config["launcher_text"], config["position"]) == ("We listen", "Help", "left")


def test_the_picture_of_a_member_is_an_https_address(superuser: Client, acme: World) -> None:
    member = rows(Membership).get(tenant=acme.tenant)
    address = url(Membership, "change", member.pk)
    form = {"user": member.user_id, "role": member.role_id}
    assert superuser.post(address, {**form, "picture": "http://a.example/a.png"}).status_code == 200
    assert superuser.post(address, {**form, "picture": "https://a.example/a.png"}).status_code == 302
    member.refresh_from_db()
    assert member.picture == "https://a.example/a.png"


def test_secrets_are_kept_unless_typed(superuser: Client, acme: World) -> None:
    data = {**WHATSAPP, "config_api_base": "https://graph.facebook.com", "config_access_token": "new-token"}
    assert superuser.post(url(Channel, "change", acme.channel.pk), data).status_code == 302
    stored = rows(Channel).get(pk=acme.channel.pk)
    assert stored.secrets["access_token"] == "new-token"
    assert stored.secrets["app_secret"] == SECRET + "A"
    assert stored.tenant_id == acme.tenant.pk


def test_another_address_needs_the_secrets_again(superuser: Client, acme: World) -> None:
    """Else staff who may not see a secret have it sent to a server of theirs by "Check now"."""
    change = url(Channel, "change", acme.channel.pk)
    page = superuser.post(change, {**WHATSAPP, "config_access_token": "new-token"})
    assert page.status_code == 200
    assert page.content.decode().count("Another address needs this secret typed anew.") == 2
    assert "api_base" not in rows(Channel).get(pk=acme.channel.pk).config
    typed = {"config_access_token": "t", "config_app_secret": "a", "config_verify_token": "v"}
    assert superuser.post(change, {**WHATSAPP, **typed}).status_code == 302
    stored = rows(Channel).get(pk=acme.channel.pk)
    assert stored.config["api_base"] == "https://graph.example.com"
    assert stored.secrets == {"access_token": "t", "app_secret": "a", "verify_token": "v"}


def test_an_address_in_the_private_network_is_told_at_its_field(superuser: Client, acme: World) -> None:
    typed = {"config_access_token": "t", "config_app_secret": "a", "config_verify_token": "v"}
    data = {**WHATSAPP, **typed, "config_api_base": "http://127.0.0.1:8198/x"}
    page = superuser.post(url(Channel, "change", acme.channel.pk), data)
    assert page.status_code == 200
    assert "The address is not on the public internet." in page.content.decode()


def test_a_setting_that_nothing_obeys_is_refused_in_the_console(superuser: Client, tenant: Tenant) -> None:
    data = {"name": "Acme", "slug": "acme", "status": "active", "settings": '{"engine": "own"}'}
    page = superuser.post(url(Tenant, "change", tenant.pk), data)
    assert page.status_code == 200
    assert "engine: Nothing obeys this yet" in page.content.decode()
    assert Tenant.objects.get(pk=tenant.pk).settings == {}


def test_wrong_settings_are_told_at_their_field(superuser: Client, acme: World) -> None:
    data = {**WHATSAPP, "config_phone_number_id": "not a number", "ip_allow_list": "300.1.1.1"}
    page = superuser.post(url(Channel, "change", acme.channel.pk), data)
    assert page.status_code == 200
    assert "300.1.1.1 is not a network" in page.content.decode()
    page = superuser.post(url(Channel, "change", acme.channel.pk), {**data, "ip_allow_list": ""})
    assert "Write digits only." in str(page.context["adminform"].form.errors["config_phone_number_id"])
    assert rows(Channel).get(pk=acme.channel.pk).config == {"phone_number_id": "123"}


def test_the_connection_is_tested(superuser: Client, acme: World, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(
        "messaging.admin.channels.page.channel_check", lambda channel: CheckResult("healthy", "Works as +1 555")
    )
    assert "Works as +1 555" in do(superuser, acme.channel, "test").content.decode()
