"""The console's pages on channels and message templates.

Owns the form that an adapter's config_class describes. Must not show a secret, ever.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.decorators import display

from channels_app.channel_form import PREFIX, form_for
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import KINDS, adapter_for
from channels_app.selectors import channels_forget
from channels_app.services import channel_check, channel_save, webhook_url
from tenants.console import Button, TenantAdmin, TenantFilter, tenants_with
from tenants.errors import Invalid

HEALTH = {"healthy": "success", "degraded": "warning", "credential refused": "danger", "silent": "warning"}


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


@admin.register(Channel)
class ChannelAdmin(TenantAdmin):
    resource = "channels"
    buttons = (Button("test", "Test connection", "network_check"),)
    actions = ("test",)
    list_display = ("name", "shown_kind", "health_state", "enabled", "tenant", "updated_at")
    list_filter = ("kind", "enabled", TenantFilter)
    list_select_related = ("tenant", "health")
    search_fields = ("name", "key")
    readonly_fields = ("shown_kind", "address", "health_state", "health_reason", "open_settings")

    @display(description="Kind", ordering="kind")
    def shown_kind(self, channel: Channel) -> str:
        return adapter_for(channel.kind).label if channel.kind in KINDS else channel.kind

    @display(description="Health", label=HEALTH)
    def health_state(self, channel: Channel) -> str:
        return channel.health.state.replace("_", " ") if hasattr(channel, "health") else "not checked"

    @display(description="What is wrong")
    def health_reason(self, channel: Channel) -> str:
        return (hasattr(channel, "health") and channel.health.reason) or "—"

    @display(description="Webhook address")
    def address(self, channel: Channel) -> str:
        return format_html(
            '<input readonly value="{}" onfocus="this.select()" aria-label="Webhook address" '
            'class="border border-base-200 rounded-default px-3 py-2 w-full max-w-2xl font-mono text-xs '
            'dark:bg-base-900 dark:border-base-700">',
            webhook_url(channel),
        )

    @display(description="Settings")
    def open_settings(self, channel: Channel) -> str:
        shown = {**channel.config, **dict.fromkeys(channel.secrets, "••••")}
        return "; ".join(f"{name}: {value}" for name, value in shown.items()) or "—"

    # ---- the form ------------------------------------------------------------------

    def kind_of(self, request: HttpRequest, channel: Channel | None) -> str:
        kind = channel.kind if channel else request.GET.get("kind", "")
        return kind if kind in KINDS else ""

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """First the kind is chosen, then its form is filled in."""
        if self.kind_of(request, None) or not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        kinds = [(kind, adapter_for(kind).label) for kind in KINDS]
        context = {**self.admin_site.each_context(request), "title": "Connect a channel", "kinds": kinds}
        return TemplateResponse(request, "admin/channels_app/channel/kinds.html", {**context, "opts": self.opts})

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        kind, facts = self.kind_of(request, obj), ("shown_kind", "address", "health_state", "health_reason")
        writable = self.has_change_permission(request, obj) if obj else True
        config = adapter_for(kind).config_class.model_fields if kind else {}
        settings = [PREFIX + name for name in config] if writable and kind else ["open_settings"]
        limits = ("rate_per_second", "ip_allow_list")
        return [
            (None, {"fields": ("tenant", "name", "enabled", *(facts if obj else ()))}),
            (adapter_for(kind).label if kind else "Settings", {"fields": settings}),
            ("Limits", {"fields": limits}),
        ]

    def get_form(self, request: HttpRequest, obj: Channel | None = None, change: bool = False, **options: Any) -> Any:
        kind = self.kind_of(request, obj)
        if kind and (obj is None or self.has_change_permission(request, obj)):
            options["form"] = form_for(kind, obj)
        return super().get_form(request, obj, change=change, **options)

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        channel_save(obj, config=form.config())
        changed = sorted(name.removeprefix(PREFIX) for name in form.changed_data)
        self.note(request, "updated" if change else "created", obj, {"fields": changed})

    def delete_model(self, request: HttpRequest, obj: Channel) -> None:
        super().delete_model(request, obj)
        channels_forget()

    # ---- verbs ---------------------------------------------------------------------

    def do_test(self, request: HttpRequest, channel: Channel) -> str:
        try:
            found = channel_check(channel)
        except ValueError as error:  # pydantic's: stored before a field was added
            raise Invalid("The channel's configuration is not complete.") from error
        return f"{channel}: {found.state.replace('_', ' ')}. {found.detail}"

    @admin.action(description="Test connection", permissions=["change"])
    def test(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "test", queryset)


class TemplateForm(forms.ModelForm):
    def clean_variants(self) -> Any:
        value = self.cleaned_data["variants"]
        if not isinstance(value, dict) or not all(isinstance(v, dict) and v.get("text") for v in value.values()):
            raise forms.ValidationError('Per language an object with "text", e.g. {"en": {"text": "Hello {{name}}"}}.')
        return value


@admin.register(MessageTemplate)
class MessageTemplateAdmin(TenantAdmin):
    resource = "templates"
    form = TemplateForm
    fields = ("tenant", "name", "channel", "variants")
    list_display = ("name", "channel", "languages", "tenant")
    list_filter = (ChannelFilter, TenantFilter)
    list_select_related = ("channel", "tenant")
    search_fields = ("name",)

    def languages(self, template: MessageTemplate) -> str:
        return ", ".join(sorted(template.variants))
