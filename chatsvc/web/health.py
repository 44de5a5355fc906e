"""Is it alive, is it ready, what is it made of; and what stands at the root."""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.vary import vary_on_headers

from channels_app.models import Channel
from channels_app.registry import KINDS
from chatsvc.observe import metrics
from chatsvc.release import VERSION
from chatsvc.web import probes
from messaging.media.convert.programs import found as converters

#: where a person or a client that knows nothing but the address goes on
LINKS = {"openapi": "/api/schema", "docs": "/api/docs", "health": "/health", "console": "/admin/"}


def icon(request: HttpRequest) -> HttpResponse:
    """Where browsers look that were told of no icon: also on pages of JSON."""
    return redirect(static("admin/favicon.svg"))


def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Depends on nothing."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Requests can be served: the database takes writes. Files that cannot be kept, or a broker that refuses tasks,
    only degrade: messages go on."""
    told = probes.ready()
    if told["database"] == "down":
        return JsonResponse({"status": "unavailable", **told}, status=503)
    return JsonResponse({"status": "degraded" if "down" in told.values() else "ok", **told})


def detailed(request: HttpRequest) -> JsonResponse:
    """Each dependency with its latency. For staff who are signed in, and callers who may read the measures."""
    user = getattr(request, "user", None)
    if not (metrics.may_read(request) or (user is not None and user.is_active and user.is_staff)):
        return JsonResponse({"status": "forbidden"}, status=403)
    told = probes.ask_all()
    down = [name for name, answer in told.items() if answer["status"] == "down"]
    status = "unavailable" if "database" in down else "degraded" if down else "ok"
    return JsonResponse({"status": status, "dependencies": told}, status=503 if status == "unavailable" else 200)


def info(request: HttpRequest) -> JsonResponse:
    """Which version runs, with which of the optional parts."""
    parts = {
        "database": connection.vendor,
        "redis": bool(settings.REDIS_URL),
        "kafka": bool(settings.ENV["KAFKA_BROKERS"]),
        "converters": sorted(name for name, there in converters().items() if there),
        "scanner": bool(settings.ENV["CLAMAV_URL"]),
        "engine": "grpc" if settings.ENV["MCP_ENGINE_URL"] else "built-in",
        "tokens": "security hub" if settings.ENV["SECURITY_HUB_URL"] else "own",
    }
    about = {"name": settings.ENV["SERVICE_NAME"], "version": VERSION, "api": ["v1", "v2"]}
    return JsonResponse({**about, "parts": parts, "channels": sorted(KINDS), "links": LINKS})


@vary_on_headers("Accept", "Accept-Language")
def root(request: HttpRequest) -> HttpResponse:
    """A page with the widget of the demo tenant; for clients that ask for JSON, and where there is no demo, `info`."""
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return info(request)
    # unscoped: only the one demo tenant, by its slug, is shown to everybody
    channels = Channel.objects.unscoped().select_related("tenant")
    channel = channels.filter(tenant__slug="acorn", kind="web", enabled=True).order_by("created_at").first()
    if channel is None:
        return info(request)
    # the shop is English; who comes to try the chat is greeted in the language of their browser
    wanted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    locale = wanted[0][0] if wanted and wanted[0][0] != "*" else ""
    shown = {"channel_key": channel.key, "tenant_name": channel.tenant.name, "locale": locale}
    return render(request, "demo.html", shown)
