"""Storing what a form has changed in a tenant's settings, for every page of them. Must not know any setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants import tenant_settings
from tenants.admin import TenantsAdmin
from tenants.errors import Invalid
from tenants.models import Tenant
from tenants.storage.db import atomic, now

Settings = dict[str, Any]


def settings_store(
    page: TenantsAdmin, request: HttpRequest, tenant: Tenant, about: str, change: Callable[[Settings], Settings]
) -> list[dict[str, Any]]:
    """Change what is stored, and audit it. Returns what the settings refuse (field, message, code); nothing is stored
    then. Raises PermissionDenied where the tenant is being removed."""
    try:
        with atomic():
            if not Tenant.objects.filter(id=tenant.id).exclude(status=Tenant.Status.REMOVING).update(updated_at=now()):
                raise PermissionDenied("The tenant is being removed.")
            tenant.refresh_from_db(fields=["settings"])  # under its lock: what others set in this moment stays
            tenant.settings = change(tenant.settings)
            tenant_settings.settings_check(tenant.settings)
            tenant.save(update_fields=["settings", "updated_at"])
            page.note(request, "updated", tenant, {"fields": ["settings"], "about": about})
    except Invalid as error:
        return list(error.details)
    tenant_settings.invalidate(tenant.id)
    return []
