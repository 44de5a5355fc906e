"""What the service stands on, asked one by one with a time limit each.

Owns the questions. Must not raise: what does not answer is ``down`` with the kind of error, no words.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from assistant.port import EngineError
from chatsvc.observe import pulse
from chatsvc.observe.broker import broker_client, broker_write
from chatsvc.observe.workers import queues, seen_key

KAFKA_MS = 2000
MEDIA_S = 2.0
FRESH_S = {"database": 3.0, "media": 30.0, "broker": 3.0}  # how long an answer to `ready` is good for
LATE_S = 60  # a worker that was not seen for so long does not count


def database() -> dict[str, Any]:
    """It answers, and takes what we write: a full disk or a read-only replica does not."""
    pulse.mine.beat()
    return {}


def media() -> dict[str, Any]:
    """Files of messages can be written. Raises TimeoutError when the storage takes too long."""
    name = f"health/{pulse.mine.id}"

    def write() -> None:
        default_storage.delete(default_storage.save(name, ContentFile(b"ok")))

    writing = _storage_threads.submit(write)
    try:
        writing.result(MEDIA_S)
    finally:
        writing.cancel()
    return {}


def redis_server() -> dict[str, Any]:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    finally:
        client.close()
    return {}


def broker() -> dict[str, Any]:
    """It takes tasks. Raises redis.RedisError."""
    client = broker_client()
    if client is not None:
        with client:
            broker_write(client)
    return {}


def kafka() -> dict[str, Any]:
    from kafka import KafkaAdminClient

    from messaging.kafka.stream import client_options

    limits = {"bootstrap_timeout_ms": KAFKA_MS, "request_timeout_ms": KAFKA_MS}
    client = KafkaAdminClient(**client_options() | limits)
    try:
        return {"topics": len(client.list_topics())}
    finally:
        client.close()


def engine() -> dict[str, Any]:
    """Raises EngineError."""
    from assistant.engine.remote import engine_at

    engine_at(settings.ENV["MCP_ENGINE_URL"]).health()
    return {}


def security_hub() -> dict[str, Any]:
    """Raises Unavailable."""
    from tenants.access.hub.client import hub

    hub().health()
    return {}


def scanner() -> dict[str, Any]:
    """Raises ScannerAway or ScannerFailed."""
    from messaging.media.scanning import scanner_ask

    scanner_ask()
    return {}


def workers() -> dict[str, Any]:
    """Seconds since each queue last had a worker. Raises NoWorker when one has none."""
    seen: Mapping[str, float] = cache.get_many([seen_key(queue) for queue in queues()])
    ages = {
        queue: max(0.0, round(time.time() - seen[seen_key(queue)], 1)) if seen_key(queue) in seen else None
        for queue in queues()
    }
    if any(age is None or age > LATE_S for age in ages.values()):
        raise NoWorker(ages)
    return {"seen_s_ago": ages}


class NoWorker(Exception):
    """A queue without a worker; ``ages`` as in ``workers``."""

    def __init__(self, ages: Mapping[str, float | None]):
        super().__init__()
        self.ages = dict(ages)


#: what we stand on → the question; without "database" nothing works, without the others less does
ALWAYS: dict[str, Callable[[], dict[str, Any]]] = {
    "database": database,
    "media": media,
    "broker": broker,
    "workers": workers,
}
WHEN_SET: tuple[tuple[str, str, Callable[[], dict[str, Any]]], ...] = (
    ("REDIS_URL", "redis", redis_server),
    ("KAFKA_BROKERS", "kafka", kafka),
    ("MCP_ENGINE_URL", "engine", engine),
    ("SECURITY_HUB_URL", "security_hub", security_hub),
    ("CLAMAV_URL", "scanner", scanner),
)


_storage_threads = ThreadPoolExecutor(1, thread_name_prefix="media-probe")  # one that hangs is not asked again
_answers: dict[str, tuple[float, str]] = {}
_asking = threading.Lock()


def ready() -> dict[str, str]:
    """What a web process needs → up or down. Each is asked now and then only, and by one thread at a time: the others
    get the last answer."""
    wanted = {"database": database, "media": media} | ({"broker": broker} if settings.REDIS_URL else {})
    for name, question in wanted.items():
        until, status = _answers.get(name, (0.0, ""))
        if time.monotonic() >= until and _asking.acquire(blocking=not status):
            try:
                _answers[name] = (time.monotonic() + FRESH_S[name], ask(question)["status"])
            finally:
                _asking.release()
    return {name: _answers[name][1] for name in wanted}


def forget_answers() -> None:
    _answers.clear()


def ask_all() -> dict[str, dict[str, Any]]:
    """Every dependency that is configured: status, latency in milliseconds and what else it says."""
    questions = dict(ALWAYS)
    questions |= {name: question for setting, name, question in WHEN_SET if settings.ENV[setting]}
    return {name: ask(question) for name, question in questions.items()}


def ask(question: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        told: dict[str, Any] = {"status": "up", **question()}
    except NoWorker as missing:
        told = {"status": "down", "error": "NoWorker", "seen_s_ago": missing.ages}
    except EngineError as error:
        told = {"status": "down", "error": error.code}
    except Exception as error:  # noqa: BLE001  whatever it is, it is down
        told = {"status": "down", "error": type(error).__name__}
    return {**told, "latency_ms": round((time.perf_counter() - started) * 1000, 1)}
