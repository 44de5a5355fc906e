"""The console's page on API keys. A key is shown once, when it is made."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from tenants.access.api_keys import api_key_create, api_key_revoke, api_key_rotate
from tenants.access.permissions import require_held
from tenants.console.grants import GrantAdmin, GrantForm, PermissionsField
from tenants.console.once import show_once
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button
from tenants.console.pages.whose import permissions_in
from tenants.models import ApiKey
from tenants.storage.db import now

SHOWN_ONCE = "Copy the key now, it will not be shown again."


class ApiKeyForm(GrantForm):
    scopes = PermissionsField()

    def granted(self) -> list[str]:
        return self.cleaned_data["scopes"]


@admin.register(ApiKey)
class ApiKeyAdmin(GrantAdmin):
    """A key is shown once, when it is made; afterwards it can only be replaced or ended."""

    resource = "keys"
    form = ApiKeyForm
    grants = "scopes"
    deeds = frozenset({"add"})
    buttons = (
        Button("rotate", "Rotate", "autorenew", "The present key goes on for 24 hours. Make its successor?"),
        Button("revoke", "Revoke", "block", "End this key and every token issued for it?"),
    )
    actions = ("revoke",)
    fields = ("tenant", "name", "scopes", "expires_at")
    list_display = ("name", "shown_prefix", "state", "tenant", "expires_at", "last_used_at")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("name", "prefix")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        facts = ("shown_prefix", "revoked_at", "last_used_at", "created_at")
        return (*self.fields, *facts) if obj else self.fields

    @display(description="Key")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"csk_{key.prefix}_…"

    @display(
        description="State", label={"revoked": "danger", "expired": "danger", "ending": "warning", "valid": "success"}
    )
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        if key.expires_at is None:
            return "valid"
        return "expired" if key.expires_at <= now() else "ending"

    def buttons_of(self, request: HttpRequest, row: ApiKey) -> Any:
        return super().buttons_of(request, row) if self.state(row) in ("valid", "ending") else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        made, plaintext = api_key_create(tenant=obj.tenant, name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        form.instance.__dict__.update(made.__dict__)  # the page goes on with the row that was stored
        self.note(request, "created", made, {"prefix": made.prefix})
        show_once(request, SHOWN_ONCE, plaintext, "API key")

    def do_rotate(self, request: HttpRequest, key: ApiKey) -> str:
        require_held(permissions_in(request, key.tenant_id), after=key.scopes)
        made, plaintext = api_key_rotate(key)
        self.note(request, "rotated", key, {"successor": made.prefix})
        show_once(request, SHOWN_ONCE, plaintext, "API key")
        return f"{key} ends at {key.expires_at:%Y-%m-%d %H:%M} UTC; put its successor in its place until then."

    def do_revoke(self, request: HttpRequest, key: ApiKey) -> str:
        api_key_revoke(key)
        self.note(request, "revoked", key)
        return f"{key} has been revoked."

    @admin.action(description="Revoke", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "revoke", queryset)
