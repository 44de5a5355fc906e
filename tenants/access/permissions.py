"""Who may do what: every permission and the default roles, as data, and the check that views declare one.

Must not know any view, and stores nothing: roles of a tenant are rows (tenants.models.Role).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.errors import Forbidden
from tenants.models import Role, Tenant

#: permission → what it lets its holder do. Names are part of the API: add, never rename.
PERMISSIONS: dict[str, str] = {
    "messages:send": "Send messages as a visitor and as the tenant",
    "messages:read": "Read and search messages",
    "messages:write": "Edit, delete and regenerate messages",
    "messages:reveal": "Read what safety rules have hidden in messages and kept",
    "conversations:read": "Read conversations, their summaries, metrics and exports",
    "conversations:write": "End, delete, assign, escalate and hand back conversations",
    "contacts:read": "Read contacts and their identities",
    "contacts:write": "Change, merge and delete contacts",
    "sessions:read": "Read sessions",
    "sessions:write": "Extend and end sessions",
    "threads:read": "Read threads between people",
    "threads:write": "Open and change threads and write in them",
    "channels:read": "Read channels and their health",
    "channels:write": "Connect, change and remove channels",
    "templates:read": "Read message templates",
    "templates:write": "Change message templates",
    "intents:read": "Read intents and their examples",
    "intents:write": "Change intents and train them",
    "models:read": "Read language models and their settings",
    "models:write": "Change language models and their settings",
    "deliveries:read": "Read deliveries, attempts and dead letters",
    "deliveries:write": "Retry deliveries and replay dead letters",
    "webhooks:read": "Read webhook subscriptions and their calls",
    "webhooks:write": "Change webhook subscriptions and replay calls",
    "analytics:read": "Read figures and reports",
    "privacy:export": "Export everything about a person",
    "privacy:delete": "Erase a person",
    "tenants:read": "Read the tenant and its settings",
    "tenants:write": "Change the tenant and its settings",
    "members:read": "Read members and roles",
    "members:write": "Change members and roles",
    "keys:read": "Read API keys (never their secrets)",
    "keys:write": "Make, rotate and revoke API keys",
    "audit:read": "Read and export the audit trail",
    "system:read": "Read the state of the service",
    "system:write": "Flush caches",
}

ALL = "*"  # in a role or key: every permission, also those added later

#: what a new tenant starts with; its own Role rows may then be edited
ROLES: dict[str, tuple[str, ...]] = {
    "admin": (ALL,),
    "agent": (
        "messages:send",
        "messages:read",
        "messages:write",
        "conversations:read",
        "conversations:write",
        "contacts:read",
        "contacts:write",
        "sessions:read",
        "threads:read",
        "threads:write",
        "channels:read",
        "templates:read",
        "deliveries:read",
    ),
    "integrator": (
        "messages:send",
        "messages:read",
        "messages:write",
        "conversations:read",
        "conversations:write",
        "contacts:read",
        "contacts:write",
        "sessions:read",
        "sessions:write",
        "threads:read",
        "threads:write",
        "channels:read",
        "templates:read",
        "deliveries:read",
        "deliveries:write",
        "webhooks:read",
        "webhooks:write",
        "analytics:read",
    ),
    "viewer": tuple(name for name in PERMISSIONS if name.endswith(":read") and name not in ("audit:read", "keys:read")),
}

PUBLIC = "public"  # no credential is asked for
AUTHENTICATED = "authenticated"  # every valid credential will do


def expand(names: Iterable[str]) -> frozenset[str]:
    """The permissions meant by a stored list: ``*`` is all, unknown names are nothing."""
    wanted = frozenset(names)
    return frozenset(PERMISSIONS) if ALL in wanted else wanted & PERMISSIONS.keys()


def held_in(status: str, permissions: frozenset[str]) -> frozenset[str]:
    """What is left of ``permissions`` in a tenant of this status: staff of one that is not active only read."""
    if status == Tenant.Status.ACTIVE:
        return permissions
    return frozenset(name for name in permissions if name.endswith(":read"))


def permissions_of_role(tenant_id: uuid.UUID, name: str) -> frozenset[str]:
    """The permissions of a tenant's role; a default role counts until the tenant has its own. Unknown: none."""
    # unscoped: called while signing in, before there is a scope; filtered by tenant here
    row = Role.objects.unscoped().filter(tenant_id=tenant_id, name=name).values_list("permissions", flat=True).first()
    return expand(ROLES.get(name, ()) if row is None else row)


def declared(view: Any, method: str) -> str | None:
    """What a view class demands for a method: a permission, PUBLIC, AUTHENTICATED, or None when it says nothing.

    Views declare either ``permission = "name"`` for all methods or ``permissions = {"GET": "name", …}``.
    """
    one: str | None = getattr(view, "permission", None)
    if one is not None:
        return one
    by_method: dict[str, str] = getattr(view, "permissions", {})
    return by_method.get("GET" if method == "HEAD" else method)


class DeclaredPermission(BasePermission):
    """Lets a request through when its credential has what the view declares. No declaration: refused."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = str(request.method)
        if getattr(view, method.lower(), None) is None:
            return True  # there is no handler to protect: the answer is 405
        needed = declared(view, method)
        if needed == PUBLIC:
            return True
        principal: Any = request.user
        if needed is None or not principal:
            return False
        if needed != AUTHENTICATED and needed not in principal.permissions:
            raise Forbidden(details={"permission": needed})
        return True
