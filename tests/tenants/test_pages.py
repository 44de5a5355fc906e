"""A walk over a long list meets each row once, whatever comes and goes meanwhile (API-1, CONV-7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conversations.models import Contact
from tenants.api.pages import Walk
from tenants.errors import Invalid
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db

BY_NAME = Walk("people", by="name")
LATEST = Walk("news", by="created_at", latest=True)
IDS = Walk("ids")


def names(rows: Any) -> list[str]:
    return [row.name for row in rows]


def walked(walk: Walk, **options: Any) -> list[str]:
    page = walk.page(Contact.objects.all(), size=2, cursor=None, shape=names, **options)
    seen = page["items"]
    while page["has_next"]:
        page = walk.page(Contact.objects.all(), size=2, cursor=page["next_cursor"], shape=names, **options)
        seen += page["items"]
    assert page["next_cursor"] is None
    return seen


@pytest.fixture
def five(scope: Any) -> None:
    """Two of them of one name, and all of one moment."""
    for name in ("eve", "ana", "dora", "ana", "bo"):
        ContactFactory(tenant=scope, name=name)
    Contact.objects.update(created_at=now())


def test_each_row_comes_once_in_order(five: None) -> None:
    assert walked(BY_NAME) == ["ana", "ana", "bo", "dora", "eve"]
    assert walked(LATEST) == ["bo", "ana", "dora", "ana", "eve"]
    assert walked(IDS) == ["eve", "ana", "dora", "ana", "bo"]


def test_what_is_written_meanwhile_moves_nothing(five: None, scope: Any) -> None:
    first = LATEST.page(Contact.objects.all(), size=2, cursor=None, shape=names)
    new = ContactFactory(tenant=scope, name="new")
    Contact.objects.filter(id=new.id).update(created_at=now() + timedelta(days=1))
    second = LATEST.page(Contact.objects.all(), size=2, cursor=first["next_cursor"], shape=names)
    assert first["items"] + second["items"] == ["bo", "ana", "dora", "ana"]


def test_a_cursor_is_of_one_list_of_one_tenant(five: None, scope: Any, other_tenant: Any) -> None:
    people, one = Contact.objects.all(), Contact.objects.first()
    cursor = BY_NAME.page(people, size=2, cursor=None, shape=names)["next_cursor"]
    with tenant_scope(other_tenant.id), pytest.raises(Invalid, match="not one of ours"):
        BY_NAME.page(Contact.objects.all(), size=2, cursor=cursor, shape=names)
    for walk, options in ((LATEST, {}), (BY_NAME, {"within": one.id})):
        with pytest.raises(Invalid, match="not one of ours"):
            walk.page(people, size=2, cursor=cursor, shape=names, **options)
    for forged in ("x", cursor[:-1], f"{cursor}x"):
        with pytest.raises(Invalid, match="not one of ours"):
            BY_NAME.page(people, size=2, cursor=forged, shape=names)
