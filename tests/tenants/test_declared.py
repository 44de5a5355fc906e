"""No address and no socket is open by oversight: each says what it asks for, and the console asks for a sign-in (TEN-4).

Views of the API: tests/tenants/access/test_permissions.py. That each permission guards something: tests/test_readers_and_writers.py.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import Resolver404, URLPattern, get_resolver, resolve
from rest_framework.views import APIView

from chatsvc import asgi
from messaging.sockets.connection import Connection
from tenants.access.permissions import PERMISSIONS, PUBLIC

#: address of no view of the API → what decides who gets an answer there
APART = {
    "api/v2/webhooks/<str:kind>/<str:key>": "the platform's signature",
    "api/v2/webhooks/<str:kind>/<str:key>/": "the platform's signature",
    "api/v2/oauth/token": "the client's secret, code and verifier",
    "static/widget/dist/<str:name>": "public: the widget's files",
    "": "public: what runs, and the demo",
    "info": "public: what runs",
    "docs": "public: leads to the description of the API",
    "favicon.ico": "public",
    ".well-known/jwks.json": "public: keys to check tokens by",
    ".well-known/oauth-authorization-server": "public: addresses",
    **{
        f"{prefix}health{part}": "public: alive or not; details for METRICS_TOKEN and staff"
        for prefix in ("", "api/v2/")
        for part in ("", "/live", "/ready", "/detailed", "/info", "/metrics")
    },
    "metrics": "METRICS_TOKEN or METRICS_ALLOW",
}
#: of the console, what a browser without a sign-in is shown
DOORS = {"admin/login/", "admin/logout/", "admin/join/<str:token>/", "admin/jsi18n/"}
VALUES = {"uuid": str(uuid.uuid4()), "int": "1"}


def addresses(patterns: Any, before: str = "") -> Any:
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            yield address, view is not None and issubclass(view, APIView)
        else:
            yield from addresses(pattern.url_patterns, address)


FOUND = list(addresses(get_resolver("chatsvc.urls").url_patterns))
CONSOLE = sorted({address for address, _ in FOUND if address.startswith("admin/")})


def test_every_address_is_a_view_of_the_api_of_the_console_or_listed_with_its_reason() -> None:
    apart = {address for address, of_the_api in FOUND if not of_the_api and not address.startswith("admin/")}
    assert apart == set(APART)


def filled(address: str) -> str:
    """A path that leads there."""
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda part: VALUES.get(part[1] or "", "x"), address)
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)|[\\^$?]|\.\*", "", path)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_page_of_the_console_opens_without_a_sign_in(method: str) -> None:
    browser, opened = Client(raise_request_exception=False), []
    for address in CONSOLE:
        answer = getattr(browser, method)(filled(address))
        leads = answer.headers.get("Location", "")
        if not (answer.status_code in (403, 404, 405) or leads.startswith("/admin/login/")):
            opened.append(address)
    assert set(opened) <= DOORS


def test_what_the_walk_asks_for_is_there() -> None:
    """Paths that lead to no page would be refused, whatever that page does."""
    lost = []
    for address in CONSOLE:
        try:
            resolve(filled(address))
        except Resolver404:
            lost.append(address)
    assert lost == []


SOCKETS = {
    str(route.pattern): getattr(route.callback, "consumer_class", None)
    for route in asgi.sockets.routes
    if route.callback is not asgi.nowhere
}


@pytest.mark.parametrize("path", SOCKETS)
def test_every_socket_declares_what_it_asks_for(path: str) -> None:
    consumer = SOCKETS[path]
    assert issubclass(consumer, Connection)
    assert consumer.permission in {*PERMISSIONS, PUBLIC}


def test_there_are_sockets_to_look_at() -> None:
    assert {path: consumer.permission for path, consumer in SOCKETS.items()} == {
        "ws/chat/<str:key>/": PUBLIC,
        "ws/agent/": "conversations:read",
    }
