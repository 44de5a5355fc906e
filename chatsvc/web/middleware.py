"""Request and correlation ids, one log line and one measure a request, CORS, the short way to the API, and what only pages
need. Must not know any view."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, cast

import structlog
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import resolve

from chatsvc.observe import metrics, traces
from chatsvc.observe.trail import begin
from chatsvc.web import errors, shed
from tenants.storage.db import new_id

log = structlog.get_logger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]
QUIET = ("health", "api/v2/health", "metrics", "static")  # asked for every few seconds, of no interest in a log
TOLD_LATER = ("api/v2/webhooks/",)  # what came in says so itself once it is understood
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
        begin(correlation_id, request_id=request_id)
        started = time.perf_counter()
        try:
            response = self._traced(request)
            seconds, route = time.perf_counter() - started, _route(request)
            metrics.request_count(str(request.method), route, response.status_code, seconds)
            if not route.startswith(QUIET):
                facts = {"method": request.method, "route": route, "status": response.status_code}
                facts["took_ms"] = round(seconds * 1000)
                if response.status_code < 400 and route.startswith(TOLD_LATER):
                    log.debug("request_done", **facts)
                else:
                    log.info("request_done", **facts)
        finally:
            structlog.contextvars.clear_contextvars()
        response["X-Request-ID"] = request_id
        response["X-Correlation-ID"] = correlation_id
        return response

    def _traced(self, request: HttpRequest) -> HttpResponse:
        """The answer, from within a span that has the ids of the log lines written there."""
        if request.path.lstrip("/").startswith(QUIET):
            return self.get_response(request)
        with traces.span(str(request.method), "SERVER", request.headers) as current:
            response = self.get_response(request)
            if current:
                route, status = _route(request), response.status_code
                current.update_name(f"{request.method} {route}")
                known = {"http.request.method": str(request.method), "http.route": route}
                current.set_attributes({**known, "http.response.status_code": status})
                if status >= 500:
                    traces.failed(str(status))
        return response


def _route(request: HttpRequest) -> str:
    """The pattern, not the path: few values, and no ids or keys in it."""
    return request.resolver_match.route if request.resolver_match else "none"


class Shed:
    """While the database is away the API says so at once; one request at a time finds out whether it is back."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/api/") or request.path.startswith("/api/v2/health"):
            return self.get_response(request)
        with shed.turn() as ours:
            return self.get_response(request) if ours else errors.error_response(request, errors.unavailable())


class PlainGzip(GZipMiddleware):
    """Files that everyone gets hide no secret between random bytes."""

    max_random_bytes = 0


class CompressedStatic:
    """Compresses static files on their way, where no collectstatic has written them compressed."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response
        self.gzip = PlainGzip(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_static = request.path.startswith(settings.STATIC_URL)
        return self.gzip.process_response(request, response) if is_static else response  # type: ignore[return-value]


class Cors:
    """Lets pages of CORS_ORIGINS call the REST API. No cookies are involved, so none are allowed.

    The web widget's own endpoints decide by the channel's allowed origins (messaging/webchat/rules.py).
    """

    HEADERS = "authorization, x-api-key, content-type, x-tenant-id, idempotency-key, if-match, if-none-match, prefer, x-correlation-id"
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


class Api:
    """Calls the views of the API itself: what stands behind this is for pages, which people sign in to. The API knows no
    cookie: no member of staff is signed in there, and no request needs to prove that a page of ours has sent it."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response
        self.answer = cast(Handler, convert_exception_to_response(_viewed))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _of_the_api(request):
            return self.get_response(request)
        response = self.answer(request)
        headers = response.headers
        if not response.streaming and "Content-Length" not in headers:
            headers["Content-Length"] = str(len(response.content))
        if "X-Frame-Options" not in headers:
            headers["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        return response


def _of_the_api(request: HttpRequest) -> bool:
    """Files by their signed links stand in pages of the console, too, and ask who reads them."""
    return request.path.startswith(("/api/v1/", "/api/v2/")) and not request.path.startswith("/api/v2/media/")


def _viewed(request: HttpRequest) -> Any:
    """Raises DisallowedHost and Http404, and what the view does."""
    request.get_host()
    match = request.resolver_match = resolve(request.path_info)
    response = match.func(request, *match.args, **match.kwargs)
    return response.render() if hasattr(response, "render") else response


# --------------------------------------------------------------------------- only of pages


class SecondStep:
    """Leads members of staff to the page of their second step, where a tenant of theirs demands one."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        from tenants.console.second.gate import led  # workers have no pages

        return led(request) or self.get_response(request)


class Unstorable:
    """A value in the address of a page or in a form that no row can hold, as a NUL on PostgreSQL, is the caller's fault."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        if not isinstance(error, DataError):
            return None
        route = request.resolver_match.route if request.resolver_match else ""
        log.warning("value_unstorable", route=route, error=str(type(error.__cause__ or error).__name__))
        words = "The address or the form has a value that cannot be stored, such as a NUL character."
        return HttpResponseBadRequest(words, content_type="text/plain; charset=utf-8")
