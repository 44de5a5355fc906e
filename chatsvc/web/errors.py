"""The one envelope of all answers under /api/ and the one shape of all errors (API-5).

Owns the renderer, the mapping from exceptions to answers and Django's own error pages. Must not
repeat input in an error, nor write a request's body or an exception's words to the log.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import structlog
from cryptography.fernet import InvalidToken
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.views import defaults
from pydantic import ValidationError
from rest_framework import exceptions
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from chatsvc.observe.logs import where
from chatsvc.web import shed
from tenants.api.encode import encoded
from tenants.api.parse import problems
from tenants.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotAvailable,
    NotFound,
    PayloadTooLarge,
    ServiceError,
    TooMany,
    Unavailable,
)
from tenants.storage.db import lost_race, now, server_lost, server_trouble

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 5  # when a dependency is away


class MalformedJson(ServiceError):
    code, message = "malformed_json", "The body is not valid JSON."


class MethodNotAllowed(ServiceError):
    status, code, message = 405, "method_not_allowed", "This address does not take that method."


class UnsupportedMediaType(ServiceError):
    status, code, message = 415, "unsupported_media_type", "The body must be JSON: `Content-Type: application/json`."
    form = "The body must be a form: `Content-Type: multipart/form-data` with its boundary."


class InternalError(ServiceError):
    status, code = 500, "internal_error"
    message = "Something went wrong on our side. It is logged under the request id."


class UnreadableSecrets(ServiceError):
    status, code = 503, "secrets_unreadable"
    message = "A stored secret cannot be decrypted: the operator has to give its key back (ENCRYPTION_KEYS)."


#: exceptions of the libraries → the error that callers see; the first that fits
MAPPING: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], type[ServiceError]], ...] = (
    (exceptions.ParseError, MalformedJson),
    (exceptions.UnsupportedMediaType, UnsupportedMediaType),
    (exceptions.MethodNotAllowed, MethodNotAllowed),
    ((exceptions.NotAuthenticated, exceptions.AuthenticationFailed), NotAuthenticated),
    ((exceptions.PermissionDenied, PermissionDenied), Forbidden),
    ((exceptions.NotFound, Http404), NotFound),
    (exceptions.Throttled, TooMany),
    (exceptions.ValidationError, Invalid),
    (RequestDataTooBig, PayloadTooLarge),
    ((TooManyFieldsSent, TooManyFilesSent, UnreadablePostError, DataError), Invalid),
    (IntegrityError, Conflict),
    (InvalidToken, UnreadableSecrets),
)


class EnvelopeRenderer(BaseRenderer):
    """``{"status", "data", "error", "meta"}`` in JSON, by pydantic's serialiser: models, dates and ids go in as they are."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        context = renderer_context or {}
        response = context.get("response")
        if response is not None and response.status_code == 204:
            return b""
        request = context.get("request")
        request_id = getattr(getattr(request, "_request", request), "request_id", "")
        failed = bool(response is not None and response.exception)
        return encoded(_envelope(request_id, error=data) if failed else _envelope(request_id, data=data))


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: every exception of a view becomes an answer with a stable code."""
    shown = as_service_error(error)
    if isinstance(shown, UnsupportedMediaType) and MultiPartParser in getattr(
        context.get("view"), "parser_classes", ()
    ):
        shown = UnsupportedMediaType(UnsupportedMediaType.form)
    request = context.get("request")
    response = Response(_body(shown), status=shown.status)
    if isinstance(shown, NotAvailable):
        response._has_been_logged = True  # type: ignore[attr-defined] # Django's mark: what is not set up is no fault
    elif shown.status >= 500:
        _log(error, shown, getattr(request, "path", ""))
    for name, value in _headers(shown).items():
        response[name] = value
    return response


def as_service_error(error: BaseException) -> ServiceError:
    """The error that a caller sees instead of ``error``."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, ValidationError):
        return Invalid(details=problems(error))
    if server_trouble(error):
        if server_lost(error):
            shed.database_lost()
        return unavailable()
    if isinstance(error, IntegrityError) and error.__cause__ and not lost_race(error):
        return InternalError()  # a value that we let in and the database refuses: no race was lost
    for kinds, shown in MAPPING:
        if isinstance(error, kinds):
            return shown(retry_after=getattr(error, "wait", None))
    return InternalError()


def unavailable() -> ServiceError:
    """What a caller is told while the database is away."""
    return Unavailable(retry_after=RETRY_AFTER_S)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    shown = as_service_error(exception)
    if shown.status == 500:
        shown = Invalid(code="bad_request")
    return _page(request, shown) or defaults.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _page(request, Forbidden()) or defaults.permission_denied(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _page(request, NotFound("There is nothing at this address.")) or defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponseBase:
    """Called while the exception is being handled. Of a view that is not DRF's, or of what stands before all views."""
    error = sys.exception()
    shown = as_service_error(error) if error else InternalError()
    if shown.status < 500:  # a refusal that the view did not make itself: a bug of it
        shown = InternalError()
    return _page(request, shown) or defaults.server_error(request)


def error_response(request: HttpRequest, shown: ServiceError) -> HttpResponse:
    """The answer to an error for views that are not DRF's."""
    body = error_body(shown, getattr(request, "request_id", ""))
    return HttpResponse(body, status=shown.status, content_type="application/json", headers=_headers(shown))


def error_body(shown: ServiceError, request_id: str) -> bytes:
    return encoded(_envelope(request_id, error=_body(shown)))


def _page(request: HttpRequest, shown: ServiceError) -> HttpResponse | None:
    """None outside /api/, where people look at Django's own pages."""
    return error_response(request, shown) if request.path.startswith("/api/") else None


def _body(shown: ServiceError) -> dict[str, Any]:
    return {"code": shown.code, "message": shown.message, "details": shown.details}


def _headers(shown: ServiceError) -> dict[str, str]:
    headers = {}
    if shown.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(shown.retry_after)))
    if shown.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="chatsvc"'
    return headers


def _envelope(request_id: str, *, data: Any = None, error: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "status": "success" if error is None else "error",
        "data": data,
        "error": None if error is None else {**error, "request_id": request_id},
        "meta": {"request_id": request_id, "timestamp": now()},
    }


def _log(error: BaseException, shown: ServiceError, path: str) -> None:
    """Where it broke, not what was said: an exception's words may hold input (the id comes from the context)."""
    log.error("request_failed", code=shown.code, error=type(error).__name__, path=path, where=where(error))
