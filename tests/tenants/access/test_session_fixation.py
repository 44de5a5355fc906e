"""A session that another has planted in a browser is worth nothing once its owner signs in, by any way there is (TEN-4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.test import Client

from tenants.access import buckets
from tenants.models import Invitation, Membership, Tenant
from tenants.people import second
from tests.admin.conftest import staff_of  # noqa: F401
from tests.factories import MembershipFactory
from tests.tenants.people.test_second_step import AT, WORD, code_of, past_the_password, with_app
from tests.tenants.test_invitations import admin, invite, joined, link, mailbox  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
COOKIE = settings.SESSION_COOKIE_NAME


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    buckets.forget_local()

    class Clock:
        def time(self) -> float:
            return AT

    monkeypatch.setattr(second, "time", Clock())
    yield
    buckets.forget_local()


@pytest.fixture
def ana(tenant: Tenant) -> Membership:
    return MembershipFactory(tenant=tenant, user__username="ana", user__password=WORD, role__permissions=["*"])


def planted(client: Client) -> str:
    """A session that the attacker knows, whose key the victim's browser now sends."""
    known = SessionStore()
    known["theirs"] = "yes"
    known.create()
    client.cookies[COOKIE] = known.session_key
    return str(known.session_key)


def opens(key: str) -> bool:
    """Whether the console opens with a session of this key."""
    attacker = Client()
    attacker.cookies[COOKIE] = key
    return attacker.get("/admin/sign-in/").status_code == 200 or "_auth_user_id" in SessionStore(key)


def test_by_a_password(ana: Membership) -> None:
    victim = Client()
    key = planted(victim)
    past_the_password(victim)
    assert victim.get("/admin/sign-in/").status_code == 200
    assert (victim.cookies[COOKIE].value == key, opens(key)) == (False, False)


def test_by_a_second_step(ana: Membership) -> None:
    """The key changes at the password and at the code: what was known in between opens nothing either."""
    app, _ = with_app(ana.user)
    victim = Client()
    key = planted(victim)
    past_the_password(victim)
    between = victim.cookies[COOKIE].value
    assert between != key
    assert "between" not in SessionStore(key)  # nor does it know whose password was right
    victim.post("/admin/login/second/", {"code": code_of(app, AT)})
    assert victim.get("/admin/sign-in/").status_code == 200
    assert victim.cookies[COOKIE].value not in (key, between)
    assert (opens(key), opens(between)) == (False, False)


def test_by_an_invitation(admin: Client, tenant: Tenant) -> None:  # noqa: F811
    invite(admin, tenant)
    victim = Client()
    key = planted(victim)
    assert joined(victim, link()).status_code == 302
    assert victim.get("/admin/inbox/").status_code == 200
    assert (victim.cookies[COOKIE].value == key, opens(key)) == (False, False)


def test_what_was_open_ends_with_the_logout(ana: Membership) -> None:
    client = Client()
    past_the_password(client)
    key = client.cookies[COOKIE].value
    assert opens(key)
    client.post("/admin/logout/")
    assert not opens(key)


# ------------------------------------------------------------------- names that a request gives us

SPOOFED = {
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_FORWARDED_SERVER": "evil.example",
    "HTTP_FORWARDED": "host=evil.example;proto=http",
    "HTTP_X_ORIGINAL_URL": "https://evil.example/",
    "HTTP_X_FORWARDED_PORT": "1337",
    "HTTP_X_FORWARDED_PROTO": "http",
}


def test_no_header_of_a_request_gets_into_a_link(admin: Client, tenant: Tenant, settings: Any) -> None:  # noqa: F811
    """A link in an e-mail leads where PUBLIC_URL says, whatever the one who asks for it sends along."""
    admin.defaults.update(SPOOFED)
    assert invite(admin, tenant).status_code == 302
    said = str(mail.outbox[0].body)
    assert "evil" not in said
    assert f"{settings.PUBLIC_URL}/admin/join/" in said


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver@evil.example", "evil.example:80"]
)
def test_another_host_is_not_answered(admin: Client, tenant: Tenant, host: str) -> None:  # noqa: F811
    admin.raise_request_exception = False
    admin.defaults["HTTP_HOST"] = host
    assert invite(admin, tenant).status_code == 400
    assert Invitation.objects.unscoped().count() == 0
    assert mail.outbox == []
