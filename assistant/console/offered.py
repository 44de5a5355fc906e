"""The console's page of what an MCP server offers: staff choose which of it their assistant may call (AI-8).

Owns the form. Must not keep the token in a page or a session: between the two steps it travels encrypted, for one colleague
and one tenant.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import InvalidToken
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from assistant.console.choice import tenant_asked
from assistant.tools.models import Tool
from tenants.access.limits import client_ip
from tenants.console.pages.rows import TenantAdmin
from tenants.errors import ServiceError
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.crypto import decrypt, encrypt
from tenants.trail.audit import audit

CHANGED = "The server says something else of {} than was shown; it was not put on the list. Read it again."


class ServerForm(forms.Form):
    url = forms.CharField(
        label="Address", max_length=2048, widget=UnfoldAdminTextInputWidget(),
        help_text="https, reachable from the internet: where the server answers to streamable HTTP",
    )  # fmt: skip
    token = forms.CharField(
        label="Token", max_length=2000, required=False, widget=UnfoldAdminPasswordWidget(),
        help_text="If the server wants one. Kept with the tools that you choose",
    )  # fmt: skip


def offered_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """``tenant``: whose list. The first POST asks a server, the second takes those that are ``chosen``."""
    tenant, tenants = tenant_asked(request, "models:write")
    form = ServerForm(request.POST if "url" in request.POST else None)
    server = _opened(request, tenant) if "server" in request.POST else None
    if server is None and form.is_bound and form.is_valid():
        server = {"url": form.cleaned_data["url"].strip(), "token": form.cleaned_data["token"]}
    offered: list[dict[str, Any]] | None = None
    if server is not None:
        with tenant_scope(tenant.id):
            try:
                offered = _asked(request, tenant, server)
            except ServiceError as error:
                form = ServerForm(initial={"url": server["url"]}) if not form.is_bound else form
                messages.error(request, _told(error))
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": "Tools of an MCP server", "tenant": tenant,
        "tenants": tenants if len(tenants) > 1 else [], "form": form, "offered": offered, "server": server,
        "sealed": encrypt({**server, "tenant": str(tenant.pk), "user": str(request.user.pk)}) if server else "",
    }  # fmt: skip
    return render(request, "admin/assistant/offered.html", context)


def _opened(request: HttpRequest, tenant: Tenant) -> dict[str, str]:
    """What was asked in the first step, by this colleague for this tenant. Raises PermissionDenied."""
    try:
        sealed = decrypt(request.POST["server"])
    except InvalidToken:
        raise PermissionDenied from None
    if (sealed.get("tenant"), sealed.get("user")) != (str(tenant.pk), str(request.user.pk)):
        raise PermissionDenied
    return {"url": sealed["url"], "token": sealed["token"]}


def _asked(request: HttpRequest, tenant: Tenant, server: dict[str, str]) -> list[dict[str, Any]]:
    """What the server offers, after what was chosen of it is on the list. Raises ServiceError."""
    from assistant.tools import offering  # the SDK, which other pages do without

    found = offering.offered_asked(server["url"], server["token"])
    listed = _listed(server["url"])
    if "server" in request.POST:
        marks = {offering.mark_of(one): one for one in found}
        for chosen in request.POST.getlist("chosen")[: len(found)]:
            mark, _, name = chosen.partition(" ")
            if mark not in marks:
                messages.warning(request, CHANGED.format(name[:128]))
                continue
            if marks[mark].name in listed:  # sent twice
                continue
            row = offering.offered_take(marks[mark], server["url"], server["token"])
            audit(request.user, "tool.created", row, {"name": row.name}, client_ip(request))
            listed.add(row.remote)
            messages.success(request, f"{row.name} is on the list. The person is asked before each call.")
    return [
        {
            "name": one.name, "title": one.title, "description": one.description, "reads_only": one.reads_only,
            "schema": json.dumps(one.schema, indent=2, ensure_ascii=False), "unusable": offering.unusable(one),
            "mark": offering.mark_of(one), "listed": one.name in listed,
        }
        for one in found
    ]  # fmt: skip


def _listed(url: str) -> set[str]:
    return set(Tool.objects.filter(kind=Tool.Kind.MCP, url=url).values_list("remote", flat=True))


def _told(error: ServiceError) -> str:
    details = error.details
    if isinstance(details, list) and details:
        return str(details[0].get("message", error.message))
    reason = details.get("reason", "") if isinstance(details, dict) else ""
    return f"{error.message} ({reason})" if reason else error.message
