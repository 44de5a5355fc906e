"""A tenant's own admins invite people by e-mail; the link makes them members, once, and tells no tenant of accounts (TEN-4)."""

from __future__ import annotations

import re
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tenants.models import AuditEntry, Invitation, Membership, Role, Tenant, User
from tenants.storage.db import now
from tests.admin.conftest import rows, staff_of, url  # noqa: F401
from tests.factories import MembershipFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

AT = "/api/v2/invitations"
WORD = "tent-pole-canvas-9"


@pytest.fixture(autouse=True)
def mailbox(settings: Any, tenant: Tenant) -> None:
    settings.ENV = {**settings.ENV, "EMAIL_URL": "smtp://mail.example"}
    RoleFactory(tenant=tenant, name="agent", permissions=["conversations:read", "messages:read"])


@pytest.fixture
def admin(staff_of: Any, tenant: Tenant) -> Client:  # noqa: F811
    client: Client = staff_of(tenant, ("members:read", "members:write", "conversations:read", "messages:read"))
    return client


def invite(client: Client, tenant: Tenant, email: str = "ana@example.com", role: str = "agent") -> Any:
    given = {"tenant": tenant.pk, "email": email, "role": rows(Role).get(tenant=tenant, name=role).pk}
    return client.post(url(Invitation, "add"), given)


def link(place: int = -1) -> str:
    found = re.search(r"/admin/join/\S+", str(mail.outbox[place].body))
    assert found
    return found[0]


def joined(client: Client, address: str) -> Any:
    return client.post(address, {"name": "Ana Maria Sousa", "password": WORD, "again": WORD})


def test_a_new_person_sets_a_password_and_is_a_member(admin: Client, tenant: Tenant) -> None:
    assert invite(admin, tenant, "Ana@Example.com").status_code == 302
    assert (mail.outbox[0].to, "Ana" in mail.outbox[0].subject) == (["ana@example.com"], False)
    assert not User.objects.filter(email="ana@example.com").exists()  # not before the link is opened
    visitor = Client()
    assert visitor.get(link())["Referrer-Policy"] == "same-origin"  # a stricter one hides where a form comes from
    answer = joined(visitor, link())
    assert (answer.status_code, answer["Location"]) == (302, "/admin/inbox/")
    user = User.objects.get(username="ana@example.com")
    assert (user.get_full_name(), user.is_staff, user.is_superuser) == ("Ana Maria Sousa", True, False)
    assert [(m.tenant_id, m.role.name) for m in rows(Membership).filter(user=user)] == [(tenant.pk, "agent")]
    assert visitor.get("/admin/inbox/").status_code == 200
    acts = (
        rows(AuditEntry)
        .filter(tenant=tenant)
        .exclude(action__regex=r"\.(read|listed)$")
        .order_by("id")
        .values_list("action", flat=True)
    )
    told = [act for act in acts if not act.startswith("login.")]
    assert told == ["invitation.created", "membership.created", "invitation.accepted"]
    assert joined(Client(), link()).status_code == 404  # it counts once


def test_an_account_joins_by_signing_in_and_no_tenant_learns_of_it(
    admin: Client, tenant: Tenant, other_tenant: Tenant
) -> None:
    known = UserFactory(username="ana", email="ana@example.com")
    MembershipFactory(tenant=other_tenant, user=known)
    answers = [invite(admin, tenant, email) for email in ("ana@example.com", "new@example.com")]
    pages = [
        admin.get(url(Invitation, "changelist")),
        admin.get(url(Invitation, "change", rows(Invitation).first().pk)),
    ]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    assert "globex" not in "".join(page.content.decode().lower() for page in pages)
    address = link(0)
    assert joined(Client(), address).status_code == 200  # no password of theirs is set by the link
    assert not known.check_password(WORD)
    stranger = Client()
    stranger.force_login(UserFactory(is_staff=True))
    stranger.post(address)
    assert not rows(Membership).filter(tenant=tenant, user=known).exists()
    own = Client()
    own.force_login(known)
    assert "Join" in own.get(address).content.decode()
    assert own.post(address).status_code == 302
    assert rows(Membership).filter(tenant=tenant, user=known).exists()


@pytest.mark.parametrize("staff", [True, False], ids=["staff", "not staff"])
def test_the_invited_account_signs_in_behind_its_link_and_no_other(admin: Client, tenant: Tenant, staff: bool) -> None:
    for name in ("ana", "ben"):
        UserFactory(username=name, email=f"{name}@example.com", is_staff=staff, password=WORD)
    invite(admin, tenant)
    visitor = Client()
    for given in ({"username": "ben", "password": WORD}, {"username": "ana", "password": "wrong"}):
        refused = visitor.post(link(), given)
        assert (refused.status_code, "correct username and password" in refused.content.decode()) == (200, True)
        assert "_auth_user_id" not in visitor.session
    assert visitor.post(link(), {"username": "ana", "password": WORD})["Location"] == link()
    assert "join as agent" in visitor.get(link()).content.decode()
    assert visitor.post(link()).status_code == 302
    assert [m.user.username for m in rows(Membership).filter(tenant=tenant, user__username__in=("ana", "ben"))] == [
        "ana"
    ]
    assert visitor.get("/admin/inbox/").status_code == 200


def test_a_role_that_may_more_is_not_given(admin: Client, tenant: Tenant, api: Any) -> None:
    RoleFactory(tenant=tenant, name="boss", permissions=["*"])
    assert "You cannot give permissions" in invite(admin, tenant, role="boss").content.decode()
    refused = api(tenant, "members:write").post(AT, {"email": "ana@example.com", "role": "boss"})
    assert refused.status_code == 403
    assert (rows(Invitation).count(), mail.outbox) == (0, [])


@pytest.mark.parametrize("how", ["revoked", "expired", "sent again", "tenant suspended", "forged"])
def test_a_link_that_is_over_opens_nothing(how: str, admin: Client, tenant: Tenant) -> None:
    invite(admin, tenant)
    address, row = link(), rows(Invitation).get()
    rows(Invitation).update(sent_at=now() - timedelta(minutes=2))
    ends = {
        "revoked": lambda: admin.post(url(Invitation, "do", row.pk, "revoke")),
        "expired": lambda: rows(Invitation).update(expires_at=now()),
        "sent again": lambda: admin.post(url(Invitation, "do", row.pk, "send")),
        "tenant suspended": lambda: Tenant.objects.filter(id=tenant.id).update(status="suspended"),
        "forged": lambda: None,
    }
    ends[how]()
    address = {"forged": address[:-2] + "x/"}.get(how, address)
    assert joined(Client(), address).status_code == 404
    assert not User.objects.filter(username="ana@example.com").exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"password": "short", "again": "short"}, "too short"),
        ({"password": WORD, "again": "other"}, "differ"),
        ({"password": "ana@example.com", "again": "ana@example.com"}, "similar"),
        ({"name": ""}, "required"),
    ],
    ids=["short", "differ", "similar", "no name"],
)
def test_a_password_is_checked(given: dict[str, str], told: str, admin: Client, tenant: Tenant) -> None:
    invite(admin, tenant)
    page = Client().post(link(), {"name": "Ana", "password": WORD, "again": WORD, **given})
    assert told in page.content.decode()
    assert not User.objects.filter(username="ana@example.com").exists()


def test_by_rest_it_is_the_same(api: Any, tenant: Tenant, other_tenant: Tenant) -> None:
    client, foreign = api(tenant), api(other_tenant)
    made = client.data_of(client.post(AT, {"email": "Ana@Example.com", "role": "agent"}))
    assert (made["email"], made["state"], made["role"]) == ("ana@example.com", "waiting", "agent")
    assert client.post(f"{AT}/{made['id']}/send", {}).status_code == 409  # within a minute
    assert client.error_of(client.post(AT, {"email": "ana@example.com", "role": "agent"}))["code"] == "just_sent"
    assert foreign.data_of(foreign.get(AT))["items"] == []
    assert foreign.delete(f"{AT}/{made['id']}").status_code == 404
    assert client.delete(f"{AT}/{made['id']}").status_code == 204
    assert client.error_of(client.delete(f"{AT}/{made['id']}"))["code"] == "invitation_over"
    assert [one["state"] for one in client.data_of(client.get(AT))["items"]] == ["revoked"]
    assert client.post(AT, {"email": "no address", "role": "agent"}).status_code == 400
    assert client.error_of(client.post(AT, {"email": "a@example.com", "role": "none"}))["code"] == "unknown_role"


def test_a_member_is_not_invited(api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    MembershipFactory(tenant=tenant, user__email="ana@example.com")
    refused = client.post(AT, {"email": "ANA@example.com", "role": "agent"})
    assert client.error_of(refused)["code"] == "already_member"


@pytest.fixture
def no_mail(settings: Any, mailbox: None) -> None:
    settings.ENV = {**settings.ENV, "EMAIL_URL": ""}


def links_in(page: Any) -> list[str]:
    return re.findall(r"/admin/join/[\w-]+/", page.content.decode())


def test_without_mail_the_one_who_invites_is_given_the_link_once(no_mail: None, admin: Client, tenant: Tenant) -> None:
    assert "This service sends no e-mail" in admin.get(url(Invitation, "add")).content.decode()
    assert invite(admin, tenant).status_code == 302
    listed = admin.get(url(Invitation, "changelist"))
    assert "Copy this link now and give it to ana@example.com" in listed.content.decode()
    [first] = links_in(listed)
    assert links_in(admin.get(url(Invitation, "changelist"))) == []
    row = rows(Invitation).get()
    [second] = links_in(admin.post(f"/admin/tenants/invitation/{row.pk}/do/send/", follow=True))
    assert "New link" in admin.get(url(Invitation, "change", row.pk)).content.decode()
    assert joined(Client(), first).status_code == 404
    assert joined(Client(), second).status_code == 302
    assert mail.outbox == []
    assert rows(Membership).filter(user__username="ana@example.com", tenant=tenant).count() == 1
    assert not any(first in str(entry.changes) or second in str(entry.changes) for entry in rows(AuditEntry).all())


def test_without_mail_the_api_gives_the_link_once(no_mail: None, api: Any, tenant: Tenant) -> None:
    client = api(tenant)
    made = client.data_of(client.post(AT, {"email": "ana@example.com", "role": "agent"}))
    assert made["state"] == "waiting"
    again = client.data_of(client.post(f"{AT}/{made['id']}/send", {}))
    assert made["link"].startswith("http") and again["link"] not in (None, made["link"])
    assert "link" not in client.data_of(client.get(AT))["items"][0]
    assert joined(Client(), re.sub(r"^.*(?=/admin/)", "", again["link"])).status_code == 302


def test_with_mail_the_mailbox_alone_is_given_the_link(admin: Client, api: Any, tenant: Tenant) -> None:
    invite(admin, tenant)
    listed = admin.get(url(Invitation, "changelist"))
    assert links_in(listed) == []
    assert "ana@example.com gets an e-mail with a link" in listed.content.decode()
    client = api(tenant)
    assert client.data_of(client.post(AT, {"email": "b@example.com", "role": "agent"}))["link"] is None


def test_too_many_wrong_passwords_say_when_to_come_back(admin: Client, tenant: Tenant) -> None:
    UserFactory(username="ana", email="ana@example.com")
    invite(admin, tenant)
    visitor, answers, address = Client(), [], link()  # the last mail tells the owner of the lock
    for _ in range(6):
        answers.append(visitor.post(address, {"username": "ana", "password": "wrong"}))
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 170 < int(answers[-1]["Retry-After"]) <= 180


def test_an_email_that_cannot_be_sent_is_shown(
    admin: Client, tenant: Tenant, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any) -> None:
        raise SMTPRecipientsRefused({})

    monkeypatch.setattr("tenants.access.invitations.EmailMessage.send", refuse)
    assert invite(admin, tenant).status_code == 302
    assert "not sent" in admin.get(url(Invitation, "changelist")).content.decode()
    client = api(tenant)
    assert [one["state"] for one in client.data_of(client.get(AT))["items"]] == ["not_sent"]
