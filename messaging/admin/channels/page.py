"""The console's page on channels: the form that an adapter's config_class describes, health and incidents.

It stands here because its verbs do (messaging/health/watch.py). Must not show a secret, ever.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.decorators import display

from channels_app.adapters.config import FEATURES, FORMAT_RULES
from channels_app.adapters.web import script_tag
from channels_app.admin import HEALTH, SYNC_TEMPLATES, ChannelFilter
from channels_app.channel_form import PREFIX, SHARED, form_for
from channels_app.contract import SendError
from channels_app.health import ADVICE, State, state_of
from channels_app.http.waiting import asking
from channels_app.models import Channel, ChannelIncident
from channels_app.registry import KINDS, adapter_for
from channels_app.services import channel_save, webhook_url
from channels_app.templates.sync import templates_sync
from messaging.admin.channels.trial import NAME as TRIAL
from messaging.admin.channels.trial import may_try, trial_page
from messaging.health.watch import channel_check, channel_check_soon, channel_saved
from messaging.housekeeping.disconnect import channel_disconnect
from tenants.console.pages.parts import PartInline, TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.shown import moment
from tenants.errors import Invalid, Unprocessable
from tenants.scope import tenant_scope
from tenants.storage.batches import for_seconds

LIST_S = 10.0  # an account may have hundreds of templates, in pages
DISCONNECT = Button(
    "disconnect", "Disconnect", "link_off",
    confirm="Disconnect this channel for good? Its address and secrets end; what was said on it stays.",
)  # fmt: skip
AT_ONCE_S = 2.0  # of the request, for what waits on a channel that is disconnected; housekeeping does the rest


class IncidentInline(PartInline):
    """When the channel was not well; the latest first."""

    model = ChannelIncident
    verbose_name_plural = "Incidents"
    fields = readonly_fields = ("began", "ended", "state", "reason", "told")
    ordering = ("-created_at",)
    max_num = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("alerts")

    @display(description="Began", ordering="created_at")
    def began(self, incident: ChannelIncident) -> str:
        return moment(incident.created_at)

    @display(description="Ended")
    def ended(self, incident: ChannelIncident) -> str:
        return moment(incident.closed_at) if incident.closed_at else "still open"

    @display(description="Staff told by")
    def told(self, incident: ChannelIncident) -> str:
        return ", ".join(dict.fromkeys(f"{alert.way} ({alert.status})" for alert in incident.alerts.all())) or "—"


NO_SITE = "No site may show this widget yet: enter your site's address under Allowed origins."


def copied(id_: str, label: str, value: str, warning: str = "") -> Any:
    """A text with a button that copies it."""
    return render_to_string("admin/copied.html", {"id": id_, "label": label, "value": value, "warning": warning})


SHARED_SETTINGS = (("Features", FEATURES), ("Format rules", FORMAT_RULES))


@admin.register(Channel)
class ChannelAdmin(TenantAdmin):
    resource = "channels"
    deeds = frozenset({"add", "change"})  # what people said hangs on a channel: it is disconnected, never deleted
    buttons = (Button("test", "Check now", "network_check"), SYNC_TEMPLATES, DISCONNECT)
    actions = ("test",)
    list_display = ("name", "shown_kind", "health_state", "enabled", "tenant", "updated_at")
    list_filter = ("kind", "enabled", TenantFilter)
    list_select_related = ("tenant", "health")
    search_fields = ("name", "key")
    readonly_fields = ("shown_kind", "address", "script", "health_state", "health_reason", "open_settings")

    @display(description="Kind", ordering="kind")
    def shown_kind(self, channel: Channel) -> str:
        return adapter_for(channel.kind).label if channel.kind in KINDS else channel.kind

    @display(description="Health", label=HEALTH)
    def health_state(self, channel: Channel) -> str:
        return state_of(channel, getattr(channel, "health", None)).replace("_", " ")

    @display(description="What is wrong")
    def health_reason(self, channel: Channel) -> str:
        health = getattr(channel, "health", None)
        return " ".join(filter(None, (health.reason, ADVICE.get(health.state)))) if health and channel.enabled else "—"

    @display(description="Webhook address")
    def address(self, channel: Channel) -> str:
        return copied("webhook_address", "Webhook address", webhook_url(channel))

    @display(description="Script tag")
    def script(self, channel: Channel) -> str:
        """What a site puts into its pages; nothing comes of it where no site may show the widget."""
        unseen = "" if channel.config.get("allowed_origins") else NO_SITE
        return copied("script_tag", "Script tag", script_tag(settings.PUBLIC_URL, channel.key), unseen)

    @display(description="Settings")
    def open_settings(self, channel: Channel) -> str:
        shown = {**channel.config, **dict.fromkeys(channel.secrets, "••••")}
        return "; ".join(f"{name}: {value}" for name, value in shown.items()) or "—"

    # ---- further pages ---------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.trial_view)
        return [path(f"<uuid:object_id>/{TRIAL}/", view, name=f"channels_app_channel_{TRIAL}"), *super().get_urls()]

    def trial_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        channel = self.get_object(request, str(object_id))
        if channel is None:
            raise Http404
        with tenant_scope(channel.tenant_id):
            return trial_page(self, request, channel)

    def page_context(self, request: HttpRequest, row: Channel) -> dict[str, Any]:
        context = super().page_context(request, row)
        if self.allowed(request, "write", row) and may_try(row):
            address = reverse(f"admin:channels_app_channel_{TRIAL}", args=[row.pk])
            context["links"] = [("Send a test message", "send", address)]
        return context

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
        kind = self.kind_of(request, obj)
        called: tuple[str, ...] = ("address",) if kind and adapter_for(kind).signature_header else ()
        called = ("script",) if kind == "web" else called
        facts = ("shown_kind", *called, "health_state", "health_reason")
        writable = self.has_change_permission(request, obj) if obj else True
        config = adapter_for(kind).config_class.model_fields if kind else {}
        folded = adapter_for(kind).config_class.folded if kind and writable else {}
        apart = SHARED.union(*folded.values())
        own = [PREFIX + name for name in config if name not in apart] if writable and kind else ["open_settings"]
        shared = [(title, [PREFIX + name for name in names if name in config]) for title, names in SHARED_SETTINGS]
        limits = ("rate_per_second", "ip_allow_list")
        return [
            (None, {"fields": ("tenant", "name", "enabled", *(facts if obj else ()))}),
            (adapter_for(kind).label if kind else "Settings", {"fields": own}),
            *(
                (title, {"fields": [PREFIX + name for name in names], "classes": ["collapse"]})
                for title, names in folded.items()
            ),
            *((title, {"fields": fields}) for title, fields in shared if fields and writable),
            ("Limits", {"fields": limits}),
        ]

    def get_inlines(self, request: HttpRequest, obj: Channel | None) -> Any:
        if obj is None or request.method == "POST":  # nothing of it is posted
            return ()
        return (IncidentInline,) if ChannelIncident.objects.filter(channel=obj).exists() else ()

    def get_form(self, request: HttpRequest, obj: Channel | None = None, change: bool = False, **options: Any) -> Any:
        kind = self.kind_of(request, obj)
        if kind and (obj is None or self.has_change_permission(request, obj)):
            options["form"] = form_for(kind, obj)
        return super().get_form(request, obj, change=change, **options)

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        try:
            channel_save(obj, config=form.config())
        except Invalid as error:  # the form found it connected: a colleague has disconnected it in this moment
            raise PermissionDenied(error.message) from error
        channel_saved(obj)
        if obj.kind == "web" and not obj.config.get("allowed_origins"):
            messages.warning(request, NO_SITE)
        changed = sorted(name.removeprefix(PREFIX) for name in form.changed_data)
        self.note(request, "updated" if change else "created", obj, {"fields": changed})

    # ---- the end -------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        disconnected = obj is not None and obj.disconnected_at is not None
        return not disconnected and super().has_change_permission(request, obj)

    def do_disconnect(self, request: HttpRequest, channel: Channel) -> str:
        channel_disconnect(channel, for_seconds(AT_ONCE_S))
        self.note(request, "disconnected", channel)
        return f"{channel} is disconnected. What was said on it stays."

    # ---- verbs ---------------------------------------------------------------------

    def do_test(self, request: HttpRequest, channel: Channel) -> str:
        with asking():
            found = channel_check(channel)
        self.note(request, "checked", channel, {"state": str(found.state)})
        told = f"{channel}: {found.state.replace('_', ' ')}. {found.detail}"
        if found.state != State.HEALTHY:
            raise Unprocessable(told)  # not on green
        return told

    def buttons_of(self, request: HttpRequest, row: Channel) -> Any:
        if row.disconnected_at:
            return []
        lists = row.kind in KINDS and row.adapter.lists_templates
        return [button for button in super().buttons_of(request, row) if lists or button is not SYNC_TEMPLATES]

    def do_sync_templates(self, request: HttpRequest, channel: Channel) -> str:
        try:
            with asking(LIST_S):
                count = templates_sync(channel)
        except SendError as error:
            raise Invalid(error.detail or error.sentence) from error
        self.note(request, "templates_synced", channel, {"count": count})
        return f"{channel}: {count} templates."

    def do_test_soon(self, request: HttpRequest, channel: Channel) -> str:
        channel_check_soon(channel)
        self.note(request, "checked", channel)
        return f"{channel} is being checked."

    @admin.action(description="Check now", permissions=["change"])
    def test(self, request: HttpRequest, queryset: Any) -> None:
        """Of many by workers: a page must not wait for one platform after the other."""
        self.do(request, "test_soon", queryset)


@admin.register(ChannelIncident)
class ChannelIncidentAdmin(TenantAdmin):
    """When channels were not well, of all channels at once; the open ones stand first."""

    resource = "channels"
    deeds = frozenset()
    fields = ("tenant", "channel", "standing", "reason", "created_at", "closed_at")
    readonly_fields = ("standing",)
    list_display = ("created_at", "on_channel", "standing", "reason", "closed_at", "tenant")
    list_filter = ("is_open", "state", ChannelFilter, TenantFilter)
    list_select_related = ("channel", "tenant")
    ordering = ("-is_open", "-id")

    @display(description="Channel", ordering="channel__name")
    def on_channel(self, incident: ChannelIncident) -> str:
        return incident.channel.name

    @display(description="State", label={**HEALTH, "over": "success"})
    def standing(self, incident: ChannelIncident) -> str:
        return incident.state.replace("_", " ") if incident.is_open else "over"
