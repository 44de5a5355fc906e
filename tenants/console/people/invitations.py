"""The console's page on invitations: a tenant's own admins ask people to join, by e-mail or by a link that they hand over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from tenants.access.invitations import (
    invitation_check,
    invitation_create,
    invitation_revoke,
    invitation_send,
    mails,
    state_of,
)
from tenants.access.permissions import require_held
from tenants.console.grants import GrantAdmin, GrantForm
from tenants.console.once import show_once
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button
from tenants.console.pages.whose import permissions_in
from tenants.errors import ServiceError
from tenants.models import Invitation

MOST = 200  # roles that are looked at
TONES = {"waiting": "info", "not sent": "danger", "expired": "warning", "joined": "success", "revoked": "danger"}


NEW_LINK = Button("send", "New link", "link")


def tell(request: HttpRequest, row: Invitation, by_mail: str) -> None:
    if row.link:
        show_once(request, SHOWN_ONCE.format(row), row.link, "Link of the invitation")
    else:
        messages.success(request, by_mail)


def name_of(user: Any) -> str:
    return str(user.get_full_name() or user.get_username())


SHOWN_ONCE = "Copy this link now and give it to {}. It is not shown again, and counts once, for seven days."
NO_MAIL = "This service sends no e-mail: you get a link, which you hand over yourself."


class InvitationForm(GrantForm):
    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        if "email" in self.fields and not mails():
            self.fields["email"].help_text = NO_MAIL

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
        if row.accepted_at or row.revoked_at:
            return ()
        shown = super().buttons_of(request, row)
        return shown if mails() else [NEW_LINK if button.verb == "send" else button for button in shown]

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        made = invitation_create(obj.tenant, obj.email, obj.role, name_of(request.user))
        form.instance.__dict__.update(made.__dict__)  # the page goes on with the row that was stored
        self.note(request, "created", made, {"role": made.role.name})

    def response_add(self, request: HttpRequest, obj: Invitation, post_url_continue: Any = None) -> HttpResponse:
        """Who was invited, and how they learn of it, in the place of Django's words."""
        tell(request, obj, f"{obj} gets an e-mail with a link, which counts once, for seven days.")
        return self.response_post_save_add(request, obj)

    def do_send(self, request: HttpRequest, row: Invitation) -> str:
        require_held(permissions_in(request, row.tenant_id), after=row.role.permissions)
        invitation_send(row, name_of(request.user))
        self.note(request, "sent", row)
        tell(request, row, f"{row} gets a new link by e-mail; the former one has ended.")
        return ""

    def do_revoke(self, request: HttpRequest, row: Invitation) -> str:
        invitation_revoke(row.id)
        self.note(request, "revoked", row)
        return f"The link of {row} has ended."
