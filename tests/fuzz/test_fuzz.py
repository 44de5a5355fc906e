"""What the OpenAPI document says is so, and what it does not allow is refused (API-4). `make fuzz` is the long form."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from schemathesis.transport.wsgi import WSGITransport

from channels_app.contract import Unreachable
from channels_app.http import addresses, network
from tests.api.document import document
from tests.api.world import World
from tests.factories import ChannelFactory
from tests.fuzz.fuzzing import Found, Fuzz, config
from tests.messaging.webchat.clients import SHOP, Page

pytestmark = pytest.mark.django_db(transaction=True)
CASES = int(os.environ.get("FUZZ_CASES", "600"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
LONG = CASES >= 10_000  # with coverage: each limit of each field by itself


@pytest.fixture(autouse=True)
def alone(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No limit ends the run, no address leads out, and hundreds of refusals need no line each."""
    settings.ENV = {**settings.ENV, "ENABLE_RATE_LIMITING": False}

    def nowhere(host: str, port: int) -> list[str]:
        raise Unreachable("dns_failed", "The host name could not be resolved.")

    for module in (network, addresses):
        monkeypatch.setattr(module, "resolve", nowhere)
    sent = WSGITransport.send

    def send(transport: Any, case: Any, **options: Any) -> Any:
        """Schemathesis hands what its checks ask beside the settings of a network call, which WSGI has not."""
        for name in ("max_redirects", "verify", "cert", "proxies"):
            options.pop(name, None)
        return sent(transport, case, **options)

    monkeypatch.setattr(WSGITransport, "send", send)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def world(tenant: Any, other_tenant: Any) -> World:
    return World(tenant, "kingfisher")


@pytest.fixture
def headers(world: World, api_key: str) -> dict[str, dict[str, str]]:
    page = Page(ChannelFactory(tenant=world.tenant, config={"allowed_origins": [SHOP]}))
    page.begin()
    world.ids["key"] = page.base.rpartition("/")[2]
    visitor = {"Authorization": f"Bearer {page.token}", "Origin": SHOP}
    return {"": {"Authorization": f"Bearer {api_key}"}, "webchat": visitor}


def told(text: str) -> None:
    """At once, with ``-s``: the long form takes its time."""
    sys.stderr.write(f"{text}\n")


def summed_up(found: Found, begun: float) -> None:
    spent = time.process_time() - begun
    told(f"{found.cases} cases, {len(found.operations)} operations, {spent:.0f} s of CPU: {dict(found.statuses)}")


def test_each_operation_answers_as_the_document_says(world: World, headers: Any) -> None:
    begun, operations = (
        time.process_time(),
        [one for item in document()["paths"].values() for one in item if one != "parameters"],
    )
    each = -(-CASES * 8 // 10 // len(operations))
    phases = {"examples": 1, "coverage": 1} if LONG else {}
    found = Fuzz(world, config(seed=SEED, headers=headers, fuzzing=each, **phases)).run(told)
    summed_up(found, begun)
    assert found.wrong == {}
    assert len(found.operations) == len(operations)
    assert found.cases >= CASES * 8 // 10
    taken = sum(times for status, times in found.statuses.items() if status < 400)
    assert taken > found.cases // 5


def test_one_answer_leads_to_the_next_as_the_document_says(world: World, headers: Any) -> None:
    begun = time.process_time()
    found = Fuzz(world, config(seed=SEED, headers=headers, stateful=CASES), stays=True).run(told, CASES * 2 // 10)
    summed_up(found, begun)
    assert found.wrong == {}
    assert found.cases >= CASES * 2 // 10
