"""The console's page on people: what staff enter and decide about them stays (CONV-11).

It stands here because the verbs do (messaging/consent/rules.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest

from conversations.contacts.merges import demand_free
from conversations.contacts.people import contacts_merge
from conversations.models import Contact, ContactMerge, Identity
from conversations.search.people import latest_people
from messaging.admin.merges import MergeInline
from messaging.admin.privacy import PrivacyPages
from messaging.consent.rules import staff_allow, staff_stop
from tenants.console.pages.parts import PartInline, TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.whose import tenants_known
from tenants.console.structure import Schema
from tenants.console.structure_field import StructureField
from tenants.errors import ServiceError
from tenants.scope import tenant_scope
from tenants.storage.looking import among
from tenants.trail.audit import actor_name

DECIDED = ("name", "email", "phone", "language", "profile", "preferences")
MOST_TENANTS = 20  # in each of which people are looked for
SHOWN = 200  # of them in each
MOST_MERGED = 10  # contacts that are merged at once
STOP = Button("stop", "Stop messages", "block", "Send nothing more to this person on any platform?")
ALLOW = Button("allow", "Allow messages", "check")


class IdentityInline(PartInline):
    model = Identity
    fields = readonly_fields = (
        "channel",
        "scheme",
        "scope",
        "value",
        "address",
        "verified",
        "stopped_at",
        "stopped_by",
        "created_at",
    )

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("channel")


TEXTS = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 1000}}


class FactsField(StructureField):
    """Facts in words, by their names. Others, of a platform or an integrator, are not shown, and stay."""

    def __init__(self, **options: Any):
        super().__init__(Schema(TEXTS, {}), **options)

    def prepare_value(self, value: Any) -> Any:
        return {name: one for name, one in (value or {}).items() if isinstance(one, str)}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class ContactForm(forms.ModelForm):
    profile = FactsField(help_text="What is known of the person: name of the fact, and what it is")
    preferences = FactsField(help_text="What the person prefers")

    def clean_profile(self) -> dict[str, Any]:
        return self._kept("profile")

    def clean_preferences(self) -> dict[str, Any]:
        return self._kept("preferences")

    def _kept(self, name: str) -> dict[str, Any]:
        held = getattr(self.instance, name) or {}
        return {**{key: one for key, one in held.items() if not isinstance(one, str)}, **self.cleaned_data[name]}


@admin.register(Contact)
class ContactAdmin(PrivacyPages, TenantAdmin):
    personal = True
    resource = "contacts"
    form = ContactForm
    buttons = (STOP, ALLOW)
    deeds = frozenset({"add", "change"})  # erasing a person takes more than a row: messaging/admin/privacy.py
    fields = ("tenant", "name", "email", "phone", "language", "profile", "preferences")
    inlines = (IdentityInline,)
    actions = ("merge",)
    list_display = ("__str__", "email", "phone", "language", "tenant", "last_active_at")
    list_filter = ("language", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "email", "phone")
    ordering = ("-last_active_at", "-id")

    def get_inlines(self, request: HttpRequest, obj: Contact | None) -> Any:
        if obj is None or request.method == "POST" or not ContactMerge.objects.filter(contact=obj).exists():
            return self.inlines  # nothing of the ledger is posted
        return (*self.inlines, MergeInline)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """As everywhere, the latest of each tenant; of very many tenants the list is read, until one is chosen."""
        if not search_term.strip():
            return queryset, False
        tenants = self._looked_in(request)
        if len(tenants) > MOST_TENANTS:
            return super().get_search_results(request, queryset, search_term)
        ids: list[Any] = []
        for tenant_id in tenants:
            with tenant_scope(tenant_id):
                ids += latest_people(search_term, SHOWN)
        return among(queryset, Q(id__in=ids)).order_by(*queryset.query.order_by), False

    def _looked_in(self, request: HttpRequest) -> list[Any]:
        """The tenants of the list, and of those the one that it is limited to."""
        known = [one.id for one in tenants_known(request, self.permission("read"))]
        wanted = request.GET.get(TenantFilter.parameter_name)
        return [one for one in known if str(one) == wanted] or known

    def save_model(self, request: HttpRequest, contact: Contact, form: Any, change: bool) -> None:
        """What staff have entered stays, whatever a platform or a visitor claims later (CONV-11)."""
        before = Contact.objects.filter(id=contact.id).first() or Contact()
        contact.decide(name for name in DECIDED if getattr(contact, name) != getattr(before, name))
        super().save_model(request, contact, form, change)

    def buttons_of(self, request: HttpRequest, row: Contact) -> Iterable[Button]:
        if not self.allowed(request, "write", row):
            return ()
        stopped = Identity.objects.filter(contact=row, stopped_at__isnull=False).exists()
        decided = Identity.objects.filter(contact=row, stopped_by=Identity.STAFF).exists()
        return (*((ALLOW,) if stopped else ()), *(() if decided else (STOP,)))

    def verbs_of(self, request: HttpRequest, row: Contact) -> Iterable[str]:
        """Both, whatever a page that was opened before has shown."""
        return [button.verb for button in self.buttons] if self.allowed(request, "write", row) else ()

    @admin.action(description="Merge into the oldest of them", permissions=["write"])
    def merge(self, request: HttpRequest, queryset: Any) -> None:
        """Of one tenant, a few at once; the ledger takes each of them back."""
        chosen = list(queryset.order_by("created_at", "id")[: MOST_MERGED + 1])
        if not 1 < len(chosen) <= MOST_MERGED or len({row.tenant_id for row in chosen}) > 1:
            messages.error(request, f"Choose two to {MOST_MERGED} contacts of one tenant.")
            return
        kept, *joined = chosen
        if not self.allowed(request, "write", kept):
            raise PermissionDenied
        count = 1
        with tenant_scope(kept.tenant_id):
            try:
                for row in chosen:  # before the first is merged
                    demand_free(row.id)
                for row in joined:
                    contacts_merge(kept.id, row.id, actor_name(request.user))
                    self.note(request, "merged", kept, {"former": str(row.id)})
                    count += 1
            except ServiceError as error:
                rest = "Nothing was merged." if count == 1 else "This one and those after it were not merged."
                messages.error(request, f"{row}: {error.message} {rest}")
        if count > 1:
            messages.success(request, f"{count} contacts are one now: {kept}. Its page can part them again.")

    def has_write_permission(self, request: HttpRequest) -> bool:
        return self.allowed(request, "write")

    def do_stop(self, request: HttpRequest, contact: Contact) -> str:
        staff_stop(contact.id)
        self.note(request, "stopped", contact)
        return "Nothing more is sent to this person on any platform, whatever they write there."

    def do_allow(self, request: HttpRequest, contact: Contact) -> str:
        staff_allow(contact.id)
        self.note(request, "allowed", contact)
        return "Messages to this person go out again."
