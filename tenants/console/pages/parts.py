"""Parts of pages: the choice of a tenant beside a list, rows within the page of a row."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from tenants.console.pages.whose import (
    tenants_with,
)


class TenantFilter(admin.SimpleListFilter):
    """Shown to those who have more than one tenant."""

    title = parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(t.id), t.name) for t in tenants_with(request, model_admin.permission("read"))]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = self.value() in {value for value, _ in self.lookup_choices}
        return queryset.filter(tenant_id=self.value()) if known else queryset


class PartInline(TabularInline):
    """Parts of a row, to read. Opened within the scope of the row's tenant."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # staff who see the whole see its parts

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
