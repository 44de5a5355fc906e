"""What no database keeps is told at its field (ADM-1)."""

from __future__ import annotations

from django.test import Client

from conversations.models import Contact
from tenants.models import Tenant
from tests.admin.conftest import url
from tests.factories import (
    ContactFactory,
)


def test_json_that_no_database_keeps_is_told_at_its_field(superuser: Client, tenant: Tenant) -> None:
    page, given = url(Tenant, "change", tenant.pk), {"name": "Acme", "slug": tenant.slug, "status": "active"}
    for bad in ('{"a": NaN}', '{"a": 1e999}', '{"a": "\\u0000"}', '{"a": "\\ud800"}', "1" * 5000, "[" * 100_000):
        answer = superuser.post(page, {**given, "settings": bad})
        assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, ["settings"])


def test_words_that_no_database_keeps_are_told_at_their_field(superuser: Client, tenant: Tenant) -> None:
    page = url(Contact, "change", ContactFactory(tenant=tenant).pk)
    fact = {"name": "Mira", "profile-0-key": "size", "profile-0-value": "M\0"}
    answer = superuser.post(page, fact)
    assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, ["profile"])
