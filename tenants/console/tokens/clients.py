"""The console's page on OAuth clients. A secret is shown once, when it is made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldBooleanSwitchWidget

from tenants.access.grants.clients import client_change, client_create, client_end, client_rotate, client_wanted
from tenants.access.permissions import require_held
from tenants.console.grants import GrantAdmin, GrantForm, PermissionsField
from tenants.console.once import show_once
from tenants.console.pages.fields import LinesField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button
from tenants.console.pages.whose import permissions_in
from tenants.console.plain_words import plain_words
from tenants.errors import Invalid
from tenants.models import OAuthClient

SHOWN_ONCE = "Copy the secret now, it will not be shown again."
ADDRESSES = (
    "One per line, compared letter by letter: https, the scheme of an app, or http on 127.0.0.1. None: the client acts for "
    "itself alone."
)


class ClientForm(GrantForm):
    hands_on = frozenset({"redirect_uris"})  # codes sent there stand for all that it may
    scopes = PermissionsField()
    redirect_uris = LinesField(required=False, label="Redirect addresses", help_text=ADDRESSES)
    public = forms.BooleanField(
        required=False, label="Keeps no secret", widget=UnfoldBooleanSwitchWidget,
        help_text="An app on a device, or a page in a browser",
    )  # fmt: skip

    def granted(self) -> list[str]:
        return self.cleaned_data["scopes"]

    def clean(self) -> Any:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        there = not self.instance._state.adding
        public = not self.instance.secret_hash if there else cleaned["public"]
        try:
            client_wanted(cleaned["scopes"], cleaned["redirect_uris"], public=public)
        except Invalid as error:
            raise forms.ValidationError({one["field"]: plain_words(one) for one in error.details}) from error
        return cleaned


@admin.register(OAuthClient)
class OAuthClientAdmin(GrantAdmin):
    resource = "keys"
    form = ClientForm
    grants = "scopes"
    deeds = frozenset({"add", "change"})
    buttons = (
        Button("rotate", "New secret", "autorenew", "The present secret goes on for 24 hours. Make its successor?"),
        Button("revoke", "End", "block", "End this client and every token that it was given?"),
    )
    fields = ("tenant", "name", "scopes", "redirect_uris", "public")
    list_display = ("name", "client_id", "state", "tenant", "created_at")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("name", "client_id")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields[:-1], "client_id", "keeps", "created_at", "revoked_at") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("client_id", "keeps", "created_at", "revoked_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj is not None and obj.revoked_at) and super().has_change_permission(request, obj)

    @display(description="State", label={"ended": "danger", "valid": "success"})
    def state(self, client: OAuthClient) -> str:
        return "ended" if client.revoked_at else "valid"

    @display(description="Secret")
    def keeps(self, client: OAuthClient) -> str:
        return "one, shown when it was made" if client.secret_hash else "none: it proves itself by PKCE alone"

    def held_by(self, row: OAuthClient) -> list[str]:
        return list(row.scopes)

    def buttons_of(self, request: HttpRequest, row: OAuthClient) -> Any:
        if row.revoked_at:
            return ()
        return [one for one in super().buttons_of(request, row) if one.verb != "rotate" or row.secret_hash]

    def save_model(self, request: HttpRequest, obj: OAuthClient, form: Any, change: bool) -> None:
        said = form.cleaned_data
        if change:
            client_change(obj, name=said["name"], scopes=said["scopes"], redirect_uris=said["redirect_uris"])
            self.note(request, "updated", obj, {"fields": sorted(form.changed_data), "scopes": obj.scopes})
            return
        made, secret = client_create(
            obj.tenant, said["name"], said["scopes"], said["redirect_uris"], public=said["public"]
        )
        form.instance.__dict__.update(made.__dict__)  # the page goes on with the row that was stored
        self.note(request, "created", made, {"scopes": made.scopes})
        if secret:
            show_once(request, SHOWN_ONCE, secret, "Client secret")

    def do_rotate(self, request: HttpRequest, client: OAuthClient) -> str:
        require_held(permissions_in(request, client.tenant_id), after=client.scopes)
        secret = client_rotate(client)
        self.note(request, "rotated", client)
        show_once(request, SHOWN_ONCE, secret, "Client secret")
        return f"The former secret ends at {client.former_until:%Y-%m-%d %H:%M} UTC; put the new one in its place until then."

    def do_revoke(self, request: HttpRequest, client: OAuthClient) -> str:
        client_end(client)
        self.note(request, "revoked", client)
        return f"{client} has ended, with every token that it was given."
