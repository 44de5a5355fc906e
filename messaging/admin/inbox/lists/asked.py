"""What an address of the inbox asks for: whose conversations, which list of them, and which part of the page.

Must not query rows: what a parameter names is looked for where it is used. A parameter that says nothing known is left
out, for addresses are kept and sent to colleagues.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from pydantic import ValidationError

from channels_app.registry import KINDS
from messaging.agents.inbox.lists import VIEWS, Filter, View
from tenants.console.pages.whose import permissions_in, tenants_with
from tenants.models import Tenant, User

READ = "conversations:read"
TENANT = "inbox_tenant"  # in the session: the one that was looked at last
LIMITS = ("channel", "priority", "label", "team", "failed")  # parameters that are members of Filter
SLUG = re.compile(r"[\w-]{1,100}")
MOST = 100  # tenants to choose from; others are reached by their address
LONGEST = 200  # characters of what is searched for


@dataclass(frozen=True)
class Asked:
    """``view`` "" means the first list that holds something; ``words``: the member of staff may read messages."""

    tenants: tuple[Tenant, ...]
    tenant: Tenant
    member: User
    words: bool
    view: View | None = None
    search: str = ""
    limits: Filter = field(default_factory=Filter)
    cursor: str = ""

    @property
    def filtered(self) -> bool:
        return bool(self.limits.model_dump(exclude_none=True))

    def query(self, **changes: Any) -> str:
        """The address's parameters, with some of them changed; places in a list are left out."""
        other = replace(self, cursor="", **changes)
        limits = other.limits.model_dump(mode="json", exclude_none=True)
        pairs = {
            "tenant": other.tenant.slug if len(self.tenants) > 1 else "",
            "view": other.view or "",
            "q": other.search,
            **{name: "yes" if value is True else value for name, value in limits.items()},
        }
        return urlencode({name: value for name, value in pairs.items() if value})

    def after(self, cursor: str) -> str:
        """Where the list goes on."""
        return f"{self.query()}&{urlencode({'after': cursor})}"


def asked(request: HttpRequest, tenant_id: uuid.UUID | None) -> Asked:
    """``tenant_id``: whose the conversation is that the address names. Raises PermissionDenied for people who may read
    no conversations."""
    own = tenants_with(request, READ)
    tenants = tuple(own[:MOST])
    there = next((tenant for tenant in tenants if tenant.id == tenant_id), None)
    tenant = there or (own.filter(id=tenant_id).first() if tenant_id else _chosen(request, own, tenants))
    if tenant is None:
        raise PermissionDenied
    if len(tenants) > 1 and request.session.get(TENANT) != tenant.slug:
        request.session[TENANT] = tenant.slug
    view = request.GET.get("view", "")
    return Asked(
        tenants=tenants,
        tenant=tenant,
        member=cast(User, request.user),
        words="messages:read" in permissions_in(request, tenant.id),
        view=cast(View, view) if view in VIEWS else None,
        search=request.GET.get("q", "").replace("\0", "").strip()[:LONGEST],
        limits=limits_in(request.GET),
        cursor=request.GET.get("after", ""),
    )


def _chosen(request: HttpRequest, own: QuerySet[Tenant], shown: tuple[Tenant, ...]) -> Tenant | None:
    """The tenant that the address names, else the one that was looked at last, else the first."""
    if len(shown) < 2:
        return next(iter(shown), None)
    slugs = [slug for slug in (request.GET.get("tenant", ""), request.session.get(TENANT, "")) if SLUG.fullmatch(slug)]
    named = {tenant.slug: tenant for tenant in own.filter(slug__in=slugs)} if slugs else {}
    return next((named[slug] for slug in slugs if slug in named), shown[0])


def limits_in(given: Mapping[str, Any]) -> Filter:
    """What is still a limit of what an address or a kept filter says."""
    known = Filter()
    for name in LIMITS:
        value = given.get(name)
        if value and (name != "channel" or value in KINDS):
            try:
                known = Filter.model_validate({**known.model_dump(), name: value})
            except ValidationError:
                continue
    return known
