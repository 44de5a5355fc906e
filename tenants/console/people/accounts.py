"""The console's pages on accounts, roles and memberships."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.urls import path
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from tenants.access.limits import client_ip
from tenants.access.logins import tell_tenants
from tenants.access.members import member_add, staff_make
from tenants.console.grants import GrantForm, PermissionsField, PlaceAdmin, Told
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, row_id
from tenants.console.pages.trailed import Trailed
from tenants.console.pages.whose import memberships_of, operates, permissions_in, tenants_with
from tenants.console.people.desks import NAMES, DeskForm, DeskShown
from tenants.console.people.own_alerts import alerts_page
from tenants.models import Membership, Role, Tenant, User
from tenants.people.admins import admins_kept_of
from tenants.people.second import require_may_reset, second_reset
from tenants.scope import tenant_scope
from tenants.storage.db import retried
from tenants.trail.audit import audit

MOST = 1000  # roles in one select; of one tenant there are a handful


class RoleForm(GrantForm):
    hands_on = frozenset({"name"})  # who is given that name from now on
    permissions = PermissionsField()

    def granted(self) -> list[str]:
        return self.cleaned_data["permissions"]


class MembershipForm(DeskForm, GrantForm):
    def granted(self) -> list[str]:
        return self.cleaned_data["role"].permissions


class PlaceForm(forms.ModelForm):
    """An account with a place in a tenant: without one, or all rights, it signs in and sees nothing."""

    place = forms.ChoiceField(
        required=False, label="Member of", widget=UnfoldAdminSelectWidget,
        help_text="A tenant, and the role there. Further ones: under Memberships, or here once more",
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        place: Any = self.fields.get("place")
        if place:
            place.choices = places(str(self.initial.get("tenant", "")))
            self.initial.setdefault("place", first_place(place.choices) if self.initial.get("tenant") else "")

    def chosen(self) -> Role | None:
        value = self.cleaned_data.get("place")
        # unscoped: superusers make accounts, of every tenant
        return Role.objects.unscoped().select_related("tenant").get(id=value) if value else None

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        there = not self.instance._state.adding
        if not (cleaned.get("place") or cleaned.get("is_superuser") or there):
            self.add_error("place", "Choose one: an account without a place sees nothing.")
        return cleaned


class NewUserForm(PlaceForm, UserCreationForm):
    pass


class KnownUserForm(PlaceForm, UserChangeForm):
    pass


def places(tenant: str = "") -> list[tuple[str, Any]]:
    """Roles to choose from, by tenant; of one tenant only when its id is given."""
    # unscoped: superusers make accounts, of every tenant
    roles = Role.objects.unscoped().exclude(tenant__status=Tenant.Status.REMOVING).select_related("tenant")
    with suppress(ValueError):  # of an address that was changed by hand: all are shown
        roles = roles.filter(tenant_id=uuid.UUID(tenant)) if tenant else roles
    choices: dict[str, list[tuple[str, str]]] = {}
    for role in roles.order_by("tenant__name", "tenant_id", "name")[:MOST]:
        group = f"{role.tenant.name} ({role.tenant.slug})"  # not seen once the list is closed
        choices.setdefault(group, []).append((str(role.id), f"{role.tenant.name} · {role.name}"))
    return [("", "—"), *choices.items()]


def first_place(choices: list[tuple[str, Any]]) -> str:
    """A tenant's first member gets the role that may do everything there."""
    roles = [role for group, found in choices if group for role in found]
    return next((value for value, name in roles if name.endswith("· admin")), "")


@admin.register(User)
class UsersAdmin(Told, Trailed, UserAdmin, ModelAdmin):
    """Accounts are of the whole service: superusers manage them, others see their colleagues."""

    form = KnownUserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "email", "member_of", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Member", {"fields": ("member_of", "place")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Member", {"fields": ("place", "is_superuser")}),
    )
    readonly_fields = ("last_login", "date_joined", "member_of")
    colleague_fieldsets = ((None, {"fields": ("username", "first_name", "last_name", "email", "last_login")}),)

    @display(description="Name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "—"

    @display(description="Member of")
    def member_of(self, user: User) -> str:
        rows = user.shown_memberships if hasattr(user, "shown_memberships") else memberships(user)
        return ", ".join(f"{row.tenant} ({row.role})" for row in rows) or "—"

    def get_list_display(self, request: HttpRequest) -> Any:
        """Where else colleagues belong is none of a tenant's business."""
        shown = super().get_list_display(request)
        return [name for name in shown if name != "member_of" or operates(request)]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        role = form.chosen() if isinstance(form, PlaceForm) else None
        obj.is_staff = bool(obj.is_staff or obj.is_superuser or role)
        with admins_kept_of([obj]):
            super().save_model(request, obj, form, change)
            if role:
                member, _ = member_add(role.tenant, obj, role.name)
                with tenant_scope(role.tenant_id):
                    audit(request.user, "membership.created", member, {"role": role.name}, client_ip(request))

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Django's own word of what was changed, also by the page of a new password: names of fields."""
        if message:
            parts = [one.get("changed", {}) for one in message if isinstance(one, dict)]
            fields = sorted(str(name) for part in parts for name in part.get("fields", ())) or ["password"]
            tell_tenants(request.user, obj, "user.updated", client_ip(request), {"fields": fields})

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase(User.objects.filter(pk=obj.pk), request)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        erase(queryset, request)

    def get_queryset(self, request: HttpRequest) -> Any:
        users = super().get_queryset(request)
        if operates(request):
            # unscoped: superusers see every tenant
            of_all = Membership.objects.unscoped().select_related("tenant", "role").order_by("id")
            return users.prefetch_related(Prefetch("memberships", of_all, to_attr="shown_memberships"))
        return users.filter(memberships__tenant__in=tenants_with(request, "members:read")).distinct()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fieldsets(request, obj) if operates(request) else self.colleague_fieldsets

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return "members:read" in permissions_in(request, None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return operates(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return operates(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return operates(request)


@retried
def erase(users: Any, request: HttpRequest) -> None:
    """All of them or none, with what hangs on them. Raises Conflict where one may not go yet."""
    with admins_kept_of(users):
        for user in users:
            tell_tenants(request.user, user, "user.deleted", client_ip(request))
        users.delete()


def memberships(user: User) -> Any:
    # unscoped: superusers see every tenant
    return Membership.objects.unscoped().filter(user=user).select_related("tenant", "role").order_by("id")


@admin.register(Role)
class RoleAdmin(PlaceAdmin):
    resource = "members"
    form = RoleForm
    grants = "permissions"
    fields = ("tenant", "name", "permissions")
    list_display = ("name", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("name",)

    def held_by(self, row: Role) -> list[str]:
        return row.permissions


@admin.register(Membership)
class MembershipAdmin(DeskShown, PlaceAdmin):
    resource = "members"
    form = MembershipForm
    readonly_fields = ("at_once", "speaks", "good_at")
    list_display = ("user", "role", *readonly_fields, "second_step", "tenant")
    buttons = (
        Button(
            "reset_second", "Reset second step", "phonelink_erase",
            "Their devices and codes on paper end, and they are signed out everywhere. Are you sure that it is they who ask?",
        ),
    )  # fmt: skip
    list_filter = (TenantFilter,)
    list_select_related = ("user", "role", "tenant")
    search_fields = ("user__username", "user__email")

    def get_fields(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        reads = obj is not None and not self.has_change_permission(request, obj)
        return ("tenant", "user", "role", "picture", *(self.readonly_fields if reads else NAMES))

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        """A place is one person's: handed on, it would give its role to another account."""
        return (*self.readonly_fields, "user") if obj else self.readonly_fields

    def held_by(self, row: Membership) -> list[str]:
        return row.role.permissions

    @display(description="Second step", label={"yes": "success", "no": "warning"})
    def second_step(self, row: Membership) -> str:
        return "yes" if row.user.second_factor_at else "no"

    def buttons_of(self, request: HttpRequest, row: Membership) -> Any:
        return super().buttons_of(request, row) if row.user.second_factor_at else ()

    def do_reset_second(self, request: HttpRequest, row: Membership) -> str:
        if not operates(request):
            require_may_reset(row.user, dict(memberships_of(request)))
        second_reset(row.user)
        tell_tenants(request.user, row.user, "second_factor.reset", client_ip(request))
        return f"{row.user} signs in by the password alone now, and was signed out everywhere."

    def get_urls(self) -> list[Any]:
        mine = path("alerts/", self.admin_site.admin_view(self.alerts_view), name="tenants_membership_alerts")
        return [mine, *super().get_urls()]

    def alerts_view(self, request: HttpRequest) -> HttpResponse:
        return alerts_page(self, request)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        staff_make(obj.user)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "role" and not row_id(request):
            field = super().formfield_for_foreignkey(db_field, request, **options)
            field.queryset = field.queryset.select_related("tenant").order_by("tenant__name", "name")
            field.label_from_instance = lambda role: f"{role.tenant} · {role}"
            return field
        if db_field.name == "user":
            options["queryset"] = UsersAdmin(User, self.admin_site).get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **options)
