"""Request and correlation ids, and CORS for the REST API. Must not know any view."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.db import new_id

Handler = Callable[[HttpRequest], HttpResponse]
SAFE_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class RequestContext:
    """Gives every request an id, takes over the caller's correlation id, and returns both."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = str(new_id())
        given = request.headers.get("X-Correlation-ID") or request.headers.get("X-Request-ID") or ""
        correlation_id = given if SAFE_ID.fullmatch(given) else request_id
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id, correlation_id=correlation_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        response["X-Correlation-ID"] = correlation_id
        return response


class Cors:
    """Lets pages of CORS_ORIGINS call the REST API. No cookies are involved, so none are allowed.

    The web widget's own endpoints decide by the channel's allowed origins (messaging/webchat.py).
    """

    HEADERS = "authorization, x-api-key, content-type, x-tenant-id, idempotency-key, if-match, prefer, x-correlation-id"
    EXPOSED = (
        "etag, idempotency-replayed, retry-after, x-request-id, ratelimit-limit, ratelimit-remaining, ratelimit-reset"
    )

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = request.headers.get("Origin", "")
        allowed = origin and ("*" in settings.ENV["CORS_ORIGINS"] or origin in settings.ENV["CORS_ORIGINS"])
        webchat = request.path.startswith("/api/v2/webchat/")
        if not request.path.startswith("/api/") or webchat or not allowed:
            return self.get_response(request)
        response = HttpResponse(status=204) if request.method == "OPTIONS" else self.get_response(request)
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Headers"] = self.HEADERS
        response["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
        response["Access-Control-Expose-Headers"] = self.EXPOSED
        response["Access-Control-Max-Age"] = "600"
        response["Vary"] = "Origin"
        return response
