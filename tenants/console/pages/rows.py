"""The base of the pages of one model: whose rows are seen, who may change them, what is audited.

Must not know any particular model.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.access.limits import client_ip
from tenants.console.pages.fields import IndentedJSON, JSONValueField, can_be_seen
from tenants.console.pages.trailed import Trailed
from tenants.console.pages.whose import (
    memberships_of,
    operates,
    permissions_in,
    tenants_known,
    tenants_with,
)
from tenants.errors import ServiceError
from tenants.scope import tenant_scope
from tenants.trail.audit import audit
from tenants.trail.reads import read_noted

NO_TENANT = uuid.UUID(int=0)  # the scope of a form whose tenant is not chosen yet: sees no row
TOLD_SINGLY = 3  # kinds of answers of a deed with many rows; the others are counted


@dataclass(frozen=True)
class Button:
    """A verb on a row's page: posts to the admin's ``do_<verb>(request, row)``, which returns what to tell."""

    verb: str
    label: str
    icon: str = ""
    confirm: str = ""


class TenantAdmin(Trailed, ModelAdmin):
    """Pages of one model. A page about a row runs in the scope of the row's tenant.

    ``resource`` names the permissions (``<resource>:read``, ``:write``); ``deeds`` says which of add, change
    and delete there are at all; ``buttons`` are further verbs. Changes are audited.
    """

    resource: ClassVar[str]
    deeds: ClassVar[frozenset[str]] = frozenset({"add", "change", "delete"})
    buttons: ClassVar[tuple[Button, ...]] = ()
    tenant_path: ClassVar[str] = "tenant_id"
    begins: ClassVar[str] = ""  # what a list without rows says: what belongs into it, and where to begin
    personal: ClassVar[bool] = False  # a row tells of a person: who opens its page or a list is noted
    change_form_outer_before_template = "admin/buttons.html"
    show_full_result_count = False
    paginator = InfinitePaginator
    list_per_page = 50
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    compressed_fields = True
    formfield_overrides: ClassVar[Any] = {
        models.JSONField: {
            "form_class": JSONValueField,
            "widget": UnfoldAdminTextareaWidget,
            "encoder": IndentedJSON,
        }
    }
    warn_unsaved_form = True

    class Media:
        js = [forms.widgets.Script("console/page.js", type="module")]

    # ---- who may -------------------------------------------------------------------

    def permission(self, kind: str) -> str:
        return f"{self.resource}:{kind}"

    def allowed(self, request: HttpRequest, kind: str, obj: Any = None) -> bool:
        tenant_id = attrgetter(self.tenant_path)(obj) if obj is not None else None
        return self.permission(kind) in permissions_in(request, tenant_id)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.allowed(request, "read")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allowed(request, "read", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return "add" in self.deeds and self.allowed(request, "write")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return "change" in self.deeds and self.allowed(request, "write", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return "delete" in self.deeds and self.allowed(request, "write", obj)

    # ---- what is seen --------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        objects: Any = self.model._default_manager
        # unscoped: a member of staff sees several tenants at once; limited to them right here
        rows = objects.unscoped() if hasattr(objects, "unscoped") else objects.all()
        if not operates(request):
            rows = rows.filter(**{f"{self.tenant_path}__in": tenants_with(request, self.permission("read"))})
        return rows.order_by(*self.get_ordering(request))

    def get_list_display(self, request: HttpRequest) -> Any:
        """Staff of one tenant only need not read its name in every row."""
        one = not operates(request) and len(memberships_of(request)) == 1
        return [name for name in super().get_list_display(request) if not (one and name == "tenant")]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Parts go with the whole; staff who may delete it need no permission for each."""
        found, counts, _, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        if obj is not None and "tenant" in form.base_fields:
            form.base_fields["tenant"].disabled = True  # a row never moves to another tenant
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Choices of own tenants only; in a scope (the row's, or the one just chosen) of that tenant only."""
        if db_field.name == "tenant":
            options["queryset"] = tenants_with(request, self.permission("read" if row_id(request) else "write"))
            if row_id(request) is None and len(own := tenants_known(request, self.permission("write"))) == 1:
                options["initial"] = own[0].pk  # the one there is, is meant
        elif hasattr(db_field.related_model._default_manager, "unscoped"):
            objects = db_field.related_model._default_manager
            # unscoped: on an empty form the tenant is still to be chosen; limited to own ones
            own = objects.unscoped().filter(tenant__in=tenants_with(request, self.permission("write")))
            options["queryset"] = objects.all() if row_id(request) or request.method == "POST" else own
        return super().formfield_for_foreignkey(db_field, request, **options)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """The bare choice: what a row points at is changed on its own page. A text has something that can be seen."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if isinstance(field, forms.CharField) and isinstance(db_field, models.CharField | models.TextField):
            field.validators.append(can_be_seen)
        if isinstance(db_field, models.SlugField):
            field.error_messages["invalid"] = "Letters without accents, digits, - and _ alone."
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    # ---- pages of one row ----------------------------------------------------------

    def tenant_of(self, request: HttpRequest, object_id: str | None) -> uuid.UUID:
        """Whose scope a page runs in: the row's tenant, or the one chosen on a form to add."""
        if object_id is not None:
            row = self.get_object(request, object_id)
            return attrgetter(self.tenant_path)(row) if row is not None else NO_TENANT
        chosen = request.POST.get("tenant", "")
        own = {str(t.id): t.id for t in tenants_with(request, self.permission("write"))} if chosen else {}
        return own.get(chosen, NO_TENANT)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        with tenant_scope(self.tenant_of(request, object_id)):
            row = self.get_object(request, object_id) if object_id else None
            if row is not None and self.personal:
                read_noted(request.user, self.opts.model_name or "", row.pk, client_ip(request))
            extra = self.page_context(request, row) if row is not None else {}
            trail = permissions_in(request, attrgetter(self.tenant_path)(row)) if row is not None else ()
            extra["show_history"] = "audit:read" in trail
            response = super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})
            return _rendered(response)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """An address with a filter that there is not leads to the whole list, with a word about it."""
        try:
            known = ERROR_FLAG not in request.GET  # Django's own sign that it has refused one
            response = super().changelist_view(request, extra_context) if known else None
            self._list_noted(request, response)
        except DisallowedModelAdminLookup:
            response = None
        if response is None:
            messages.warning(request, "The address named a filter that this list does not have: all rows are shown.")
            return HttpResponseRedirect(request.path)
        return response

    def _list_noted(self, request: HttpRequest, response: Any) -> None:
        """In each tenant of which the list shows a row."""
        shown = getattr(response, "context_data", None) or {}
        if not self.personal or "cl" not in shown:
            return
        for tenant_id in {attrgetter(self.tenant_path)(row) for row in shown["cl"].result_list}:
            with tenant_scope(tenant_id):
                read_noted(request.user, self.opts.model_name or "", "", client_ip(request))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        with tenant_scope(self.tenant_of(request, object_id)):
            return _rendered(super().delete_view(request, object_id, extra_context))

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page of a row shows besides its form."""
        names = self.opts.app_label, self.opts.model_name
        shown = [
            (button, reverse("admin:{}_{}_do".format(*names), args=[row.pk, button.verb]))
            for button in self.buttons_of(request, row)
        ]
        return {"buttons": shown}

    def buttons_of(self, request: HttpRequest, row: Any) -> Iterable[Button]:
        """The verbs that make sense for this row and this member of staff."""
        return self.buttons if self.allowed(request, "write", row) else ()

    def verbs_of(self, request: HttpRequest, row: Any) -> Iterable[str]:
        """The verbs that are carried out when they are posted."""
        return [button.verb for button in self.buttons_of(request, row)]

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        do = path("<uuid:object_id>/do/<slug:verb>/", self.admin_site.admin_view(self.do_view), name=name)
        return [do, *super().get_urls()]

    def do_view(self, request: HttpRequest, object_id: uuid.UUID, verb: str) -> HttpResponse:
        """One of the buttons was pressed."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        back = HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        )
        if request.method != "POST":
            return back
        if verb not in self.verbs_of(request, row):
            raise PermissionDenied
        self.do(request, verb, [row])
        return back

    def do(self, request: HttpRequest, verb: str, rows: Iterable[Any]) -> None:
        """Carry out a verb on rows, each in its tenant's scope, and tell what came of it: of many, the first ones in words."""
        came: dict[int, Counter[str]] = {messages.SUCCESS: Counter(), messages.ERROR: Counter()}
        for row in rows:
            if not self.allowed(request, "write", row):
                raise PermissionDenied
            with tenant_scope(attrgetter(self.tenant_path)(row)):
                try:
                    told = getattr(self, f"do_{verb}")(request, row)
                except ServiceError as error:
                    came[messages.ERROR][error.message] += 1
                else:
                    if told:
                        came[messages.SUCCESS][told] += 1
        for level, said in came.items():
            _tell(request, level, said)

    # ---- changes -------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.note(request, "updated" if change else "created", obj, {"fields": sorted(form.changed_data)})

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.note(request, "deleted", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            if not self.has_delete_permission(request, row):
                raise PermissionDenied
            self.delete_model(request, row)

    def note(self, request: HttpRequest, deed: str, obj: Any, changes: Mapping[str, Any] | None = None) -> None:
        """Write the act into the tenant's audit trail."""
        with tenant_scope(attrgetter(self.tenant_path)(obj)):
            audit(request.user, f"{obj._meta.model_name}.{deed}", obj, changes, client_ip(request))


def _tell(request: HttpRequest, level: int, said: Counter[str]) -> None:
    counts = list(said.items())
    for words, count in counts[:TOLD_SINGLY]:
        messages.add_message(request, level, words if count == 1 else f"{words} ({count} times)")
    if more := sum(count for _, count in counts[TOLD_SINGLY:]):
        messages.add_message(request, level, f"The same for {more} more.")


def row_id(request: HttpRequest) -> Any:
    """The id of the row whose page this is; None on lists and forms to add."""
    return request.resolver_match.kwargs.get("object_id") if request.resolver_match else None


def _rendered(response: Any) -> Any:
    """Templates follow relations: they have to be rendered before the scope closes."""
    return response.render() if hasattr(response, "render") and not response.is_rendered else response
