"""Is it alive, is it ready; and the demo page."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from channels_app.models import Channel
from tenants.db import ping


def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Depends on nothing."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Requests can be served: the database answers. Redis or Kafka away only degrades."""
    try:
        ping()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "down"}, status=503)
    return JsonResponse({"status": "ok", "database": "up"})


def demo(request: HttpRequest) -> HttpResponse:
    """A page with the widget of the demo tenant, or a hint how to get one."""
    # unscoped: only the one demo tenant, by its slug, is shown to everybody
    channels = Channel.objects.unscoped().select_related("tenant")
    channel = channels.filter(tenant__slug="acorn", kind="web", enabled=True).order_by("created_at").first()
    if channel is None:
        return HttpResponse("chatsvc is running. `manage.py seed_demo` makes a demo.", content_type="text/plain")
    return render(request, "demo.html", {"channel_key": channel.key, "tenant_name": channel.tenant.name})
