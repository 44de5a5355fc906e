"""The console's page on a tenant's settings: sections of a form, made from the model of the settings (ADM-1, TEN-2).

Owns what stands together and what it is called. Must not know what a setting means; hours and safety have pages of
their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from channels_app.contract import SendError
from channels_app.models import Channel
from channels_app.registry import KINDS, adapter_for
from messaging.admin.tenant.store import Settings, settings_store
from messaging.outbox.alert_ways import alert_test
from messaging.privacy.retention import preview
from tenants.admin import TenantsAdmin
from tenants.console.plain_words import plain_words
from tenants.console.structure import Schema, shown
from tenants.console.structure_field import StructureField, field_for, place
from tenants.models import Tenant
from tenants.people.tenant import settings_masked
from tenants.scope import tenant_scope
from tenants.tenant_settings import AWAITED, LIMITS, TenantSettings

log = structlog.get_logger(__name__)

NAME = "settings"
MORE = "more"
#: section → what it is called, and its settings
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "general": (
        "General", ("languages", "region", "bot_name", "agent_names", "greeting", "fallback_reply", "fallback_replies"),
    ),
    "assistant": ("Assistant", ("flows", "default_flow", "assistant", "system_prompt", "provider_mask", "prompt_tokens")),
    "models": ("Language models", ("default_model", "allowed_models", "llm_budget")),
    "assignment": ("Assignment", ("assignment", "queue_told_on")),
    "ratings": ("Ratings", ("csat_enabled", "csat_channels")),
    "alerts": ("Alerts", ("alerts",)),
    "consent": ("Stop and help", ("stop_reply", "help_reply")),
    "features": ("Features", ("features", "event_words")),
    "sign_in": ("Sign-in", ("second_factor",)),
    "limits": ("Limits", LIMITS),
    "privacy": ("Kept data", ("retention_days", "legal_hold")),
}  # fmt: skip
#: settings that stand on a page of their own
ELSEWHERE = frozenset(
    {"safety", "business_hours", "business_hours_of", "out_of_hours_reply", "out_of_hours_replies"}
    | {"expected_reply_minutes", "first_response_minutes"}
)
LABELS = {
    "llm_budget": "What a day may cost", "assignment": "Who gets a conversation that waits",
    "bot_name": "Name of the assistant", "agent_names": "Names of colleagues", "region": "Country of phone numbers",
    "fallback_reply": "When nothing answers", "fallback_replies": "When nothing answers, by language",
    "assistant": "How sure it must be", "csat_enabled": "Ask people how it was", "csat_channels": "Ask on",
    "retention_days": "Days that ended conversations are kept", "legal_hold": "Legal hold",
    "queue_told_on": "Tell people their place on",
    "event_words": "Words in events", "second_factor": "A second step at sign-in", "stop_reply": "Answer to STOP", "help_reply": "Answer to HELP",
    "rate_limit": "Requests a minute", "burst_limit": "Requests at once",
    "user_rate_limit": "Requests a minute, of one user", "user_burst_limit": "Requests at once, of one user",
}  # fmt: skip
#: way → the setting with its address, and what it is called
ALERT_TESTS = {"slack": ("slack_webhook_url", "Slack"), "webhook": ("webhook_url", "Your webhook")}
TESTS = {"alerts": {"slack": "Send a test to Slack", "webhook": "Send a test to the webhook"}}
REFUSED = {
    "address_blocked": "only https addresses outside our own network are called",
    "bad_url": "this is no address that can be called",
    "http_404": "there is nothing at this address (404)",
    "http_403": "it refuses us (403)",
    "http_410": "it is gone (410)",
}
PARTS = Schema(TenantSettings.model_json_schema()).parts


def sections() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every setting that can be set stands in one of them: a new one under "More" until it has a place."""
    placed = ELSEWHERE.union(AWAITED, *(names for _, names in SECTIONS.values()))
    rest = tuple(name for name in PARTS if name not in placed)
    return {**SECTIONS, **({MORE: ("More", rest)} if rest else {})}


class SectionForm(forms.Form):
    """Settings of one section. ``stored``: as they are; ``channels``: of the tenant, to choose from."""

    def __init__(
        self, data: Any, names: tuple[str, ...], stored: Mapping[str, Any], channels: list[Channel], *, writable: bool
    ):
        super().__init__(data)
        for name in names:
            field = self._field(name, stored.get(name), channels)
            field.label, field.disabled = LABELS.get(name, field.label), not writable
            self.fields[name] = field

    def _field(self, name: str, held: Any, channels: list[Channel]) -> forms.Field:
        if name in ("csat_channels", "queue_told_on"):
            return _channels_field(name, held, channels)
        schema = PARTS[name]
        if name == "alerts":
            keys = {channel.key: channel.name for channel in channels}
            by_channel = {**schema.own["properties"]["silent_after_hours_of"], "keys": keys}
            properties = {**schema.own["properties"], "silent_after_hours_of": by_channel}
            schema = Schema({**schema.own, "properties": properties}, schema.defs)
        return field_for(name, schema, initial=held)

    def changes(self) -> tuple[Settings, set[str]]:
        """What is set, and the names of what is as by default: that is not stored."""
        entered = {name: value for name, value in self.cleaned_data.items() if value is not None}
        usual = {name for name in self.fields if name not in entered or _usual(name, entered[name])}
        return {name: value for name, value in entered.items() if name not in usual}, usual

    def refuse(self, problems: list[dict[str, Any]]) -> None:
        for problem in problems:
            name, *steps = str(problem["field"]).split(".")
            there = place([int(step) if step.isdigit() else step for step in steps])
            told = plain_words(problem)
            self.add_error(name if name in self.fields else None, f"{there or LABELS.get(name, name)}: {told}")


def _channels_field(name: str, held: Any, channels: list[Channel]) -> forms.Field:
    """Channels, by key, and kinds of channels, for those to come."""
    chosen = list(PARTS[name]["default"] if held is None else held)
    known = {
        **{kind: f"Every channel of the kind {adapter_for(kind).label}" for kind in KINDS},
        **{channel.key: channel.name for channel in channels},
    }
    choices = [*known.items(), *((mark, mark) for mark in chosen if mark not in known)]
    return forms.MultipleChoiceField(
        required=False, choices=choices, widget=UnfoldAdminCheckboxSelectMultipleWidget, initial=chosen,
        help_text=PARTS[name]["description"],
    )  # fmt: skip


def _usual(name: str, value: Any) -> bool:
    default = TenantSettings.model_fields[name].get_default(call_default_factory=True)
    usual = default.model_dump(mode="json") if hasattr(default, "model_dump") else default
    schema = PARTS[name]
    if schema.kind == "leaf":
        return bool(value == usual)
    return bool(value == shown(schema, list(usual) if isinstance(usual, tuple) else usual))


def settings_page(page: TenantsAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """``?section=`` names one of `sections`."""
    may_write, there = page.has_change_permission(request, tenant), sections()
    chosen = request.GET.get("section", "general")
    if chosen not in there:
        raise Http404
    if request.method == "POST" and not may_write:
        raise PermissionDenied
    with tenant_scope(tenant.id):
        channels = list(Channel.objects.filter(disconnected_at=None).order_by("name", "id"))
        kept = preview() if chosen == "privacy" else None
    sent = request.POST if request.method == "POST" else None
    stored = tenant.settings if may_write else settings_masked(tenant.settings)
    form = SectionForm(sent, there[chosen][1], stored, channels, writable=may_write)
    if sent is not None and form.is_valid() and "test" in sent:
        _tested(request, tenant, sent["test"], form)  # what was entered stays in the form, unsaved
    elif sent is not None and form.is_valid() and _stored(page, request, tenant, form):
        messages.success(request, f"{there[chosen][0]}: saved.")
        return HttpResponseRedirect(request.get_full_path())
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "original": tenant, "title": f"Settings of {tenant}", "tenant": tenant,
        "form": form, "media": form.media, "fields": list(_shown(form)), "may_write": may_write, "chosen": chosen,
        "kept": kept, "sections": [(name, label) for name, (label, _) in there.items()],
        "tests": TESTS.get(chosen, {}),
    }  # fmt: skip
    return TemplateResponse(request, "admin/tenants/tenant/settings.html", context).render()


def _tested(request: HttpRequest, tenant: Tenant, way: str, form: SectionForm) -> None:
    """Send a test to the address that stands in the form, at once, whether or not it is saved."""
    if way not in ALERT_TESTS or "alerts" not in form.fields:
        raise Http404
    name, label = ALERT_TESTS[way]
    url = (form.cleaned_data.get("alerts") or {}).get(name) or ""
    if not re.fullmatch(r"https?://\S{1,490}", url):
        messages.error(request, f"Enter the address of {label} first.")
        return
    try:
        alert_test(tenant, way, url)
    except SendError as error:
        log.warning("alert_test_failed", way=way, code=error.code)
        messages.error(request, f"{label} did not take the test: {REFUSED.get(error.code, error.code)}.")
    else:
        messages.success(request, f"{label} took the test.")


def _shown(form: SectionForm) -> Iterator[tuple[Any, bool]]:
    """Each field, and whether it is a group of inputs that need a caption rather than a label."""
    for bound in form:
        grouped = isinstance(bound.field, (StructureField, forms.MultipleChoiceField))
        yield bound, grouped


def _stored(page: TenantsAdmin, request: HttpRequest, tenant: Tenant, form: SectionForm) -> bool:
    """False when the settings refuse it; the form says why then."""
    changes, usual = form.changes()

    def change(stored: Settings) -> Settings:
        return {**{name: value for name, value in stored.items() if name not in usual}, **changes}

    problems = settings_store(page, request, tenant, NAME, change)
    form.refuse(problems)
    return not problems


TenantsAdmin.pages[NAME] = ("Settings", "tune", settings_page)
