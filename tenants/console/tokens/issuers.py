"""The console's page on trusted issuers: services of the tenant's own whose tokens are taken.

Keys are fetched before Django's page opens its transaction: a stranger's server would hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from tenants.access.limits import client_ip
from tenants.access.signing.issuers import Keys, issuer_change, issuer_create, issuer_end, issuer_try, keys_at
from tenants.console.grants import GrantAdmin, GrantForm, PermissionsField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button
from tenants.errors import ServiceError
from tenants.models import TrustedIssuer
from tenants.scope import tenant_scope
from tenants.trail.audit import audit


class IssuerForm(GrantForm):
    hands_on = frozenset({"jwks_url"})  # who holds the keys may do all that it may
    permissions = PermissionsField(help_text="The most that its tokens have")

    def granted(self) -> list[str]:
        return self.cleaned_data["permissions"]

    def clean(self) -> Any:
        cleaned = super().clean() or self.cleaned_data
        found = getattr(self.request, "issuer_keys", None)
        if isinstance(found, ServiceError):
            self.add_error("jwks_url", found.message)
        return cleaned


@admin.register(TrustedIssuer)
class TrustedIssuerAdmin(GrantAdmin):
    resource = "tenants"
    form = IssuerForm
    grants = "permissions"
    buttons = (Button("try", "Try it", "cable"),)
    facts = ("key_ids", "fetched_at", "created_at")
    fields = ("tenant", "issuer", "audience", "jwks_url", "permissions")
    list_display = ("issuer", "audience", "tenant", "fetched_at")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("issuer", "audience")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, *self.facts) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("issuer", "audience", *self.facts) if obj else ()  # they name the tenant

    @display(description="Keys")
    def key_ids(self, row: TrustedIssuer) -> str:
        return ", ".join(sorted(row.keys))

    def held_by(self, row: TrustedIssuer) -> list[str]:
        return list(row.permissions)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        if request.method == "POST":
            request.issuer_keys = self._keys(request, object_id)  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _keys(self, request: HttpRequest, object_id: str | None) -> Keys | ServiceError | None:
        """What stands at the address in the form, or why nothing does; None where there is no new one to look at."""
        row = self.get_object(request, object_id) if object_id else None
        address = request.POST.get("jwks_url", "").strip()
        may = self.has_change_permission(request, row) if row else self.has_add_permission(request)
        if not may or not address or (row and row.jwks_url == address):
            return None
        try:
            return keys_at(address)
        except ServiceError as error:
            return error

    def save_model(self, request: HttpRequest, obj: TrustedIssuer, form: Any, change: bool) -> None:
        said, keys = form.cleaned_data, request.issuer_keys  # type: ignore[attr-defined]
        if change:
            stored = TrustedIssuer.objects.get(id=obj.id)  # the form has written into its own already
            row = issuer_change(stored, jwks_url=said["jwks_url"], permissions=said["permissions"], keys=keys)
        else:
            names = ("issuer", "audience", "jwks_url", "permissions")
            row = issuer_create(obj.tenant, **{name: said[name] for name in names}, keys=keys)
        form.instance.__dict__.update(row.__dict__)  # the page goes on with the row that was stored
        fields = {"fields": sorted(form.changed_data)} if change else {}
        self.note(request, "updated" if change else "created", row, {**fields, "permissions": row.permissions})

    def note(self, request: HttpRequest, deed: str, obj: Any, changes: Mapping[str, Any] | None = None) -> None:
        """By the name that REST has for it."""
        with tenant_scope(obj.tenant_id):
            audit(request.user, f"tokenissuer.{deed}", f"tokenissuer:{obj.pk}", changes, client_ip(request))

    def delete_model(self, request: HttpRequest, obj: TrustedIssuer) -> None:
        self.note(request, "deleted", obj)
        issuer_end(obj)

    def do_try(self, request: HttpRequest, issuer: TrustedIssuer) -> str:
        found = issuer_try(issuer)
        self.note(request, "tried", issuer, {"keys": len(found)})
        return f"The address answers: {len(found)} {'key' if len(found) == 1 else 'keys'} ({', '.join(found)[:500]})."
