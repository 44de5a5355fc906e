"""One envelope, one error shape, the right status, and never a word of what was sent (API-5)."""

from __future__ import annotations

import json
import logging
import uuid

import pytest
from django.conf import settings

from tests.api.views import SECRET

pytestmark = [pytest.mark.urls("tests.api.views"), pytest.mark.django_db]


def body_of(response):
    return json.loads(response.content)


def test_success_is_wrapped(api):
    response = api().post("/api/t/orders", '{"items": [{"name": "tea"}]}')
    body = body_of(response)
    assert response.status_code == 201
    assert response["Content-Type"] == "application/json"
    assert body["status"] == "success"
    assert body["error"] is None
    assert body["data"] == {"items": [{"name": "tea", "count": 1}]}
    assert body["meta"]["request_id"] == response["X-Request-ID"]
    assert body["meta"]["timestamp"].endswith("Z")


FAILURES = [
    ("not_found", 404, "not_found", None),
    ("conflict", 409, "already_there", None),
    ("unavailable", 503, "unavailable", "3"),
    ("http404", 404, "not_found", None),
    ("denied", 403, "permission_denied", None),
    ("operational", 503, "unavailable", "5"),
    ("interface", 503, "unavailable", "5"),
    ("integrity", 409, "conflict", None),
    ("data", 400, "validation_error", None),
    ("bug", 500, "internal_error", None),
]


@pytest.mark.parametrize(("what", "status", "code", "retry_after"), FAILURES, ids=[row[0] for row in FAILURES])
def test_exceptions_become_errors(api, what, status, code, retry_after):
    response = api().get(f"/api/t/fail/{what}")
    body = body_of(response)
    assert (response.status_code, body["error"]["code"], response.get("Retry-After")) == (status, code, retry_after)
    assert body["status"] == "error"
    assert body["data"] is None
    assert set(body["error"]) == {"code", "message", "details", "request_id"}
    assert body["error"]["request_id"] == response["X-Request-ID"]
    assert SECRET not in response.content.decode()


def test_a_bug_is_logged_with_its_place_but_without_words(api, caplog):
    caplog.set_level(logging.ERROR)
    response = api().get("/api/t/fail/bug")
    assert "request_failed" in caplog.text
    assert response["X-Request-ID"] in caplog.text
    assert "views.py" in caplog.text
    assert SECRET not in caplog.text


BAD_BODIES = [
    ("not json", 400, "malformed_json", None),
    ('{"items": [', 400, "malformed_json", None),
    (b"\xff\xfe", 400, "malformed_json", None),
    ('{"items": "\\ud800"}', 400, "validation_error", {"items"}),
    ("[" * 5000, 400, "validation_error", {""}),
    ("[]", 400, "validation_error", {""}),
    ("", 400, "validation_error", {"items"}),
    ("{}", 400, "validation_error", {"items"}),
    ('{"items": [{"name": "a\\u0000b"}]}', 400, "validation_error", None),
    (
        f'{{"items": [{{"name": "{SECRET}"}}, {{"name": "x", "count": "{SECRET}"}}]}}',
        400,
        "validation_error",
        {"items.0.name", "items.1.count"},
    ),
]


@pytest.mark.parametrize(("sent", "status", "code", "fields"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bad_bodies_are_named_and_not_repeated(api, sent, status, code, fields):
    response = api().post("/api/t/orders", sent)
    error = body_of(response)["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert fields is None or {detail["field"] for detail in error["details"]} == fields
    assert SECRET not in response.content.decode()


def test_a_backslash_before_u0000_is_only_text(api):
    assert api().post("/api/t/orders", '{"items": [{"name": "\\\\u0000"}]}').status_code == 201


def test_other_media_types_are_refused(api):
    response = api().post("/api/t/orders", "items=1", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, body_of(response)["error"]["code"]) == (415, "unsupported_media_type")


def test_other_methods_are_refused(api):
    response = api().patch("/api/t/orders", "{}")
    assert (response.status_code, body_of(response)["error"]["code"]) == (405, "method_not_allowed")
    assert response["Allow"] == "POST"


@pytest.mark.parametrize("address", ["/api/t/orders", "/api/t/plain"], ids=["API view", "plain view"])
def test_too_large_bodies_are_refused(api, address):
    response = api().post(address, "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert (response.status_code, body_of(response)["error"]["code"]) == (413, "payload_too_large")


def test_the_largest_body_is_read(api):
    assert api().post("/api/t/orders", "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE).status_code == 400


def test_nul_in_a_query_is_refused(api):
    assert api().get("/api/t/odd?q=a%00b").status_code == 400


def test_half_a_surrogate_pair_does_not_break_the_answer(api):
    assert body_of(api().get("/api/t/odd"))["data"] == {"half": "a?b", "nan": None}


def test_no_content_has_none(api):
    response = api().delete("/api/t/odd")
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/nothing/here", 404, "not_found"),
        ("/api/t/broken", 500, "internal_error"),
        ("/api/t/away", 503, "unavailable"),
    ],
    ids=["unknown address", "plain view fails", "plain view without a database"],
)
def test_djangos_own_errors_have_the_shape_under_api(browser, address, status, code):
    response = browser.get(address)
    assert (response.status_code, body_of(response)["error"]["code"]) == (status, code)


def test_pages_for_people_stay_pages(browser):
    assert browser.get("/pages/broken")["Content-Type"].startswith("text/html")


def test_a_foreign_host_name_is_a_bad_request(browser):
    response = browser.get("/api/t/odd", HTTP_HOST="evil.example")
    assert (response.status_code, body_of(response)["error"]["code"]) == (400, "bad_request")


def test_no_credential_says_how_to_authenticate(api):
    response = api().get("/api/t/contacts")
    assert (response.status_code, body_of(response)["error"]["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_request_ids_are_ours_and_correlation_ids_the_callers(api):
    response = api().get("/api/t/odd", HTTP_X_CORRELATION_ID="abc-1")
    assert uuid.UUID(response["X-Request-ID"])
    assert response["X-Correlation-ID"] == "abc-1"
