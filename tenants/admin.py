"""The console's pages on tenants and the audit trail; those on people and keys stand in tenants/console.

Must not decide who may see what: that is tenants/console/pages/whose.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from tenants import tenant_settings
from tenants.access.limits import client_ip
from tenants.access.members import roles_give
from tenants.access.permissions import ROLES
from tenants.api.trail.export import FORMS
from tenants.console import keys
from tenants.console.grants import Named
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import operates, tenants_with
from tenants.console.people import accounts, invitations
from tenants.console.plain_words import plain_words
from tenants.console.tokens import clients, families, issuers
from tenants.errors import Conflict, Invalid
from tenants.models import AuditEntry, Removal, Tenant
from tenants.removal import removal_start
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, now
from tenants.trail.audit import audit

admin.site.unregister(Group)

__all__ = [
    "TenantsAdmin",
    "accounts",
    "clients",
    "families",
    "invitations",
    "issuers",
    "keys",
]  # importing the pages registers them


class TenantForm(Named, forms.ModelForm):
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
            raise forms.ValidationError([f"{one['field']}: {plain_words(one)}" for one in error.details]) from error
        return value


@admin.register(Tenant)
class TenantsAdmin(TenantAdmin):
    """``pages``: further ones on one tenant, by name, from the rooms that they belong to: label, icon and view."""

    resource = "tenants"
    tenant_path = "id"
    form = TenantForm
    pages: ClassVar[dict[str, tuple[str, str, Callable[[TenantsAdmin, HttpRequest, Tenant], HttpResponse]]]] = {}
    facts = ("name", "slug", "status")
    fields = (*facts, "settings")
    list_display = ("name", "slug", "state", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    @display(description="Status", label={"active": "success", "suspended": "danger", "removing": "danger"})
    def state(self, tenant: Tenant) -> str:
        return tenant.status

    def has_add_permission(self, request: HttpRequest) -> bool:
        return operates(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return operates(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Settings have pages with forms; operators may see and change what is stored."""
        stored = ("As it is stored", {"fields": ("settings",), "classes": ["collapse"]})
        return [(None, {"fields": self.facts}), *([stored] if obj and operates(request) else [])]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.prepopulated_fields if obj is None else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if operates(request) else ("slug", "status")

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        with atomic():
            if change:
                self._unchanged_read(obj, form)
            super().save_model(request, obj, form, change)
            if not change:
                roles_give(obj)
        tenant_settings.invalidate(obj.id)

    def response_add(self, request: HttpRequest, obj: Tenant, post_url_continue: Any = None) -> HttpResponse:
        """A new tenant's next step is its first member."""
        if {"_continue", "_addanother"} & request.POST.keys():
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, f"{obj} was made, with the roles {', '.join(ROLES)}. Add its first member.")
        return HttpResponseRedirect(f"{reverse('admin:tenants_user_add')}?tenant={obj.pk}")

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
            try:
                removal = removal_start(tenant, request.user)
            except Conflict as refused:
                messages.error(request, refused.message)
                return HttpResponseRedirect(request.path)
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
        return request.user.is_active and operates(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(TenantAdmin):
    resource = "audit"
    deeds = frozenset()
    fields = ("tenant", "created_at", "actor", "action", "target", "changes", "ip")
    list_display = ("created_at", "actor", "action", "target", "ip", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("actor", "action", "target")
    change_list_template = "admin/tenants/auditentry/list.html"

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/<slug:form>/", export, name="tenants_auditentry_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        ways = [("csv", "Take as a table (CSV)"), ("jsonl", "Take as JSON lines")]
        return super().changelist_view(request, {**(extra_context or {}), "exports": ways})

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """What the list shows by its search and its tenant, as a file. Taking it stands in the trail of each tenant."""
        if form not in FORMS or request.method != "POST":
            raise Http404
        tenants = tenants_with(request, self.permission("read"))
        if request.POST.get("tenant"):
            tenants = [one for one in tenants if str(one.pk) == request.POST["tenant"]]
        ids = [one.pk for one in tenants]
        if not ids:
            raise PermissionDenied
        for tenant_id in ids:
            with tenant_scope(tenant_id):
                audit(request.user, "audit.exported", "", {"format": form}, client_ip(request))
        # unscoped: of several tenants at once; limited to those of the member of staff right here
        rows, _ = self.get_search_results(
            request, AuditEntry.objects.unscoped().filter(tenant__in=ids), request.POST.get("q", "")
        )
        answer = StreamingHttpResponse(FORMS[form].write(rows.order_by()), content_type=FORMS[form].mime)
        answer["Content-Disposition"] = f'attachment; filename="audit.{FORMS[form].extension}"'
        return answer
