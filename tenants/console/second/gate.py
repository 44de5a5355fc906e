"""Members of a tenant that demands a second step, and operators once any does, see nothing but the page on which they set
it up, until they have one.

Owns the way there. That nothing else is seen is the matter of `memberships_of` and of the socket, not of this page.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tenants.console.pages.whose import memberships_of, operates
from tenants.models import Tenant
from tenants.people.sessions import session_seen

FREE = ("admin:sign_in", "admin:sign_in_app", "admin:sign_in_passkey", "admin:logout", "admin:login", "admin:second")


def closed_tenants(request: HttpRequest) -> list[Tenant]:
    """The member's tenants that are closed to them until they have a second step."""
    memberships_of(request)
    found: list[Tenant] = request._closed_tenants  # type: ignore[attr-defined]
    return found


def closed_operator(request: HttpRequest) -> bool:
    """Whether every tenant is closed to the account, which would have them all."""
    user: Any = request.user
    return bool(user.is_superuser) and not operates(request)


def led(request: HttpRequest) -> HttpResponse | None:
    """A way to the page, where the member has to go there first."""
    user: Any = request.user
    if not user.is_authenticated:
        return None
    session_seen(request)
    if user.second_factor_at or request.path in [reverse(name) for name in FREE]:
        return None
    closed = closed_operator(request) or (not user.is_superuser and closed_tenants(request))
    return HttpResponseRedirect(reverse("admin:sign_in")) if closed else None
