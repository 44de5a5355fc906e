"""The sidebar shows what one's work needs; one name per thing; an address with a wrong filter still leads to the list (ADM-1)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import clear_script_prefix, reverse, set_script_prefix

from chatsvc.web.sidebar import SIDEBAR, name_of
from conversations.models import Attachment, Event
from messaging.models import Delivery
from tenants.access.permissions import ROLES
from tenants.models import Tenant, User
from tests.admin.conftest import World, rows, url

pytestmark = pytest.mark.django_db


def seen_by(client: Client, rf: RequestFactory) -> set[str]:
    """What stands in the sidebar of the person who is signed in."""
    client.get("/admin/")  # the pages are known with the first request
    request = rf.get("/admin/")
    request.user = User.objects.get(pk=client.session["_auth_user_id"])
    items = (item for group in SIDEBAR["navigation"] for item in group["items"])
    return {item["title"] for item in items if item.get("permission", lambda _: True)(request)}


@pytest.mark.parametrize(
    ("role", "operates"), [("agent", False), ("viewer", False), ("integrator", True), ("admin", True)]
)
def test_pages_of_operators_are_in_their_sidebar_only(
    tenant: Tenant, staff_of: Any, rf: Any, role: str, operates: bool
) -> None:
    seen = seen_by(staff_of(tenant, ROLES[role]), rf)
    assert {"Inbox", "Contacts", "Channels", "Canned replies", "Labels"} <= seen
    assert not {"Conversations", "Waiting", "Mine"} & seen  # the inbox has them
    assert ("All conversations" in seen) is operates
    assert ({"Deliveries", "Dead letters", "Outbox", "Receipts", "Not handled"} <= seen) is operates
    assert ("Deliveries" in seen) is operates


def test_a_list_and_its_rows_are_called_what_the_sidebar_calls_them(superuser: Client, acme: World) -> None:
    page = superuser.get(url(Attachment, "changelist")).content.decode()
    assert name_of(url(Attachment, "changelist")) == "Files"
    heading = page.partition("<h1")[2].partition("</h1>")[0]
    assert ("Files" in heading, "Attachments" in heading, "Conversations" in heading) == (True, False, False)


@pytest.mark.parametrize("query", ["nosuch__exact=1", "conversation__contact__name=x", "is_open__exact=7&e=1"])
def test_a_filter_that_there_is_not_leads_to_the_whole_list(superuser: Client, acme: World, query: str) -> None:
    page = superuser.get(f"{url(Delivery, 'changelist')}?{query}", follow=True)
    assert page.status_code == 200
    assert "a filter that this list does not have" in page.content.decode()
    assert len(page.context["cl"].result_list) == 1


def test_the_outbox_shows_what_waits(superuser: Client, acme: World) -> None:
    assert (
        len(superuser.get(f"{url(Event, 'changelist')}?outbox=waiting").context["cl"].result_list)
        == rows(Event).count()
    )
    rows(Event).update(published_at="2026-01-01T00:00:00Z")
    assert len(superuser.get(f"{url(Event, 'changelist')}?outbox=waiting").context["cl"].result_list) == 0


def test_no_page_has_a_handler_in_its_markup(superuser: Client, acme: World) -> None:
    page = superuser.get(url(Delivery, "change", acme.delivery.pk)).content.decode()
    own = page.partition('id="content"')[2]
    assert ("onsubmit" in own, "onclick" in own, "onfocus" in own) == (False, False, False)


def test_a_page_asks_no_model_what_one_may_do_with_it(superuser, monkeypatch):
    def asked(*_: Any) -> None:
        raise AssertionError("the list of all models is made, which no page with a sidebar shows")

    monkeypatch.setattr(type(admin.site), "_build_app_dict", asked)
    assert superuser.get(reverse("admin:tenants_team_changelist")).status_code == 200


def test_below_another_address_the_sidebar_leads_there():
    assert name_of(reverse("admin:tenants_team_changelist")) == "Teams"
    set_script_prefix("/chat/")
    try:
        below = reverse("admin:tenants_team_changelist")
        assert (below, name_of(below)) == ("/chat/admin/tenants/team/", "Teams")
    finally:
        clear_script_prefix()
    assert name_of(below) == ""


def test_choices_read_as_what_they_name_is_called() -> None:
    """Lists and pages show a choice by its label, which Django makes of the value where none is given: "Mcp", "Openai"."""
    wrong = re.compile(r"\b(?:Http|Mcp|Openai|Api|Sms|Url|Json|Csv|Pdf|Id)\b|_")
    labels = [
        (f"{one._meta.label}.{field.name}", str(label))
        for one in apps.get_models()
        for field in one._meta.fields
        for _, label in field.choices or ()
    ]
    assert [found for found in labels if wrong.search(found[1]) and not found[1].startswith("max_")] == []
    assert ("assistant.Tool.kind", "MCP server") in labels
