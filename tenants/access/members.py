"""Who belongs to a tenant: its first roles, its members and their accounts.

Owns how a tenant and an account come to be, for the console and for commands alike. Must not decide who may do so.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from tenants.access.permissions import ROLES
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage.db import atomic

PASSWORD_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # noqa: S105  without those that look alike


def tenant_create(*, slug: str, name: str) -> Tenant:
    """A new tenant with the default roles. Raises Conflict ``tenant_exists``, Invalid with a detail per wrong field."""
    if Tenant.objects.filter(slug=slug).exists():
        raise Conflict(f"There is a tenant {slug!r}.", code="tenant_exists")
    tenant = Tenant(slug=slug, name=name)
    _require_valid(tenant)
    with atomic():
        tenant.save(force_insert=True)
        roles_give(tenant)
    return tenant


def roles_give(tenant: Tenant) -> None:
    """The default roles, where the tenant has none of that name: what it has made of its own stays."""
    with tenant_scope(tenant.id):
        there = set(Role.objects.values_list("name", flat=True))
        for name, permissions in ROLES.items():
            if name not in there:
                Role.objects.create(tenant=tenant, name=name, permissions=list(permissions))


def account_create(*, username: str, email: str = "", superuser: bool = False) -> tuple[User, str]:
    """An account that may sign in to the console, and its password, which cannot be had again.

    Raises Conflict ``user_exists``, Invalid with a detail per wrong field."""
    if User.objects.filter(username=username).exists():
        raise Conflict(f"There is a user {username!r}.", code="user_exists")
    password = "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(16))
    user = User(username=username, email=email, is_staff=True, is_superuser=superuser)
    user.set_password(password)
    _require_valid(user)
    user.save(force_insert=True)
    return user, password


def member_add(tenant: Tenant, user: User, role: str) -> tuple[Membership, bool]:
    """The user's place in the tenant, and whether it is new; from now on they may sign in to the console.

    Raises NotFound ``unknown_role``, Conflict ``other_role`` where they are a member with another one.
    """
    with tenant_scope(tenant.id), atomic():
        row = Role.objects.filter(name=role).first()
        if row is None:
            raise NotFound(f"{tenant} has no role {role!r}. {_listed(tenant)}", code="unknown_role")
        there = Membership.objects.filter(user=user).select_related("role").first()
        if there and there.role_id != row.id:
            raise Conflict(f"{user} is a member of {tenant} as {there.role}.", code="other_role")
        made = there or Membership.objects.create(tenant=tenant, user=user, role=row)
        staff_make(user)
        return made, there is None


def staff_make(user: User) -> None:
    """Let an account sign in to the console: a membership is of no use without."""
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])


def _listed(tenant: Tenant) -> str:
    names = Role.objects.order_by("name").values_list("name", flat=True)
    return f"There are: {', '.join(names) or 'none'}."


def _require_valid(row: Any) -> None:
    """Raises Invalid with a detail per wrong field."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise Invalid(_sentence(error), details=list(_details(error))) from error


def _details(error: ValidationError) -> Iterable[dict[str, str]]:
    for field, wrong in error.error_dict.items():
        for one in wrong:
            yield {"field": field, "message": " ".join(one.messages), "code": one.code or "invalid"}


def _sentence(error: ValidationError) -> str:
    return " ".join(f"{field}: {' '.join(told)}" for field, told in error.message_dict.items())
