"""Staff merge contacts and part them again (CONV-4)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Contact, ContactMerge
from messaging.admin import contacts
from messaging.privacy.models import Erasure
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tests.admin.conftest import do, rows, url
from tests.factories import ContactFactory, IdentityFactory

pytestmark = pytest.mark.django_db(transaction=True)


def merge(client: Any, *contacts: Contact) -> str:
    chosen = {"action": "merge", "_selected_action": [str(one.pk) for one in contacts]}
    return client.post(url(Contact, "changelist"), chosen, follow=True).content.decode()


def test_those_that_are_chosen_go_into_the_oldest_and_come_back(staff_of, tenant) -> None:
    older, newer = (IdentityFactory(tenant=tenant, contact__name=name).contact for name in ("Ana", "Ana L"))
    client = staff_of(tenant, ("contacts:read", "contacts:write"))
    assert "2 contacts are one now: Ana." in merge(client, newer, older)
    assert list(rows(Contact)) == [older]
    page = client.get(url(Contact, "change", older.pk)).content.decode()
    assert "Merged into this contact" in page and "Ana L" in page
    do(client, rows(ContactMerge).get(), "part")
    assert set(rows(Contact)) == {older, newer}
    acts = rows(AuditEntry).exclude(action__regex=r"\.(read|listed)$").order_by("id").values_list("action", "target")
    assert list(acts) == [("contact.merged", f"contact:{older.pk}"), ("contact.parted", f"contact:{older.pk}")]


def test_not_one_alone_not_of_two_tenants_and_not_without_the_right(staff_of, superuser, tenant, other_tenant) -> None:
    ours, more, theirs = (ContactFactory(tenant=one) for one in (tenant, tenant, other_tenant))
    assert "Choose two to 10 contacts of one tenant." in merge(superuser, ours)
    assert "Choose two to 10 contacts of one tenant." in merge(superuser, ours, theirs)
    merge(staff_of(tenant, ("contacts:read",)), ours, more)
    merge(staff_of(other_tenant), ours, more)
    assert rows(Contact).count() == 3


def erases(contact: Contact) -> None:
    Erasure.objects.create(tenant_id=contact.tenant_id, contact_id=contact.pk, requested_by="user:ana")


def test_one_that_is_being_erased_stops_all_and_is_named(staff_of, tenant) -> None:
    ana, mira, zoe = (IdentityFactory(tenant=tenant, contact__name=name).contact for name in ("Ana", "Mira", "Zoe"))
    with tenant_scope(tenant.id):
        erases(zoe)
    page = merge(staff_of(tenant), ana, mira, zoe)
    assert "Zoe: A contact that is being erased is neither merged nor parted. Nothing was merged." in page
    assert set(rows(Contact)) == {ana, mira, zoe}
    assert not rows(AuditEntry).filter(action="contact.merged").exists()


def test_an_erasure_that_begins_meanwhile_stops_the_rest(staff_of, tenant, monkeypatch) -> None:
    ana, mira, zoe = (IdentityFactory(tenant=tenant, contact__name=name).contact for name in ("Ana", "Mira", "Zoe"))
    merges = contacts.contacts_merge

    def first(*arguments: Any) -> Any:
        done = merges(*arguments)
        monkeypatch.setattr(contacts, "contacts_merge", merges)
        erases(zoe)
        return done

    monkeypatch.setattr(contacts, "contacts_merge", first)
    page = merge(staff_of(tenant), ana, mira, zoe)
    assert "This one and those after it were not merged." in page and "2 contacts are one now: Ana." in page
    assert set(rows(Contact)) == {ana, zoe}
