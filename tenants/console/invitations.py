"""The console's page on invitations: a tenant's own admins ask people to join, by e-mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from tenants.access.invitations import invitation_check, invitation_create, invitation_revoke, invitation_send, state_of
from tenants.console.grants import GrantAdmin, GrantForm
from tenants.console.pages import Button, TenantFilter, may_grant
from tenants.errors import Forbidden, ServiceError
from tenants.models import Invitation

MOST = 200  # roles that are looked at
TONES = {"waiting": "info", "not sent": "danger", "expired": "warning", "joined": "success", "revoked": "danger"}


def name_of(user: Any) -> str:
    return str(user.get_full_name() or user.get_username())


class InvitationForm(GrantForm):
    def granted(self) -> list[str]:
        return self.cleaned_data["role"].permissions

    def clean(self) -> Any:
        cleaned = super().clean()
        if not self.errors:
            try:
                invitation_check(cleaned["email"])
            except ServiceError as error:
                raise forms.ValidationError(error.message) from error
        return cleaned


@admin.register(Invitation)
class InvitationAdmin(GrantAdmin):
    """Nothing is said of whether the address has an account: only its mailbox learns that."""

    resource = "members"
    form = InvitationForm
    deeds = frozenset({"add"})
    buttons = (
        Button("send", "Send again", "forward_to_inbox"),
        Button("revoke", "Revoke", "block", "End this invitation?"),
    )
    fields = ("tenant", "email", "role")
    list_display = ("email", "role", "state", "created_at", "expires_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("role", "tenant")
    search_fields = ("email",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, "state", "created_at", "expires_at", "accepted_at") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **options)
        if db_field.name == "role":
            field.queryset = field.queryset.select_related("tenant").order_by("tenant__name", "name")
            several = len({role.tenant_id for role in field.queryset[:MOST]}) > 1
            field.label_from_instance = lambda role: f"{role.tenant} · {role}" if several else str(role)
        return field

    @display(description="State", label=TONES)
    def state(self, row: Invitation) -> str:
        return state_of(row)

    def buttons_of(self, request: HttpRequest, row: Invitation) -> Any:
        over = row.accepted_at or row.revoked_at
        return () if over else super().buttons_of(request, row)

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        made = invitation_create(obj.tenant, obj.email, obj.role, name_of(request.user))
        form.instance.__dict__.update(made.__dict__)  # the page goes on with the row that was stored
        self.note(request, "created", made, {"role": made.role.name})

    def do_send(self, request: HttpRequest, row: Invitation) -> str:
        if not may_grant(request, row.tenant_id, row.role.permissions):
            raise Forbidden("This role may do more than you may: a colleague with its permissions can send it.")
        invitation_send(row, name_of(request.user))
        self.note(request, "sent", row)
        return f"{row} gets a new link; the former one has ended."

    def do_revoke(self, request: HttpRequest, row: Invitation) -> str:
        invitation_revoke(row.id)
        self.note(request, "revoked", row)
        return f"The link of {row} has ended."
