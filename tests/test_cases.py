"""A case that goes wrong, or does what it is asked, is nothing to the next."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from tenants.models import Tenant
from tests.cases import by_noun, undone

pytestmark = pytest.mark.django_db
Alone: Any = SimpleNamespace(test=lambda **_: nullcontext())  # tells nothing, and lets through what goes wrong


@pytest.mark.parametrize("wrong", [False, True])
def test_what_a_case_did_is_undone(tenant: Tenant, wrong: bool) -> None:
    with pytest.raises(AssertionError) if wrong else nullcontext(), undone(Alone, address="x"):
        Tenant.objects.filter(id=tenant.id).update(name="Of the first case")
        cache.set("of-the-first-case", 1)
        assert not wrong
    tenant.refresh_from_db()
    assert (tenant.name, cache.get("of-the-first-case")) == ("Acme", None)


def test_every_operation_is_in_one_list() -> None:
    given = [
        ("api/v2/contacts/", "GET"),
        ("/api/v2/contacts/<uuid:id>/notes", "POST"),
        ("api/v1/threads", "GET"),
        ("x", "GET"),
    ]
    assert [(one.id, one.values) for one in by_noun(given)] == [
        ("contacts", (given[:2],)), ("threads", (given[2:3],)), ("x", (given[3:],)),
    ]  # fmt: skip
