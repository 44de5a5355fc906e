"""How often: rate limits of the API (TEN-5), and `allow` for everybody else who must keep a rate.

Owns which buckets a request draws from. The arithmetic stands in tenants/access/buckets.py.
"""

from __future__ import annotations

import ipaddress
import math
import re
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from tenants.access.buckets import Bucket, Verdict, fill, take
from tenants.tenant_settings import TenantSettings, settings_for
from tenants.trail.audit import actor_name

MINUTE = 60.0
#: an address as it stands in X-Forwarded-For: [IPv6], [IPv6]:port, IPv4:port, or bare, with or without quotes; a
#: zone is of the proxy's own host
WRITTEN = re.compile(
    r'"?\s*(?:\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+)(?::\d{1,5})?|([0-9A-Fa-f:.]+)(?:%\S*)?)\s*"?',
    re.ASCII,
)


def allow(key: str, rate_per_s: float, burst: float, cost: float = 1) -> float:
    """Take ``cost`` from the bucket ``key``; 0 when it was there, else the seconds to wait (nothing is taken then).

    A cost above the burst can never be met. Shared by all processes where Redis is configured. With
    Redis it may block up to 0.1 s: from a coroutine call it through ``sync_to_async``.
    """
    return take([Bucket(key, rate_per_s, max(1, int(burst)))], cost).wait


class RateLimits(BaseThrottle):
    """Every request draws from the buckets of its tenant, its subject, its API key and its address at once."""

    def allow_request(self, request: Any, view: Any) -> bool:
        if not settings.ENV["ENABLE_RATE_LIMITING"]:
            return True
        self.verdict = take(_buckets(request))
        request._request.rate_limit = self.verdict
        return self.verdict.wait == 0

    def wait(self) -> float:
        return self.verdict.wait


def rate_limit_headers(request: HttpRequest) -> dict[str, str]:
    """The standard headers for the tightest bucket of this request; none when nothing was counted.

    ``Limit`` is what the bucket holds, ``Reset`` the seconds until it is full again.
    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    """
    verdict: Verdict | None = getattr(request, "rate_limit", None)
    if verdict is None:
        return {}
    limit, remaining, reset = str(verdict.bucket.burst), str(verdict.remaining), str(math.ceil(verdict.reset))
    return {
        "RateLimit-Limit": limit,
        "RateLimit-Remaining": remaining,
        "RateLimit-Reset": reset,
        "RateLimit-Policy": f"{round(verdict.bucket.rate * MINUTE)};w=60;burst={limit}",
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": reset,
    }


def client_ip(request: HttpRequest) -> str:
    """The caller's address, as `_address` finds it."""
    return _address(request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR", ""))


def socket_ip(scope: Mapping[str, Any]) -> str:
    """The same of a socket's ASGI scope."""
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return _address((scope.get("client") or ("",))[0], forwarded.decode("latin-1"))


def _address(peer: str, forwarded_for: str) -> str:
    """As many entries of ``forwarded_for`` from the right are believed as there are TRUSTED_PROXIES. Proxies write
    ports, brackets and quotes beside an address. Empty when it is no IP address."""
    hops: int = settings.ENV["TRUSTED_PROXIES"]
    entries = [entry.strip() for entry in forwarded_for.split(",") if entry.strip()]
    address = entries[-hops] if 0 < hops <= len(entries) else peer
    found = WRITTEN.fullmatch(address)
    try:
        parsed = ipaddress.ip_address((found[1] or found[2] or found[3]) if found else address)
    except ValueError:
        return ""
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _buckets(request: Any) -> list[Bucket]:
    principal = request.user
    address = network(client_ip(request._request))
    if principal is None:
        return [_bucket(f"ip:{address}", None, None)]
    tenant_id: uuid.UUID = principal.tenant_id
    chosen: TenantSettings = settings_for(tenant_id)
    each = _each(chosen)
    buckets = [
        _bucket(f"{tenant_id}", chosen.rate_limit, chosen.burst_limit),
        _bucket(f"{tenant_id}:{actor_name(principal)}", *each),
        _bucket(f"{tenant_id}:ip:{address}", *each),
    ]
    if principal.key_prefix and principal.kind != "key":  # a key itself is its own subject
        buckets.append(_bucket(f"{tenant_id}:key:{principal.key_prefix}", *each))
    return buckets


def limits_reset(tenant_id: uuid.UUID) -> int | None:
    """Fill every bucket that requests of the tenant draw from; as `buckets.fill`."""
    return fill(f"{tenant_id}")


def limits_of(chosen: TenantSettings) -> dict[str, int]:
    """What the tenant's limits come to, by the names of the settings."""
    whole, each = _bucket("", chosen.rate_limit, chosen.burst_limit), _bucket("", *_each(chosen))
    return {
        "rate_limit": round(whole.rate * MINUTE), "burst_limit": whole.burst,
        "user_rate_limit": round(each.rate * MINUTE), "user_burst_limit": each.burst,
    }  # fmt: skip


def _each(chosen: TenantSettings) -> tuple[int | None, int | None]:
    """Rate and burst of one user, key or address."""
    return chosen.user_rate_limit or chosen.rate_limit, chosen.user_burst_limit or chosen.burst_limit


def _bucket(key: str, per_minute: int | None, burst: int | None) -> Bucket:
    """None: the deployment's rate, and a burst in the deployment's proportion to the rate."""
    usual, usual_burst = max(1, settings.ENV["DEFAULT_RATE_LIMIT"]), max(1, settings.ENV["BURST_LIMIT"])
    rate = _capped(per_minute) or usual
    return Bucket(key, rate / MINUTE, _capped(burst) or max(1, rate * usual_burst // usual))


def _capped(chosen: int | None) -> int | None:
    """A tenant's own limit, as far as the operator lets it go."""
    most: int = settings.ENV["MAX_RATE_LIMIT"]
    return min(chosen, most) if chosen and most else chosen


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """An IPv6 customer owns a whole /64: it counts as one address."""
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address
