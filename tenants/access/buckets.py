"""Token buckets by GCRA: one number per bucket, in this process or in Redis.

Owns the arithmetic and the fall-back from Redis to the process. Must not know who is limited, or why.

GCRA keeps the time at which a bucket will be full again ("theoretical arrival time"): a request of
cost c moves it by c/rate seconds, and is refused when that lies more than burst/rate seconds ahead.
https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

import structlog
from django.conf import settings

from tenants.work.breaker import Breaker

log = structlog.get_logger(__name__)

REDIS_TIMEOUT_S = 0.1  # longer than that and the limit is not worth its price
FILL_TIMEOUT_S = 3.0  # an operator waits
REDIS_BACK_OFF_S = 5.0  # after a failure Redis is left alone for so long
MOST_BUCKETS = 100_000  # kept in this process; full ones are dropped first


@dataclass(frozen=True, slots=True)
class Bucket:
    """``key`` may hold ``burst`` tokens and gains ``rate`` a second."""

    key: str
    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The tightest bucket after a try. ``wait`` 0: the tokens were taken, else seconds until they could be."""

    bucket: Bucket
    remaining: int
    reset: float  # seconds until the bucket is full again
    wait: float


class LocalBuckets:
    """Buckets of this process: about a microsecond each."""

    def __init__(self) -> None:
        self._full_at: dict[str, float] = {}
        self._lock = Lock()

    def take(self, buckets: Sequence[Bucket], cost: float) -> list[float]:
        """The seconds until each bucket is full, as they would be after taking; taken only if all allow it."""
        at = time.monotonic()
        with self._lock:
            after = [max(at, max(at, self._full_at.get(one.key, at)) + cost / one.rate) for one in buckets]
            if all(full - at <= one.burst / one.rate + 1e-9 for full, one in zip(after, buckets, strict=True)):
                for full, one in zip(after, buckets, strict=True):
                    self._full_at[one.key] = full
            if len(self._full_at) > MOST_BUCKETS:
                self._drop_full(at)
        return [full - at for full in after]

    def fill(self, key: str) -> int:
        """Fill the bucket ``key`` and those below it (``key:…``); how many were not full."""
        with self._lock:
            found = [name for name in self._full_at if name == key or name.startswith(f"{key}:")]
            for name in found:
                del self._full_at[name]
        return len(found)

    def clear(self) -> None:
        with self._lock:
            self._full_at.clear()

    def _drop_full(self, at: float) -> None:
        kept = {key: full for key, full in self._full_at.items() if full > at}
        self._full_at = kept if len(kept) <= MOST_BUCKETS else {}


class RedisBuckets:
    """The same, shared by all processes: one round trip for any number of buckets."""

    # KEYS: buckets; ARGV: cost, then rate and burst of each. Redis' own clock, so that hosts need not agree.
    SCRIPT = """
    local t = redis.call('TIME')
    local at = tonumber(t[1]) + tonumber(t[2]) / 1000000
    local cost, ahead, allowed = tonumber(ARGV[1]), {}, true
    for i, key in ipairs(KEYS) do
      local rate, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
      local full = tonumber(redis.call('GET', key) or '0')
      ahead[i] = math.max(math.max(full - at, 0) + cost / rate, 0)
      if ahead[i] > burst / rate + 0.000001 then allowed = false end
    end
    local answer = {}
    for i, key in ipairs(KEYS) do
      if allowed then
        redis.call('SET', key, string.format('%.6f', at + ahead[i]), 'PX', math.ceil(ahead[i] * 1000) + 1000)
      end
      answer[i] = string.format('%.6f', ahead[i])
    end
    return answer
    """

    def __init__(self, url: str, timeout_s: float = REDIS_TIMEOUT_S):
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=settings.ENV["MAX_CONNECTIONS_REDIS"],
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = redis.Redis(connection_pool=pool)
        self._script = self._client.register_script(self.SCRIPT)
        self._down: type[Exception] = redis.RedisError
        self._breaker = Breaker(failures=1, cool_s=REDIS_BACK_OFF_S)

    def take(self, buckets: Sequence[Bucket], cost: float) -> list[float] | None:
        """As LocalBuckets.take; None while Redis is away."""
        if not self._breaker.admits():
            return None
        arguments: list[Any] = [cost]
        for one in buckets:
            arguments += [one.rate, one.burst]
        try:
            answer = self._script(keys=[_stored(one.key) for one in buckets], args=arguments)
        except (self._down, OSError) as error:
            self._breaker.failed()
            log.warning("rate_limits_without_redis", error=type(error).__name__)
            return None
        self._breaker.succeeded()
        return [float(ahead) for ahead in answer]

    def fill(self, key: str) -> int | None:
        """As LocalBuckets.fill; None while Redis is away. It walks through all keys, for seconds where there are millions."""
        try:
            found = [_stored(key), *self._client.scan_iter(match=f"limit:{key}:*", count=1000)]
            return sum(self._client.unlink(*found[at : at + 500]) for at in range(0, len(found), 500))
        except (self._down, OSError) as error:
            log.warning("rate_limits_without_redis", error=type(error).__name__)
            return None

    def close(self) -> None:
        self._client.connection_pool.disconnect()


def _stored(key: str) -> str:
    """What a bucket is called in Redis: behind the first part of its key stand users, visitors and addresses, of whom nothing
    is to be read there."""
    owner, colon, rest = key.partition(":")
    hidden = hashlib.blake2b(rest.encode(), key=_secret(), digest_size=16).hexdigest() if colon else ""
    return f"limit:{owner}{colon}{hidden}"


@lru_cache(maxsize=1)
def _secret() -> bytes:
    return hashlib.sha256(f"buckets {settings.SECRET_KEY}".encode()).digest()


_local = LocalBuckets()
_redis: dict[str, RedisBuckets] = {}


def take(buckets: Sequence[Bucket], cost: float = 1) -> Verdict:
    """Take ``cost`` tokens from every bucket, or from none; less than 0 gives back. Counts in this process while Redis is
    away."""
    ahead = _shared(buckets, cost) if settings.REDIS_URL else None
    if ahead is None:
        ahead = _local.take(buckets, cost)
    wait = max(full - one.burst / one.rate for full, one in zip(ahead, buckets, strict=True))
    left = [
        (math.floor((one.burst / one.rate - full) * one.rate + 1e-6), full, one)
        for full, one in zip(ahead, buckets, strict=True)
    ]
    remaining, full, tightest = min(left, key=lambda item: item[0])
    if wait > 1e-6:
        full -= cost / tightest.rate  # nothing was taken
    return Verdict(
        bucket=tightest, remaining=max(0, remaining), reset=max(0.0, full), wait=wait if wait > 1e-6 else 0.0
    )


def fill(key: str) -> int | None:
    """Fill the bucket ``key`` and those below it (``key:…``), which must hold no pattern of Redis; how many were not full. None
    while Redis is away; without Redis those of this process."""
    here = _local.fill(key)
    if not settings.REDIS_URL:
        return here
    patient = RedisBuckets(settings.REDIS_URL, FILL_TIMEOUT_S)
    try:
        return patient.fill(key)
    finally:
        patient.close()


def forget_local() -> None:
    """Fill every bucket of this process (tests)."""
    _local.clear()


def _shared(buckets: Sequence[Bucket], cost: float) -> list[float] | None:
    if settings.REDIS_URL not in _redis:
        _redis[settings.REDIS_URL] = RedisBuckets(settings.REDIS_URL)
    return _redis[settings.REDIS_URL].take(buckets, cost)
