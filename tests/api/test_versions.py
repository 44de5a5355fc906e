"""Two people change the same: the second is told, and nothing of the first one's is lost (API-6)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from conversations.models import Contact
from tenants.api import idempotency, versions
from tenants.models import AuditEntry, IdempotencyRecord, Tenant
from tests.api.document import document
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)
METHODS = ("put", "patch", "delete")


@pytest.fixture
def client(tenant: Tenant, api: Any) -> Any:
    return api(tenant)


@pytest.fixture
def mira(scope: Tenant) -> str:
    return f"/api/v2/contacts/{ContactFactory(tenant=scope, name='Mira').id}"


def code(client: Any, answer: Any) -> tuple[int, str]:
    return answer.status_code, client.error_of(answer)["code"]


def test_a_change_of_what_was_read_is_made_and_one_of_what_was_changed_since_is_not(client, mira) -> None:
    read = client.get(mira)["ETag"]
    first = client.patch(mira, {"name": "Mira B."}, HTTP_IF_MATCH=read)
    second = client.patch(mira, {"name": "Maria"}, HTTP_IF_MATCH=read)
    assert (first.status_code, code(client, second)) == (200, (412, "precondition_failed"))
    present = client.get(mira)["ETag"]
    assert present != read and first["ETag"] == present == client.error_of(second)["details"]["etag"]
    assert Contact.objects.get().name == "Mira B."
    assert client.patch(mira, {"name": "Maria"}, HTTP_IF_MATCH=present).status_code == 200
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("*", 200), ('"x", {}', 200), ("W/{}", 200), ('"x"', 412), ("x", 400), ('"x" {}', 400), ("", 400)],
)
def test_versions_are_written_as_the_rfc_has_it(client, mira, given: str, expected: int) -> None:
    read = client.get(mira)["ETag"]
    assert client.patch(mira, {"name": "B"}, HTTP_IF_MATCH=given.format(read)).status_code == expected
    assert Contact.objects.get().name == ("B" if expected == 200 else "Mira")


def test_what_a_caller_has_is_not_sent_again(client, mira) -> None:
    read = client.get(mira)["ETag"]
    again = client.get(mira, HTTP_IF_NONE_MATCH=f"W/{read}")
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", read)
    Contact.objects.update(name="B")
    assert client.get(mira, HTTP_IF_NONE_MATCH=read).status_code == 200


def test_who_names_a_version_waits_for_none_who_does(client, mira, scope) -> None:
    read = client.get(mira)["ETag"]
    hold = idempotency.claim(scope.id, "if-match", mira)
    refused = client.patch(mira, {"name": "B"}, HTTP_IF_MATCH=read)
    assert code(client, refused) == (409, "change_in_progress") and refused["Retry-After"]
    hold.release()
    assert client.patch(mira, {"name": "B"}, HTTP_IF_MATCH=read).status_code == 200


def test_of_changes_at_the_same_moment_one_is_made(client, mira) -> None:
    read = client.get(mira)["ETag"]

    def change(number: int) -> int:
        try:
            return int(client.patch(mira, {"name": f"name {number}"}, HTTP_IF_MATCH=read).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as several:
        answers = list(several.map(change, range(4)))
    assert answers.count(200) == 1 and set(answers) <= {200, 409, 412}


def meanwhile(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any]) -> None:
    """``change`` is made by another thread after the version has been looked at, once."""
    look, left = versions.demand, [change]

    def changed() -> Any:
        try:
            return left.pop()()
        finally:
            connections.close_all()

    def demanded(request: Any, version: str) -> None:
        look(request, version)
        if left:
            with ThreadPoolExecutor(1) as other:
                other.submit(changed).result()

    monkeypatch.setattr(versions, "demand", demanded)


def test_a_change_that_names_no_version_is_not_overwritten_by_one_that_does(client, mira, monkeypatch) -> None:
    read = client.get(mira)["ETag"]
    meanwhile(monkeypatch, lambda: client.patch(mira, {"name": "Mira B."}))
    refused = client.patch(mira, {"name": "Maria"}, HTTP_IF_MATCH=read)
    assert code(client, refused) == (412, "precondition_failed")
    assert client.error_of(refused)["details"]["etag"] == client.get(mira)["ETag"]
    assert Contact.objects.get().name == "Mira B."
    assert list(AuditEntry.objects.filter(action="contact.updated").values_list("changes", flat=True)) == [
        {"fields": ["name"]}
    ]


def test_nor_is_one_that_no_request_made(client, mira, monkeypatch, scope) -> None:
    read = client.get(mira)["ETag"]
    meanwhile(monkeypatch, lambda: Contact.objects.unscoped().update(language="de"))
    assert code(client, client.patch(mira, {"language": "fr"}, HTTP_IF_MATCH=read)) == (412, "precondition_failed")
    assert Contact.objects.get().language == "de"


def test_a_deletion_does_not_take_what_was_changed_meanwhile(client, scope, monkeypatch) -> None:
    made = client.post("/api/v2/labels", {"name": "Refund", "color": "red"}).json()["data"]["id"]
    address = f"/api/v2/labels/{made}"
    read = client.get(address)["ETag"]
    meanwhile(monkeypatch, lambda: client.patch(address, {"name": "Refunds"}))
    assert code(client, client.delete(address, HTTP_IF_MATCH=read)) == (412, "precondition_failed")
    assert client.get(address).json()["data"]["name"] == "Refunds"


def test_what_concerns_another_thing_is_no_obstacle(client, mira, scope, monkeypatch) -> None:
    read, other = client.get(mira)["ETag"], f"/api/v2/contacts/{ContactFactory(tenant=scope, name='Tom').id}"
    meanwhile(monkeypatch, lambda: client.patch(other, {"name": "Tim"}))
    assert client.patch(mira, {"name": "Maria"}, HTTP_IF_MATCH=read).status_code == 200
    assert set(Contact.objects.values_list("name", flat=True)) == {"Maria", "Tim"}


def test_a_version_of_nothing_is_refused_and_one_of_a_thing_that_is_gone_is_not_found(client, mira) -> None:
    refused = client.post(f"{mira}/stop", {}, HTTP_IF_MATCH='"x"')
    assert code(client, refused) == (400, "if_match_not_offered")
    Contact.objects.all().delete()
    assert code(client, client.patch(mira, {"name": "B"}, HTTP_IF_MATCH="*")) == (404, "contact_not_found")


def test_a_failed_change_frees_the_thing(client, mira) -> None:
    read = client.get(mira)["ETag"]
    assert client.patch(mira, {"nom": "B"}, HTTP_IF_MATCH=read).status_code == 400
    assert client.patch(mira, {"name": "B"}, HTTP_IF_MATCH=read).status_code == 200


def test_all_that_is_read_and_changed_at_an_address_says_so() -> None:
    for path, item in document()["paths"].items():
        changed = "get" in item and [item[method] for method in METHODS if method in item]
        for operation in changed or ():
            assert "If-Match" in {one["name"] for one in operation["parameters"]}, path
            assert "412" in operation["responses"], path
        if changed:
            assert "ETag" in item["get"]["responses"]["200"]["headers"], path
