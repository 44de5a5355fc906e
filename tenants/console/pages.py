"""The base of every page of the staff console: whose rows are seen, who may change them, what is audited.

Owns the tie between a member's role and Django's admin. Must not know any particular model.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from pydantic_core import PydanticCustomError
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.access.limits import client_ip
from tenants.access.permissions import demands_more, expand, held_in, operator_closed
from tenants.errors import ServiceError
from tenants.members.alert_choice import AlertChoice, choice_read
from tenants.models import Membership, Tenant
from tenants.names import text_taken
from tenants.repeated import CODE, repeated_of, twice
from tenants.scope import tenant_scope
from tenants.storage.json_values import unstorable
from tenants.trail.audit import audit
from tenants.trail.reads import read_noted

NO_TENANT = uuid.UUID(int=0)  # the scope of a form whose tenant is not chosen yet: sees no row
TOLD_SINGLY = 3  # kinds of answers of a deed with many rows; the others are counted


def memberships_of(request: HttpRequest) -> Mapping[uuid.UUID, frozenset[str]]:
    """Tenant → permissions of the signed-in member of staff; read once per request. In a suspended tenant they
    only read; one that demands a second step is none of theirs until they have it."""
    found: dict[uuid.UUID, frozenset[str]] | None = getattr(request, "_memberships", None)
    if found is None:
        # unscoped: the memberships are what tells which tenants there are
        rows = Membership.objects.unscoped().filter(user_id=request.user.pk).select_related("role", "tenant")
        user: Any = request.user
        members = list(rows.exclude(tenant__status=Tenant.Status.REMOVING))
        closed = [row.tenant for row in members if demands_more(user, row.tenant)]
        request._closed_tenants = closed  # type: ignore[attr-defined]
        members = [row for row in members if row.tenant not in closed]
        found = {row.tenant_id: held_in(row.tenant.status, expand(row.role.permissions)) for row in members}
        request._memberships = found  # type: ignore[attr-defined]
        request._own_tenants = [row.tenant for row in members]  # type: ignore[attr-defined]
        request._alert_choices = {row.tenant_id: row.alerts for row in members}  # type: ignore[attr-defined]
    return found


def operates(request: HttpRequest) -> bool:
    """Whether the signed-in account has every tenant; read once per request. An operator has none where a second step is
    demanded that they have not."""
    found: bool | None = getattr(request, "_operates", None)
    if found is None:
        user: Any = request.user
        found = request._operates = bool(user.is_superuser) and not operator_closed(user)  # type: ignore[attr-defined]
    return found


def alert_choice_in(request: HttpRequest, tenant_id: uuid.UUID) -> AlertChoice:
    """Which alerts of a tenant the signed-in member of staff wants. No statement beside that of `memberships_of`."""
    memberships_of(request)
    return choice_read(request._alert_choices.get(tenant_id))  # type: ignore[attr-defined]


def permissions_in(request: HttpRequest, tenant_id: uuid.UUID | None) -> frozenset[str]:
    """What the member of staff may do in a tenant; in any of theirs when it is None."""
    if not request.user.is_active or not request.user.is_staff:
        return frozenset()
    if operates(request):
        return expand(["*"])
    own = memberships_of(request)
    return frozenset().union(*own.values()) if tenant_id is None else own.get(tenant_id, frozenset())


def tenants_with(request: HttpRequest, permission: str) -> models.QuerySet[Tenant]:
    """The tenants in which the member of staff has a permission; all for superusers."""
    if operates(request):
        return Tenant.objects.order_by("name")
    own = [tenant_id for tenant_id, held in memberships_of(request).items() if permission in held]
    return Tenant.objects.filter(id__in=own).order_by("name")


def tenants_known(request: HttpRequest, permission: str) -> list[Tenant]:
    """As `tenants_with`, read once per request: without a statement more than `memberships_of` takes."""
    if operates(request):
        if not hasattr(request, "_all_tenants"):
            request._all_tenants = list(Tenant.objects.order_by("name"))  # type: ignore[attr-defined]
        everything: list[Tenant] = request._all_tenants  # type: ignore[attr-defined]
        return everything
    own = memberships_of(request)
    known: list[Tenant] = request._own_tenants  # type: ignore[attr-defined]
    return sorted((tenant for tenant in known if permission in own[tenant.id]), key=lambda tenant: tenant.name)


@dataclass(frozen=True)
class Button:
    """A verb on a row's page: posts to the admin's ``do_<verb>(request, row)``, which returns what to tell."""

    verb: str
    label: str
    icon: str = ""
    confirm: str = ""


class IndentedJSON(json.JSONEncoder):
    """JSON that people edit in a form stands on lines of its own."""

    def __init__(self, **options: Any):
        super().__init__(**{**options, "indent": 2})


def verbatim(said: Any) -> str:
    """Text, or a value as JSON, as it stands; long words wrap."""
    words = said if isinstance(said, str) else json.dumps(said, indent=1, ensure_ascii=False)
    return format_html('<pre class="verbatim">{}</pre>', words)


def shortened(words: str, most: int = 60) -> str:
    """The beginning of a text: a list has one line for it."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip(' .,;:')}…"


class LinesField(forms.CharField):
    """A list of texts, one on each line. ``repeats``: two may be the same, as what people say in two languages may be."""

    def __init__(self, *, repeats: bool = False, **options: Any):
        self._repeats = repeats
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}), **options)
        self.help_text = self.help_text or "One per line"

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        if "\0" in str(value or ""):  # Django's own check looks at one text, not at a list of them
            raise forms.ValidationError("NUL characters are not allowed.", code="nul_character")
        return self._lines(value)

    def clean(self, value: Any) -> Any:
        """Raises ValidationError that names each line which stands there twice and should not."""
        lines = super().clean(value)
        if not self._repeats and (again := [lines[place] for place in repeated_of(lines)]):
            raise forms.ValidationError(
                [forms.ValidationError(twice(line), code=CODE) for line in dict.fromkeys(again)]
            )
        return lines

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self._lines(data)

    def _lines(self, value: Any) -> list[str]:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class JSONValueField(forms.JSONField):
    """JSON that every database can store."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "This is no JSON: look at its quotation marks, commas and brackets."
    }

    def to_python(self, value: Any) -> Any:
        try:
            read = super().to_python(value)
        except (ValueError, RecursionError):  # numbers of thousands of digits, thousands of levels
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if refusal := unstorable(read):
            place = f"{refusal.path}: " if refusal.path else ""
            raise forms.ValidationError(f"{place}{refusal.why}.", code=refusal.code)
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed comes back as it was typed where it cannot be shown as JSON."""
        try:
            read = super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)
        return InvalidJSONInput(data) if unstorable(read) else read


class TenantFilter(admin.SimpleListFilter):
    """Shown to those who have more than one tenant."""

    title = parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(t.id), t.name) for t in tenants_with(request, model_admin.permission("read"))]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = self.value() in {value for value, _ in self.lookup_choices}
        return queryset.filter(tenant_id=self.value()) if known else queryset


def can_be_seen(text: str) -> None:
    """Raises ValidationError ``text_unseen``, as the API refuses what is blank."""
    try:
        text_taken(text)
    except PydanticCustomError as error:
        raise forms.ValidationError(f"{error.message()}.", code=error.type) from error


class Trailed:
    """Pages whose acts stand in the audit trail, and nowhere else: Django's own log keeps what a row is called, which may be
    a person, beyond their erasure."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any: ...

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What the trail has of the row."""
        page: Any = self
        row = page.get_object(request, object_id)
        if row is None:
            raise Http404
        if not page.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('admin:tenants_auditentry_changelist')}?q={row.pk}")


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


def moment(at: datetime | None) -> str:
    """A time as all pages show it, for what a page computes: Django shows it so by itself in fields alone."""
    return date_format(localtime(at), "DATETIME_FORMAT") if at else "—"


class PartInline(TabularInline):
    """Parts of a row, to read. Opened within the scope of the row's tenant."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # staff who see the whole see its parts

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def row_id(request: HttpRequest) -> Any:
    """The id of the row whose page this is; None on lists and forms to add."""
    return request.resolver_match.kwargs.get("object_id") if request.resolver_match else None


def _rendered(response: Any) -> Any:
    """Templates follow relations: they have to be rendered before the scope closes."""
    return response.render() if hasattr(response, "render") and not response.is_rendered else response
