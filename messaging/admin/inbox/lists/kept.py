"""Filters of the inbox under a name: shown beside the lists, kept and forgotten by a form.

Owns how an address and a filter become each other. Call within the tenant's scope.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from messaging.admin.inbox.lists.asked import Asked, limits_in
from messaging.agents.inbox.filters import filter_get, filter_save, filters_of
from messaging.agents.models import SavedFilter
from tenants.access.limits import client_ip
from tenants.errors import ServiceError
from tenants.trail.audit import audit

LONGEST = 60  # characters of a name


def kept_of(asked: Asked) -> list[dict[str, Any]]:
    """The tenant's and the member's own. One statement."""
    return [
        {"id": row.id, "name": row.name, "query": _query(asked, row), "own": row.owner_id is not None}
        for row in filters_of(asked.member)
    ]


def kept_change(request: HttpRequest, asked: Asked) -> None:
    """Keep what the address asks for under ``name``, for all where ``shared`` is ticked; or forget ``forget``."""
    try:
        if request.POST.get("forget"):
            row = filter_get(_id(request.POST["forget"]), asked.member)
            audit(request.user, "savedfilter.deleted", row, None, client_ip(request))
            row.delete()
            return
        name = request.POST.get("name", "").replace("\0", "").strip()
        if not 0 < len(name) <= LONGEST:
            messages.error(request, f"Give the filter a name of at most {LONGEST} characters.")
            return
        owner = None if request.POST.get("shared") else asked.member
        limits = asked.limits.model_copy(update={"search": asked.search or None})
        row = filter_save(name, asked.view or "waiting", limits, owner=owner, tenant_id=asked.tenant.id)
        audit(request.user, "savedfilter.created", row, None, client_ip(request))
    except ServiceError as error:
        messages.error(request, error.message)


def _query(asked: Asked, row: SavedFilter) -> str:
    """A release before or behind this one may have kept what is no limit here."""
    view, search = row.query.get("view", "waiting"), row.query.get("search")
    return asked.query(view=view, search=search or "", limits=limits_in(row.query))


def _id(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError:
        return uuid.UUID(int=0)  # of no filter
