"""The console's page on hours: of a tenant and of each of its channels, as a form (ADM-1, TEN-2).

Must not know how hours are written (hours_form.py), nor what they mean.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from channels_app.hours import hours_on
from channels_app.models import Channel
from messaging.admin.tenant.hours_form import HoursForm, RepliesForm
from messaging.admin.tenant.store import settings_store
from tenants import tenant_settings
from tenants.admin import TenantsAdmin
from tenants.console.plain_words import plain_words
from tenants.hours import BusinessHours, is_open, next_close, next_open
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now

NAME = "hours"
REPLIES = tuple(RepliesForm.base_fields)


def hours_page(page: TenantsAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """``?channel=`` with a channel's key: its own hours."""
    may_write = page.has_change_permission(request, tenant)
    with tenant_scope(tenant.id):
        channels = list(Channel.objects.filter(disconnected_at=None).order_by("name", "id"))
        channel = _chosen(request, channels)
        if request.method == "POST" and not may_write:
            raise PermissionDenied
        hours, replies = _forms(request, tenant, channel)
        entered = request.method == "POST" and hours.is_valid() and (replies is None or replies.is_valid())
        if entered and _stored(page, request, tenant, channel, hours, replies):
            messages.success(request, "The hours were saved.")
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **page.admin_site.each_context(request), "opts": page.opts, "original": tenant, "title": f"Hours of {channel or tenant}",
            "tenant": tenant, "channel": channel, "channels": channels, "form": hours, "replies": replies,
            "own": tenant_settings.settings_for(tenant.id).business_hours_of, "may_write": may_write,
            "now": _now(hours_on(tenant.id, channel.id if channel else None)),
        }  # fmt: skip
        return TemplateResponse(request, "admin/tenants/tenant/hours.html", context).render()


def _now(hours: BusinessHours) -> str:
    """What holds at this moment, by the clock there."""
    at = now()
    opened = is_open(hours, at)
    change = next_close(hours, at) if opened else next_open(hours, at)
    until = f"{change.astimezone(hours.zone):%A, %d %B, %H:%M}" if change else ""
    if opened:
        return f"People answer now, until {until}." if until else "People answer now."
    return f"It is closed now; people answer again from {until} on." if until else "It is closed now."


def _chosen(request: HttpRequest, channels: list[Channel]) -> Channel | None:
    key = request.GET.get("channel")
    found = next((channel for channel in channels if channel.key == key), None)
    if key and found is None:
        raise Http404
    return found


def _forms(request: HttpRequest, tenant: Tenant, channel: Channel | None) -> tuple[HoursForm, RepliesForm | None]:
    """With what was posted, else with what holds; of a channel the hours alone."""
    sent = request.POST if request.method == "POST" else None
    chosen = tenant_settings.settings_read(tenant)
    if channel:
        own = chosen.business_hours_of.get(channel.key)
        return HoursForm(sent, of_channel=True, initial=HoursForm.filled_with(own)), None
    hours = HoursForm(sent, initial=HoursForm.filled_with(chosen.business_hours))
    return hours, RepliesForm(sent, initial=RepliesForm.filled_with(chosen))


def _stored(
    page: TenantsAdmin, request: HttpRequest, tenant: Tenant, channel: Channel | None, hours: HoursForm,
    replies: RepliesForm | None,
) -> bool:  # fmt: skip
    """False when the settings refuse it; the forms say why then."""
    problems = settings_store(page, request, tenant, NAME, lambda stored: _changed(stored, channel, hours, replies))
    for problem in problems:
        field = str(problem["field"]).partition(".")[0]
        form: Any = replies if replies is not None and field in REPLIES else hours
        form.add_error(field if field in form.fields else None, plain_words(problem))
    return not problems


def _changed(
    stored: dict[str, Any], channel: Channel | None, hours: HoursForm, replies: RepliesForm | None
) -> dict[str, Any]:
    told = hours.hours.model_dump(mode="json", exclude_defaults=True) if hours.hours else None
    if channel:
        others = {key: own for key, own in stored.get("business_hours_of", {}).items() if key != channel.key}
        return {**stored, "business_hours_of": {**others, **({} if told is None else {channel.key: told})}}
    assert replies is not None  # a tenant's page has both
    return {**stored, "business_hours": told or {}, **replies.cleaned_data}


TenantsAdmin.pages[NAME] = ("Hours", "schedule", hours_page)
