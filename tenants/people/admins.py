"""The last admin of a tenant stays: what every change of members, roles and accounts goes through.

Owns what an admin is. Must not decide who may change what (tenants/access/permissions.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from tenants.access.permissions import PERMISSIONS, expand
from tenants.errors import Conflict
from tenants.models import Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, now

#: with it alone a member can still let others in, though give them no more than they have
KEEPER = "members:write"
EVERYTHING, MEMBERS, NOTHING = 2, 1, 0


@contextmanager
def admins_kept(tenant_id: uuid.UUID) -> Iterator[None]:
    """A transaction in the tenant's scope, after which there is an admin if there was one. One runs at a time for a
    tenant: two who take the other's role away do not both succeed.

    An admin is an active account whose role may do everything; where there is none, one that may change members.
    Raises Conflict ``last_admin``, and nothing was done then."""
    with tenant_scope(tenant_id), atomic():
        Tenant.objects.filter(id=tenant_id).update(updated_at=now())  # its lock
        before = _standing()
        yield
        if _standing() < before:
            raise Conflict(
                "The tenant would be left without an admin: make a colleague admin first.", code="last_admin"
            )


@contextmanager
def admins_kept_of(users: Iterable[User]) -> Iterator[None]:
    """The same for whatever is done with accounts, in every tenant that they are members of."""
    # unscoped: an account is of several tenants; each is looked at in its own scope
    rows = Membership.objects.unscoped().filter(user__in=[user.pk for user in users])
    rows = rows.exclude(tenant__status=Tenant.Status.REMOVING)
    with atomic(), ExitStack() as stack:
        for tenant_id in sorted(
            set(rows.values_list("tenant_id", flat=True))
        ):  # in one order: no two wait for each other
            stack.enter_context(admins_kept(tenant_id))
        yield


def is_admin(role: Role) -> bool:
    return expand(role.permissions) == PERMISSIONS.keys()


def _standing() -> int:
    """How much the strongest member may do."""
    roles = list(Role.objects.all())
    for level, some in (
        (EVERYTHING, [role.id for role in roles if is_admin(role)]),
        (MEMBERS, [role.id for role in roles if KEEPER in expand(role.permissions)]),
    ):
        if some and Membership.objects.filter(role__in=some, user__is_active=True, user__is_staff=True).exists():
            return level
    return NOTHING
