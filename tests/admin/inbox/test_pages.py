"""The inbox's page: whom it is for, what it shows to whom, and that it needs no script and no exception (ADM-2)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.inbox.conftest import HOME, QUEUED, Desk, fresh
from tests.factories import ConversationFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def signed_in(user: Any, **more: str) -> str:
    """Where a login leads to."""
    user.set_password("a long password")
    user.save()
    form = {"username": user.username, "password": "a long password", **more}
    answer = Client().post(reverse("admin:login"), form)
    assert answer.status_code == 302
    return str(answer.url)


def test_a_login_leads_to_the_inbox(desk: Desk) -> None:
    assert signed_in(desk.member, next=reverse("admin:index")) == HOME
    assert signed_in(desk.member) == HOME, "the login page, opened by itself, says nothing of where to go"


def test_a_login_leads_where_one_was_going(desk: Desk) -> None:
    assert signed_in(desk.member, next="/admin/conversations/contact/") == "/admin/conversations/contact/"


def test_a_login_without_conversations_leads_to_the_console(desk_of: Any) -> None:
    assert signed_in(desk_of("channels:read").member) == reverse("admin:index")


def test_the_inbox_is_the_first_in_the_sidebar(desk: Desk) -> None:
    page = desk.client.get(reverse("admin:index"))
    first = page.context["sidebar_navigation"][0]["items"][0]
    assert (first["title"], str(first["link"]), first["has_permission"]) == ("Inbox", HOME, True)


def test_people_without_a_tenant_are_refused(db: None) -> None:
    client = Client()
    client.force_login(UserFactory())
    assert client.get(HOME).status_code == 403


def test_a_conversation_of_another_tenant_is_not_there(desk: Desk, other_tenant: Any) -> None:
    foreign = ConversationFactory(tenant=other_tenant)
    assert desk.open(foreign).status_code == 404
    assert desk.do(foreign, "take_over").status_code == 404
    assert desk.client.get(f"{HOME}{foreign.id}/", {"part": "conversation"}).status_code == 404


def test_an_address_can_be_opened_anew_with_its_list(desk: Desk) -> None:
    row = desk.talk("Ana", "Where is it?", waiting=1, **QUEUED)
    page = desk.open(row, view="waiting")
    assert page.status_code == 200
    assert "Where is it?" in page.content.decode()
    assert page.context["opened"] == row.id
    assert "no-store" in page["Cache-Control"]


def test_a_conversation_that_is_opened_is_read(desk: Desk) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    desk.open(row)
    assert fresh(row).agent_read_seq == 1


def test_who_may_not_read_messages_sees_none(desk_of: Any) -> None:
    viewer = desk_of("conversations:read")
    row = viewer.talk("Ana", "My secret", waiting=1, **QUEUED)
    pages = [viewer.client.get(HOME), viewer.open(row), viewer.client.get(HOME, {"q": "secret"})]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert not [page for page in pages if "My secret" in page.content.decode()]


def test_who_may_only_read_is_offered_no_verb(desk_of: Any) -> None:
    viewer = desk_of("conversations:read", "messages:read")
    row = viewer.talk("Ana", waiting=1, **QUEUED)
    page = viewer.open(row).content.decode()
    assert "data-verb" not in page
    assert {viewer.do(row, verb).status_code for verb in ("take_over", "assign", "snooze", "label", "close")} == {403}


def test_of_several_tenants_one_is_looked_at_and_remembered(desk: Desk, other_tenant: Any) -> None:
    MembershipFactory(tenant=other_tenant, user=desk.member, role__permissions=["*"])
    assert desk.list()["asked"].tenant == desk.tenant
    assert desk.list(tenant="globex")["asked"].tenant == other_tenant
    assert desk.list()["asked"].tenant == other_tenant
    assert desk.list(tenant="nonsense")["asked"].tenant == other_tenant
    assert desk.list(tenant="\0")["asked"].tenant == other_tenant


def test_no_script_and_no_handler_stands_in_the_page(desk: Desk) -> None:
    """It works under ``script-src 'self'``."""
    row = desk.talk("Ana", waiting=1, **QUEUED)
    page = desk.open(row).content.decode()
    scripts = re.findall(r"<script([^>]*)>", page)
    assert [tag for tag in scripts if "src=" not in tag and 'type="application/json"' not in tag] == []
    assert re.findall(r"<[^>]+\s(on[a-z]+|x-[a-z]+|hx-[a-z]+)=", page) == []
    assert "javascript:" not in page


def test_forms_and_links_do_what_the_script_does(desk: Desk) -> None:
    row = desk.talk("Ana", waiting=1, **QUEUED)
    answer = desk.client.post(f"{HOME}{row.id}/do/take_over/?view=waiting", {"epoch": 0}, follow=True)
    assert answer.redirect_chain == [(f"{HOME}{row.id}/?view=waiting", 302)]
    assert "you answer" in answer.content.decode()
    assert desk.client.get(f"{HOME}{row.id}/do/take_over/").status_code == 302  # a reload of what was posted
