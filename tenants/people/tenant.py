"""A tenant's own row, changed: its name and its settings, for the API and the console alike.

Owns what is done under its lock, and that a tenant does not loosen its own limits. Must not know any setting.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from tenants import tenant_settings
from tenants.access.limits import limits_of
from tenants.errors import Conflict, Invalid
from tenants.models import Tenant
from tenants.storage.db import atomic, now, retried

Settings = dict[str, Any]

#: of the setting ``alerts``: knowing such an address is enough to write there
ADDRESSES = ("slack_webhook_url", "webhook_url")


def settings_masked(settings: Mapping[str, Any]) -> Settings:
    """As they are shown to those who may not change them: of an address at which its holder can write, the host alone."""
    alerts = settings.get("alerts") or {}
    hidden = {name: _host_alone(alerts[name]) for name in ADDRESSES if alerts.get(name)}
    return {**settings, **({"alerts": {**alerts, **hidden}} if hidden else {})}


def _host_alone(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…"


@retried
def tenant_change(
    tenant_id: uuid.UUID,
    change: Callable[[Settings], Settings],
    *,
    operator: bool = False,
    name: str | None = None,
    status: str = "",
    then: Callable[[Tenant], Any] = lambda tenant: None,
) -> Tenant:
    """Store what ``change`` makes of the settings, and do what is ``then`` to be done in the same transaction. ``operator``:
    the caller runs the service, and may raise the tenant's limits.

    Raises Invalid ``invalid_settings`` with a detail per wrong setting, also ``operators_only`` for a limit that a tenant
    would raise; for an address of ``alerts`` that would not be called its code; Conflict ``tenant_removing``."""
    _require_callable(tenant_id, change)
    with atomic():
        if not Tenant.objects.filter(id=tenant_id).exclude(status=Tenant.Status.REMOVING).update(updated_at=now()):
            raise Conflict("The tenant is being removed.", code="tenant_removing")
        tenant = Tenant.objects.get(id=tenant_id)  # under its lock: what others set in this moment stays
        before = tenant_settings.settings_read(tenant)
        tenant.settings = change(tenant.settings)
        after = tenant_settings.settings_check(tenant.settings)
        if not operator:
            _require_no_raise(before, after)
        tenant.name = name or tenant.name
        tenant.status = status or tenant.status
        tenant.save(update_fields=["name", "status", "settings", "updated_at"])
        then(tenant)
    tenant_settings.invalidate(tenant.id)
    return tenant


def _require_callable(tenant_id: uuid.UUID, change: Callable[[Settings], Settings]) -> None:
    """Of the addresses that the change brings; what is none is the settings' own matter. Before the lock: names are looked
    up. Raises Invalid ``invalid_settings``."""
    stored = Tenant.objects.filter(id=tenant_id).values_list("settings", flat=True).first() or {}
    held, wanted = (one.get("alerts") or {} for one in (stored, change(stored)))
    brought = {name: str(wanted.get(name, "")) for name in ADDRESSES if wanted.get(name) != held.get(name)}
    check: Callable[[str], tuple[str, str] | None] = import_string(settings.ADDRESS_CHECK)
    refused = {name: check(url) for name, url in brought.items() if url.startswith("http")}
    details = [
        {"field": f"alerts.{name}", "message": told[1], "code": told[0]} for name, told in refused.items() if told
    ]
    if details:
        raise Invalid("These settings cannot be stored.", code="invalid_settings", details=details)


def _require_no_raise(before: tenant_settings.TenantSettings, after: tenant_settings.TenantSettings) -> None:
    held, wanted = limits_of(before), limits_of(after)
    if raised := [name for name in tenant_settings.LIMITS if wanted[name] > held[name]]:
        raise Invalid(
            "These settings cannot be stored.",
            code="invalid_settings",
            details=[
                {
                    "field": name,
                    "message": f"It is {held[name]} now; only the operator of the service raises it.",
                    "code": "operators_only",
                }
                for name in raised
            ],
        )
