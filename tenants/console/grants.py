"""The base of pages that give permissions or take them away: never more than the member of staff has themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from pydantic_core import PydanticCustomError
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants.access.permissions import ALL, PERMISSIONS, require_held
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.errors import Forbidden, ServiceError
from tenants.names import name_taken
from tenants.people.admins import admins_kept
from tenants.storage.db import atomic

SCOPES = [
    (ALL, "Everything, also what comes later"),
    *((name, f"{name}: {what}") for name, what in PERMISSIONS.items()),
]


class PermissionsField(forms.MultipleChoiceField):
    def __init__(self, **options: Any):
        super().__init__(choices=SCOPES, widget=UnfoldAdminCheckboxSelectMultipleWidget, **options)


def permissions_shown(names: Iterable[str]) -> Any:
    """Permissions of a row to read, in words."""
    words = dict(SCOPES)
    return format_html_join(mark_safe("<br>"), "{}", ((words.get(name, name),) for name in names)) or "—"


class Named(forms.Form):
    """A form of the console with a ``name``."""

    def clean_name(self) -> str:
        try:
            return name_taken(self.cleaned_data["name"])
        except PydanticCustomError as error:
            raise forms.ValidationError(f"{error.message()}.") from error


class GrantForm(Named, forms.ModelForm):
    """A form that gives permissions away, or takes them: never more than its author has. ``request`` is set by the page;
    ``held`` are the permissions of the row as it is stored, none of a new one. ``hands_on``: the fields that say to whom
    those go."""

    hands_on: ClassVar[frozenset[str]] = frozenset()
    request: HttpRequest
    held: list[str]

    def granted(self) -> list[str]:
        raise NotImplementedError

    def clean(self) -> Any:
        cleaned = super().clean()
        tenant = self.cleaned_data.get("tenant")
        if tenant and not self.errors:
            try:
                mine = permissions_in(self.request, tenant.id)
                require_held(mine, before=self.held, after=self.granted())
                if not self.instance._state.adding and self.hands_on.intersection(self.changed_data):
                    require_held(mine, after=self.held)
            except Forbidden as error:
                raise forms.ValidationError(error.message) from error
        return cleaned


class Told:
    """What a rule refuses while it is stored is told on the page that the member of staff came from."""

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        return self._told(request, super().changeform_view, *args, **options)  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        return self._told(request, super().delete_view, *args, **options)  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        return self._told(request, super().changelist_view, *args, **options)  # type: ignore[misc]

    def _told(self, request: HttpRequest, view: Any, *args: Any, **options: Any) -> Any:
        if request.method != "POST":
            return view(request, *args, **options)
        try:
            with atomic():  # what Django writes around it goes, too
                return view(request, *args, **options)
        except ServiceError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())


class GrantAdmin(Told, TenantAdmin):
    """``grants``: the column of permissions, if the row has one of its own."""

    grants = ""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may not change a row reads its permissions in words."""
        sets = super().get_fieldsets(request, obj)
        if not self.grants or obj is None or self.has_change_permission(request, obj):
            return sets
        shown = {self.grants: "may"}
        return [(name, {**of, "fields": [shown.get(field, field) for field in of["fields"]]}) for name, of in sets]

    @display(description="Permissions")
    def may(self, row: Any) -> Any:
        return permissions_shown(getattr(row, self.grants))

    def held_by(self, row: Any) -> list[str]:
        """The permissions that a stored row stands for."""
        return []

    def require_mine(self, request: HttpRequest, row: Any) -> None:
        """Raises Forbidden for a row with permissions that the member of staff lacks."""
        require_held(permissions_in(request, row.tenant_id), before=self.held_by(row))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        form.request, form.held = request, self.held_by(obj) if obj else []
        return form


class PlaceAdmin(GrantAdmin):
    """Rows that decide who is admin of a tenant: the last one stays."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with admins_kept(obj.tenant_id):
            if change:
                stored = type(obj).objects.get(pk=obj.pk)  # not as it was when the form was checked
                require_held(permissions_in(request, obj.tenant_id), before=self.held_by(stored), after=form.granted())
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with admins_kept(obj.tenant_id):
            self.require_mine(request, obj)
            super().delete_model(request, obj)
