"""A request that a platform sends again: known from Redis once the first one is committed, else by its unique key
(ING-3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels_app.contract import RawRequest
from channels_app.models import Channel
from messaging.models import InboundEvent
from messaging.receive import receipt_store
from messaging.rules import repeats
from tenants.models import Tenant
from tenants.storage.db import atomic
from tests.factories import ChannelFactory

BODY = b'{"object": "whatsapp_business_account", "entry": []}'


@pytest.fixture(autouse=True)
def nothing_known(scope: Tenant) -> None:
    cache.clear()


@pytest.fixture
def with_redis(settings: Any) -> None:
    """The cache of the tests stands for Redis where there is none."""
    settings.REDIS_URL = settings.REDIS_URL or "redis://of-the-test"


@pytest.fixture
def store(django_capture_on_commit_callbacks: Any) -> Callable[[Channel], InboundEvent | None]:
    def committed(channel: Channel, body: bytes = BODY) -> InboundEvent | None:
        with django_capture_on_commit_callbacks(execute=True):
            return receipt_store(channel, RawRequest("POST", "/hook", body=body))

    return committed


def statements_of(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as seen:
        work()
    return len(seen)


@pytest.mark.usefixtures("with_redis")
def test_a_repeat_that_is_known_costs_no_statement(whatsapp: Channel, store: Any) -> None:
    assert store(whatsapp) is not None
    assert statements_of(lambda: store(whatsapp)) == 0
    assert InboundEvent.objects.count() == 1


@pytest.mark.usefixtures("with_redis")
def test_what_is_rolled_back_is_not_known(whatsapp: Channel, store: Any) -> None:
    """The platform was told of the failure and sends again: the request would be lost if it were called a repeat."""
    with pytest.raises(ZeroDivisionError), atomic():
        receipt_store(whatsapp, RawRequest("POST", "/hook", body=BODY))
        raise ZeroDivisionError
    assert store(whatsapp) is not None
    assert InboundEvent.objects.count() == 1


@pytest.mark.usefixtures("with_redis")
def test_what_is_not_committed_yet_is_not_known(whatsapp: Channel) -> None:
    with atomic():
        receipt = receipt_store(whatsapp, RawRequest("POST", "/hook", body=BODY))
        assert receipt is not None
        assert not repeats.stored_before(whatsapp.id, receipt.digest)


@pytest.mark.usefixtures("with_redis")
def test_where_redis_has_forgotten_the_unique_key_decides_and_tells_it_again(whatsapp: Channel, store: Any) -> None:
    receipt = store(whatsapp)
    cache.clear()
    assert store(whatsapp) is None
    assert InboundEvent.objects.count() == 1
    assert repeats.stored_before(whatsapp.id, receipt.digest)


@pytest.mark.usefixtures("with_redis")
def test_the_same_words_on_another_channel_are_no_repeat(whatsapp: Channel, scope: Tenant, store: Any) -> None:
    other = ChannelFactory(tenant=scope, kind="whatsapp", name="Other")
    assert store(whatsapp) is not None
    assert store(other) is not None


def test_without_redis_the_unique_key_decides(whatsapp: Channel, store: Any, settings: Any) -> None:
    settings.REDIS_URL = ""
    receipt = store(whatsapp)
    repeats.stored(whatsapp.id, receipt.digest)
    assert not repeats.stored_before(whatsapp.id, receipt.digest)
    assert store(whatsapp) is None
    assert InboundEvent.objects.count() == 1
