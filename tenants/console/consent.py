"""The page on which a member of staff lets an OAuth client act for them, or does not (RFC 6749, 4.1).

Must not judge the request: tenants/access/grants/server.py does. A request that names no client or another address than the
client's is told here, and sent nowhere.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from tenants.access.grants.clients import ClientFacts, held_by, unplain
from tenants.access.permissions import PERMISSIONS
from tenants.models import Tenant, User

METHODS = require_http_methods(["GET", "POST"])


def addresses() -> list[URLPattern]:
    return [path("oauth/authorize/", METHODS(never_cache(csrf_protect(consent_view))), name="oauth_authorize")]


def consent_view(request: HttpRequest) -> HttpResponse:
    from authlib.oauth2 import OAuth2Error

    from tenants.access.grants.server import granted, server

    user = request.user
    if not isinstance(user, User) or not user.is_staff:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if wrong := unplain([*request.GET.items(), *request.POST.items()]):
        said = f"{wrong[:60]} has characters that the standard does not know."
        return _page(request, {"title": "This request cannot be answered", "said": said}, status=400)
    try:
        grant = server().get_consent_grant(request, end_user=user)
    except OAuth2Error as error:
        if error.redirect_uri:
            return server().handle_error_response(server().create_oauth2_request(request), error)  # type: ignore[no-any-return]
        return _page(request, {"title": "This request cannot be answered", "said": error.description}, status=400)
    client: ClientFacts = grant.client.facts
    if held_by(client.tenant_id, user.id) is None:
        return _page(request, {"title": "You are no member there", "client": client, "stranger": True}, status=403)
    given = granted(client, user, grant.request.scope)
    if request.method == "POST":
        agreed = user if request.POST.get("answer") == "allow" and given else None
        answer: HttpResponse = server().create_authorization_response(request, grant_user=agreed, grant=grant)
        return answer
    shown = {
        "title": f"Let {client.name} in?", "client": client, "tenant": Tenant.objects.get(id=client.tenant_id),
        "given": [PERMISSIONS[name] for name in sorted(given)], "missing": len(grant.request.scope.split()) - len(given),
        "place": _place(grant.redirect_uri),
    }  # fmt: skip
    return _page(request, shown, leads_to=grant.redirect_uri)


def _place(uri: str) -> str:
    """Where the answer goes, in words."""
    host = urlsplit(uri).hostname
    return "a program on this device" if host is None or host in ("127.0.0.1", "::1") else host


def _page(request: HttpRequest, shown: dict[str, Any], *, status: int = 200, leads_to: str = "") -> HttpResponse:
    answer = render(request, "admin/consent.html", {**admin.site.each_context(request), **shown}, status=status)
    if leads_to:  # browsers hold the redirect that follows a form to the policy of the form's page
        parts = urlsplit(leads_to)
        place = f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
        answer._csp_update = {"form-action": ["'self'", place]}  # type: ignore[attr-defined]
    return answer
