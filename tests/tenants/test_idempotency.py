"""``Idempotency-Key``: once, whatever is sent how often (API-6)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connections

from conversations.models import Contact
from messaging.housekeeping.trims import trim
from tenants.access import auth
from tenants.api import idempotency
from tenants.models import IdempotencyRecord
from tenants.scope import tenant_scope
from tenants.storage.db import now

pytestmark = [pytest.mark.urls("tests.api.views"), pytest.mark.django_db(transaction=True)]

PATH = "/api/t/contacts"


@pytest.fixture
def send(api, tenant):
    client = api(tenant)

    def post(name="anna", key="k-1", path=PATH, method="post"):
        headers = {"Idempotency-Key": key} if key is not None else {}
        return getattr(client, method)(path, {"name": name}, headers=headers)

    return post


@pytest.fixture
def stored(tenant):
    def count():
        with tenant_scope(tenant.id):
            return Contact.objects.count(), IdempotencyRecord.objects.count()

    return count


def code_of(response):
    return json.loads(response.content)["error"]["code"]


def test_a_repeat_gets_the_first_answer_byte_for_byte(send, stored):
    first, second = send(), send()
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert second["Content-Type"] == "application/json"
    assert "RateLimit-Limit" in second
    assert stored() == (1, 1)


def test_the_handler_knows_the_key(send):
    assert json.loads(send(key="abc").content)["data"]["key"] == "abc"


def test_without_a_key_every_request_counts(send, stored):
    send(key=None)
    send(key=None)
    assert stored() == (2, 0)


@pytest.mark.parametrize("other", [{"name": "ben"}, {"path": PATH + "?x=1"}], ids=["other body", "other address"])
def test_a_key_is_for_one_request(send, stored, other):
    send()
    response = send(**other)
    assert (response.status_code, code_of(response)) == (422, "idempotency_mismatch")
    assert stored() == (1, 1)


@pytest.mark.parametrize(
    ("name", "status"), [("x" * 11, 400), ("conflict", 409), ("bug", 500)], ids=["invalid", "conflict", "bug"]
)
def test_failures_are_not_kept(send, stored, name, status):
    assert [send(name=name).status_code for _ in range(2)] == [status, status]
    assert stored()[1] == 0
    assert send(name="anna").status_code == 201  # the key is free again


def test_answers_lie_encrypted(send, tenant):
    send()
    with tenant_scope(tenant.id):
        record = IdempotencyRecord.objects.get()
    assert "success" not in record.body


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "é", " a"], ids=repr)
def test_odd_keys_are_refused(send, stored, key):
    response = send(key=key)
    assert (response.status_code, code_of(response)) == (400, "idempotency_key_invalid")
    assert stored() == (0, 0)


@pytest.mark.parametrize("key", ["a", "x" * 255, "a b", "~!"], ids=["one", "longest", "space inside", "signs"])
def test_all_other_printable_keys_are_taken(send, key):
    assert send(key=key).status_code == 201


def test_safe_methods_ignore_the_key(send, stored):
    assert send(method="get").status_code == 200
    assert stored() == (0, 0)


def test_no_caller_is_given_anothers_answer(api, tenant, other_tenant, stored):
    anna, ben = api(), api()
    for name, client in (("anna", anna), ("ben", ben)):
        token = auth.issue_access_token(tenant, name, permissions=["contacts:write"])
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answers = [
        client.post(PATH, {"name": "x"}, headers={"Idempotency-Key": "k"}) for client in (anna, ben, api(other_tenant))
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.content for answer in answers}) == 3
    assert stored() == (2, 2)


def test_two_api_keys_with_one_subject_are_two(api, tenant, make_key, stored):
    clients = [api(), api()]
    for client in clients:
        row = make_key(tenant)[0]
        token = auth.issue_access_token(tenant, "user-42", permissions=["contacts:write"], key_prefix=row.prefix)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answers = [client.post(PATH, {"name": "x"}, headers={"Idempotency-Key": "k"}) for client in clients]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content != answers[1].content
    assert stored() == (2, 2)


def _abandon(tenant, **changes):
    with tenant_scope(tenant.id):
        IdempotencyRecord.objects.update(status=0, body="", **changes)


def test_a_running_request_is_waited_for(send, tenant):
    send()
    _abandon(tenant, running_until=now() + timedelta(seconds=30))
    response = send()
    assert (response.status_code, code_of(response)) == (409, "idempotency_in_progress")
    assert response["Retry-After"] == "2"


def test_a_crashed_run_is_taken_over_after_its_lease(send, tenant, stored):
    send()
    _abandon(tenant, running_until=now() - timedelta(seconds=1))
    taken_over, repeat = send(), send()
    assert taken_over.status_code == 201
    assert "Idempotency-Replayed" not in taken_over
    assert repeat.content == taken_over.content
    assert stored()[1] == 1


def test_a_run_that_lost_its_lease_does_not_overwrite_its_successor(tenant):
    with tenant_scope(tenant.id):
        record = IdempotencyRecord.objects.create(
            tenant=tenant, key="k", fingerprint="f", running_until=now() - timedelta(seconds=1)
        )
        late = idempotency.Run(record)
        IdempotencyRecord.objects.update(running_until=now() + timedelta(seconds=30))
        late.release()
        assert IdempotencyRecord.objects.filter(status=0).exists()


@pytest.mark.parametrize(
    ("name", "call", "status"), [("anna", "keep", 201), ("conflict", "release", 409)], ids=["success", "failure"]
)
def test_the_answer_stands_when_the_database_has_gone_meanwhile(send, monkeypatch, name, call, status):
    def gone(*_):
        raise OperationalError

    monkeypatch.setattr(idempotency.Run, call, gone)
    assert send(name).status_code == status


def test_old_records_are_removed(send, tenant, stored):
    send()
    assert trim("idempotent_answers") == 0
    with tenant_scope(tenant.id):
        IdempotencyRecord.objects.update(created_at=now() - idempotency.KEPT - timedelta(seconds=1))
    assert trim("idempotent_answers") == 1


def test_many_keys_with_copies_at_once_store_each_once(make_key, tenant, stored):
    from tests.conftest import Api

    plaintext = make_key(tenant)[1]

    def post(key):
        try:
            return key, Api(plaintext).post(PATH, {"name": "anna"}, headers={"Idempotency-Key": key})
        finally:
            connections.close_all()

    keys = [f"key-{number}" for number in range(20)] * 5
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(post, sorted(keys)))
    good = {(key, answer.content) for key, answer in answers if answer.status_code == 201}
    assert {answer.status_code for _, answer in answers} <= {201, 409}
    assert len(good) == 20  # one body per key
    assert stored() == (20, 20)
