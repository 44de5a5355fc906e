"""The base of every API view.

Owns the order in which a request is checked, and the tenant scope around it. Must not know any endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar, cast

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access.auth import Principal
from tenants.access.limits import client_ip, rate_limit_headers
from tenants.access.permissions import PUBLIC
from tenants.api import idempotency, versions
from tenants.api.parse import parse_body, parse_query
from tenants.errors import Invalid
from tenants.scope import tenant_scope
from tenants.storage.db import retried, server_trouble, snapshot
from tenants.trail.audit import audit
from tenants.trail.reads import read_noted

log = structlog.get_logger(__name__)

__all__ = ["TenantAPIView", "parse_body", "parse_query"]


class TenantAPIView(APIView):
    """Base of all API views: declare ``permissions = {"GET": "conversations:read", …}`` or ``permission``.

    The handler runs in its principal's tenant's scope, which is closed again whatever happens; a streamed
    answer is produced after that and must open its own. Answers are ``Response(data, status)``; errors
    are raised (tenants/errors.py).
    """

    obeys_learners: ClassVar[bool] = False  # True: the handlers reach nothing but what `Principal.learners` lets them
    obeys_subject: ClassVar[bool] = False  # True: the handlers let a visitor's token act for its subject alone
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]  # OPTIONS is CORS' business
    operators_only: ClassVar[bool] = False  # True: beside the permission it takes an account that has every tenant
    scope: ExitStack
    reads: ClassVar[str] = ""  # what of people a GET shows, like "contact" for `contact_id`: who looks is noted
    looked_at: Any = None  # the row that was shown, where the address has no id of that noun
    idempotency_key: str = ""  # of this request, when it runs under one
    idempotency_id: str = ""  # what it stands for: this key of this very principal

    @property
    def principal(self) -> Principal:
        """Who asks; also ``request.user``. There is none on a public view."""
        return cast(Principal, self.request.user)

    def audit(self, action: str, target: Any = "", changes: Mapping[str, Any] | None = None) -> None:
        """Record what this request does (tenants/trail/audit.py), with who asks and from where."""
        audit(self.principal, action, target, changes, client_ip(self.request._request))

    def get_authenticators(self) -> list[Any]:
        return [] if getattr(self, "permission", None) == PUBLIC else super().get_authenticators()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """Known? → not too often? → allowed? → in its tenant's scope → sent before? → the handler.

        DRF's own dispatch, with the last three put in. Whatever is raised becomes an answer.
        """
        self.args, self.kwargs = args, kwargs
        drf_request = self.initialize_request(request, *args, **kwargs)
        self.request, self.headers = drf_request, self.default_response_headers
        run = None
        with ExitStack() as self.scope:
            try:
                self.initial(drf_request, *args, **kwargs)
                run = self._begin(drf_request)
                response = run if isinstance(run, HttpResponseBase) else self._handle(drf_request)
            except Exception as error:  # noqa: BLE001  the exception handler answers all of them
                response = self.handle_exception(error)
            response = self._versioned(drf_request, response)
            self.response = self.finalize_response(drf_request, response, *args, **kwargs)
            if isinstance(run, idempotency.Run):
                self._end(run)
        return self.response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Unlike DRF: limits count before permissions, and guessing credentials counts too."""
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.format_kwarg = None
        if "%00" in request._request.META.get("QUERY_STRING", "") or "\x00" in request.path:
            raise Invalid("NUL characters are not allowed.")
        try:
            self.perform_authentication(request)
        except Exception:
            request.user = None  # type: ignore[assignment]
            self.check_throttles(request)
            raise
        self.check_throttles(request)
        self.check_permissions(request)
        if request.user:
            self.scope.enter_context(tenant_scope(self.principal.tenant_id))

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        renderer = self.get_renderers()[0]  # there is one form of answer
        return renderer, renderer.media_type

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in rate_limit_headers(request._request).items():
            response[name] = value
        return response

    def _begin(self, request: Request) -> idempotency.Run | HttpResponseBase | None:
        uploads = MultiPartParser in self.parser_classes
        run = idempotency.begin(request._request, self.principal, uploads=uploads) if request.user else None
        self.idempotency_key = request.headers.get("Idempotency-Key", "") if run else ""
        self.idempotency_id = run.id if isinstance(run, idempotency.Run) else ""
        return run

    def _handle(self, request: Request) -> Any:
        known = str(request.method).lower() in self.http_method_names
        handler = getattr(self, str(request.method).lower(), None) if known else None
        changes = handler and str(request.method) not in ("GET", "HEAD") and "If-Match" in request.headers
        response = (
            self._change(request, handler)
            if changes
            else (handler or self.http_method_not_allowed)(request, *self.args, **self.kwargs)
        )
        if self.reads and request.method == "GET" and request.user and self.principal.kind != "visitor":
            row_id = self.looked_at or self.kwargs.get(f"{self.reads}_id", "")
            read_noted(self.principal, self.reads, row_id, client_ip(request._request))
        return response

    def _versioned(self, request: Request, response: Any) -> Any:
        """What is shown of a thing that is changed at its address says its version, and is not shown again to who has it."""
        asked = request.method in ("GET", "HEAD") and versions.offered_by(self) and not request.query_params
        if not asked or not isinstance(response, Response) or response.status_code != 200:
            return response
        version = versions.version_of(response.data)
        if versions.is_known(request._request, version):
            response = HttpResponse(status=304)
        response["ETag"] = version
        return response

    def _change(self, request: Request, handler: Any) -> Any:
        """The handler, if what it changes is as the caller has read it. Raises Invalid ``if_match_not_offered``."""
        if request.method not in versions.CHANGES or not versions.offered_by(self) or not request.user:
            raise Invalid("Nothing that is read at this address is changed by this.", code="if_match_not_offered")
        with versions.held(request._request, self.principal):
            return self._changed(request, handler)

    @retried
    def _changed(self, request: Request, handler: Any) -> Any:
        """Look and change in one transaction: what was changed meanwhile, by a caller that names no version, by staff or by
        a worker, undoes it, and the look is repeated."""
        with snapshot():
            versions.demand(request._request, self._version(request))
            response = handler(request, *self.args, **self.kwargs)
            if request.method != "DELETE":
                response["ETag"] = self._version(request)
        return response

    def _version(self, request: Request) -> str:
        return versions.version_of(self.get(request, *self.args, **self.kwargs).data)  # type: ignore[attr-defined]

    def _end(self, run: idempotency.Run) -> None:
        """Keep a success, byte for byte; a failure may be tried again. When the database has gone meanwhile, the
        answer stands, and the key stays taken until its lease ends."""
        try:
            if self.response.status_code < 400 and isinstance(self.response, Response):
                run.keep(self.response.render())
            else:
                run.release()
        except DatabaseError as error:
            if not server_trouble(error):
                raise
            log.warning("idempotency_record_left", error=type(error).__name__)


def asked(value: object) -> OpenApiExample:
    """``value`` as the documented example of a request."""
    return OpenApiExample("Request", value=value, request_only=True)


def answered(value: object, *statuses: int) -> OpenApiExample:
    """``value`` as the documented example of the answer with these statuses, 200 unless told."""
    codes: list[int | str] = [str(status) for status in statuses or (200,)]
    return OpenApiExample("Answer", value=value, response_only=True, status_codes=codes)
