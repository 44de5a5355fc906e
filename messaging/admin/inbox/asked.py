"""What an address of the inbox asks for: whose conversations, which list of them, and which part of the page.

Must not query rows: what a parameter names is looked for where it is used. A parameter that says nothing known is left
out, for addresses are kept and sent to colleagues.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from channels_app.registry import KINDS
from tenants.console.pages import permissions_in, tenants_with
from tenants.models import Tenant

READ = "conversations:read"
PRIORITIES = ("urgent", "high", "normal", "low")
TENANT = "inbox_tenant"  # in the session: the one that was looked at last
LONGEST = 200  # characters of what is searched for


@dataclass(frozen=True)
class Asked:
    """``view`` "" means the first list that holds something."""

    tenants: tuple[Tenant, ...]
    tenant: Tenant
    member_id: uuid.UUID
    words: bool  # whether the member of staff may read messages
    view: str = ""
    search: str = ""
    channel: str = ""
    priority: str = ""
    failed: bool = False
    cursor: str = ""

    @property
    def filtered(self) -> bool:
        return bool(self.channel or self.priority or self.failed)

    def query(self, **changes: str) -> str:
        """The address's parameters, with some of them changed; places in a list are left out."""
        other = replace(self, cursor="", **changes)  # type: ignore[arg-type]
        pairs = {
            "tenant": other.tenant.slug if len(self.tenants) > 1 else "",
            "view": other.view,
            "q": other.search,
            "channel": other.channel,
            "priority": other.priority,
            "failed": "yes" if other.failed else "",
            "after": changes.get("after", ""),
        }
        return urlencode({name: value for name, value in pairs.items() if value})


def asked(request: HttpRequest, tenant_id: uuid.UUID | None, views: tuple[str, ...]) -> Asked:
    """``tenant_id``: whose the conversation is that the address names. Raises PermissionDenied for people who may read
    no conversations."""
    tenants = tuple(tenants_with(request, READ))
    wanted = request.GET.get("tenant", ""), request.session.get(TENANT, "")
    by_id = [tenant for tenant in tenants if tenant.id == tenant_id] if tenant_id else []
    named = [tenant for name in wanted for tenant in tenants if tenant.slug == name]
    tenant = next(iter((*by_id, *named, *tenants)), None)
    if tenant is None:
        raise PermissionDenied
    if len(tenants) > 1 and request.session.get(TENANT) != tenant.slug:
        request.session[TENANT] = tenant.slug
    given = request.GET
    return Asked(
        tenants=tenants,
        tenant=tenant,
        member_id=request.user.pk,
        words="messages:read" in permissions_in(request, tenant.id),
        view=_known(given.get("view", ""), views),
        search=given.get("q", "").replace("\0", "").strip()[:LONGEST],
        channel=_known(given.get("channel", ""), tuple(KINDS)),
        priority=_known(given.get("priority", ""), PRIORITIES),
        failed=given.get("failed") == "yes",
        cursor=given.get("after", ""),
    )


def _known(value: str, values: tuple[str, ...]) -> str:
    return value if value in values else ""
