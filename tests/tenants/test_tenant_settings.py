"""What a tenant may set, and how soon it counts (TEN-2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from tenants.access.auth import Principal
from tenants.hours import is_open
from tenants.models import AuditEntry, Tenant
from tenants.storage.db import new_id
from tenants.tenant_settings import TenantSettings, invalidate, settings_for
from tenants.trail.audit import audit
from tests.factories import UserFactory


def test_everything_has_a_default(tenant):
    assert settings_for(tenant.id) == TenantSettings()
    assert settings_for(new_id()).bot_name == "Assistant"


def test_settings_are_remembered_until_invalidated(tenant, django_assert_num_queries):
    settings_for(tenant.id)
    Tenant.objects.filter(id=tenant.id).update(settings={"bot_name": "Ada", "features": {"typing": False}})
    with django_assert_num_queries(0):
        assert settings_for(tenant.id).bot_name == "Assistant"
    invalidate(tenant.id)
    chosen = settings_for(tenant.id)
    assert (chosen.bot_name, chosen.features.typing, chosen.features.uploads) == ("Ada", False, True)


def test_a_blank_fallback_that_was_stored_before_is_ours_again(tenant):
    """It cannot be sent: the person whose engine is away got no answer at all."""
    Tenant.objects.filter(id=tenant.id).update(settings={"bot_name": "Ada", "fallback_reply": "  "})
    assert settings_for(tenant.id) == TenantSettings(bot_name="Ada")


def test_one_bad_setting_does_not_take_the_others_along(tenant, caplog):
    Tenant.objects.filter(id=tenant.id).update(settings={"bot_name": "Ada", "rate_limit": -1, "gone": 1})
    assert settings_for(tenant.id) == TenantSettings(bot_name="Ada")
    assert "rate_limit" in caplog.text


@pytest.mark.parametrize(
    "bad",
    [
        {"languages": ["english!"]},
        {"business_hours": {"time_zone": "Mars/Base"}},
        {"business_hours": {"days": {"mon": [{"start": "17:00", "end": "09:00"}]}}},
        {"business_hours": {"days": {"monday": []}}},
        {"rate_limit": 0},
        {"fallback_reply": ""},
        {"fallback_reply": " \n"},
        {"fallback_replies": {"de": "\u200b "}},
        {"out_of_hours_reply": " "},
        {"out_of_hours_replies": {"de": " "}},
        {"greeting": " "},
        {"bot_name": " "},
        {"flows": [{"id": "a", "greeting": " "}]},
        {"unknown": 1},
        {"features": {"voice": True}},
        {"fallback_replies": {"german!": "Nein"}},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_nonsense_is_refused(bad):
    with pytest.raises(ValidationError):
        TenantSettings.model_validate(bad)


HOURS = {"time_zone": "Europe/Berlin", "days": {"mon": [{"start": "09:00", "end": "17:00"}]}}


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        (datetime(2026, 1, 5, 7, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 5, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 5, 16, 0, tzinfo=UTC), False),
        (datetime(2026, 7, 6, 7, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 6, 10, 0, tzinfo=UTC), False),
    ],
    ids=["before", "opening", "closing", "summer time", "other day"],
)
def test_business_hours_are_local(at, open_):
    assert is_open(TenantSettings.model_validate({"business_hours": HOURS}).business_hours, at) is open_


def test_without_hours_it_is_always_open():
    assert is_open(TenantSettings().business_hours, datetime(2026, 1, 4, 3, tzinfo=UTC))


def _principal(kind, subject):
    return Principal(tenant_id=new_id(), subject=subject, kind=kind, permissions=frozenset())


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ("system", "system"),
        (_principal("key", "key:ab12cd34"), "key:ab12cd34"),
        (_principal("staff", "user:anna"), "user:anna"),
        (_principal("token", "user:root"), r"token:[0-9a-f]{24}"),
        (_principal("visitor", "v1"), r"visitor:[0-9a-f]{24}"),
    ],
    ids=["system", "key", "staff", "token that poses as staff", "visitor"],
)
def test_the_audit_trail_names_the_actor(scope, actor, name):
    made = audit(actor, "tenant.updated", scope, {"fields": ["name"]}, "192.0.2.1")
    assert re.fullmatch(name, made.actor), "no subject that an issuer chose is told, nor passes for another"
    entry = AuditEntry.objects.get()
    assert (entry.tenant, entry.target, entry.ip) == (scope, f"tenant:{scope.pk}", "192.0.2.1")


def test_users_are_named_too(scope):
    assert audit(UserFactory(username="anna"), "login").actor == "user:anna"
