"""What operators of the service do by REST: its figures, its caches, a tenant's rate limits (API-2).

An operator is an account that has every tenant, by an OAuth token that it has let a client have. Must not be reached by any
credential of a tenant, whatever permissions it has.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Literal

from django.core.cache import cache
from django.db.models import Count
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.models import CachedAnswer
from chatsvc.observe.row_metrics import MEASURES, rows_lately
from chatsvc.observe.workers import workers_seen
from chatsvc.release import VERSION
from tenants.access.limits import client_ip, limits_reset
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.errors import NotFound, Unavailable
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage import memo
from tenants.storage.batches import delete_in_batches, for_seconds
from tenants.trail.audit import audit

TAGS = ["system"]
ONLY = (
    "By operators of the service, with a token of their account: 403 `operators_only` for others, whatever they may do."
)
FLUSH_S = 5.0  # that rows are deleted within one request
Name = Literal["memory", "measures", "answers"]
STATS = {
    "version": "0.1.0",
    "tenants": {"active": 12, "suspended": 1},
    "queues": {"inbound": {"rows": 3, "age_seconds": 0.4}, "deliver": {"rows": 0, "age_seconds": 0.0}},
    "outboxes": {"published": {"rows": 0, "age_seconds": 0.0}},
    "given_up": {"deliveries": 2, "handlers": 0},
    "workers_seen_seconds": {"inbound": 1.5, "deliver": 1.5},
}


class Waiting(BaseModel):
    rows: int = Field(description="Up to 10,000 are counted")
    age_seconds: float = Field(description="How long the oldest has been waiting")


class StatsShape(BaseModel):
    """The state of the whole service, at most ten seconds old."""

    version: str
    tenants: dict[str, int] = Field(description="How many of each status")
    queues: dict[str, Waiting] = Field(description="Work that is due")
    outboxes: dict[str, Waiting] = Field(description="Events to be handed on")
    given_up: dict[str, int] = Field(description="Work that is tried no longer and can be started again")
    workers_seen_seconds: dict[str, float] = Field(
        description="Since a worker of the queue was last seen; none, where none was lately"
    )


class FlushBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cache_name: Name | Literal["all"] = Field(
        description="memory: what processes remember of settings, channels, keys and identities; measures: figures of the "
        "service; answers: what language models answered, of every tenant"
    )


class Flushed(BaseModel):
    flushed: dict[str, int] = Field(description="What was flushed, and how many entries; of memory, how many memories")
    complete: bool = Field(description="false: there was more than one request deletes; ask again")


class ResetBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant_id: uuid.UUID


class ResetShape(BaseModel):
    tenant_id: uuid.UUID
    buckets: int = Field(description="Of the tenant, its users, keys and addresses, that are full again")


def _memory() -> tuple[int, bool]:
    memo.flush_all()
    return len(memo.ALL), True


def _measures() -> tuple[int, bool]:
    cache.delete_many(MEASURES)
    return len(MEASURES), True


def _answers() -> tuple[int, bool]:
    # unscoped: an operator's act on the whole service
    rows = CachedAnswer.objects.unscoped().all()
    return delete_in_batches(rows, for_seconds(FLUSH_S)), not rows.exists()


#: what can be lost at any moment and comes again by itself; who is signed in, who is online, which requests came before and
#: what is counted are none of it
CACHES: dict[Name, Callable[[], tuple[int, bool]]] = {"memory": _memory, "measures": _measures, "answers": _answers}


class StatsView(TenantAPIView):
    operators_only = True
    permissions = {"GET": "system:read"}

    @extend_schema(
        operation_id="system_stats_get",
        summary="The state of the whole service",
        description=ONLY,
        tags=TAGS,
        responses=StatsShape,
        examples=[answered(STATS)],
    )
    def get(self, request: Request) -> Response:
        told = rows_lately()
        by_status = Tenant.objects.values_list("status").annotate(number=Count("id")).order_by("status")
        stats = {
            "version": VERSION,
            "tenants": dict(by_status),
            "queues": _waiting(told["rows"], told["age"]),
            "outboxes": _waiting(told["outbox_rows"], told["outbox_age"]),
            "given_up": told["given_up"],
            "workers_seen_seconds": workers_seen(),
        }
        return Response(stats)


class CacheFlushView(TenantAPIView):
    operators_only = True
    permissions = {"POST": "system:write"}

    @extend_schema(
        operation_id="system_cache_flush",
        summary="Flush a cache",
        description=f"In every process within a second. {ONLY}",
        tags=TAGS,
        request=FlushBody,
        responses=Flushed,
        examples=[asked({"cache_name": "answers"}), answered({"flushed": {"answers": 240}, "complete": True})],
    )
    def post(self, request: Request) -> Response:
        wanted = parse_body(request, FlushBody).cache_name
        names = list(CACHES) if wanted == "all" else [wanted]
        done = {name: CACHES[name]() for name in names}
        flushed = {name: count for name, (count, _) in done.items()}
        self.audit("system.cache_flushed", "", {"flushed": flushed})
        return Response({"flushed": flushed, "complete": all(whole for _, whole in done.values())})


class RateLimitsResetView(TenantAPIView):
    operators_only = True
    permissions = {"POST": "system:write"}

    @extend_schema(
        operation_id="system_rate_limits_reset",
        summary="Fill a tenant's rate limits again",
        description="Those of its users, keys and addresses, too. Without Redis each process counts for itself: then those of "
        f"the process that answers. Told in the tenant's audit trail. 503 while Redis is away. {ONLY}",
        tags=TAGS,
        request=ResetBody,
        responses=ResetShape,
        examples=[
            asked({"tenant_id": "0192f0d0-0000-7000-8000-000000000001"}),
            answered({"tenant_id": "0192f0d0-0000-7000-8000-000000000001", "buckets": 7}),
        ],
    )
    def post(self, request: Request) -> Response:
        tenant = Tenant.objects.filter(id=parse_body(request, ResetBody).tenant_id).first()
        if tenant is None:
            raise NotFound("There is no such tenant.", code="tenant_not_found")
        count = limits_reset(tenant.id)
        if count is None:
            raise Unavailable("Redis, which counts, does not answer.", retry_after=5)
        with tenant_scope(tenant.id):
            audit(self.principal, "system.rate_limits_reset", tenant, {"buckets": count}, client_ip(request._request))
        return Response({"tenant_id": tenant.id, "buckets": count})


def _waiting(rows: dict[str, int], ages: dict[str, float]) -> dict[str, Any]:
    return {name: {"rows": number, "age_seconds": round(ages[name], 1)} for name, number in rows.items()}
