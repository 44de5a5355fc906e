"""``/metrics``: the counters of this process or, under PROMETHEUS_MULTIPROC_DIR, of all processes beside it.

Owns who may read them and the measures of HTTP. Must not be reachable without METRICS_TOKEN or from
outside METRICS_ALLOW: measures tell how much business there is.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from messaging.measures import SECONDS
from tenants.access.limits import client_ip

REQUESTS = Counter("chatsvc_http_requests_total", "Requests answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("chatsvc_http_request_seconds", "Time to answer", ["route"], buckets=SECONDS)
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def request_count(method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)


def metrics(request: HttpRequest) -> HttpResponse:
    """The exposition, with what the rows say. 403 to callers who are not allowed."""
    if not may_read(request):
        return HttpResponse("METRICS_TOKEN or METRICS_ALLOW says who may read this.\n", status=403)
    return HttpResponse(exposition(rows=True), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """The token, or an allowed address. With neither configured: this machine, outside production."""
    if token_fits(request.headers.get("Authorization", "")):
        return True
    networks = settings.ENV["METRICS_ALLOW"]
    if not networks and not settings.ENV["METRICS_TOKEN"] and not settings.PRODUCTION:
        networks = ["127.0.0.0/8", "::1"]
    address = client_ip(request)
    return bool(address) and any(
        ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False) for network in networks
    )


def token_fits(authorization: str) -> bool:
    wanted = settings.ENV["METRICS_TOKEN"]
    given = authorization.removeprefix("Bearer ")
    return bool(wanted) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def exposition(*, rows: bool) -> bytes:
    """``rows``: with ages, lengths and tenants' figures from the database; once per scrape target is enough."""
    from chatsvc.observe.row_metrics import RowCollector

    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        text = generate_latest(registry)
    else:
        text = generate_latest(REGISTRY)
    return text + generate_latest(RowCollector()) if rows else text


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a scrape every few seconds is no news."""


def serve(port: int) -> None:
    """The exposition of a process that has no web server, on ``port``, from a thread; 0: none."""
    if port:
        server = make_server("0.0.0.0", port, _application, handler_class=_Quiet)  # noqa: S104  a container's port
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The token is wanted where there is one; a network policy guards the port where there is none."""
    if settings.ENV["METRICS_TOKEN"] and not token_fits(environ.get("HTTP_AUTHORIZATION", "")):
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b""]
    start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
    return [exposition(rows=False)]
