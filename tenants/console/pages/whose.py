"""Which tenants the signed-in member of staff has, and what they may do in each.

Owns the tie between a member's role and a request to the console; read once per request.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.http import HttpRequest

from tenants.access.permissions import demands_more, expand, held_in, operator_closed
from tenants.members.alert_choice import AlertChoice, choice_read
from tenants.models import Membership, Tenant


def memberships_of(request: HttpRequest) -> Mapping[uuid.UUID, frozenset[str]]:
    """Tenant → permissions of the signed-in member of staff; read once per request. In a suspended tenant they
    only read; one that demands a second step is none of theirs until they have it."""
    found: dict[uuid.UUID, frozenset[str]] | None = getattr(request, "_memberships", None)
    if found is None:
        # unscoped: the memberships are what tells which tenants there are
        rows = Membership.objects.unscoped().filter(user_id=request.user.pk).select_related("role", "tenant")
        user: Any = request.user
        members = list(rows.exclude(tenant__status=Tenant.Status.REMOVING))
        closed = [row.tenant for row in members if demands_more(user, row.tenant)]
        request._closed_tenants = closed  # type: ignore[attr-defined]
        members = [row for row in members if row.tenant not in closed]
        found = {row.tenant_id: held_in(row.tenant.status, expand(row.role.permissions)) for row in members}
        request._memberships = found  # type: ignore[attr-defined]
        request._own_tenants = [row.tenant for row in members]  # type: ignore[attr-defined]
        request._alert_choices = {row.tenant_id: row.alerts for row in members}  # type: ignore[attr-defined]
    return found


def operates(request: HttpRequest) -> bool:
    """Whether the signed-in account has every tenant; read once per request. An operator has none where a second step is
    demanded that they have not."""
    found: bool | None = getattr(request, "_operates", None)
    if found is None:
        user: Any = request.user
        found = request._operates = bool(user.is_superuser) and not operator_closed(user)  # type: ignore[attr-defined]
    return found


def alert_choice_in(request: HttpRequest, tenant_id: uuid.UUID) -> AlertChoice:
    """Which alerts of a tenant the signed-in member of staff wants. No statement beside that of `memberships_of`."""
    memberships_of(request)
    return choice_read(request._alert_choices.get(tenant_id))  # type: ignore[attr-defined]


def permissions_in(request: HttpRequest, tenant_id: uuid.UUID | None) -> frozenset[str]:
    """What the member of staff may do in a tenant; in any of theirs when it is None."""
    if not request.user.is_active or not request.user.is_staff:
        return frozenset()
    if operates(request):
        return expand(["*"])
    own = memberships_of(request)
    return frozenset().union(*own.values()) if tenant_id is None else own.get(tenant_id, frozenset())


def tenants_with(request: HttpRequest, permission: str) -> models.QuerySet[Tenant]:
    """The tenants in which the member of staff has a permission; all for superusers."""
    if operates(request):
        return Tenant.objects.order_by("name")
    own = [tenant_id for tenant_id, held in memberships_of(request).items() if permission in held]
    return Tenant.objects.filter(id__in=own).order_by("name")


def tenants_known(request: HttpRequest, permission: str) -> list[Tenant]:
    """As `tenants_with`, read once per request: without a statement more than `memberships_of` takes."""
    if operates(request):
        if not hasattr(request, "_all_tenants"):
            request._all_tenants = list(Tenant.objects.order_by("name"))  # type: ignore[attr-defined]
        everything: list[Tenant] = request._all_tenants  # type: ignore[attr-defined]
        return everything
    own = memberships_of(request)
    known: list[Tenant] = request._own_tenants  # type: ignore[attr-defined]
    return sorted((tenant for tenant in known if permission in own[tenant.id]), key=lambda tenant: tenant.name)
