"""A token that is limited to learners reaches their threads and nothing else, anywhere (TEN-4): every address and socket."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chatsvc.asgi import sockets
from messaging.desk.consumer import AgentConsumer
from messaging.desk.people import Proof, _of_credential
from messaging.webchat.sockets.consumer import WebchatConsumer
from tenants.access import auth
from tenants.access.permissions import AUTHENTICATED, PERMISSIONS, PUBLIC, declared
from tenants.errors import Forbidden
from tenants.models import Tenant
from tenants.storage.db import new_id
from tests.conftest import Api
from tests.tenants.access.test_permissions import CLOSED, VIEWS, _fill

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = "/api/v1/threads"
#: views that obey the limit; a new one needs its tests in this file
OBEYING = {"ThreadsView", "ThreadView", "ThreadMessagesView", "ThreadMessageView"}
ELSEWHERE = [case for case in CLOSED if case.values[2].__name__ not in OBEYING]


@pytest.fixture
def limited(tenant: Tenant) -> Api:
    """Every permission there is, for l-1 alone, as staff: nothing but the limit stands in its way."""
    extra = {"acts_as": "staff"}
    return Api(auth.issue_access_token(tenant, "s-1", permissions=PERMISSIONS, learners=["l-1"], extra=extra))


def test_these_views_say_that_they_obey() -> None:
    assert {cls.__name__ for _, _, cls in VIEWS if getattr(cls, "obeys_learners", False)} == OBEYING
    assert len(ELSEWHERE) > 100


def test_every_other_address_refuses(limited: Api, subtests: pytest.Subtests) -> None:
    for address, pattern, _, method in (case.values for case in ELSEWHERE):
        with subtests.test(method=method, address=address):
            answer = limited.generic(method, _fill(address, pattern))
            assert (answer.status_code, limited.error_of(answer)["code"]) == (403, "limited_to_learners")


def test_a_view_that_says_nothing_of_learners_is_closed_to_them() -> None:
    """Fails closed: of a limited token DeclaredPermission lets nothing through that a view does not claim to obey."""
    from tenants.api.views import TenantAPIView

    assert TenantAPIView.obeys_learners is False
    assert {declared(cls, "GET") for _, _, cls in VIEWS if cls.__name__ in OBEYING}.isdisjoint({PUBLIC, AUTHENTICATED})


def test_every_socket_refuses(tenant: Tenant, limited: Api) -> None:
    known = {getattr(route.callback, "consumer_class", None) for route in sockets.routes} - {None}
    assert known == {AgentConsumer, WebchatConsumer}, "a new socket has to be tried here"
    token = auth.issue_access_token(tenant, "s-1", permissions=PERMISSIONS, learners=["l-1"])
    refused = _of_credential(Proof(credential=token))
    assert isinstance(refused, Forbidden)
    assert refused.code == "limited_to_learners"
    # the web chat's socket knows visitors' tokens of its own, and takes no JWT


def opened(api: Any, tenant: Tenant, learner_id: str) -> tuple[str, str]:
    client = api(tenant)
    thread = client.data_of(client.post(THREADS, {"learner_id": learner_id, "participants": ["s-1"]}))["id"]
    said = client.data_of(client.post(f"{THREADS}/{thread}/messages", {"content": f"of {learner_id}"}))["id"]
    return thread, said


def test_threads_of_other_learners_are_as_if_they_were_not_there(api: Any, tenant: Tenant, limited: Api) -> None:
    own, said = opened(api, tenant, "l-1")
    other, other_said = opened(api, tenant, "l-2")
    assert [one["id"] for one in limited.data_of(limited.get(THREADS))["items"]] == [own]
    answers = {
        (method, path): limited.generic(method, path, body, content_type="application/json").status_code
        for path in (
            f"{THREADS}/{other}", f"{THREADS}/{other}/messages", f"{THREADS}/{other}/messages/{other_said}",
            f"{THREADS}/{own}/messages/{other_said}", f"{THREADS}/{other}/messages/{said}", f"{THREADS}/{new_id()}",
        )
        for method, body in (("GET", ""), ("PUT", "{}"), ("DELETE", ""), ("POST", '{"content": "x"}'))
    }  # fmt: skip
    assert set(answers.values()) == {404, 405}
    assert limited.get(f"{THREADS}/{own}/messages/{said}").status_code == 200
    assert {status for (method, _), status in answers.items() if method == "GET"} == {404}


@pytest.mark.parametrize("learner_id", ["l-2", "L-1", "l-10", "l-"])
def test_no_learner_out_of_scope_is_named(limited: Api, learner_id: str) -> None:
    for answer in (
        limited.get(f"{THREADS}?learner_id={learner_id}"),
        limited.post(THREADS, {"learner_id": learner_id}),
    ):
        assert (answer.status_code, limited.error_of(answer)["code"]) == (403, "learner_out_of_scope")


def test_a_token_of_no_learner_reaches_nothing(api: Any, tenant: Tenant) -> None:
    own, _ = opened(api, tenant, "l-1")
    nobody = Api(auth.issue_access_token(tenant, "l-1", permissions=PERMISSIONS, learners=[]))
    assert nobody.data_of(nobody.get(THREADS))["items"] == []
    assert nobody.get(f"{THREADS}/{own}").status_code == 404


def test_a_cursor_of_another_list_leads_nowhere_else(api: Any, tenant: Tenant, limited: Api) -> None:
    opened(api, tenant, "l-1")
    for _ in range(3):
        opened(api, tenant, "l-2")
    whole = api(tenant)
    cursor = whole.data_of(whole.get(f"{THREADS}?page_size=1"))["next_cursor"]
    items = limited.data_of(limited.get(f"{THREADS}?cursor={cursor}"))["items"]
    assert [one["learner_id"] for one in items] == ["l-1"]


def test_an_answer_that_is_remembered_is_of_the_same_reach(tenant: Tenant) -> None:
    """Two tokens of one subject, with one Idempotency-Key, for different learners."""
    named = {"Idempotency-Key": "k"}
    for learner_id in ("l-1", "l-2"):
        token = auth.issue_access_token(tenant, "g-1", permissions=PERMISSIONS, learners=[learner_id])
        answer = Api(token).post(THREADS, {"learner_id": learner_id}, headers=named)
        assert Api.data_of(answer)["learner_id"] == learner_id


def test_ids_are_compared_as_they_are_stored(api: Any, tenant: Tenant) -> None:
    own, _ = opened(api, tenant, "l-1")
    token = auth.issue_access_token(tenant, " l-1", permissions=PERMISSIONS, learners=["l-1\u200b "])
    found = Api.data_of(Api(token).get(f"{THREADS}/{own}"))
    assert re.fullmatch("l-1", found["learner_id"])
