"""Requests of the API go by none of what stands there for pages, and lose nothing by it (chatsvc/web/middleware.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.request import HttpHeaders
from django.test import Client, RequestFactory

from chatsvc.web.middleware import Api
from chatsvc.web.serving.requests import Headers

PAGES = HttpResponse("a page")


def asked(path: str, **meta: Any) -> HttpResponse:
    return Api(lambda request: PAGES)(RequestFactory().get(path, **meta))


@pytest.mark.parametrize("path", ["/admin/", "/health", "/api/docs", "/api/v2/media/1/picture"])
def test_pages_and_files_go_the_long_way(path: str) -> None:
    assert asked(path) is PAGES


def test_an_answer_of_the_api_says_its_length_and_stands_in_no_frame() -> None:
    answer = asked("/api/v2/nothing-here")
    assert answer.status_code == 404
    assert json.loads(answer.content)["error"]["code"] == "not_found"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Content-Length"] == str(len(answer.content))


def test_a_host_that_is_not_ours_is_refused(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    refused = asked("/api/v2/chat/message", HTTP_HOST="evil.example")
    assert (refused.status_code, json.loads(refused.content)["error"]["code"]) == (400, "bad_request")


@pytest.mark.django_db
def test_the_api_looks_at_no_session(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, opens = list[str](), SessionMiddleware.process_request

    def noting(self: SessionMiddleware, request: HttpRequest) -> None:
        opened.append(request.path)
        opens(self, request)

    monkeypatch.setattr(SessionMiddleware, "process_request", noting)
    assert client.get("/api/v2/chat/conversations").status_code == 401
    client.get("/info")
    assert opened == ["/info"]


def test_a_value_that_the_database_refuses_is_an_error_of_the_service(monkeypatch: Any) -> None:
    """Views of the API check what comes in: what gets by them is their fault, and not told as the caller's."""
    error = DataError("NUL (0x00)")

    def refuse(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("chatsvc.web.middleware.resolve", refuse)
    answer = asked("/api/v2/contacts")
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (500, "internal_error")


META = {
    "HTTP_X_API_KEY": "csk_1", "HTTP_HOST": "chat.example.com", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "2",
    "REMOTE_ADDR": "127.0.0.1", "PATH_INFO": "/",
}  # fmt: skip


def test_headers_are_those_that_django_has() -> None:
    ours, django = Headers(META), HttpHeaders(META)
    assert dict(ours) == dict(django)
    for name in ("x-api-key", "X-Api-Key", "X_API_KEY", "content-type", "Host"):
        assert ours[name] == django[name]
        assert ours.get(name) == django.get(name)
        assert name in ours
    assert ours.get("Prefer", "none") == "none"
    assert "Remote-Addr" not in ours
    with pytest.raises(KeyError):
        ours["Remote-Addr"]
