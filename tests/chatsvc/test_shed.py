"""While the database is away one request asks for it, and the others are told at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from chatsvc.web import shed
from chatsvc.web.errors import as_service_error
from chatsvc.web.middleware import Shed

WAIT_S = 30


class Service:
    """A view whose request stays in it until it may ``leave``; then the database is ``lost`` or not."""

    def __init__(self) -> None:
        self.lost, self.asked = True, 0
        self.entered, self.leave = threading.Event(), threading.Event()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.asked += 1
        self.entered.set()
        assert self.leave.wait(WAIT_S)
        if self.lost:
            shown = as_service_error(lost())
            return HttpResponse(status=shown.status)
        return HttpResponse(status=200)


def lost() -> OperationalError:
    error = OperationalError()
    error.__cause__ = psycopg.OperationalError("connection refused")
    return error


@pytest.fixture
def service() -> Iterator[Service]:
    yield Service()
    shed._away = False


@pytest.fixture
def away(service: Service) -> Shed:
    """The first one has found out that the database is away."""
    service.leave.set()
    assert get(Shed(service)).status_code == 503
    service.leave.clear()
    service.entered.clear()
    return Shed(service)


def get(middleware: Shed, path: str = "/api/v2/webhooks/x") -> HttpResponse:
    return middleware(RequestFactory().get(path))


def test_one_asks_and_the_others_are_told_at_once(service: Service, away: Shed) -> None:
    asking = threading.Thread(target=get, args=(away,))
    asking.start()
    assert service.entered.wait(WAIT_S)
    answer = get(away)
    service.leave.set()
    asking.join(WAIT_S)
    assert (answer.status_code, answer["Retry-After"], b'"unavailable"' in answer.content) == (503, "5", True)
    assert service.asked == 2


def test_who_gets_through_ends_it_for_all(service: Service, away: Shed) -> None:
    service.lost = False
    service.leave.set()
    assert get(away).status_code == 200
    assert shed._away is False


def test_who_fails_in_vain_leaves_it_away(service: Service, away: Shed) -> None:
    service.leave.set()
    assert get(away).status_code == 503
    assert shed._away is True


@pytest.mark.parametrize("path", ["/api/v2/health/live", "/health/live", "/static/x.css"])
def test_what_needs_no_database_is_spared(service: Service, away: Shed, path: str) -> None:
    asking = threading.Thread(target=get, args=(away,))
    asking.start()
    assert service.entered.wait(WAIT_S)
    answer = get(Shed(lambda _: HttpResponse(status=200)), path)
    service.leave.set()
    asking.join(WAIT_S)
    assert answer.status_code == 200
