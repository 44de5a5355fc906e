"""Pages whose acts stand in the audit trail."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


class Trailed:
    """Pages whose acts stand in the audit trail, and nowhere else: Django's own log keeps what a row is called, which may be
    a person, beyond their erasure."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any: ...

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What the trail has of the row."""
        page: Any = self
        row = page.get_object(request, object_id)
        if row is None:
            raise Http404
        if not page.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('admin:tenants_auditentry_changelist')}?q={row.pk}")
