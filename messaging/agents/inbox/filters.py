"""Filters of the inbox under a name: a member's own, and those of the whole tenant.

Owns who sees and changes which.
"""

from __future__ import annotations

import uuid

from django.db.models import Q, QuerySet

from messaging.agents.inbox.lists import Filter, View
from messaging.agents.models import SavedFilter
from tenants.errors import NotFound, Unprocessable
from tenants.models import User

MOST = 100  # of a member, and of a tenant


def filters_of(user: User | None) -> list[SavedFilter]:
    """The tenant's and the member's own, by name."""
    return list(filter_rows(user).order_by("name", "id")[: 2 * MOST])


def filter_rows(user: User | None) -> QuerySet[SavedFilter]:
    """The same, in no order yet."""
    rows = SavedFilter.objects.filter(Q(owner=None) | Q(owner=user)) if user else SavedFilter.objects.filter(owner=None)
    return rows.select_related("owner")


def filter_save(
    name: str, view: View, wanted: Filter, *, owner: User | None, tenant_id: uuid.UUID, row: SavedFilter | None = None
) -> SavedFilter:
    """Keep it, for ``owner`` alone or (None) for all. Raises Unprocessable ``too_many_filters``."""
    if row is None and SavedFilter.objects.filter(owner=owner).count() >= MOST:
        raise Unprocessable(f"At most {MOST} filters are kept.", code="too_many_filters")
    row = row or SavedFilter(tenant_id=tenant_id)
    row.name, row.owner = name, owner
    row.query = {"view": view, **wanted.model_dump(mode="json", exclude_none=True)}
    row.save()
    return row


def filter_get(filter_id: uuid.UUID, user: User | None) -> SavedFilter:
    """Raises NotFound ``filter_not_found``, for a colleague's own as for none at all."""
    row: SavedFilter | None = SavedFilter.objects.filter(id=filter_id).select_related("owner").first()
    if row is None or (row.owner_id is not None and row.owner_id != (user.id if user else None)):
        raise NotFound("There is no such filter.", code="filter_not_found")
    return row
