"""From nothing to a tenant that works, by four commands: JSON for scripts, safe to repeat, secrets once (OPS-4)."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from channels_app.models import Channel
from tenants.access.api_keys import api_key_verify
from tenants.access.permissions import ALL, ROLES, expand
from tenants.models import ApiKey, AuditEntry, Membership, Role, Tenant, User
from tenants.storage import memo
from tenants.storage.db import now
from tests.conftest import Api

pytestmark = pytest.mark.django_db
WEB = {"title": "Help", "allowed_origins": ["https://shop.example.com"]}


def made(name: str, *words: str) -> dict[str, Any]:
    out = StringIO()
    call_command(name, *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def refused(name: str, *words: str) -> str:
    """The code of the error, which stands on stdout as JSON."""
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command(name, *words, "--json", stdout=out)
    told = json.loads(out.getvalue())["error"]
    assert told["code"] in str(error.value)
    return told["code"]


@pytest.fixture
def acme(db: None) -> Tenant:
    return Tenant.objects.get(id=made("create_tenant", "acme", "--name", "Acme")["tenant_id"])


def test_a_tenant_has_the_default_roles_and_a_second_run_changes_nothing(acme):
    again = made("create_tenant", "acme")
    assert (again["tenant_id"], again["created"]) == (str(acme.id), False)
    assert set(Role.objects.unscoped().filter(tenant=acme).values_list("name", flat=True)) == set(ROLES)


def test_a_user_has_a_password_once_and_a_place(acme, client):
    ana = made("create_user", "ana", "--tenant", "acme", "--role", "admin")
    assert (ana["role"], ana["created"], ana["member_added"]) == ("admin", True, True)
    assert client.post("/admin/login/", {"username": "ana", "password": ana["password"]}).status_code == 302
    again = made("create_user", "ana", "--tenant", "acme", "--role", "admin")
    assert (again["password"], again["created"], again["member_added"]) == (None, False, False)
    assert Membership.objects.unscoped().get(user_id=ana["user_id"]).tenant == acme


def test_a_key_works_is_not_made_twice_and_is_replaced(acme):
    first = made("create_api_key", "--tenant", "acme", "--name", "shop", "--scope", ALL)
    assert api_key_verify(first["api_key"]).permissions == expand([ALL])
    assert refused("create_api_key", "--tenant", "acme", "--name", "shop") == "key_exists"
    second = made("create_api_key", "--tenant", "acme", "--name", "shop", "--rotate", "--overlap-hours", "2")
    assert api_key_verify(second["api_key"]).tenant_id == api_key_verify(first["api_key"]).tenant_id
    ends_at = datetime.fromisoformat(second["former_ends_at"])
    assert ends_at == ApiKey.objects.unscoped().get(prefix=first["prefix"]).expires_at


def test_a_key_has_what_an_integrator_needs_by_default(acme):
    assert set(made("create_api_key", "--tenant", "acme", "--name", "shop")["scopes"]) == set(ROLES["integrator"])


def test_an_operators_token_opens_the_system_and_ends_with_the_account(acme):
    made("create_user", "root", "--superuser")
    root = made("create_token", "root", "--tenant", "acme", "--scope", "system:read", "--ttl", "60")
    stats = "/api/v2/system/stats"
    assert Api(root["access_token"]).get(stats).status_code == 200
    assert Api(root["access_token"]).post("/api/v2/system/cache/flush", {"cache_name": "all"}).status_code == 403
    assert 50 < (datetime.fromisoformat(root["expires_at"]) - now()).total_seconds() <= 60
    made("create_user", "ana", "--tenant", "acme", "--role", "admin")
    ana = made("create_token", "ana", "--tenant", "acme")
    assert set(ana["permissions"]) == expand(ROLES["admin"])
    assert Api(ana["access_token"]).get("/api/v2/members").status_code == 200
    assert Api.error_of(Api(ana["access_token"]).get(stats))["code"] == "operators_only"
    told = (
        AuditEntry.objects.unscoped()
        .filter(tenant=acme, action="token.issued")
        .order_by("id")
        .values_list("target", "changes")
    )
    assert list(told) == [
        (f"user:{User.objects.get(username=name).pk}", {"ttl": ttl}) for name, ttl in (("root", 60), ("ana", 900))
    ]
    User.objects.update(is_active=False)
    memo.flush_all()
    for token in (root, ana):
        assert Api.error_of(Api(token["access_token"]).get(stats))["code"] == "token_revoked"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nobody", "--tenant", "acme"), "unknown_user"),
        (("ana", "--tenant", "nope"), "unknown_tenant"),
        (("ana", "--tenant", "globex"), "no_access"),
        (("ana", "--tenant", "acme", "--scope", "keys:write"), "more_than_held"),
        (("ana", "--tenant", "acme", "--scope", "all"), "validation_error"),
        (("ana", "--tenant", "acme", "--ttl", "0"), "validation_error"),
        (("ana", "--tenant", "acme", "--ttl", "86401"), "validation_error"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_token_that_may_not_be_has_a_code(acme, words: tuple[str, ...], code: str):
    made("create_tenant", "globex")
    made("create_user", "ana", "--tenant", "acme", "--role", "viewer")
    assert refused("create_token", *words) == code
    assert not AuditEntry.objects.unscoped().filter(action="token.issued").exists()


def test_a_web_channel_tells_its_script_tag(acme):
    first = made("create_channel", "--tenant", "acme", "--kind", "web", "--name", "Shop", "--config", json.dumps(WEB))
    assert f'data-channel="{first["key"]}"' in first["script_tag"]
    assert first["webhook_url"] is None
    again = made("create_channel", "--tenant", "acme", "--kind", "web", "--name", "Shop", "--config", json.dumps(WEB))
    assert (again["channel_id"], again["created"]) == (first["channel_id"], False)
    assert Channel.objects.unscoped().filter(tenant=acme).count() == 1


def test_another_channel_tells_its_webhook_address_and_no_secret(acme):
    config = {"phone_number_id": "123", **dict.fromkeys(("access_token", "app_secret", "verify_token"), "5" * 32)}
    told = json.dumps(made("create_channel", "--tenant", "acme", "--kind", "whatsapp", "--config", json.dumps(config)))
    assert ("/api/v2/webhooks/whatsapp/" in told, "5" * 32 in told) == (True, False)


def test_a_wrong_setting_is_named(acme):
    with pytest.raises(CommandError, match="phone_number_id: This is needed"):
        call_command("create_channel", "--tenant", "acme", "--kind", "whatsapp")


def test_a_channel_that_does_not_hold_says_what_to_write_in_words(acme: Tenant) -> None:
    with pytest.raises(CommandError, match=r"allowed_origins\.0: Write a site as https://www\.example\.com"):
        call_command(
            "create_channel", "--tenant", "acme", "--kind", "web", "--config", '{"allowed_origins": ["neu.example"]}'
        )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create_tenant", "acme", "--name", "Other"), "tenant_exists"),
        (("create_tenant", "not a slug"), "validation_error"),
        (("create_user", "ana"), "no_tenant"),
        (("create_user", "ana", "--tenant", "acme", "--role", "boss"), "unknown_role"),
        (("create_user", "ana", "--tenant", "nope"), "unknown_tenant"),
        (("create_api_key", "--tenant", "acme", "--name", "k", "--scope", "all"), "validation_error"),
        (("create_api_key", "--tenant", "acme", "--name", "k", "--rotate"), "key_not_found"),
        (("create_channel", "--tenant", "acme", "--kind", "web", "--config", "{"), "invalid_json"),
        (("create_channel", "--tenant", "acme", "--kind", "web", "--config", '{"color": "blue"}'), "invalid_channel"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_what_cannot_be_made_has_a_code_and_leaves_nothing(acme, words: tuple[str, ...], code: str):
    assert refused(*words) == code
    assert (Tenant.objects.count(), User.objects.count(), ApiKey.objects.unscoped().count()) == (1, 0, 0)


def test_a_channel_with_other_settings_and_a_member_with_another_role_are_refused(acme):
    made("create_channel", "--tenant", "acme", "--kind", "web", "--config", json.dumps(WEB))
    other = json.dumps({**WEB, "title": "Other"})
    assert refused("create_channel", "--tenant", "acme", "--kind", "web", "--config", other) == "channel_exists"
    made("create_user", "ana", "--tenant", "acme", "--role", "viewer")
    assert refused("create_user", "ana", "--tenant", "acme", "--role", "admin") == "other_role"
    assert refused("create_user", "ana", "--superuser") == "user_exists"


def test_in_words_each_says_what_comes_next(acme):
    def told(name: str, *words: str) -> str:
        out = StringIO()
        call_command(name, *words, stdout=out)
        return out.getvalue()

    assert "is there" in told("create_tenant", "acme")
    assert "create_user" in told("create_tenant", "globex")
    ana = told("create_user", "ana", "--tenant", "acme")
    assert ("shown this once" in ana, f"{settings.PUBLIC_URL}/admin/" in ana) == (True, True)
    assert "the password stays" in told("create_user", "ana", "--tenant", "acme")
    key = told("create_api_key", "--tenant", "acme", "--name", "k")
    assert ("shown this once: csk_" in key, f"{settings.PUBLIC_URL}/api/docs" in key) == (True, True)
    assert "<script" in told("create_channel", "--tenant", "acme", "--kind", "web")
