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
from tenants.models import Role, Tenant, User

#: permission → what it lets its holder do. Names are part of the API: add, never rename.
PERMISSIONS: dict[str, str] = {
    "messages:send": "Send messages as a visitor and as the tenant",
    "messages:read": "Read and search messages",
    "messages:write": "Edit, delete and regenerate messages",
    "messages:reveal": "Read what safety rules have hidden in messages and kept",
    "engine:speak": "Speak as the assistant, unasked, where the bot is in control",
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
    "system:read": "Read the state of the service, as one of its operators",
    "system:write": "Flush caches and fill rate limits, as one of the service's operators",
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


def require_held(held: frozenset[str], *, before: Iterable[str] = (), after: Iterable[str] = ()) -> None:
    """One rule for all that gives permissions or takes them away, of a key, a role, a member or an invitation: what is
    there afterwards and was not, or was and is not, the caller has. Raises Forbidden ``more_than_yours``."""
    had, gets = frozenset(before), frozenset(after)
    given, taken = expand(gets) - expand(had), expand(had) - expand(gets)
    if ALL in had ^ gets:  # also what comes later: only a caller who has all gives that, or takes it
        given, taken = (frozenset(PERMISSIONS), taken) if ALL in gets else (given, frozenset(PERMISSIONS))
    if missing := sorted((given | taken) - held):
        did = "give permissions" if given - held else "take away permissions"
        message = f"You cannot {did} that you do not have yourself."
        raise Forbidden(message, code="more_than_yours", details={"permissions": missing})


def require_each(needed: Iterable[str], held: frozenset[str]) -> None:
    """Raises Forbidden with the first permission of ``needed`` that is not held."""
    for name in needed:
        if name not in held:
            raise Forbidden(details={"permission": name})


def held_in(status: str, permissions: frozenset[str]) -> frozenset[str]:
    """What is left of ``permissions`` in a tenant of this status: staff of one that is not active only read."""
    if status == Tenant.Status.ACTIVE:
        return permissions
    return frozenset(name for name in permissions if name.endswith(":read"))


def demands_more(user: User, tenant: Tenant) -> bool:
    """Whether the tenant is closed to the account until it has a second step."""
    return user.second_factor_at is None and tenant.settings.get("second_factor") is True


def operator_closed(user: User) -> bool:
    """Whether an operator's account is closed until it has a second step: it has every tenant, so one that demands it is
    enough. A statement for operators without one; none else."""
    if not user.is_superuser or user.second_factor_at is not None:
        return False
    return Tenant.objects.filter(settings__second_factor=True).exclude(status=Tenant.Status.REMOVING).exists()


def operates(user_id: str) -> bool:
    """Whether this account, "" for none, is an operator's that is not closed. A statement or two."""
    user = (
        User.objects.filter(id=user_id, is_active=True, is_staff=True, is_superuser=True).first() if user_id else None
    )
    return user is not None and not operator_closed(user)


def permissions_of_role(tenant_id: uuid.UUID, name: str) -> frozenset[str]:
    """The permissions of a tenant's role; a default role counts until the tenant has its own. Unknown: none."""
    # unscoped: called while signing in, before there is a scope; filtered by tenant here
    row = Role.objects.unscoped().filter(tenant_id=tenant_id, name=name).values_list("permissions", flat=True).first()
    return expand(ROLES.get(name, ()) if row is None else row)


def declared(view: Any, method: str) -> tuple[str, ...]:
    """What a view class demands for a method: permissions, all of them, PUBLIC or AUTHENTICATED; nothing when it says nothing.

    Views declare either ``permission = "name"`` for all methods or ``permissions = {"GET": "name", …}``, where a tuple names
    several.
    """
    by_method: dict[str, str | tuple[str, ...]] = getattr(view, "permissions", {})
    named = getattr(view, "permission", None) or by_method.get("GET" if method == "HEAD" else method) or ()
    return (named,) if isinstance(named, str) else named


def limited_to_learners() -> Forbidden:
    """What a token that is limited to learners is told of anything but their threads."""
    return Forbidden("This token is limited to the threads of its learners.", code="limited_to_learners")


def limited_to_subject() -> Forbidden:
    """What a visitor's token is told of anything but what its own person says."""
    return Forbidden("This token speaks for its own user alone.", code="limited_to_subject")


class DeclaredPermission(BasePermission):
    """Lets a request through when its credential has what the view declares. No declaration: refused. A token that is limited
    to learners reaches views that say they obey that (``obeys_learners``), a visitor's those that say they let it act for its
    subject alone (``obeys_subject``); only an operator's token reaches those that are ``operators_only``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = str(request.method)
        if getattr(view, method.lower(), None) is None:
            return True  # there is no handler to protect: the answer is 405
        needed = declared(view, method)
        if needed == (PUBLIC,):
            return True
        principal: Any = request.user
        if not needed or not principal:
            return False
        if principal.learners is not None and not getattr(view, "obeys_learners", False):
            raise limited_to_learners()
        if principal.kind == "visitor" and not getattr(view, "obeys_subject", False):
            raise limited_to_subject()
        if needed != (AUTHENTICATED,):
            require_each(needed, principal.permissions)
        if getattr(view, "operators_only", False) and not operates(principal.user_id):
            raise Forbidden("Only operators of the service do that.", code="operators_only")
        return True
