"""The cache on Redis that may be away: then nothing is remembered, and no caller fails for it.

Owns what a cache call means without Redis. Must not be used for what has to be true: locks and
claims belong into rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from tenants.work.breaker import Breaker

log = structlog.get_logger(__name__)

BACK_OFF_S = 2.0  # after a failure Redis is left alone for so long, so that its time-outs do not add up
MOST_STALE = 10_000


class OneClient(RedisCacheClient):
    """Django makes a client of redis-py for each command, which costs more than the command; one serves all of a pool."""

    def __init__(self, *given: Any, **options: Any):
        super().__init__(*given, **options)
        self._clients: dict[Any, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        pool = self._get_connection_pool(write)  # type: ignore[attr-defined]
        client = self._clients.get(pool)
        if client is None:
            client = self._clients[pool] = self._client(connection_pool=pool)  # type: ignore[attr-defined]
        return client


class ForgivingRedisCache(RedisCache):
    """Reads find nothing and writes are dropped while Redis is away.

    What could not be written is deleted when Redis is back, before anything is read: a session that
    was ended meanwhile must not come to life again.
    """

    def __init__(self, server: Any, params: dict[str, Any]):
        super().__init__(server, params)
        self._class = OneClient
        self._breaker = Breaker(failures=1, cool_s=BACK_OFF_S)
        self._stale: dict[tuple[str, Any], None] = {}

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._try(lambda: RedisCache.get(self, key, default, version), default)

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        return self._try(lambda: RedisCache.get_many(self, keys, version), {})

    def has_key(self, key: Any, version: Any = None) -> bool:
        return self._try(lambda: RedisCache.has_key(self, key, version), False)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None, **options: Any) -> bool:
        """False while Redis is away: a caller that takes this for a lock does not get it."""
        return self._try(lambda: RedisCache.add(self, key, value, timeout, version, **options), False)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None, **options: Any) -> None:
        self._write(lambda: RedisCache.set(self, key, value, timeout, version, **options), (key, version))

    def set_many(
        self, data: dict[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: Any = None, **options: Any
    ) -> list[Any]:
        def call() -> Any:
            return RedisCache.set_many(self, data, timeout, version, **options)

        return self._write(call, *((key, version) for key in data)) or []

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> Any:
        """None while Redis is away. Raises ValueError when there is no such key."""
        return self._try(lambda: RedisCache.incr(self, key, delta, version), None)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None, **options: Any) -> bool:
        return self._try(lambda: RedisCache.touch(self, key, timeout, version, **options), False)

    def delete(self, key: Any, version: Any = None) -> bool:
        return bool(self._write(lambda: RedisCache.delete(self, key, version), (key, version)))

    def delete_many(self, keys: Any, version: Any = None) -> None:
        keys = list(keys)
        self._write(lambda: RedisCache.delete_many(self, keys, version), *((key, version) for key in keys))

    def _write(self, call: Callable[[], Any], *keys: tuple[Any, Any]) -> Any:
        failed = object()
        answer = self._try(call, failed)
        if answer is not failed:
            return answer
        if len(self._stale) < MOST_STALE:
            self._stale.update(dict.fromkeys(keys))
        return None

    def _try(self, call: Callable[[], Any], without: Any) -> Any:
        if not self._breaker.admits():
            return without
        try:
            if self._stale:
                self._drop_stale()
            answer = call()
        except (redis.RedisError, OSError) as error:
            self._breaker.failed()
            log.warning("cache_without_redis", error=type(error).__name__)
            return without
        self._breaker.succeeded()
        return answer

    def _drop_stale(self) -> None:
        for key, version in list(self._stale):
            RedisCache.delete(self, key, version)
            self._stale.pop((key, version), None)
