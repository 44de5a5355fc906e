"""The console's pages of tools: put on the list, changed, tried and taken off it (AI-8).

Owns the form. Must not decide what a tool may be (assistant/tools/listing.py), nor show a secret again.
"""

from __future__ import annotations

import copy
import json
import uuid
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from assistant.console.offered import offered_page
from assistant.tools.listing import tool_altered, tool_drafted
from assistant.tools.models import Tool
from assistant.tools.trying import arguments_like, needs_person, tool_try
from tenants.console.once import show_once
from tenants.console.pages.fields import IndentedJSON, JSONValueField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.plain_words import plain_words
from tenants.errors import Invalid, ServiceError
from tenants.scope import tenant_scope
from tenants.storage.crypto import mask

BLANK_SCHEMA = {"type": "object", "properties": {"order": {"type": "string", "maxLength": 40}}, "required": ["order"]}
SECRET_NEW = (
    "By HTTP: whsec_…, which signs the calls; leave it empty to get one, shown once. By MCP: the server's token, if any"  # noqa: S105
)
SECRET_KEPT = "Never shown again; leave it empty to keep the one that is stored. Another address needs it anew"  # noqa: S105
LABELS = {"url": "Address", "remote": "Name there", "timeout_s": "Seconds to wait"}
COPY_IT = "This secret signs the calls of the tool. Copy it now, it will not be shown again."
#: what people type in is bounded as by REST (assistant/tools/shapes.py)
MOST_SECRET = 2000


class ToolForm(forms.ModelForm):
    schema = JSONValueField(
        label="Arguments", encoder=IndentedJSON, widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text="JSON Schema of an object: what the model fills in. A property with “x-person”: “contact_id” or “identity” is "
        "filled in by us with what is proved of the person, and never by the model. No pattern, no $ref to elsewhere",
    )  # fmt: skip
    new_secret = forms.CharField(
        label="Secret", required=False, max_length=MOST_SECRET, widget=UnfoldAdminPasswordWidget(), help_text=SECRET_NEW
    )

    def clean(self) -> Any:
        """The rules of the list, told at their fields."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or not (found.get("tenant") or self.instance.tenant_id):
            return found
        given = {name: found[name] for name in self.fields if name in found and name not in ("tenant", "new_secret")}
        if found["new_secret"]:
            given["secret"] = found["new_secret"]
        try:
            if self.instance._state.adding:
                self.ready = tool_drafted(**given)
            else:
                self.ready = copy.copy(self.instance)
                tool_altered(self.ready, **given)
        except Invalid as error:
            for one in error.details if isinstance(error.details, list) else []:
                place = "new_secret" if one["field"] == "secret" else one["field"]
                self.add_error(place if place in self.fields else None, plain_words(one))
            if not self.errors:
                self.add_error(None, error.message)
        except ServiceError as error:
            self.add_error(None, error.message)
        return found


class TryForm(forms.Form):
    arguments = JSONValueField(
        encoder=IndentedJSON, widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}), help_text="By the tool's schema",
        required=False,  # {} is what a tool without arguments takes, and counts as empty
    )  # fmt: skip

    def clean_arguments(self) -> dict[str, Any]:
        given = self.cleaned_data["arguments"]
        if not isinstance(given, dict):
            raise forms.ValidationError("The arguments are a JSON object, as {“order”: “AC-1”}.")
        return given


@admin.register(Tool)
class ToolAdmin(TenantAdmin):
    begins = "A tool is what a language model may call: an address of yours, described by the arguments that it takes."
    resource = "models"
    form = ToolForm
    fields = (
        "tenant", "name", "kind", "title", "description", "schema", "url", "remote", "new_secret", "changes", "enabled",
        "timeout_s",
    )  # fmt: skip
    list_display = ("name", "title", "kind", "changes", "enabled", "tenant")
    change_list_template = "admin/assistant/tools.html"
    list_filter = ("kind", "enabled", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "title")
    buttons = (Button("switch", "Switch on or off", "power_settings_new"),)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, "stored_secret") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "kind", "stored_secret") if obj else ()  # a name stands in what was said

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        return {"schema": BLANK_SCHEMA, **super().get_changeform_initial_data(request)}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        helps = {
            "name": "What the model calls it by: small letters, digits and _",
            "kind": "HTTP call: an address of yours. MCP server: a tool of a Model Context Protocol server",
            "enabled": "Off: no model is told of it",
            "title": "What people read before they say yes, as “Cancel your order”",
            "description": "What the model reads: what it does, and when it is the one to call",
            "url": "https, reachable from the internet; calls are POST, with the arguments as JSON",
            "remote": "MCP alone: the tool's name at the server, where it is another one",
            "changes": "It changes something: the person is asked before each call",
            "timeout_s": "Seconds, 1 to 20",
            **({"new_secret": SECRET_KEPT} if obj else {}),
        }
        for name, words in helps.items():
            if name in form.base_fields:
                form.base_fields[name].help_text = words
        if "name" in form.base_fields:
            form.base_fields["name"].error_messages["invalid"] = "Small letters, digits and _ alone, a letter first."
        for name, label in LABELS.items():
            if name in form.base_fields:
                form.base_fields[name].label = label
        if "timeout_s" in form.base_fields:
            form.base_fields["timeout_s"] = _seconds(form.base_fields["timeout_s"])
        return form

    @display(description="Stored secret")
    def stored_secret(self, tool: Tool) -> str:
        return mask(tool.secret) or "none"

    def save_model(self, request: HttpRequest, obj: Tool, form: Any, change: bool) -> None:
        obj.secret = form.ready.secret
        super().save_model(request, obj, form, change)
        if not change and obj.secret and not form.cleaned_data["new_secret"]:
            show_once(request, COPY_IT, obj.secret, "Secret of the tool")

    def page_context(self, request: HttpRequest, row: Tool) -> dict[str, Any]:
        context = super().page_context(request, row)
        if self.allowed(request, "write", row):
            context["links"] = [("Try it", "play_arrow", reverse("admin:assistant_tool_try", args=[row.pk]))]
        return context

    def do_switch(self, request: HttpRequest, row: Any) -> str:
        row.enabled = not row.enabled
        row.save(update_fields=["enabled", "updated_at"])
        self.note(request, "switched", row, {"enabled": row.enabled})
        return f"{row.name} is {'on' if row.enabled else 'off'}."

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.try_view)
        offered = self.admin_site.admin_view(partial(offered_page, self))
        return [
            path("offered/", offered, name="assistant_tool_offered"),
            path("<uuid:object_id>/try/", view, name="assistant_tool_try"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "may_add": self.has_add_permission(request)})

    def try_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """A real call, for no person."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        if not self.allowed(request, "write", row):
            raise PermissionDenied
        outcome = None
        form = TryForm(
            request.POST if request.method == "POST" else None, initial={"arguments": arguments_like(row.schema)}
        )
        with tenant_scope(row.tenant_id):
            if form.is_bound and form.is_valid():
                try:
                    outcome = tool_try(row, form.cleaned_data["arguments"])
                except ServiceError as error:
                    form.add_error("arguments" if error.code == "arguments_invalid" else None, error.message)
                else:
                    self.note(request, "tried", row, {"code": outcome.code})
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": row, "title": f"Try {row.name}",
            "tool": row, "form": form, "outcome": outcome, "personal": needs_person(row.schema), "said": _said(outcome),
        }  # fmt: skip
        return render(request, "admin/assistant/try_tool.html", context)


def _seconds(field: Any) -> forms.IntegerField:
    return forms.IntegerField(
        min_value=1, max_value=20, initial=5, widget=field.widget, label=field.label, help_text=field.help_text
    )


def _said(outcome: Any) -> str:
    """As it stands; JSON on lines of its own."""
    if outcome is None:
        return ""
    try:
        return json.dumps(json.loads(outcome.text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(outcome.text)
