"""``/api/v2/webhook-endpoints``: where integrators are told of events, what became of the calls, and replay."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.integrators import endpoints
from messaging.integrators.calls import ping
from messaging.integrators.shapes import (
    ENDPOINTS,
    CallDetail,
    CallPage,
    CallQuery,
    EndpointChange,
    EndpointCreate,
    EndpointDetail,
    EndpointList,
    EndpointWithSecret,
    Replay,
    Requeued,
    Rotation,
    call_page,
    call_shape,
    endpoint_shape,
)
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.api.pages import WholeQuery, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import Conflict, NotFound

TAGS = ["webhook endpoints"]
WANTED = {"url": "https://hooks.example.com/chat", "event_types": ["chat.message.*"], "description": "CRM"}
ENDPOINT = {
    "id": "0192f0d0-7b1a-7c3e-9a55-00000000000f",
    **WANTED,
    "enabled": True,
    "state": "active",
    "failures": 0,
    "held_until": None,
    "paused_at": None,
    "secrets": [{"masked": "••••a2c=", "expires_at": None}],
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:00.000Z",
}
WITH_SECRET = {**ENDPOINT, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwK1fTq0mFa2c="}
CALL = {
    "id": "0192f0d0-7b1a-7c3e-9a55-000000000010",
    "event_id": "0192f0d0-7b1a-7c3e-9a55-000000000011",
    "type": "chat.message.received",
    "status": "delivered",
    "attempts": 1,
    "due_at": None,
    "response_status": 204,
    "error_code": "",
    "created_at": "2026-01-31T12:00:00.000Z",
    "finished_at": "2026-01-31T12:00:01.000Z",
    "exchanges": [{"try": 1, "status": 204, "ms": 42}],
}


class EndpointsView(TenantAPIView):
    permissions = {"GET": "webhooks:read", "POST": "webhooks:write"}

    @extend_schema(
        operation_id="webhook_endpoint_list",
        description="The endpoints of the tenant, the oldest first, with their event types and whether calls to them rest at "
        "present; `search_query`: in address and description.",
        summary="List webhook endpoints",
        tags=TAGS,
        parameters=[WholeQuery],  # type: ignore[list-item]
        responses=EndpointList,
        examples=[answered(listed(ENDPOINT))],
    )
    def get(self, request: Request) -> Response:
        query = parse_query(request, WholeQuery)
        rows = WebhookEndpoint.objects.all()
        return Response(ENDPOINTS.answer(rows, query, shape=lambda page: map(endpoint_shape, page)))

    @extend_schema(
        operation_id="webhook_endpoint_create",
        summary="Hear of events at an address",
        description="The answer shows the secret that signs the calls, this once. Events count from about a "
        "second later on.",
        tags=TAGS,
        request=EndpointCreate,
        responses={201: EndpointWithSecret},
        examples=[asked(WANTED), answered(WITH_SECRET, 201)],
    )
    def post(self, request: Request) -> Response:
        body = parse_body(request, EndpointCreate)
        endpoint, secret = endpoints.endpoint_create(self.principal.tenant_id, **body.model_dump())
        self.audit("webhookendpoint.created", endpoint, {"event_types": endpoint.event_types})
        return Response({**endpoint_shape(endpoint), "secret": secret}, 201)


class EndpointView(TenantAPIView):
    permissions = {"GET": "webhooks:read", "PATCH": "webhooks:write", "DELETE": "webhooks:write"}

    @extend_schema(
        operation_id="webhook_endpoint_get",
        description="Its address, event types and state. The signing secret is shown once, when it is made or rotated.",
        summary="One webhook endpoint",
        tags=TAGS,
        responses=EndpointDetail,
        examples=[answered(ENDPOINT)],
    )
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        return Response(endpoint_shape(endpoints.endpoint_for_id(endpoint_id)))

    @extend_schema(
        operation_id="webhook_endpoint_change",
        summary="Change a webhook endpoint",
        description="A new address, or enabling it again, ends a pause: what waited is due at once.",
        tags=TAGS,
        request=EndpointChange,
        responses=EndpointDetail,
        examples=[asked({"event_types": ["*"]}), answered({**ENDPOINT, "event_types": ["*"]})],
    )
    def patch(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        endpoint = endpoints.endpoint_for_id(endpoint_id)
        changes = parse_body(request, EndpointChange).given()
        endpoints.endpoint_change(endpoint, **changes)
        self.audit("webhookendpoint.updated", endpoint, {"fields": sorted(changes)})
        return Response(endpoint_shape(endpoint))

    @extend_schema(
        operation_id="webhook_endpoint_delete",
        summary="Remove a webhook endpoint",
        description="Its log goes too, and what was waiting for it.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        endpoint = endpoints.endpoint_for_id(endpoint_id)
        self.audit("webhookendpoint.deleted", endpoint)
        endpoints.endpoint_delete(endpoint)
        return Response(status=204)


class RotateSecretView(TenantAPIView):
    permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="webhook_endpoint_rotate_secret",
        summary="Replace the signing secret",
        description="The answer shows the new secret, this once. Until the old one ends, calls carry a signature "
        "of each.",
        tags=TAGS,
        request=Rotation,
        responses=EndpointWithSecret,
        examples=[asked({"keep_old_hours": 24}), answered(WITH_SECRET)],
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        endpoint = endpoints.endpoint_for_id(endpoint_id)
        keep = timedelta(hours=parse_body(request, Rotation).keep_old_hours)
        secret = endpoints.secret_rotate(endpoint, keep)
        self.audit("webhookendpoint.secret_rotated", endpoint)
        return Response({**endpoint_shape(endpoint), "secret": secret})


class PingView(TenantAPIView):
    permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="webhook_endpoint_ping",
        summary="Call the endpoint once, now",
        description="Sends an event `chat.system.ping` and answers with what came of it, also while the endpoint is "
        "paused or disabled. It is not tried again, and has three seconds to answer; one ping per tenant at a time, "
        "else 429 `busy`.",
        tags=TAGS,
        request=None,
        responses=CallDetail,
        examples=[answered({**CALL, "type": "chat.system.ping", "event_id": None})],
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        endpoint = endpoints.endpoint_for_id(endpoint_id)
        self.audit("webhookendpoint.pinged", endpoint)
        return Response(call_shape(ping(endpoint)))


class ResumeView(TenantAPIView):
    permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="webhook_endpoint_resume",
        summary="End a pause",
        description="What waited is due at once. What has failed for good is left to `replay`.",
        tags=TAGS,
        request=None,
        responses=Requeued,
        examples=[answered({"count": 17})],
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        endpoint = endpoints.endpoint_for_id(endpoint_id)
        count = endpoints.endpoint_resume(endpoint)
        self.audit("webhookendpoint.resumed", endpoint)
        return Response({"count": count})


class ReplayView(TenantAPIView):
    permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="webhook_endpoint_replay",
        summary="Make calls of the log anew",
        description="By time, status and type; without any of them, all that failed. Calls keep their `webhook-id`: "
        "who removes repeats by it has to forget those ids first.",
        tags=TAGS,
        request=Replay,
        responses={202: Requeued},
        examples=[
            asked({"since": "2026-01-31T00:00:00.000Z", "status": "failed", "types": ["chat.message.*"]}),
            answered({"count": 17}, 202),
        ],
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        wanted = parse_body(request, Replay)
        endpoint = endpoints.endpoint_for_id(endpoint_id)
        chosen = endpoints.deliveries_chosen(endpoint, **wanted.model_dump())
        count = endpoints.deliveries_replay(endpoint, chosen)
        self.audit("webhookendpoint.replayed", endpoint, {"count": count})
        return Response({"count": count}, 202)


class CallsView(TenantAPIView):
    permissions = {"GET": "webhooks:read"}

    @extend_schema(
        operation_id="webhook_delivery_list",
        summary="The log of an endpoint's calls",
        description="The latest first, of 30 days. Pages follow `cursor`.",
        tags=TAGS,
        parameters=[CallQuery],  # type: ignore[list-item]
        responses=CallPage,
        examples=[answered(listed(CALL))],
    )
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        query, endpoint = parse_query(request, CallQuery), endpoints.endpoint_for_id(endpoint_id)
        types = [query.type] if query.type else []
        calls = endpoints.deliveries_chosen(endpoint, status=query.status or "", types=types)
        return Response(call_page(calls, endpoint, query))


class CallView(TenantAPIView):
    permissions = {"GET": "webhooks:read"}

    @extend_schema(
        operation_id="webhook_delivery_get",
        summary="One call of an endpoint",
        description="Which event it carries, how often it was tried, and what came of it.",
        tags=TAGS,
        responses=CallDetail,
        examples=[answered(CALL)],
    )
    def get(self, request: Request, endpoint_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
        return Response(call_shape(_calls(endpoints.endpoint_for_id(endpoint_id), delivery_id)[0]))


class ReplayCallView(TenantAPIView):
    permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="webhook_delivery_replay",
        description="The event is sent again with its first id, so that a receiver which has it already can tell.",
        summary="Make one call anew",
        tags=TAGS,
        request=None,
        responses={202: CallDetail},
        examples=[answered({**CALL, "status": "queued", "attempts": 0}, 202)],
    )
    def post(self, request: Request, endpoint_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
        endpoint = endpoints.endpoint_for_id(endpoint_id)
        own = _calls(endpoint, delivery_id)
        if not endpoints.deliveries_replay(endpoint, own):
            raise Conflict("A ping, or a call under way, cannot be replayed.", code="webhook_delivery_not_replayable")
        self.audit("webhookdelivery.replayed", own[0])
        return Response(call_shape(own[0]), 202)


def _calls(endpoint: WebhookEndpoint, delivery_id: uuid.UUID) -> QuerySet[WebhookDelivery]:
    """The one call. Raises NotFound."""
    own: QuerySet[WebhookDelivery] = WebhookDelivery.objects.filter(endpoint=endpoint, id=delivery_id)
    if not own.exists():
        raise NotFound("There is no such call.", code="webhook_delivery_not_found")
    return own
