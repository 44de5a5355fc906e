"""How integrators' endpoints and their calls look in the API: pydantic models for bodies, queries and answers.

Owns what is shown; a secret only where it has just been made.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from channels_app.words.moments import Moment
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.api.pages import ListQuery, Page, Walk
from tenants.api.parse import Changes
from tenants.repeated import once
from tenants.storage.crypto import mask
from tenants.storage.db import now

ENDPOINTS = Walk("webhook-endpoints", sorts={"created_at": ""}, searched=("url", "description"), dated="created_at")
CALLS = Walk(
    "webhook-cursor", by="created_at", latest=True, sorts={"created_at": "created_at"}, searched=("type", "error_code"),
    dated="created_at",
)  # fmt: skip
EventTypes = Annotated[
    list[Annotated[str, Field(max_length=60)]],
    Field(min_length=1, max_length=50, description="Types of events, globs like `chat.message.*`, or `*`"),
    AfterValidator(once),
]
Url = Annotated[str, Field(min_length=1, max_length=2048, description="https, reachable from the internet")]
CallStatus = Literal["queued", "sending", "delivered", "failed"]


class EndpointCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    event_types: EventTypes
    description: str = Field("", max_length=200)
    enabled: bool = True


class EndpointChange(Changes):
    """What is left out stays as it is."""

    url: Url = ""
    event_types: EventTypes = []
    description: str = Field("", max_length=200)
    enabled: bool = True


class Rotation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keep_old_hours: int = Field(24, ge=0, le=168, description="How long the present secret goes on signing as well")


class Replay(BaseModel):
    """Which calls of the log are made anew: those that all of this fits."""

    model_config = ConfigDict(extra="forbid")
    RANGES: ClassVar = (("since", "until"),)

    since: Moment | None = Field(None, description="Calls created from then on")
    until: Moment | None = Field(None, description="Calls created before")
    status: Literal["failed", "delivered", "queued"] = "failed"
    types: list[Annotated[str, Field(max_length=60)]] = Field(
        [], max_length=50, description="Types or globs; empty: all"
    )


class SecretShape(BaseModel):
    masked: str
    expires_at: Moment | None = Field(description="Null: the present one")


class EndpointShape(BaseModel):
    id: uuid.UUID
    url: str
    description: str
    event_types: list[str]
    enabled: bool
    state: Literal["active", "held", "paused", "disabled"] = Field(
        description="held: resting for minutes after failures; paused: until its owner resumes it"
    )
    failures: int = Field(description="In a row")
    held_until: Moment | None
    paused_at: Moment | None
    secrets: list[SecretShape]
    created_at: Moment
    updated_at: Moment


class EndpointDetail(EndpointShape):
    """One endpoint."""


class EndpointWithSecret(EndpointShape):
    secret: str = Field(description="Shown this once")


class EndpointList(Page):
    items: list[EndpointShape]


class Requeued(BaseModel):
    count: int = Field(description="Calls that are due now")


class CallShape(BaseModel):
    id: uuid.UUID = Field(description="The `webhook-id` of every try")
    event_id: uuid.UUID | None
    type: str
    status: CallStatus
    attempts: int
    due_at: Moment | None = Field(description="Next try")
    response_status: int | None
    error_code: str
    created_at: Moment
    finished_at: Moment | None
    exchanges: list[dict[str, Any]] = Field(description="The last three tries; secrets and texts left out")


class CallDetail(CallShape):
    """One call."""


class CallPage(Page):
    items: list[CallShape]


class CallQuery(ListQuery):
    status: CallStatus | None = None
    type: str | None = Field(None, max_length=60, description="A type or a glob")


def endpoint_shape(endpoint: WebhookEndpoint) -> dict[str, Any]:
    held_until = endpoint.held_until if endpoint.held_until and endpoint.held_until > now() else None
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": endpoint.event_types,
        "enabled": endpoint.enabled,
        "state": state_of(endpoint),
        "failures": endpoint.failures,
        "held_until": held_until,
        "paused_at": endpoint.paused_at,
        "secrets": [{"masked": mask(entry["secret"]), "expires_at": entry["expires_at"]} for entry in endpoint.secrets],
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def state_of(endpoint: WebhookEndpoint) -> str:
    """active, held, paused or disabled."""
    if not endpoint.enabled:
        return "disabled"
    if endpoint.paused_at:
        return "paused"
    return "held" if endpoint.held_until and endpoint.held_until > now() else "active"


def call_shape(row: WebhookDelivery) -> dict[str, Any]:
    names = ("id", "event_id", "type", "status", "attempts", "response_status", "error_code", "created_at",
             "finished_at", "exchanges")  # fmt: skip
    queued = row.status == WebhookDelivery.Status.QUEUED
    return {**{name: getattr(row, name) for name in names}, "due_at": row.due_at if queued else None}


def call_page(calls: Any, endpoint: WebhookEndpoint, query: CallQuery) -> dict[str, Any]:
    """A page of an endpoint's calls, the latest first. Raises as `Walk.answer`."""
    return CALLS.answer(calls, query, shape=lambda page: map(call_shape, page), within=endpoint.id)
