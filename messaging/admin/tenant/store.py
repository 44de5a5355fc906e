"""Storing what a form has changed in a tenant's settings, for every page of them. Must not know any setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants.admin import TenantsAdmin
from tenants.console.pages.whose import operates
from tenants.errors import Conflict, Invalid
from tenants.models import Tenant
from tenants.people.tenant import Settings, tenant_change


def settings_store(
    page: TenantsAdmin, request: HttpRequest, tenant: Tenant, about: str, change: Callable[[Settings], Settings]
) -> list[dict[str, Any]]:
    """Change what is stored, and audit it. Returns what the settings refuse (field, message, code); nothing is stored
    then. Raises PermissionDenied where the tenant is being removed."""

    def then(stored: Tenant) -> None:
        page.note(request, "updated", stored, {"fields": ["settings"], "about": about})

    try:
        tenant.settings = tenant_change(tenant.id, change, operator=operates(request), then=then).settings
    except Invalid as error:
        return list(error.details)
    except Conflict as error:
        raise PermissionDenied(error.message) from error
    return []
