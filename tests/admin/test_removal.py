"""The console's page on which a tenant's removal begins, and what is seen of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from channels_app.models import Channel
from conversations.models import Message
from tenants.admin import TenantsAdmin
from tenants.models import Removal, Tenant
from tests.admin.conftest import World, rows, url


def test_the_page_costs_the_same_however_much_there_is(
    superuser: Client, acme: World, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8):
        page = superuser.get(url(Tenant, "delete", acme.tenant.pk))
    assert page.status_code == 200
    assert "acme" in page.content.decode()


@pytest.mark.parametrize("typed", ["", "Acme", "globex", "yes"])
def test_nothing_begins_without_the_slug(superuser: Client, acme: World, globex: World, typed: str) -> None:
    page = superuser.post(url(Tenant, "delete", acme.tenant.pk), {"slug": typed, "post": "yes"})
    assert "That is not its slug" in page.content.decode()
    assert Tenant.objects.get(id=acme.tenant.pk).status == "active"
    assert not Removal.objects.filter(tenant_id=acme.tenant.pk).exists()


@pytest.mark.parametrize(("meanwhile", "answer", "name"), [("suspended", 302, "New"), ("removing", 403, "Acme")])
def test_a_form_that_was_read_before_does_not_bring_the_status_back(
    superuser: Client, acme: World, monkeypatch: pytest.MonkeyPatch, meanwhile: str, answer: int, name: str
) -> None:
    real = TenantsAdmin.save_model

    def late(self: Any, request: Any, obj: Any, *given: Any) -> None:
        Tenant.objects.filter(id=obj.id).update(status=meanwhile, name="Acme")
        real(self, request, obj, *given)

    monkeypatch.setattr(TenantsAdmin, "save_model", late)
    form = {"name": "New", "slug": "acme", "status": "active", "settings": "{}"}
    assert superuser.post(url(Tenant, "change", acme.tenant.pk), form).status_code == answer
    row = Tenant.objects.get(id=acme.tenant.pk)
    assert row.name == name
    assert row.status == {302: meanwhile, 403: "active"}[answer], "a refusal undoes all, the test's own write, too"


def test_the_slug_begins_it_and_its_progress_is_shown(superuser: Client, acme: World, globex: World) -> None:
    page = superuser.post(url(Tenant, "delete", acme.tenant.pk), {"slug": "acme"}, follow=True)
    begun = Removal.objects.get(tenant_id=acme.tenant.pk)
    assert page.redirect_chain[-1][0] == url(Removal, "change", begun.pk)
    assert (begun.status, begun.requested_by.startswith("user:")) == ("running", True)
    assert Tenant.objects.get(id=acme.tenant.pk).status == "removing"
    assert Tenant.objects.get(id=globex.tenant.pk).status == "active"
    form = superuser.get(url(Tenant, "change", acme.tenant.pk))
    assert form.status_code == 200
    assert superuser.post(url(Tenant, "change", acme.tenant.pk), {"status": "active"}).status_code == 403


def test_staff_cannot_begin_it_and_lose_sight_of_the_tenant(superuser: Client, staff_of: Any, acme: World) -> None:
    staff = staff_of(acme.tenant)
    assert staff.post(url(Tenant, "delete", acme.tenant.pk), {"slug": "acme"}).status_code == 403
    assert staff.get(url(Message, "changelist")).status_code == 200
    superuser.post(url(Tenant, "delete", acme.tenant.pk), {"slug": "acme"})
    assert staff.get(url(Message, "changelist")).status_code == 403
    assert staff.get(url(Removal, "changelist")).status_code == 403


def test_the_form_offers_no_removal_and_the_list_no_deletion(superuser: Client, acme: World) -> None:
    form = superuser.get(url(Tenant, "change", acme.tenant.pk)).content.decode()
    assert 'value="suspended"' in form
    assert 'value="removing"' not in form
    picked = {"action": "delete_selected", "_selected_action": [str(acme.tenant.pk)], "post": "yes"}
    superuser.post(url(Tenant, "changelist"), picked)
    assert Tenant.objects.filter(id=acme.tenant.pk, status="active").exists()


def test_a_channel_has_no_page_that_deletes_it(superuser: Client, staff_of: Any, acme: World) -> None:
    for client in (superuser, staff_of(acme.tenant)):
        assert client.post(url(Channel, "delete", acme.channel.pk), {"post": "yes"}).status_code == 403
    picked = {"action": "delete_selected", "_selected_action": [str(acme.channel.pk)], "post": "yes"}
    superuser.post(url(Channel, "changelist"), picked)
    assert rows(Channel).filter(id=acme.channel.pk).exists()


def test_a_disconnected_channel_is_shown_and_cannot_be_changed(superuser: Client, acme: World) -> None:
    superuser.post(url(Channel, "do", acme.channel.pk, "disconnect"))
    page = superuser.get(url(Channel, "change", acme.channel.pk))
    assert page.status_code == 200
    assert "disconnect/" not in page.content.decode(), "no button is left"
    assert "disconnected" in superuser.get(url(Channel, "changelist")).content.decode()
    assert superuser.post(url(Channel, "change", acme.channel.pk), {"name": "new"}).status_code == 403
    checked = superuser.post(
        url(Channel, "changelist"), {"action": "test", "_selected_action": [str(acme.channel.pk)]}, follow=True
    )
    assert "This channel is disconnected." in checked.content.decode()
    assert superuser.get(reverse("admin:index")).status_code == 200
