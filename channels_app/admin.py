"""The console's pages on message templates, and the filter by channel.

Must not hold the channels' own page: it stands with its verbs, in messaging/admin/channels/page.py.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from pydantic import ValidationError
from unfold.decorators import display

from channels_app.health import DISABLED, DISCONNECTED
from channels_app.models import Channel, MessageTemplate
from channels_app.templates.form import VariantsField
from channels_app.templates.resolve import said_by, variables_in
from channels_app.templates.store import TemplateChange, own_id
from tenants.api.parse import problems
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.whose import tenants_with
from tenants.console.plain_words import plain_words
from tenants.console.structure_field import place

SYNC_TEMPLATES = Button("sync_templates", "Sync templates", "sync")
HEALTH = {
    "unchecked": "info", "healthy": "success", "degraded": "warning", "credential refused": "danger", "silent": "warning", DISABLED: "info",
    DISCONNECTED: "info",
}  # fmt: skip

APPROVAL = {"APPROVED": "success", "PENDING": "info", "REJECTED": "danger", "PAUSED": "warning", "DISABLED": "danger"}


class ChannelFilter(admin.SimpleListFilter):
    """By channel, among those of the tenants that the member of staff sees."""

    title = parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tenants = tenants_with(request, model_admin.permission("read"))
        # unscoped: a list may span all tenants of the member of staff; limited to them here
        channels = Channel.objects.unscoped().filter(tenant__in=tenants).order_by("name")[:100]
        return [(str(channel.id), str(channel)) for channel in channels]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = self.value() in {value for value, _ in self.lookup_choices}
        return queryset.filter(channel_id=self.value()) if known else queryset


class TemplateForm(forms.ModelForm):
    variants = VariantsField(
        label="Languages",
        help_text="Key: the language, like en or pt-BR. {{variable}} may stand in every text; “defaults” are what stands there "
        "when nothing is given",
    )

    def clean_variants(self) -> Any:
        try:
            body = TemplateChange.model_validate({"variants": self.cleaned_data["variants"]})
        except ValidationError as error:
            told = [(place(p["field"].split(".")[1:]), plain_words(p)) for p in problems(error)]
            raise forms.ValidationError([f"{there}: {wrong}".removeprefix(": ") for there, wrong in told]) from None
        return {language: v.model_dump(mode="json", exclude_none=True) for language, v in body.variants.items()}

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if self.instance._state.adding and MessageTemplate.objects.filter(name=name, channel=None).exists():
            raise forms.ValidationError("There is a template of this name.")
        return name


@admin.register(MessageTemplate)
class MessageTemplateAdmin(TenantAdmin):
    """Own templates are written here; those of a channel are its platform's word, and only read."""

    resource = "templates"
    form = TemplateForm
    list_display = ("name", "of", "languages", "state", "tenant")
    list_filter = (ChannelFilter, TenantFilter)
    list_select_related = ("channel", "tenant")
    search_fields = ("name",)
    readonly_fields = ("channel", "category", "words", "variables", "synced_at")

    def get_fields(self, request: HttpRequest, obj: MessageTemplate | None = None) -> Any:
        shown = ("words", "variables") if obj else ()
        platform = ("channel", "category", "synced_at") if obj and obj.channel_id else ()
        return ("tenant", "name", "variants", *shown, *platform)

    def get_readonly_fields(self, request: HttpRequest, obj: MessageTemplate | None = None) -> Any:
        return (*self.readonly_fields, *(("name",) if obj else ()))

    def has_change_permission(self, request: HttpRequest, obj: MessageTemplate | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.synced_at is None)

    def save_model(self, request: HttpRequest, obj: MessageTemplate, form: Any, change: bool) -> None:
        if not change:
            obj.id = own_id(obj.tenant_id, obj.name)
        super().save_model(request, obj, form, change)

    def languages(self, template: MessageTemplate) -> str:
        return ", ".join(sorted(template.variants))

    @display(description="Channel", ordering="channel__name")
    def of(self, template: MessageTemplate) -> str:
        return template.channel.name if template.channel else "all"

    @display(description="Status", label=APPROVAL)
    def state(self, template: MessageTemplate) -> str:
        said = [(variant.get("external") or {}).get("status") for variant in template.variants.values()]
        return ", ".join(sorted({str(status) for status in said if status})) or "—"

    @display(description="Preview")
    def words(self, template: MessageTemplate) -> str:
        """The words of each language, with defaults filled in and the other variables as they stand."""
        lines = [(language, said_by(variant)) for language, variant in sorted(template.variants.items())]
        return format_html_join(mark_safe("<br>"), '<b>{}</b> <span style="white-space:pre-wrap">{}</span>', lines)

    @display(description="Variables")
    def variables(self, template: MessageTemplate) -> str:
        return ", ".join(variables_in([v.get("content") for v in template.variants.values()])) or "—"
