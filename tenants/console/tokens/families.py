"""The console's page on families of tokens: whose are out, and their end."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from tenants.access.grants.families import family_end, family_state
from tenants.console.grants import permissions_shown
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.models import TokenFamily


@admin.register(TokenFamily)
class TokenFamilyAdmin(TenantAdmin):
    resource = "keys"
    personal = True  # a subject is a person of the tenant's
    deeds = frozenset()
    readonly_fields = ("may",)
    buttons = (Button("revoke", "End", "block", "Refuse every token of this exchange?"),)
    fields = (
        "tenant", "subject", "state", "key_prefix", "may", "moves", "moved_at", "expires_at", "ended_at",
        "created_at",
    )  # fmt: skip
    list_display = ("subject", "state", "key_prefix", "tenant", "moved_at", "expires_at")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("subject", "key_prefix")

    @display(description="Permissions")
    def may(self, family: TokenFamily) -> Any:
        return permissions_shown(family.permissions)

    @display(
        description="State", label={"reused": "danger", "revoked": "danger", "expired": "warning", "valid": "success"}
    )
    def state(self, family: TokenFamily) -> str:
        return family_state(family)

    def buttons_of(self, request: HttpRequest, row: TokenFamily) -> list[Button]:
        return list(super().buttons_of(request, row)) if self.state(row) == "valid" else []

    def do_revoke(self, request: HttpRequest, family: TokenFamily) -> str:
        if family_end(family.id, TokenFamily.Ended.REVOKED):
            self.note(request, "revoked", family)
        return "Every token of this exchange is refused."
