"""Members of a tenant and its roles: changed and removed, for the API, the console and commands alike.

Owns what may be done with them: no caller gives or takes more than they have, and the last admin stays. ``held``: the
permissions of the caller. Must not write the trail: who acts knows from where.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError

from tenants.access.invitations import open_ones
from tenants.access.permissions import ALL, PERMISSIONS, require_held
from tenants.errors import Conflict, Invalid, NotFound, Unprocessable
from tenants.models import Membership, Role
from tenants.people.admins import admins_kept
from tenants.storage.db import atomic, key_taken, retried

MOST_ROLES = 100


def member_get(user_id: uuid.UUID) -> Membership:
    """Raises NotFound ``member_not_found``."""
    row: Membership | None = Membership.objects.filter(user_id=user_id).select_related("user", "role").first()
    if row is None:
        raise NotFound("There is no such member of staff.", code="member_not_found")
    return row


def role_named(name: str) -> Role:
    """Raises NotFound ``unknown_role``."""
    row: Role | None = Role.objects.filter(name=name).first()
    if row is None:
        raise NotFound("There is no such role.", code="unknown_role")
    return row


@retried
def member_change(user_id: uuid.UUID, held: frozenset[str], given: dict[str, Any]) -> Membership:
    """``given``: ``role`` (a Role) and ``picture``, or one of them. Call within the tenant's scope.

    Raises NotFound ``member_not_found``, Forbidden ``more_than_yours``, Conflict ``last_admin``."""
    tenant_id = member_get(user_id).tenant_id
    with admins_kept(tenant_id):
        row = member_get(user_id)
        if "role" in given:
            require_held(held, before=row.role.permissions, after=given["role"].permissions)
        for name, value in given.items():
            setattr(row, name, value)
        row.save(update_fields=list(given))
    return row


@retried
def member_remove(user_id: uuid.UUID, held: frozenset[str]) -> Membership:
    """The account stays, and every other place of it. Raises what `member_change` raises."""
    tenant_id = member_get(user_id).tenant_id
    with admins_kept(tenant_id):
        row = member_get(user_id)
        require_held(held, before=row.role.permissions)
        Membership.objects.filter(id=row.id).delete()
    return row


# ------------------------------------------------------------------------------- roles


def role_get(role_id: uuid.UUID) -> Role:
    """Raises NotFound ``role_not_found``."""
    row: Role | None = Role.objects.filter(id=role_id).first()
    if row is None:
        raise NotFound("There is no such role.", code="role_not_found")
    return row


def role_create(tenant_id: uuid.UUID, name: str, permissions: Sequence[str], held: frozenset[str]) -> Role:
    """Raises Invalid ``unknown_permission``, Forbidden ``more_than_yours``, Conflict ``role_exists``, Unprocessable
    ``too_many_roles``."""
    require_held(held, after=_known(permissions))
    if Role.objects.count() >= MOST_ROLES:
        raise Unprocessable(f"A tenant has at most {MOST_ROLES} roles.", code="too_many_roles")
    try:
        with atomic():
            row: Role = Role.objects.create(tenant_id=tenant_id, name=name, permissions=sorted(set(permissions)))
    except IntegrityError as error:
        raise _taken(error) from error
    return row


@retried
def role_change(role_id: uuid.UUID, held: frozenset[str], given: dict[str, Any]) -> Role:
    """``given``: ``name`` and ``permissions``, or one of them; who has the role has the change at once.

    Raises NotFound ``role_not_found``, what `role_create` raises, and Conflict ``last_admin``."""
    if "permissions" in given:
        given = {**given, "permissions": sorted(set(_known(given["permissions"])))}
    try:
        with admins_kept(role_get(role_id).tenant_id):
            row = role_get(role_id)
            require_held(held, before=row.permissions, after=given.get("permissions", row.permissions))
            if given.get("name", row.name) != row.name:  # who is given that name from now on has what the role gives
                require_held(held, after=row.permissions)
            for name, value in given.items():
                setattr(row, name, value)
            row.save(update_fields=list(given))
    except IntegrityError as error:
        raise _taken(error) from error
    return row


@retried
def role_remove(role_id: uuid.UUID, held: frozenset[str]) -> Role:
    """Raises NotFound ``role_not_found``, Forbidden ``more_than_yours``, Conflict ``role_in_use``."""
    row = role_get(role_id)
    with admins_kept(row.tenant_id):
        require_held(held, before=row.permissions)
        used = Membership.objects.filter(role=row).count()
        waiting = open_ones().filter(role=row).count()
        if used or waiting:
            message = f"{used} members and {waiting} invitations have this role: give them another one first."
            raise Conflict(message, code="role_in_use", details={"members": used, "invitations": waiting})
        Role.objects.filter(id=row.id).delete()
    return row


def _known(permissions: Sequence[str]) -> Sequence[str]:
    unknown = sorted(set(permissions) - PERMISSIONS.keys() - {ALL})
    if unknown:
        told = "Unknown: " + ", ".join(unknown)[:200]
        detail = {"field": "permissions", "message": told, "code": "unknown_permission"}
        raise Invalid("There is no such permission.", details=[detail])
    return permissions


def _taken(error: IntegrityError) -> Exception:
    return Conflict("There is a role of this name.", code="role_exists") if key_taken(error) else error
