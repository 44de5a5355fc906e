"""The console's pages of system prompts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from assistant.prompts.models import SystemPrompt
from assistant.prompts.versions import prompt_activate, prompt_write
from tenants.console.pages import Button, TenantAdmin, TenantFilter
from tenants.scope import tenant_scope


@admin.register(SystemPrompt)
class SystemPromptAdmin(TenantAdmin):
    """Versions are written and activated; none is changed or deleted."""

    resource = "models"
    deeds = frozenset({"add"})
    fields = ("tenant", "version", "text", "note", "created_at", "activated_at")
    readonly_fields = ("version", "created_at", "activated_at")
    list_display = ("__str__", "note", "created_at", "activated_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    ordering = ("-id",)
    buttons = (Button("activate", "Activate", "check"),)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with tenant_scope(obj.tenant_id):
            written = prompt_write(obj.text, obj.note)
        obj.pk, obj.version, obj._state.adding = written.pk, written.version, False
        self.note(request, "created", obj, {"version": obj.version})

    def do_activate(self, request: HttpRequest, row: Any) -> str:
        with tenant_scope(row.tenant_id):
            prompt_activate(row)
        self.note(request, "activated", row)
        return f"Version {row.version} holds now."
