"""``/api/v2/events/schemas``: what every event says, as JSON Schema 2020-12 (EVT-3)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.event_schemas import CALLS, SCHEMAS, schema_of
from messaging.kafka.stream import topics_of
from tenants.access.permissions import PUBLIC
from tenants.api.pages import NoQuery
from tenants.api.views import TenantAPIView, answered, parse_query
from tenants.errors import NotFound

EXAMPLE = {
    "name": "chat.conversation.ended.v1",
    "type": "chat.conversation.ended",
    "version": 1,
    "topics": ["chat.conversation.ended.v1", "conversation.events.v1"],
    "json_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "chat.conversation.ended.v1"},
}


class DescribedEvent(BaseModel):
    """One version of an event type. ``topics``: where it goes in Kafka; none for what is only called."""

    name: str
    type: str
    version: int
    topics: list[str]
    json_schema: dict[str, Any]


class EventDetail(DescribedEvent):
    """The same by itself: a component that is nested elsewhere needs another name in OpenAPI."""


class EventCatalogue(BaseModel):
    events: list[DescribedEvent]


class EventSchemasView(TenantAPIView):
    permission = PUBLIC

    @extend_schema(
        operation_id="event_schema_list",
        summary="Schemas of all events",
        description="Of Kafka records and of integrators' webhooks. Within a version fields are only ever added.",
        tags=["events"],
        responses=EventCatalogue,
        examples=[answered({"events": [EXAMPLE]})],
    )
    def get(self, request: Request) -> Response:
        parse_query(request, NoQuery)
        return Response(EventCatalogue(events=[_shown(*key) for key in (*SCHEMAS, *CALLS)]).model_dump())


class EventSchemaView(TenantAPIView):
    permission = PUBLIC

    @extend_schema(
        operation_id="event_schema_get",
        summary="Schema of one event",
        description="``name`` is a type (its newest version) or ``<type>.v<version>``.",
        tags=["events"],
        responses=EventDetail,
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request, name: str) -> Response:
        return Response(_shown(*_named(name)).model_dump())


def _named(name: str) -> tuple[str, int]:
    newest = dict(sorted((*SCHEMAS, *CALLS)))
    type, _, version = name.rpartition(".v")
    if name in newest:
        return name, newest[name]
    if version.isascii() and version.isdigit() and len(version) < 5 and (type, int(version)) in {**SCHEMAS, **CALLS}:
        return type, int(version)
    raise NotFound(f"There is no event {name[:80]!r}.", code="event_type_not_found")


def _shown(type: str, version: int) -> DescribedEvent:
    topics, schema = [] if (type, version) in CALLS else topics_of(type, version), schema_of(type, version)
    return DescribedEvent(name=f"{type}.v{version}", type=type, version=version, topics=topics, json_schema=schema)
