"""The console's page on people: what staff enter and decide about them stays (CONV-11).

It stands here because the verbs do (messaging/consent/rules.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from conversations.models import Contact, Identity
from messaging.consent.rules import staff_allow, staff_stop
from tenants.console.pages import Button, PartInline, TenantAdmin, TenantFilter
from tenants.console.structure import Schema
from tenants.console.structure_field import StructureField

DECIDED = ("name", "email", "phone", "language", "profile", "preferences")
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
class ContactAdmin(TenantAdmin):
    resource = "contacts"
    form = ContactForm
    buttons = (STOP, ALLOW)
    deeds = frozenset({"add", "change"})  # erasing a person takes more than a row: PRIV-2
    fields = ("tenant", "name", "email", "phone", "language", "profile", "preferences")
    inlines = (IdentityInline,)
    list_display = ("__str__", "email", "phone", "language", "tenant", "last_active_at")
    list_filter = ("language", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "email", "phone")
    ordering = ("-last_active_at", "-id")

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

    def do_stop(self, request: HttpRequest, contact: Contact) -> str:
        staff_stop(contact.id)
        self.note(request, "stopped", contact)
        return "Nothing more is sent to this person on any platform, whatever they write there."

    def do_allow(self, request: HttpRequest, contact: Contact) -> str:
        staff_allow(contact.id)
        self.note(request, "allowed", contact)
        return "Messages to this person go out again."
