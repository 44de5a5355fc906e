"""The console's pages on integrators' endpoints and the calls to them.

Must not call an endpoint by itself (messaging/integrators/calls.py), nor show a secret twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminURLInputWidget

from messaging.integrators import endpoints
from messaging.integrators.calls import ping
from messaging.integrators.shapes import state_of
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.console.pages.fields import LinesField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.shown import shortened, verbatim
from tenants.console.pages.whose import tenants_with
from tenants.errors import ServiceError
from tenants.storage.crypto import mask

STATES = {
    "active": "success", "held": "warning", "paused": "danger", "disabled": "info",
    "queued": "info", "sending": "info", "delivered": "success", "failed": "danger",
}  # fmt: skip
SHOWN_ONCE = "Copy the secret now, it will not be shown again: {}"


class EndpointForm(forms.ModelForm):
    url = forms.URLField(max_length=2048, assume_scheme="https", widget=UnfoldAdminURLInputWidget())
    event_types = LinesField(help_text="Types of events, globs like chat.message.*, or *; one per line")

    def clean_url(self) -> str:
        url = self.cleaned_data["url"]
        if url != self.instance.url:
            _checked(endpoints.url_check, url)
        return url

    def clean_event_types(self) -> list[str]:
        _checked(endpoints.event_types_check, self.cleaned_data["event_types"])
        return self.cleaned_data["event_types"]

    def clean(self) -> Any:
        if self.instance._state.adding:
            _checked(endpoints.room_check)
        return super().clean()


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(TenantAdmin):
    resource = "webhooks"
    form = EndpointForm
    buttons = (
        Button("ping", "Ping", "network_ping"),
        Button("resume", "Resume", "play_arrow"),
        Button("replay", "Replay failed calls", "replay", "Make every failed call of this endpoint anew?"),
        Button("rotate", "Replace the secret", "key", "The present secret goes on signing for 24 hours. Replace it?"),
    )
    actions = ("resume",)
    fields = ("tenant", "url", "description", "event_types", "enabled")
    facts = ("state", "failures", "held_until", "paused_at", "shown_secrets", "calls", "created_at", "updated_at")
    readonly_fields = facts
    list_display = ("label", "address", "state", "failures", "tenant", "updated_at")
    list_filter = ("enabled", ("paused_at", admin.EmptyFieldListFilter), TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("url", "description")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, *self.facts) if obj else self.fields

    @display(description="Endpoint", ordering="description")
    def label(self, endpoint: WebhookEndpoint) -> str:
        return shortened(endpoint.description or urlsplit(endpoint.url).netloc, 40)

    @display(description="Address", ordering="url")
    def address(self, endpoint: WebhookEndpoint) -> str:
        return shortened(endpoint.url)

    @display(description="State", label=STATES)
    def state(self, endpoint: WebhookEndpoint) -> str:
        return state_of(endpoint)

    @display(description="Secrets")
    def shown_secrets(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(
            mask(entry["secret"]) + (f" (until {entry['expires_at'][:16]})" if entry["expires_at"] else "")
            for entry in endpoint.secrets
        )

    @display(description="Calls")
    def calls(self, endpoint: WebhookEndpoint) -> str:
        address = reverse("admin:messaging_webhookdelivery_changelist")
        return format_html('<a href="{}?endpoint={}" class="text-primary-600">Log</a>', address, endpoint.pk)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        if change:
            endpoints.endpoint_change(
                WebhookEndpoint.objects.get(pk=obj.pk), **{name: getattr(obj, name) for name in form.changed_data}
            )
            self.note(request, "updated", obj, {"fields": sorted(form.changed_data)})
            return
        made, secret = endpoints.endpoint_create(
            obj.tenant_id, url=obj.url, event_types=obj.event_types, description=obj.description, enabled=obj.enabled
        )
        form.instance.__dict__.update(made.__dict__)  # the page goes on with the row that was stored
        self.note(request, "created", made, {"event_types": made.event_types})
        messages.warning(request, SHOWN_ONCE.format(secret))

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        self.note(request, "deleted", obj)
        endpoints.endpoint_delete(obj)

    # ---- verbs ---------------------------------------------------------------------

    def do_ping(self, request: HttpRequest, endpoint: WebhookEndpoint) -> str:
        made = ping(endpoint)
        self.note(request, "pinged", endpoint, {"status": made.status})
        if made.status == WebhookDelivery.Status.DELIVERED:
            return f"{endpoint} answered {made.response_status}."
        messages.error(request, f"{endpoint} did not take the ping: {made.error_code}.")
        return ""

    def do_resume(self, request: HttpRequest, endpoint: WebhookEndpoint) -> str:
        count = endpoints.endpoint_resume(endpoint)
        self.note(request, "resumed", endpoint)
        return f"{endpoint}: {count} waiting calls are on their way."

    def do_replay(self, request: HttpRequest, endpoint: WebhookEndpoint) -> str:
        failed = endpoints.deliveries_chosen(endpoint, status=WebhookDelivery.Status.FAILED)
        count = endpoints.deliveries_replay(endpoint, failed)
        self.note(request, "replayed", endpoint, {"count": count})
        return f"{endpoint}: {count} calls are on their way again."

    def do_rotate(self, request: HttpRequest, endpoint: WebhookEndpoint) -> str:
        secret = endpoints.secret_rotate(endpoint)
        self.note(request, "secret_rotated", endpoint)
        messages.warning(request, SHOWN_ONCE.format(secret))
        return ""

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "resume", queryset)


class EndpointFilter(admin.SimpleListFilter):
    """By endpoint, among those of the tenants that the member of staff sees."""

    title = parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tenants = tenants_with(request, model_admin.permission("read"))
        # unscoped: a list may span all tenants of the member of staff; limited to them here
        found = WebhookEndpoint.objects.unscoped().filter(tenant__in=tenants).order_by("id")[:100]
        return [(str(endpoint.id), str(endpoint)[:60]) for endpoint in found]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = self.value() in {value for value, _ in self.lookup_choices}
        return queryset.filter(endpoint_id=self.value()) if known else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(TenantAdmin):
    """Calls to integrators: staff read them and make them anew."""

    resource = "webhooks"
    deeds = frozenset()
    buttons = (Button("replay", "Replay", "replay"),)
    actions = ("replay",)
    fields = ("tenant", "endpoint", "type", "event", "state", "attempts", "response_status", "error_code", "due_at",
              "created_at", "finished_at", "said")  # fmt: skip
    readonly_fields = ("state", "said")
    list_display = ("created_at", "type", "to", "state", "attempts", "response_status", "error_code", "tenant")
    list_filter = ("status", EndpointFilter, TenantFilter)
    list_select_related = ("endpoint", "tenant")
    search_fields = ("type", "error_code")

    def has_write_permission(self, request: HttpRequest) -> bool:
        return self.allowed(request, "write")

    @display(description="Status", label=STATES)
    def state(self, delivery: WebhookDelivery) -> str:
        return delivery.status

    @display(description="Endpoint")
    def to(self, delivery: WebhookDelivery) -> str:
        return shortened(str(delivery.endpoint), 40)

    @display(description="Exchanges (redacted)")
    def said(self, delivery: WebhookDelivery) -> str:
        return verbatim(delivery.exchanges) if delivery.exchanges else "—"

    def do_replay(self, request: HttpRequest, delivery: WebhookDelivery) -> str:
        own = WebhookDelivery.objects.filter(id=delivery.id)
        if not endpoints.deliveries_replay(delivery.endpoint, own):
            return ""
        self.note(request, "replayed", delivery)
        return f"{delivery.type} is on its way again."

    @admin.action(description="Replay", permissions=["write"])
    def replay(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "replay", queryset)


def _checked(check: Callable[..., None], *values: Any) -> None:
    try:
        check(*values)
    except ServiceError as error:
        raise forms.ValidationError(error.message) from error
