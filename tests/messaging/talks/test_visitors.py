"""A token that an integrator hands to a page or an app acts for its own user, and for no other (TEN-3, TEN-4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from channels_app.models import Channel
from conversations.models import Message
from messaging.desk.people import Proof, _of_credential
from tenants.access import auth
from tenants.access.permissions import PERMISSIONS
from tenants.errors import Forbidden
from tenants.models import Tenant
from tests.conftest import Api
from tests.tenants.access.test_permissions import CLOSED, VIEWS, _fill

pytestmark = pytest.mark.django_db(transaction=True)
TOKENS, MESSAGE = "/api/v2/auth/token", "/api/v2/chat/message"
#: views that let a visitor act for itself; a new one needs its tests in this file
OBEYING = {"MessageView", "UploadView"}
ELSEWHERE = [case for case in CLOSED if case.values[2].__name__ not in OBEYING]


def said(user_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "channel": "web", "content": {"type": "text", "text": "hello"}, **more}


@pytest.fixture
def browser(api: Any, tenant: Tenant, web: Channel) -> Api:
    """What a page holds that was given a token for user-1."""
    given = api(tenant).post(TOKENS, {"subject": "user-1", "kind": "visitor"})
    assert given.status_code == 200
    return Api(Api.data_of(given)["access_token"])


def test_it_speaks_as_its_own_user(browser: Api) -> None:
    answer = browser.post(MESSAGE, said("user-1"))
    assert (answer.status_code, Message.objects.unscoped().filter(role="visitor").count()) == (200, 1)
    file = SimpleUploadedFile("a.txt", b"mine", content_type="text/plain")
    assert browser.post("/api/v2/media", {"file": file}, format="multipart").status_code == 201


@pytest.mark.parametrize("named", ["user-2", "USER-1", "user-1x", "user"])
def test_it_does_not_speak_as_another(browser: Api, named: str) -> None:
    answer = browser.post(MESSAGE, said(named))
    assert (answer.status_code, Api.error_of(answer)["code"]) == (403, "limited_to_subject")
    assert not Message.objects.unscoped().exists()


def test_it_does_not_write_into_anothers_conversation(browser: Api, api: Any, tenant: Tenant) -> None:
    theirs = Api.data_of(api(tenant).post(MESSAGE, said("user-2")))["conversation_id"]
    assert browser.post(MESSAGE, said("user-1", conversation_id=theirs)).status_code == 404


def test_what_is_refreshed_from_it_is_a_visitors_too(api: Any, tenant: Tenant, web: Channel) -> None:
    given = Api.data_of(api(tenant).post(TOKENS, {"subject": "user-1", "kind": "visitor"}))
    moved = Api.data_of(api(tenant).post("/api/v2/auth/refresh", {"refresh_token": given["refresh_token"]}))
    assert Api.error_of(Api(moved["access_token"]).post(MESSAGE, said("user-2")))["code"] == "limited_to_subject"


def test_a_back_ends_token_names_whom_it_will(api: Any, tenant: Tenant, web: Channel) -> None:
    given = Api.data_of(api(tenant).post(TOKENS, {"subject": "back end", "permissions": ["messages:send"]}))
    assert Api(given["access_token"]).post(MESSAGE, said("user-2")).status_code == 200


def test_these_views_say_that_they_obey() -> None:
    assert {cls.__name__ for _, _, cls in VIEWS if getattr(cls, "obeys_subject", False)} == OBEYING
    assert len(ELSEWHERE) > 100


def test_every_other_address_refuses(tenant: Tenant, subtests: pytest.Subtests) -> None:
    visitor = Api(auth.issue_access_token(tenant, "user-1", permissions=PERMISSIONS, kind="visitor"))
    for address, pattern, _, method in (case.values for case in ELSEWHERE):
        with subtests.test(method=method, address=address):
            answer = visitor.generic(method, _fill(address, pattern))
            assert (answer.status_code, visitor.error_of(answer)["code"]) == (403, "limited_to_subject")


def test_the_agents_socket_refuses(tenant: Tenant) -> None:
    token = auth.issue_access_token(tenant, "user-1", permissions=PERMISSIONS, kind="visitor")
    refused = _of_credential(Proof(credential=token))
    assert isinstance(refused, Forbidden) and refused.code == "limited_to_subject"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": "visitor"}, "subject_required"),
        ({"kind": "visitor", "subject": "l-1", "learners": ["l-1"]}, "visitor_without_learners"),
        ({"kind": "key", "subject": "user-1"}, "validation_error"),
    ],
    ids=["no subject", "learners", "unknown"],
)
def test_what_makes_no_sense_is_told(api: Any, tenant: Tenant, asked: dict[str, Any], code: str) -> None:
    assert Api.error_of(api(tenant).post(TOKENS, asked))["code"] == code
