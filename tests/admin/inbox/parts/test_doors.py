"""Who may ask the addresses behind a conversation's page, and for what (ADM-2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversations.models import Attachment
from tests.admin.conftest import World, rows
from tests.admin.inbox.parts.asking import at

pytestmark = pytest.mark.django_db(transaction=True)
READS = ("entries", "choices", "person")
WRITES = ("preview", "send", "plan", "unplan", "upload", "note", "retry", "person")


@pytest.mark.parametrize("name", READS)
def test_another_tenants_conversation_is_not_there(name: str, staff_of: Any, acme: World, globex: World) -> None:
    assert staff_of(globex.tenant).get(at(acme, name)).status_code == 404
    assert staff_of(acme.tenant).get(at(acme, name)).status_code == 200


@pytest.mark.parametrize("name", WRITES)
def test_what_is_posted_to_another_tenant_reaches_nothing(name: str, staff_of: Any, acme: World, globex: World) -> None:
    assert staff_of(globex.tenant).post(at(acme, name), {"seq": 2}).status_code == 404


@pytest.mark.parametrize("name", ["choices", "preview", "send", "plan", "unplan", "upload", "note", "retry"])
def test_people_who_only_read_write_nothing(name: str, staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("conversations:read", "messages:read", "contacts:read"))
    method = client.get if name == "choices" else client.post
    assert method(at(acme, name), {"seq": 2}).status_code == 403
    assert client.post(at(acme, "person"), {"name": "New"}).status_code == 403


def test_words_are_only_for_those_who_may_read_them(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("conversations:read", "contacts:read"))
    assert client.get(at(acme, "entries")).status_code == 403
    assert b"acme answer" not in client.get(at(acme, "person")).content


def test_an_upload_of_another_site_is_refused(acme: World, superuser: Client) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = superuser.cookies
    file = SimpleUploadedFile("a.txt", b"plain words", "text/plain")
    assert client.post(at(acme, "upload"), {"file": file}).status_code == 403
    assert not rows(Attachment).filter(name="a.txt").exists()
