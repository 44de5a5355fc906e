"""Who tries passwords is slowed down, also side by side; who comes in, fails and goes stands in the trail (TEN-4, TEN-6)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from tenants.access import buckets, lock_mail, logins
from tenants.models import AuditEntry, User
from tests.factories import MembershipFactory, TenantFactory

pytestmark = pytest.mark.django_db
RIGHT, WRONG = "a right one 42", "a wrong one"


@pytest.fixture(autouse=True)
def full_buckets() -> Any:
    buckets.forget_local()
    yield
    buckets.forget_local()


@pytest.fixture
def ana() -> User:
    return MembershipFactory(user__username="ana", user__password=RIGHT, role__permissions=["*"]).user


def tried(name: str, password: str, address: str = "192.0.2.7") -> Any:
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": name, "password": password})


def test_five_wrong_passwords_of_a_name_and_no_more_is_looked_at(ana: User) -> None:
    assert [tried("ana", WRONG).status_code for _ in range(5)] == [200] * 5
    refused = tried(" ANA ", RIGHT)
    assert (refused.status_code, 170 < int(refused.headers["Retry-After"]) <= 180) == (429, True)
    assert "Too many wrong passwords. Try again in 3 min" in refused.content.decode()
    assert tried("ana", RIGHT, "198.51.100.1").status_code == 302  # the owner, elsewhere


def test_an_unknown_name_is_told_the_same(ana: User) -> None:
    told = {name: [tried(name, WRONG).status_code for _ in range(6)] for name in ("ana", "nobody.here")}
    assert told["ana"] == told["nobody.here"] == [200] * 5 + [429]


def test_right_passwords_use_nothing_up(ana: User) -> None:
    assert {tried("ana", RIGHT).status_code for _ in range(8)} == {302}


def test_one_network_has_thirty_wrong_ones_for_all_names() -> None:
    answers = [tried(f"name{number}", WRONG, f"2001:db8::{number}").status_code for number in range(31)]
    assert answers == [200] * 30 + [429]


def test_a_name_has_fifty_from_everywhere(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "ANYWHERE", (6, 3600.0))
    answers = [tried("ana", WRONG, f"192.0.{number}.1").status_code for number in range(7)]
    assert answers == [200] * 6 + [429]


def test_what_is_given_back_never_makes_a_bucket_fuller_than_full() -> None:
    [one] = [buckets.Bucket("login:test", 1 / 60, 2)]
    assert buckets.take([one], cost=-1).wait == 0
    assert [buckets.take([one]).wait == 0 for _ in range(3)] == [True, True, False]


def test_the_trail_of_each_tenant_tells_it(ana: User) -> None:
    other = MembershipFactory(user=ana, tenant=TenantFactory()).tenant
    tried("ana", WRONG)
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.post("/admin/login/", {"username": "ana", "password": RIGHT})
    client.post("/admin/logout/")
    # unscoped: of both tenants
    told = AuditEntry.objects.unscoped().order_by("id").values_list("tenant_id", "action", "actor", "ip")
    assert [entry[1:] for entry in told if entry[0] == other.id] == [
        ("login.failed", "user:ana", "192.0.2.7"), ("login.done", "user:ana", "192.0.2.7"),
        ("logout.done", "user:ana", "192.0.2.7"),
    ]  # fmt: skip
    assert len(told) == 6


def test_the_try_that_locks_a_name_is_told_once_and_refused_ones_write_nothing(ana: User) -> None:
    for _ in range(8):
        tried("ana", WRONG)
    # unscoped: whatever tenant
    told = AuditEntry.objects.unscoped().order_by("id").values_list("action", flat=True)
    assert list(told) == ["login.failed"] * 5 + ["login.locked"]


def test_a_lock_of_an_unknown_name_is_a_warning_without_the_name(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        for _ in range(6):
            tried("secret.name", WRONG)
    lines = [record.getMessage() for record in caplog.records if "login_" in record.getMessage()]
    assert ["login_locked" in line for line in lines] == [False] * 5 + [True]
    assert "secret.name" not in caplog.text


def test_a_session_ends_after_half_a_day(ana: User) -> None:
    client = Client()
    client.post("/admin/login/", {"username": "ana", "password": RIGHT})
    assert client.cookies["sessionid"]["max-age"] == settings.ENV["CONSOLE_SESSION_TTL"] == 43_200


# ------------------------------------------------------------------------------ its owner is told


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """The service sends e-mail; what was handed to the thread beside goes when the test says so."""
    settings.ENV = {**settings.ENV, "EMAIL_URL": "smtp://mail.example"}
    waiting: list[Any] = []
    monkeypatch.setattr(lock_mail._post, "submit", lambda call, *args: waiting.append((call, args)))

    def post() -> list[Any]:
        for call, args in waiting:
            call(*args)
        waiting.clear()
        return mail.outbox

    return post


def test_the_owner_of_a_locked_account_is_told_once_by_mail(ana: User, posted: Any) -> None:
    for _ in range(4):
        tried("ana", WRONG)
    assert posted() == []
    told = [tried("ana", WRONG).content for _ in range(3)]
    assert mail.outbox == []  # no answer waits for the mail server
    [sent] = posted()
    assert (sent.to, sent.subject) == (["ana@example.com"], "Your account was locked for a while")
    assert "your account ana " in sent.body
    assert "192.0.2.7" in sent.body
    assert "ana@example.com" not in str(told)
    for address in ("192.0.2.7", "198.51.100.1"):
        for _ in range(6):
            tried("ana", WRONG, address)
    assert len(posted()) == 1  # a day long


def test_a_second_step_that_is_locked_says_that_the_password_is_known(ana: User, posted: Any, rf: Any) -> None:
    request = rf.post("/admin/login/second/")
    for _ in range(5):
        logins.try_begins(request, logins.second_name(ana))
        logins.login_refused(ana, request)
    [sent] = posted()
    assert sent.subject == "Your password is known to the one who tries it"


@pytest.mark.parametrize("why", ["no address", "switched off", "no mail server", "a network's lock", "no such account"])
def test_no_mail_goes(why: str, ana: User, posted: Any, settings: Any) -> None:
    if why == "no address":
        User.objects.update(email="")
    if why == "switched off":
        User.objects.update(is_active=False)
    if why == "no mail server":
        settings.ENV = {**settings.ENV, "EMAIL_URL": ""}
    if why == "a network's lock":
        for number in range(29):
            tried(f"name{number}", WRONG)
    for _ in range(1 if why == "a network's lock" else 6):
        tried("nobody.here" if why == "no such account" else "ana", WRONG)
    assert posted() == []


def test_a_mail_server_that_is_away_is_a_line_of_the_log(
    ana: User, posted: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: Any, *args: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    for _ in range(5):
        tried("ana", WRONG)
    posted()
    assert "lock_mail_not_sent" in caplog.text
    assert "ana@example.com" not in caplog.text
