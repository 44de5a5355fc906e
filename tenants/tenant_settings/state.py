"""The remembered state of each tenant: whether it is served, and its settings."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from pydantic import ValidationError

from tenants.models import Tenant
from tenants.storage.memo import Memo
from tenants.tenant_settings.settings import TenantSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class TenantState:
    """What nearly every request needs to know about its tenant."""

    active: bool
    settings: TenantSettings
    removing: bool = False


#: without Redis no stamp tells other processes of a change: what they remember is a second old at most
_states: Memo[TenantState] = Memo("tenants", ttl=30 if settings.REDIS_URL else 1)


def tenant_state(tenant_id: uuid.UUID) -> TenantState | None:
    """Status and settings, about a second old at most (30 s when a row was changed without `invalidate`); None
    when there is no such tenant."""
    return _states.get(tenant_id, lambda: _load(tenant_id))


def is_active(tenant_id: uuid.UUID) -> bool:
    """Whether the tenant is served, at most 30 s old."""
    state = tenant_state(tenant_id)
    return state is not None and state.active


def suspended() -> list[uuid.UUID]:
    """The tenants that are not served."""
    return list(Tenant.objects.exclude(status=Tenant.Status.ACTIVE).values_list("id", flat=True))


def settings_for(tenant_id: uuid.UUID) -> TenantSettings:
    """The tenant's settings, as old as `tenant_state`; the defaults when there is no such tenant."""
    state = tenant_state(tenant_id)
    return state.settings if state else TenantSettings()


def invalidate(tenant_id: uuid.UUID) -> None:
    """Call after a tenant was saved: other processes follow within about a second."""
    _states.forget(tenant_id)


def _load(tenant_id: uuid.UUID) -> TenantState | None:
    row = Tenant.objects.filter(id=tenant_id).values_list("status", "settings").first()
    if row is None:
        return None
    chosen = _valid(tenant_id, row[1])
    return TenantState(
        active=row[0] == Tenant.Status.ACTIVE, settings=chosen, removing=row[0] == Tenant.Status.REMOVING
    )


def settings_read(tenant: Tenant) -> TenantSettings:
    """The settings of a row as it was read, for a form that shows them."""
    return _valid(tenant.id, tenant.settings)


def _valid(tenant_id: uuid.UUID, stored: Mapping[str, Any]) -> TenantSettings:
    """Stored by an older version or by hand: what is still good holds, and the log says which keys are not."""
    try:
        return TenantSettings.model_validate(stored)
    except ValidationError as error:
        bad = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        log.warning("tenant_settings_invalid", tenant=str(tenant_id), keys=sorted(bad))
        return TenantSettings.model_validate({key: value for key, value in stored.items() if key not in bad})
