"""Which tenant a page of the console is about, where it is not about a row. Must not decide what is done there."""

from __future__ import annotations

import uuid
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from tenants.console.pages.whose import tenants_with
from tenants.models import Tenant

MOST_OFFERED = 100  # others are reached by their address


def tenant_field(request: HttpRequest, permission: str) -> forms.ModelChoiceField:
    """A choice of the tenants in which the member of staff has the permission; hidden where there is one alone."""
    tenants = tenants_with(request, permission)
    first = list(tenants[:2])
    one = first[0] if len(first) == 1 else None
    widget: Any = forms.HiddenInput() if one else UnfoldAdminSelectWidget()
    return forms.ModelChoiceField(tenants, widget=widget, initial=one, empty_label="Choose a tenant")


def tenant_asked(request: HttpRequest, *permissions: str) -> tuple[Tenant, list[Tenant]]:
    """The tenant that ``?tenant=`` names by its id, else the first; and the first MOST_OFFERED to choose from. Raises
    PermissionDenied where there is none, or it is not among those in which the member has one of the permissions."""
    tenants = reduce(or_, (tenants_with(request, permission) for permission in permissions))
    wanted = request.GET.get("tenant", "")
    try:
        found = tenants.filter(pk=uuid.UUID(wanted)).first() if wanted else tenants.first()
    except ValueError:
        found = None
    if found is None:
        raise PermissionDenied
    offered = list(tenants[:MOST_OFFERED])
    return found, offered if found in offered else [found, *offered]
