"""What each part does while Redis is away: a closed port stands for it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatsvc import settings as settings_of_celery
from chatsvc.observe.broker import broker_takes_writes
from chatsvc.processes import broker, standby
from chatsvc.processes.cache import ForgivingRedisCache
from messaging import wake
from tenants.work import calls
from tenants.work.breaker import Breaker
from tests.chaos.servers import Redis, free_port

NOT_LONG_S = 2.0


@pytest.fixture
def away() -> ForgivingRedisCache:
    return ForgivingRedisCache(f"redis://127.0.0.1:{free_port()}/0", {"OPTIONS": {"socket_connect_timeout": 1}})


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(wake, "broker_breaker", Breaker(failures=1, cool_s=wake.BACK_OFF_S))
    monkeypatch.setattr(wake, "stand_in", None)
    yield


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda cache: cache.get("a", "default"), "default"),
        (lambda cache: cache.get_many(["a"]), {}),
        (lambda cache: cache.has_key("a"), False),
        (lambda cache: cache.add("a", 1), False),
        (lambda cache: cache.set("a", 1), None),
        (lambda cache: cache.set_many({"a": 1}), []),
        (lambda cache: cache.touch("a"), False),
        (lambda cache: cache.delete("a"), False),
        (lambda cache: cache.delete_many(["a"]), None),
        (lambda cache: cache.get_or_set("a", 7), 7),
    ],
    ids=["get", "get_many", "has_key", "add", "set", "set_many", "touch", "delete", "delete_many", "get_or_set"],
)
def test_the_cache_remembers_nothing_and_raises_nothing(away: ForgivingRedisCache, call: Any, answer: Any) -> None:
    started = time.monotonic()
    assert call(away) == answer
    assert call(away) == answer
    assert time.monotonic() - started < NOT_LONG_S


def test_one_client_sends_all_commands_of_a_pool(away: ForgivingRedisCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make one costs more than what it sends."""
    made = []

    class Counted(redis.Redis):
        def __init__(self, *given: Any, **options: Any):
            made.append(self)
            super().__init__(*given, **options)

    monkeypatch.setattr(away._cache, "_client", Counted)
    away._breaker.admits = lambda: True  # type: ignore[method-assign]
    for _ in range(3):
        away.get("a")
        away.set("a", 1)
    assert len(made) == 1


def test_what_was_deleted_meanwhile_does_not_come_back(redis_url: str) -> None:
    cache = ForgivingRedisCache(redis_url, {})
    cache.set("session", "signed in")
    cache.set("other", 1)
    broken = ForgivingRedisCache(f"redis://127.0.0.1:{free_port()}/0", {"OPTIONS": {"socket_connect_timeout": 1}})
    broken.delete("session")
    broken._servers, broken._breaker = cache._servers, Breaker(failures=1, cool_s=2)  # Redis is back
    broken.__dict__.pop("_cache", None)
    assert broken.get("session") is None
    assert cache.get("session") is None
    assert cache.get("other") == 1


def test_a_wake_up_call_is_lost_quickly(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    options = {"max_retries": 0, "socket_timeout": 2, "socket_connect_timeout": 1}
    app = Celery("away", broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False)
    app.conf.broker_transport_options = options
    monkeypatch.setattr(calls, "current_app", app)
    started = time.monotonic()
    for _ in range(20):
        wake.deliver(uuid.uuid4())
    assert time.monotonic() - started < NOT_LONG_S


def test_a_worker_takes_its_own_calls_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[str, Any]] = []
    wake.broker_breaker.failed()
    monkeypatch.setattr(wake, "stand_in", lambda task, row: bool(taken.append((task, row))) or True)
    row = uuid.uuid4()
    wake.deliver(row)
    wake.deliver(row, delay_s=3)  # not due: the sweep finds it in time
    assert taken == [("messaging.tasks.deliver", row)]


class Tasks(dict[str, Any]):
    """Instead of a Celery application's tasks: what was run."""

    def __init__(self) -> None:
        self.run: list[tuple[str, list[str]]] = []

    def __missing__(self, name: str) -> Any:
        def apply(args: list[str]) -> None:
            self.run.append((name, args))

        return type("Task", (), {"apply": staticmethod(apply)})


def test_standby_works_for_its_own_queues_only() -> None:
    tasks = Tasks()
    beside = standby.Standby(type("App", (), {"tasks": tasks}), ["deliver"], threads=2)  # type: ignore[arg-type]
    row = uuid.uuid4()
    assert beside.take("messaging.tasks.deliver", row) is True
    assert beside.take("messaging.tasks.respond", row) is False
    for pool in beside._pools.values():
        pool.shutdown()
    beside._stopped.set()
    assert beside.take("messaging.tasks.deliver", row) is False
    assert tasks.run == [("messaging.tasks.deliver", [str(row)])]


def test_is_the_broker_there(redis_url: str) -> None:
    assert broker_takes_writes(None)
    assert broker_takes_writes(redis.Redis.from_url(redis_url))
    once = Retry(NoBackoff(), 0)  # it tries ten times otherwise, for 4 s
    assert not broker_takes_writes(redis.Redis(port=free_port(), socket_connect_timeout=1, retry=once))


@pytest.fixture
def refusing_redis() -> Iterator[Redis]:
    """It answers, and takes nothing: `noeviction` with no memory left."""
    server = Redis()
    server.start()
    server.client.config_set("maxmemory-policy", "noeviction")
    server.client.config_set("maxmemory", 1)
    yield server
    server.remove()


def test_a_broker_that_refuses_what_is_written_is_away(refusing_redis: Redis) -> None:
    assert refusing_redis.client.ping()
    assert not broker_takes_writes(refusing_redis.client)


def test_a_read_only_broker_is_away(refusing_redis: Redis) -> None:
    refusing_redis.client.config_set("maxmemory", 0)
    assert broker_takes_writes(refusing_redis.client)
    refusing_redis.client.replicaof("127.0.0.1", free_port())
    assert not broker_takes_writes(refusing_redis.client)


def test_ready_says_that_the_broker_refuses(refusing_redis: Redis, settings: Any, client: Any, db: None) -> None:
    settings.REDIS_URL = refusing_redis.url
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "up", "media": "up", "broker": "down"}


def test_a_worker_takes_a_refusal_for_a_lost_connection() -> None:
    """Celery ends the worker by what it does not count as one."""
    errors = Connection("redis://").channel_errors
    assert settings_of_celery.CELERY["broker_channel_error_retry"]
    assert issubclass(redis.exceptions.OutOfMemoryError, errors)
    assert issubclass(redis.exceptions.ReadOnlyError, errors)


@pytest.fixture
def connected(redis_url: str) -> Iterator[Callable[[], Connection]]:
    """Connections as a worker's: with what the settings say of Redis."""
    broker.forgive()
    yield lambda: Connection(redis_url, transport_options=settings_of_celery.BROKER_ON_REDIS)


def _holding(connection: Connection, queue: str) -> Any:
    """A channel that has taken a call and not begun it."""
    channel = connection.channel()
    channel.queue_declare(queue)
    connection.Producer(channel, routing_key=queue).publish({"row": 1})
    assert channel.basic_get(queue)
    return channel


def test_a_call_in_hand_is_in_no_list_of_redis(connected: Any, redis_url: str) -> None:
    """Each was written down and struck off, four commands in two round trips; the sweep is quicker than that list was."""
    with connected() as connection:
        channel = _holding(connection, "noted")
        assert not any(redis.Redis.from_url(redis_url).exists(key) for key in ("noted", "unacked", "unacked_index"))
        channel.basic_ack(next(iter(channel.qos._delivered)))
    assert redis.Redis.from_url(redis_url).llen("noted") == 0


def test_a_worker_outlives_a_connection_that_is_gone_while_it_holds_calls(
    connected: Any,
) -> None:
    """kombu gives calls back by the connection it has just lost, and has none any more."""
    with connected() as connection:
        channel = _holding(connection, "held")
        channel._disconnect_pools()
        channel.connection, lost = SimpleNamespace(client=None), channel.connection
        channel.qos.restore_unacked_once()
        assert not channel.qos._delivered
        channel.connection = lost


def test_giving_calls_back_leaves_no_connection_open(connected: Any, redis_url: str) -> None:
    watcher = redis.Redis.from_url(redis_url)
    before = {client["id"] for client in watcher.client_list()}
    connection = connected()
    _holding(connection, "held")
    connection.close()
    assert {client["id"] for client in watcher.client_list()} <= before  # some of tests before may have closed since
    assert watcher.llen("held") == 1


def test_a_task_that_ends_after_its_connection_harms_no_other(connected: Any, redis_url: str) -> None:
    connection = connected()
    channel = connection.channel()
    channel.queue_declare("late")
    connection.Producer(channel, routing_key="late").publish({"row": 1})
    message = channel.basic_get("late")
    connection.close()
    message.ack()
    assert redis.Redis.from_url(redis_url).llen("late") == 1


def test_one_client_sends_all_calls_until_its_pool_is_gone(redis_url: str) -> None:
    broker.forgive()
    with Connection(redis_url) as connection:
        channel = connection.channel()
        with channel.conn_or_acquire() as one, channel.conn_or_acquire() as other:
            assert one is other
        channel._disconnect_pools()
        with channel.conn_or_acquire() as another:
            assert another is not one
            assert another.ping()
