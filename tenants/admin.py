"""The console's pages on tenants, staff, roles, API keys and the audit trail.

Must not decide who may see what: that is tenants/console/pages.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants import tenant_settings
from tenants.access.api_keys import api_key_create, api_key_revoke
from tenants.access.permissions import ALL, PERMISSIONS
from tenants.console.own_alerts import alerts_page
from tenants.console.pages import Button, TenantAdmin, TenantFilter, may_grant, permissions_in, tenants_with
from tenants.errors import Invalid
from tenants.models import ApiKey, AuditEntry, Membership, Removal, Role, Tenant, User
from tenants.removal import removal_start
from tenants.storage.db import atomic, now

admin.site.unregister(Group)

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


class RoleForm(GrantForm):
    permissions = PermissionsField()

    def granted(self) -> list[str]:
        return self.cleaned_data["permissions"]


class MembershipForm(GrantForm):
    def granted(self) -> list[str]:
        return self.cleaned_data["role"].permissions


class ApiKeyForm(GrantForm):
    scopes = PermissionsField()

    def granted(self) -> list[str]:
        return self.cleaned_data["scopes"]


class GrantAdmin(TenantAdmin):
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        form.request = request
        return form


class TenantForm(forms.ModelForm):
    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        status: Any = self.fields.get("status")
        if status:  # a removal begins on its own page
            status.choices = [choice for choice in Tenant.Status.choices if choice[0] != Tenant.Status.REMOVING]

    def clean_settings(self) -> Any:
        value = self.cleaned_data["settings"] or {}
        try:
            tenant_settings.settings_check(value)
        except Invalid as error:
            raise forms.ValidationError([f"{one['field']}: {one['message']}" for one in error.details]) from error
        return value


@admin.register(Tenant)
class TenantsAdmin(TenantAdmin):
    """``pages``: further ones on one tenant, by name, from the rooms that they belong to: label, icon and view."""

    resource = "tenants"
    tenant_path = "id"
    form = TenantForm
    pages: ClassVar[dict[str, tuple[str, str, Callable[[TenantsAdmin, HttpRequest, Tenant], HttpResponse]]]] = {}
    fields = ("name", "slug", "status", "settings")
    list_display = ("name", "slug", "state", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    @display(description="Status", label={"active": "success", "suspended": "danger", "removing": "danger"})
    def state(self, tenant: Tenant) -> str:
        return tenant.status

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.prepopulated_fields if obj is None else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if request.user.is_superuser else ("slug", "status")

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        with atomic():
            if change:
                self._unchanged_read(obj, form)
            super().save_model(request, obj, form, change)
        tenant_settings.invalidate(obj.id)

    def _unchanged_read(self, tenant: Tenant, form: Any) -> None:
        """Lock the row, and take from it what the form leaves alone: a suspension of this moment stays."""
        staying = Tenant.objects.filter(id=tenant.id).exclude(status=Tenant.Status.REMOVING)
        if not staying.update(updated_at=now()):
            raise PermissionDenied("The tenant is being removed.")
        tenant.refresh_from_db(fields=[name for name in self.fields if name not in form.changed_data])

    # ---- further pages -------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        further = [
            path(
                f"<uuid:object_id>/{name}/", self.admin_site.admin_view(partial(self.page_view, name=name)),
                name=f"tenants_tenant_{name}",
            )
            for name in self.pages
        ]  # fmt: skip
        return [*further, *super().get_urls()]

    def page_view(self, request: HttpRequest, object_id: uuid.UUID, name: str) -> HttpResponse:
        tenant = self.get_object(request, str(object_id))
        if tenant is None or not self.has_view_permission(request, tenant):
            raise Http404
        return self.pages[name][2](self, request, tenant)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        links = [
            (label, icon, reverse(f"admin:tenants_tenant_{name}", args=[row.pk]))
            for name, (label, icon, _) in self.pages.items()
        ]
        return {**super().page_context(request, row), "links": links}

    # ---- removal -------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        removing = obj is not None and obj.status == Tenant.Status.REMOVING
        return not removing and super().has_change_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """One tenant at a time, and with its slug typed: there is no removal of a selection."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Asks for the slug, and begins the removal; Django's own page would load every row of the tenant."""
        tenant = self.get_object(request, object_id)
        if tenant is None or not self.has_delete_permission(request, tenant):
            raise PermissionDenied
        typed = request.POST.get("slug", "")
        if request.method == "POST" and typed == tenant.slug:
            removal = removal_start(tenant, request.user)
            messages.success(request, f"{tenant} is refused from now on, and is being removed.")
            return HttpResponseRedirect(reverse("admin:tenants_removal_change", args=[removal.pk]))
        context = {**self.admin_site.each_context(request), "title": f"Remove {tenant}", "tenant": tenant}
        context |= {"opts": self.opts, "wrong": request.method == "POST"}
        return TemplateResponse(request, "admin/tenants/tenant/remove.html", context)


@admin.register(Removal)
class RemovalAdmin(ModelAdmin):
    """How far removals of tenants are, and what stays of them; superusers only."""

    list_display = ("slug", "state", "rows", "files", "requested_by", "created_at", "finished_at")
    list_filter = ("status",)
    ordering = ("-id",)
    fields = readonly_fields = (
        "slug", "name", "state", "table", "rows", "files", "requested_by", "created_at", "finished_at",
    )  # fmt: skip

    @display(description="Status", label={"running": "warning", "done": "success"})
    def state(self, removal: Removal) -> str:
        return removal.status

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UsersAdmin(UserAdmin, ModelAdmin):
    """Accounts are of the whole service: superusers manage them, others see their colleagues."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    colleague_fieldsets = ((None, {"fields": ("username", "first_name", "last_name", "email", "last_login")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        users = super().get_queryset(request)
        if request.user.is_superuser:
            return users
        return users.filter(memberships__tenant__in=tenants_with(request, "members:read")).distinct()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fieldsets(request, obj) if request.user.is_superuser else self.colleague_fieldsets

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return "members:read" in permissions_in(request, None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser


@admin.register(Role)
class RoleAdmin(GrantAdmin):
    resource = "members"
    form = RoleForm
    fields = ("tenant", "name", "permissions")
    list_display = ("name", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("name",)


@admin.register(Membership)
class MembershipAdmin(GrantAdmin):
    resource = "members"
    form = MembershipForm
    fields = ("tenant", "user", "role", "picture")
    list_display = ("user", "role", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("user", "role", "tenant")
    search_fields = ("user__username", "user__email")

    def get_urls(self) -> list[Any]:
        mine = path("alerts/", self.admin_site.admin_view(self.alerts_view), name="tenants_membership_alerts")
        return [mine, *super().get_urls()]

    def alerts_view(self, request: HttpRequest) -> HttpResponse:
        return alerts_page(self, request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "user":
            options["queryset"] = UsersAdmin(User, self.admin_site).get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **options)


@admin.register(ApiKey)
class ApiKeyAdmin(GrantAdmin):
    """A key is shown once, when it is made; afterwards it can only be ended."""

    resource = "keys"
    form = ApiKeyForm
    deeds = frozenset({"add"})
    buttons = (Button("revoke", "Revoke", "block", "End this key and every token issued for it?"),)
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

    @display(description="State", label={"revoked": "danger", "valid": "success"})
    def state(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "valid"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        made, plaintext = api_key_create(tenant=obj.tenant, name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        form.instance.__dict__.update(made.__dict__)  # the page goes on with the row that was stored
        self.note(request, "created", made, {"prefix": made.prefix})
        messages.warning(request, f"Copy the key now, it will not be shown again: {plaintext}")

    def do_revoke(self, request: HttpRequest, key: ApiKey) -> str:
        api_key_revoke(key)
        self.note(request, "revoked", key)
        return f"{key} has been revoked."

    @admin.action(description="Revoke", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "revoke", queryset)


@admin.register(AuditEntry)
class AuditEntryAdmin(TenantAdmin):
    resource = "audit"
    deeds = frozenset()
    fields = ("tenant", "created_at", "actor", "action", "target", "changes", "ip")
    list_display = ("created_at", "actor", "action", "target", "ip", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("actor", "action", "target")
