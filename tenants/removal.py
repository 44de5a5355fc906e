"""The removal of a tenant: how it begins. What it does: messaging/housekeeping/removal.py, which sees every app's rows.

From its beginning the tenant is refused at every entrance, for good; there is no way back.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError

from tenants import tenant_settings
from tenants.errors import Conflict
from tenants.models import Removal, Tenant
from tenants.storage.db import atomic, now, on_mongo, retried
from tenants.trail.audit import actor_name

log = structlog.get_logger(__name__)

#: until then another process may be writing for the tenant; MongoDB has no foreign key that would refuse such a row
IN_FLIGHT = timedelta(minutes=1)


@retried
def removal_start(tenant: Tenant, actor: Any) -> Removal:
    """Refuse the tenant from now on and have everything it owns removed; the present removal where there is one.

    ``actor``: a User, or a word such as "system". Call outside a transaction. Raises Conflict ``legal_hold`` while the
    tenant's settings say that nothing is to go.
    """
    if tenant_settings.settings_read(Tenant.objects.get(id=tenant.id)).legal_hold:
        raise Conflict("A legal hold of the whole tenant keeps everything.", code="legal_hold")
    try:
        with atomic():
            Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.REMOVING)
            removal = Removal.objects.create(
                tenant_id=tenant.id, slug=tenant.slug, name=tenant.name, requested_by=actor_name(actor)[:200],
                due_at=now() + IN_FLIGHT if on_mongo() else now(),
            )  # fmt: skip
    except IntegrityError:
        return Removal.objects.get(tenant_id=tenant.id)
    tenant_settings.invalidate(tenant.id)
    log.warning("tenant_removal_began", tenant=str(tenant.id), slug=tenant.slug, by=removal.requested_by)
    return removal


def being_removed(tenant_id: uuid.UUID) -> bool:
    """Whether the tenant is on its way out, or gone."""
    state = tenant_settings.tenant_state(tenant_id)
    return state is None or state.removing
