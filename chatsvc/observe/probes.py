"""What the service stands on, asked one by one with a time limit each.

Owns the questions. Must not raise: what does not answer is ``down`` with the kind of error, no words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.core.cache import cache

from assistant.port import EngineError
from chatsvc.observe.workers import queues, seen_key
from tenants.storage.db import ping

KAFKA_MS = 2000
LATE_S = 60  # a worker that was not seen for so long does not count


def database() -> dict[str, Any]:
    ping()
    return {}


def redis_server() -> dict[str, Any]:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    finally:
        client.close()
    return {}


def broker() -> dict[str, Any]:
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=0, timeout=1)
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


def workers() -> dict[str, Any]:
    """Seconds since each queue last had a worker. Raises NoWorker when one has none."""
    seen: Mapping[str, float] = cache.get_many([seen_key(queue) for queue in queues()])
    ages = {
        queue: round(time.time() - seen[seen_key(queue)], 1) if seen_key(queue) in seen else None for queue in queues()
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
ALWAYS: dict[str, Callable[[], dict[str, Any]]] = {"database": database, "broker": broker, "workers": workers}
WHEN_SET: tuple[tuple[str, str, Callable[[], dict[str, Any]]], ...] = (
    ("REDIS_URL", "redis", redis_server),
    ("KAFKA_BROKERS", "kafka", kafka),
    ("MCP_ENGINE_URL", "engine", engine),
)


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
