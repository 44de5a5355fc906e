"""Staff export and erase a person from the contact's page, each with a permission of its own (PRIV-1, PRIV-2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Contact
from messaging import tasks
from messaging.privacy.erase import erasure_start
from messaging.privacy.holds import hold_place
from messaging.privacy.models import Erasure, Export
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tests.admin.conftest import rows, url
from tests.factories import ContactFactory, ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = ("contacts:read", "privacy:export", "privacy:delete")


@pytest.fixture
def mira(tenant: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contact:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("messaging.wake._call", lambda *_: None)
    contact = ContactFactory(tenant=tenant, name="Mira  Braun", email="")
    talk = ConversationFactory(tenant=tenant, contact=contact, identity__contact=contact)
    MessageFactory(tenant=tenant, conversation=talk, text="hello")
    return contact


def at(contact: Contact, name: str) -> str:
    return reverse(f"admin:conversations_contact_{name}", args=[contact.pk])


@pytest.fixture
def page(mira: Contact) -> Callable[[Client], str]:
    return lambda client: client.get(url(Contact, "change", mira.pk)).content.decode()


def test_the_export_is_made_shown_and_downloaded(staff_of, mira: Contact, page) -> None:
    client = staff_of(mira.tenant, BOTH)
    assert "Export everything" in page(client)
    assert "is being made" in client.post(at(mira, "export"), follow=True).content.decode()
    assert "An export is being made: 0 %." in page(client)
    tasks.privacy.apply(throw=True)
    shown = page(client)
    assert "it was not downloaded yet" in shown and "Export again" in shown
    file = client.get(at(mira, "download"), follow=True)
    assert (file.status_code, file["Content-Type"]) == (200, "application/zip")
    assert b"".join(file.streaming_content)[:2] == b"PK"
    assert "it was downloaded 1 time." in page(client)
    act = rows(AuditEntry).get(action="contact.export_requested")
    assert (act.actor.startswith("user:"), act.ip) == (True, "127.0.0.1")


def test_a_file_that_is_gone_says_so(staff_of, mira: Contact) -> None:
    client = staff_of(mira.tenant, BOTH)
    assert "The file is gone" in client.get(at(mira, "download"), follow=True).content.decode()


@pytest.mark.parametrize("typed", ["", "mira braun", "Mira", "yes"])
def test_nothing_is_erased_without_the_name(staff_of, mira: Contact, typed: str) -> None:
    client = staff_of(mira.tenant, BOTH)
    answer = client.post(at(mira, "erase"), {"name": typed}).content.decode()
    assert "nothing was erased" in answer
    assert not rows(Erasure).exists()


def test_the_erasure_is_asked_about_begun_and_shown(staff_of, mira: Contact, page) -> None:
    client = staff_of(mira.tenant, BOTH)
    assert "1 conversation, 1 message, and what is known" in client.get(at(mira, "erase")).content.decode()
    told = client.post(at(mira, "erase"), {"name": " Mira Braun "}, follow=True)
    begun = rows(Erasure).get()
    assert told.redirect_chain[-1][0] == url(Erasure, "change", begun.pk)
    assert "This person is being erased" in page(client)
    assert (rows(AuditEntry).get(action="contact.erasure_requested").ip, begun.requested_by[:5]) == (
        "127.0.0.1",
        "user:",
    )
    assert "Mira" not in client.get(url(Erasure, "changelist")).content.decode()


def test_a_legal_hold_is_told_and_refuses(staff_of, mira: Contact, page) -> None:
    with tenant_scope(mira.tenant_id):
        hold_place(mira.id, "case 7/2026", "system")
    client = staff_of(mira.tenant, BOTH)
    assert "A legal hold keeps this person: case 7/2026." in page(client)
    for answer in (
        client.get(at(mira, "erase"), follow=True),
        client.post(at(mira, "erase"), {"name": "Mira Braun"}, follow=True),
    ):
        assert "case 7/2026" in answer.content.decode()
    assert not rows(Erasure).exists()


def test_of_who_is_being_erased_there_is_no_export(staff_of, mira: Contact) -> None:
    with tenant_scope(mira.tenant_id):
        erasure_start(mira.id, "system")
    told = staff_of(mira.tenant, BOTH).post(at(mira, "export"), follow=True).content.decode()
    assert "being erased" in told
    assert not rows(Export).exists()


@pytest.mark.parametrize(
    ("held", "may"),
    [
        (("contacts:read", "contacts:write"), set()),
        (("contacts:read", "privacy:export"), {"export", "download"}),
        (("contacts:read", "privacy:delete"), {"erase"}),
    ],
    ids=["neither", "export", "erase"],
)
def test_each_takes_its_permission(staff_of, mira: Contact, page, held: tuple[str, ...], may: set[str]) -> None:
    client = staff_of(mira.tenant, held)
    shown = page(client)
    assert ("Export everything" in shown, "Erase this person" in shown) == ("export" in may, "erase" in may)
    for name in ("export", "download", "erase"):
        assert (client.post(at(mira, name)).status_code == 403) == (name not in may), name
    lists = {"export": Export, "erase": Erasure}
    for name, model in lists.items():
        assert client.get(url(model, "changelist")).status_code == (200 if name in may else 403)


def test_another_tenants_staff_find_no_such_contact(staff_of, mira: Contact, other_tenant: Any) -> None:
    stranger = staff_of(other_tenant)
    for name in ("export", "download", "erase"):
        assert stranger.post(at(mira, name), {"name": "Mira Braun"}).status_code == 404
    assert not rows(Export).exists() and not rows(Erasure).exists()


def test_where_no_requests_are_taken_the_page_says_so(staff_of, mira: Contact, page, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "PRIVACY_ENABLED": False}
    client = staff_of(mira.tenant, BOTH)
    shown = page(client)
    assert "ask the operator" in shown
    assert ("Export everything" in shown, "Erase this person" in shown) == (False, False)
    for name in ("export", "erase"):
        told = client.post(at(mira, name), {"name": "Mira Braun"}, follow=True).content.decode()
        assert "ask the operator" in told
    assert not rows(Export).exists() and not rows(Erasure).exists()
