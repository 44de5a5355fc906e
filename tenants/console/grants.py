"""The base of pages that give permissions away: never more than the member of staff has themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants.access.permissions import ALL, PERMISSIONS
from tenants.console.pages import TenantAdmin, may_grant

SCOPES = [
    (ALL, "Everything, also what comes later"),
    *((name, f"{name}: {what}") for name, what in PERMISSIONS.items()),
]


class PermissionsField(forms.MultipleChoiceField):
    def __init__(self, **options: Any):
        super().__init__(choices=SCOPES, widget=UnfoldAdminCheckboxSelectMultipleWidget, **options)


class GrantForm(forms.ModelForm):
    """A form that gives permissions away: never more than its author has. ``request`` is set by the page."""

    request: HttpRequest

    def granted(self) -> list[str]:
        raise NotImplementedError

    def clean(self) -> Any:
        cleaned = super().clean()
        tenant = self.cleaned_data.get("tenant")
        if tenant and not self.errors and not may_grant(self.request, tenant.id, self.granted()):
            raise forms.ValidationError("You cannot give permissions that you do not have yourself.")
        return cleaned


class GrantAdmin(TenantAdmin):
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        form.request = request
        return form
