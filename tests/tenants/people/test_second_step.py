"""The second step of signing in: what proves it, what a wrong one costs, and that no tenant is closed for good (TEN-4)."""

from __future__ import annotations

import base64
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tenants.access import buckets
from tenants.access.invitations import digest
from tenants.models import AuditEntry, Invitation, Membership, RecoveryCode, SecondFactor, StaffSession, Tenant, User
from tenants.people import second
from tenants.people.second import app_add, app_key, code_is_right
from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import now
from tenants.storage.memo import forget_all
from tests.admin.conftest import do, rows
from tests.factories import MembershipFactory, RoleFactory

pytestmark = pytest.mark.django_db
WORD = "a right one 42"
AT = 1_800_000_000  # Unix seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``clock.at``: the time by which codes count."""
    buckets.forget_local()

    class Clock:
        at = AT

        def time(self) -> float:
            return self.at

    own = Clock()
    monkeypatch.setattr(second, "time", own)
    yield own
    buckets.forget_local()


@pytest.fixture
def ana(tenant: Tenant) -> Membership:
    return MembershipFactory(tenant=tenant, user__username="ana", user__password=WORD)


def code_of(key: str, at: int) -> str:
    return second._clock(base64.b32decode(key)).generate(at).decode()


def with_app(user: User) -> tuple[str, list[str]]:
    key = app_key()
    return key, app_add(user, key, code_of(key, AT - 60 + 30), "My phone")


def browser(address: str = "192.0.2.7") -> Client:
    return Client(REMOTE_ADDR=address, HTTP_USER_AGENT="Firefox of a test")


def past_the_password(client: Client, onward: str = "") -> Any:
    where = f"/admin/login/?next={onward}" if onward else "/admin/login/"
    return client.post(
        where,
        {"username": "ana", "password": WORD, "next": onward} if onward else {"username": "ana", "password": WORD},
    )


def trail(*names: str) -> list[str]:
    return list(rows(AuditEntry).filter(action__in=names).order_by("id").values_list("action", flat=True))


def test_a_password_alone_opens_nothing(ana: Membership) -> None:
    with_app(ana.user)
    client = browser()
    assert past_the_password(client)["Location"] == "/admin/login/second/"
    assert "_auth_user_id" not in client.session
    for page in ("/admin/", "/admin/inbox/", "/admin/sign-in/", "/admin/tenants/membership/"):
        assert client.get(page)["Location"].startswith("/admin/login/")
    assert trail("login.done") == []


@pytest.mark.parametrize("way", ["app", "paper", "paper, as typed"])
def test_a_code_signs_in_once(way: str, ana: Membership) -> None:
    key, papers = with_app(ana.user)
    code = {"app": code_of(key, AT), "paper": papers[3], "paper, as typed": papers[3].upper().replace("-", " ")}[way]
    client, again = browser(), browser()
    past_the_password(client, "/admin/sign-in/")
    assert client.post("/admin/login/second/", {"code": code})["Location"] == "/admin/sign-in/"
    assert client.get("/admin/sign-in/").status_code == 200
    past_the_password(again)
    assert "did not fit" in again.post("/admin/login/second/", {"code": code}).content.decode()
    assert "_auth_user_id" not in again.session
    assert trail("login.done", "login.failed") == ["login.done", "login.failed"]


@pytest.mark.parametrize(
    ("seconds", "fits"),
    [(-61, False), (-30, True), (0, True), (30, True), (61, False)],
    ids=["old", "late", "now", "early", "to come"],
)
def test_a_code_counts_for_half_a_minute_and_those_beside_it(
    seconds: int, fits: bool, ana: Membership, clock: Any
) -> None:
    key, _ = with_app(ana.user)
    clock.at = AT + 600
    assert code_is_right(ana.user, code_of(key, AT + 600 + seconds)) == ("app" if fits else "")


@pytest.mark.parametrize("typed", ["", "000", "12345x", "abcd-efgh-jkmn-pqrs", "0" * 40, "１２３４５６", "\x00"])
def test_what_is_no_code_is_none(typed: str, ana: Membership) -> None:
    with_app(ana.user)
    client = browser()
    past_the_password(client)
    assert client.post("/admin/login/second/", {"code": typed}).status_code == 200
    assert "_auth_user_id" not in client.session


def test_five_wrong_codes_and_no_more_is_looked_at(ana: Membership) -> None:
    key, papers = with_app(ana.user)
    client = browser()
    past_the_password(client)
    assert [client.post("/admin/login/second/", {"code": "000000"}).status_code for _ in range(5)] == [200] * 5
    refused = client.post("/admin/login/second/", {"code": papers[0]})
    assert (refused.status_code, 0 < int(refused["Retry-After"]) <= 180) == (429, True)
    owner = browser("198.51.100.1")  # elsewhere
    past_the_password(owner)
    assert owner.post("/admin/login/second/", {"code": papers[0]}).status_code == 302


@pytest.mark.parametrize("ends", ["another password", "switched off", "ten minutes"])
def test_what_is_between_the_steps_ends(ends: str, ana: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    key, _ = with_app(ana.user)
    client = browser()
    past_the_password(client)
    if ends == "another password":
        ana.user.set_password("another one 43")
    ana.user.is_active = ends != "switched off"
    ana.user.save()
    if ends == "ten minutes":
        session = client.session
        session["between"] = {**session["between"], "until": 0}
        session.save()
    assert client.post("/admin/login/second/", {"code": code_of(key, AT)})["Location"] == "/admin/login/"
    assert "_auth_user_id" not in client.session


def test_no_other_host_is_led_to(ana: Membership) -> None:
    key, _ = with_app(ana.user)
    client = browser()
    past_the_password(client, "//evil.example/")
    assert client.post("/admin/login/second/", {"code": code_of(key, AT)})["Location"] == "/admin/inbox/"


# -------------------------------------------------------------------------------- setting up


def test_an_app_is_added_by_its_code_and_gives_codes_for_paper(ana: Membership) -> None:
    here, elsewhere = browser(), browser("198.51.100.1")
    for client in (here, elsewhere):
        past_the_password(client)
    page = here.get("/admin/sign-in/app/")
    assert "<svg" in page.content.decode()
    key = page.context["key"].replace(" ", "")
    assert here.get("/admin/sign-in/app/").context["key"].replace(" ", "") == key  # opened once more
    form = {"code": code_of(key, AT), "name": "My phone", "password": WORD}
    for wrong in ({"code": "000000"}, {"password": "another one"}, {"name": ""}):
        assert here.post("/admin/sign-in/app/", {**form, **wrong}).status_code == 200
    assert not SecondFactor.objects.exists()
    papers = here.post("/admin/sign-in/app/", form).context["papers"]
    assert (len(papers), len(set(papers)), RecoveryCode.objects.count()) == (10, 10, 10)
    assert not any(one.replace("-", "") in str(list(RecoveryCode.objects.values())) for one in papers)
    assert isinstance(SecondFactor._meta.get_field("secret"), EncryptedJSONField)
    assert here.get("/admin/sign-in/").status_code == 200
    assert elsewhere.get("/admin/sign-in/").status_code == 302  # it was begun by the password alone
    assert trail("second_factor.added") == ["second_factor.added"]
    assert key not in str(list(rows(AuditEntry).values()))


def test_a_device_is_removed_with_the_password_and_the_last_one_takes_the_papers(ana: Membership) -> None:
    with_app(ana.user)
    client = browser()
    client.force_login(ana.user)
    row = SecondFactor.objects.get()
    client.post("/admin/sign-in/", {"deed": "remove", "row": str(row.pk), "password": "wrong"})
    assert SecondFactor.objects.exists()
    client.post("/admin/sign-in/", {"deed": "remove", "row": str(row.pk), "password": WORD})
    assert (SecondFactor.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert User.objects.get(pk=ana.user_id).second_factor_at is None
    assert trail("second_factor.removed") == ["second_factor.removed"]


def test_new_codes_for_paper_end_the_former_ones(ana: Membership) -> None:
    _, papers = with_app(ana.user)
    client = browser()
    client.force_login(ana.user)
    fresh = client.post("/admin/sign-in/", {"deed": "papers", "password": WORD}).context["papers"]
    assert code_is_right(ana.user, papers[0]) == ""
    assert code_is_right(ana.user, fresh[0]) == "paper"


def test_nothing_of_a_colleague_is_removed(ana: Membership, tenant: Tenant) -> None:
    with_app(ana.user)
    ben = MembershipFactory(tenant=tenant, user__password=WORD).user
    client = browser()
    client.force_login(ben)
    page = client.get("/admin/sign-in/").content.decode()
    client.post("/admin/sign-in/", {"deed": "remove", "row": str(SecondFactor.objects.get().pk), "password": WORD})
    assert "My phone" not in page
    assert SecondFactor.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "paper"])
def test_one_code_that_comes_twice_at_once_counts_once(kind: str, ana: Membership) -> None:
    key, papers = with_app(ana.user)
    code = code_of(key, AT) if kind == "app" else papers[0]
    ready, found = threading.Barrier(2), []

    def give() -> None:
        ready.wait(10)
        found.append(code_is_right(ana.user, code))
        connection.close()

    threads = [threading.Thread(target=give) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == ["", kind]


# ------------------------------------------------------------------------- a tenant demands it


@pytest.fixture
def demanding(tenant: Tenant) -> Tenant:
    Tenant.objects.filter(id=tenant.id).update(settings={"second_factor": True})
    return tenant


def test_a_demanding_tenant_is_closed_until_it_is_set_up(
    demanding: Tenant, other_tenant: Tenant, ana: Membership
) -> None:
    MembershipFactory(tenant=other_tenant, user=ana.user)
    client = browser()
    past_the_password(client)
    for page in (
        "/admin/",
        "/admin/inbox/",
        f"/admin/tenants/tenant/{demanding.pk}/change/",
        "/admin/tenants/membership/",
    ):
        assert client.get(page)["Location"] == "/admin/sign-in/"
        assert client.post(page)["Location"] == "/admin/sign-in/"
    page = client.get("/admin/sign-in/").content.decode()
    assert "wants a second step of all its members" in page
    key = client.get("/admin/sign-in/app/").context["key"].replace(" ", "")
    client.post("/admin/sign-in/app/", {"code": code_of(key, AT), "name": "My phone", "password": WORD})
    assert client.get("/admin/tenants/membership/").status_code == 200


def test_pages_themselves_are_closed_too(demanding: Tenant, ana: Membership, rf: Any) -> None:
    from tenants.console.pages.whose import permissions_in

    request = rf.get("/")
    request.user = ana.user
    assert permissions_in(request, demanding.id) == frozenset()
    with_app(ana.user)
    request = rf.get("/")
    request.user = User.objects.get(pk=ana.user_id)
    assert permissions_in(request, demanding.id)


def test_the_sockets_of_staff_are_closed_too(demanding: Tenant, other_tenant: Tenant, ana: Membership) -> None:
    from messaging.desk.people import Proof, people

    MembershipFactory(tenant=other_tenant, user=ana.user)
    client = browser()
    past_the_password(client)
    proof = Proof(session=client.cookies["sessionid"].value)
    assert set(people([proof])[proof].tenants) == {other_tenant.id}
    with_app(ana.user)
    assert set(people([proof])[proof].tenants) == {other_tenant.id, demanding.id}


@pytest.mark.parametrize(("demanded", "status"), [(True, "active"), (True, "removing"), (False, "active")])
def test_an_operator_has_every_tenant_once_they_have_what_one_of_them_demands(
    demanded: bool, status: str, ana: Membership, other_tenant: Tenant, rf: Any
) -> None:
    from messaging.desk.people import Proof, people
    from tenants.access.grants.clients import held_by
    from tenants.console.pages.whose import permissions_in, tenants_with

    User.objects.filter(pk=ana.user_id).update(is_superuser=True)
    Membership.objects.unscoped().filter(user=ana.user).delete()  # unscoped: the only one
    Tenant.objects.filter(id=other_tenant.id).update(settings={"second_factor": demanded}, status=status)
    client = browser()
    past_the_password(client)
    proof = Proof(session=client.cookies["sessionid"].value)

    def opened() -> list[bool]:
        request = rf.get("/")
        request.user = User.objects.get(pk=ana.user_id)
        forget_all()
        return [
            client.get("/admin/tenants/tenant/").status_code == 200,
            bool(permissions_in(request, ana.tenant_id)),
            tenants_with(request, "tenants:read").exists(),
            getattr(people([proof])[proof], "everywhere", False),
            held_by(ana.tenant_id, ana.user_id) is not None,
        ]

    closed = demanded and status == "active"
    assert opened() == [not closed] * 5
    page = client.get("/admin/sign-in/").content.decode()
    assert ("operators see all" in page) is closed
    key = client.get("/admin/sign-in/app/").context["key"].replace(" ", "")
    client.post("/admin/sign-in/app/", {"code": code_of(key, AT), "name": "My phone", "password": WORD})
    assert opened() == [True] * 5
    call_command("reset_second_factor", "ana", "--json")  # a lost device
    past_the_password(client)
    proof = Proof(session=client.cookies["sessionid"].value)
    assert opened() == [not closed] * 5


# ------------------------------------------------------------------------------ a lost device


def test_an_admin_resets_it_and_the_account_is_signed_out(ana: Membership, tenant: Tenant, staff_of: Any) -> None:
    key, _ = with_app(ana.user)
    client = browser()
    past_the_password(client)
    client.post("/admin/login/second/", {"code": code_of(key, AT)})
    do(staff_of(tenant), ana, "reset_second")
    assert (
        SecondFactor.objects.count(),
        RecoveryCode.objects.count(),
        StaffSession.objects.filter(user=ana.user).count(),
    ) == (0, 0, 0)
    assert client.get("/admin/sign-in/").status_code == 302
    assert past_the_password(browser())["Location"] != "/admin/login/second/"
    [entry] = rows(AuditEntry).filter(action="second_factor.reset")
    assert entry.target == f"user:{ana.user_id}"


@pytest.mark.parametrize("who", ["of another tenant, too", "a superuser", "one who may more"])
def test_whose_second_step_an_admin_does_not_reset(
    who: str, ana: Membership, tenant: Tenant, other_tenant: Tenant, staff_of: Any, api: Any
) -> None:
    with_app(ana.user)
    if who == "of another tenant, too":
        MembershipFactory(tenant=other_tenant, user=ana.user)
    if who == "a superuser":
        User.objects.filter(pk=ana.user_id).update(is_superuser=True)
    narrow = ("members:read", "members:write")
    scopes = narrow if who == "one who may more" else ("*",)
    do(staff_of(tenant, scopes), ana, "reset_second")
    answer = api(tenant, *scopes).delete(f"/api/v2/members/{ana.user_id}/second-factor")
    assert (answer.status_code, api().error_of(answer)["code"]) == (
        403, "more_than_yours" if who == "one who may more" else "operators_only",
    )  # fmt: skip
    assert SecondFactor.objects.count() == 1


def test_it_is_reset_by_rest_and_by_the_operators_command(
    ana: Membership, tenant: Tenant, api: Any, capsys: Any
) -> None:
    with_app(ana.user)
    client, at = api(tenant), f"/api/v2/members/{ana.user_id}"
    assert client.data_of(client.get(at))["second_factor"] is True
    assert client.delete(f"{at}/second-factor").status_code == 204
    assert client.data_of(client.get(at))["second_factor"] is False
    ana.user.refresh_from_db()
    with_app(ana.user)
    call_command("reset_second_factor", "ana", "--dry-run", "--json")
    assert SecondFactor.objects.count() == 1
    call_command("reset_second_factor", "ana", "--json")
    assert SecondFactor.objects.count() == 0
    assert trail("second_factor.reset") == ["second_factor.reset"] * 2


# ------------------------------------------------------------------------------------ sessions


def test_sessions_are_listed_and_ended_there_and_everywhere(ana: Membership) -> None:
    here, there, third = browser(), browser("198.51.100.1"), browser("203.0.113.9")
    for client in (here, there, third):
        past_the_password(client)
    page = here.get("/admin/sign-in/").content.decode()
    assert all(told in page for told in ("198.51.100.1", "203.0.113.9", "Firefox of a test"))
    row = StaffSession.objects.get(ip="198.51.100.1")
    here.post("/admin/sign-in/", {"deed": "sign_out", "row": str(row.pk)})
    assert [client.get("/admin/sign-in/").status_code for client in (here, there, third)] == [200, 302, 200]
    here.post("/admin/sign-in/", {"deed": "sign_out_elsewhere"})
    assert [client.get("/admin/sign-in/").status_code for client in (here, there, third)] == [200, 302, 302]
    here.post("/admin/logout/")
    assert StaffSession.objects.count() == 0
    assert trail("session.ended") == ["session.ended"] * 2


def test_a_session_is_still_listed_after_a_new_password(ana: Membership) -> None:
    client, elsewhere = browser(), browser("198.51.100.1")
    for one in (client, elsewhere):
        past_the_password(one)
    fresh = {"old_password": WORD, "new_password1": "a newer one 43", "new_password2": "a newer one 43"}
    assert client.post("/admin/password_change/", fresh).status_code == 302
    assert client.get("/admin/sign-in/").context["sessions"][0][1] is True
    assert elsewhere.get("/admin/sign-in/").status_code == 302


def test_no_session_of_a_colleague_is_ended(ana: Membership, tenant: Tenant) -> None:
    client = browser()
    past_the_password(client)
    other = browser()
    other.force_login(MembershipFactory(tenant=tenant, role=RoleFactory(tenant=tenant)).user)
    other.post("/admin/sign-in/", {"deed": "sign_out", "row": str(StaffSession.objects.get().pk)})
    assert client.get("/admin/sign-in/").status_code == 200


def test_what_a_browser_says_of_itself_is_cut_and_shown_as_text(ana: Membership) -> None:
    client = Client(HTTP_USER_AGENT="<script>alert(1)</script>" + "x" * 1000)
    past_the_password(client)
    page = client.get("/admin/sign-in/").content.decode()
    assert "<script>alert" not in page
    assert len(StaffSession.objects.get().browser) == 300


def test_an_invited_account_joins_through_its_second_step(ana: Membership, other_tenant: Tenant) -> None:
    key, _ = with_app(ana.user)
    row = Invitation(
        tenant=other_tenant, email="ana@example.com", role=RoleFactory(tenant=other_tenant), token_hash=digest("x" * 43),
        expires_at=now() + timedelta(days=1),
    )  # fmt: skip
    row.save()
    client, link = browser(), f"/admin/join/{'x' * 43}/"
    assert client.post(link, {"username": "ana", "password": WORD})["Location"] == "/admin/login/second/"
    assert "_auth_user_id" not in client.session
    assert client.post("/admin/login/second/", {"code": code_of(key, AT)})["Location"] == link
    assert client.post(link).status_code == 302
    assert rows(Membership).filter(tenant=other_tenant, user=ana.user).exists()
