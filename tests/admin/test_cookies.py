"""A cookie signs a member of staff in at the console, and means nothing to the API."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.admin.conftest import World
from tests.factories import UserFactory

ADDRESSES = ["/api/v2/chat/conversations", "/api/v2/channels", "/api/v2/health", "/api/v2/nothing"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def strict() -> Client:
    """Signed in as one who may do everything; requests have to prove that a page of ours sent them."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(username="root", is_superuser=True))
    return client


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_api_does_not_ask_who_is_signed_in(strict: Client, acme: World, address: str) -> None:
    answer = strict.get(address)
    assert not answer.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert not hasattr(answer.wsgi_request, "session")
    assert not hasattr(answer.wsgi_request, "_messages")


def test_a_cookie_is_no_credential_of_the_api(strict: Client, acme: World) -> None:
    answers = [strict.get("/api/v2/chat/conversations"), strict.post("/api/v2/chat/message", {}, "application/json")]
    assert [answer.status_code for answer in answers] == [401, 401]


def test_the_console_knows_who_is_signed_in_and_asks_for_a_proof(strict: Client, acme: World) -> None:
    seen = strict.get("/admin/")
    assert seen.status_code == 200
    assert "Cookie" in seen.headers["Vary"]
    assert strict.post("/admin/logout/").status_code == 403
    assert strict.get("/admin/").status_code == 200
    proved = strict.post("/admin/logout/", headers={"x-csrftoken": strict.cookies["csrftoken"].value})
    assert proved.status_code == 200
    assert strict.get("/admin/").status_code == 302
