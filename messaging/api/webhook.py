"""``/api/v2/webhooks/<kind>/<channel key>``: verify, store, acknowledge; nothing else happens here."""

from __future__ import annotations

import ipaddress
import math

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from channels_app.contract import BadSignature, RawRequest, Reply, SendError
from channels_app.models import Channel
from channels_app.selectors import channel_for_key
from channels_app.services import bad_signature_count, http_for
from channels_app.words.moments import written
from messaging.receive import receipt_store
from tenants.access.limits import allow, client_ip, network
from tenants.scope import tenant_scope
from tenants.storage.db import now

log = structlog.get_logger(__name__)

METHODS = ("GET", "POST")  # some platforms check the address by GET
UNPROVED_PER_S, UNPROVED_BURST = 1.0, 60  # of one address and channel


@csrf_exempt
def webhook(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Find the channel, check where the request comes from, keep it, and answer within milliseconds.

    404 for an unknown channel or a kind that has no webhooks, 405 for a method that no platform uses, 403 outside the
    allow-list, 401 without a good signature (429 when that goes on), 503 for a channel whose settings or secrets
    cannot be read, so that the platform sends again; else what the platform expects: also for what we cannot
    understand, since it would only be sent again. Raises IncompleteChannel, cryptography.fernet.InvalidToken.
    """
    channel = channel_for_key(key, kind) if key.isprintable() else None
    if channel is None or not channel.adapter.signature_header:
        return _error(request, 404, "channel_not_found", "There is no such channel.")
    if request.method not in METHODS:
        return _not_allowed(request)
    if not _allowed(channel, request):
        return _error(request, 403, "address_not_allowed", "This address may not call this webhook.")
    try:
        raw = _raw(request)
    except RequestDataTooBig:
        return _error(request, 413, "body_too_large", "The body is too large.")
    config = channel.adapter_config()
    with tenant_scope(channel.tenant_id):
        try:
            handshake = channel.adapter.handshake(raw, config)
            if handshake:
                return _reply(handshake)
            channel.adapter.verify(raw, config, http_for(channel, in_request=True))
        except BadSignature as error:
            return _unproved(request, channel, raw, str(error))
        except SendError as error:
            log.warning("channel_keys_unavailable", channel=str(channel.id), code=error.code)
            return _error(request, 503, "keys_unavailable", "The platform's keys cannot be fetched; send this again.")
        receipt_store(channel, raw)
    return _reply(channel.adapter.acknowledge(raw, config))


def _unproved(request: HttpRequest, channel: Channel, raw: RawRequest, reason: str) -> HttpResponse:
    """A request that proves nothing costs no statement, and only one that claims a proof counts as a bad signature
    and is logged: monitors and scanners are not a wrong secret. Each address is rate limited."""
    address = client_ip(request)
    signed = bool(raw.headers.get(channel.adapter.signature_header))
    if raw.method != "POST" and not signed and not raw.query:
        return _not_allowed(request)
    wait = allow(f"webhook:unproved:{channel.id}:{network(address)}", UNPROVED_PER_S, UNPROVED_BURST)
    if wait and settings.ENV["ENABLE_RATE_LIMITING"]:
        refusal = _error(request, 429, "rate_limited", "Too many requests that prove nothing.")
        refusal["Retry-After"] = str(math.ceil(wait))
        return refusal
    if signed and raw.method == "POST":
        bad_signature_count(channel, "" if channel.ip_allow_list else network(address))
        log.warning("webhook_signature_wrong", channel=str(channel.id), reason=reason)
    return _error(request, 401, "bad_signature", "The request does not prove where it comes from.")


def _not_allowed(request: HttpRequest) -> HttpResponse:
    refusal = _error(request, 405, "method_not_allowed", "This address does not take that method.")
    refusal["Allow"] = ", ".join(METHODS)
    return refusal


def _raw(request: HttpRequest) -> RawRequest:
    return RawRequest(
        method=request.method or "",
        path=request.path,
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: str(value) for name, value in request.GET.items()} if request.META.get("QUERY_STRING") else {},
        body=request.body,
        url=f"{settings.PUBLIC_URL}{request.get_full_path()}",
    )


def _allowed(channel: Channel, request: HttpRequest) -> bool:
    if not channel.ip_allow_list:
        return True
    given = client_ip(request)
    if not given:  # a proxy that names no address: it cannot be checked
        return False
    address = ipaddress.ip_address(given)
    return any(address in ipaddress.ip_network(one, strict=False) for one in channel.ip_allow_list)


def _reply(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)


def _error(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    """In the envelope of the API: the platform's log of a refused webhook names our request."""
    request_id = getattr(request, "request_id", "")
    error = {"code": code, "message": message, "details": None, "request_id": request_id}
    meta = {"request_id": request_id, "timestamp": written(now())}
    return JsonResponse({"status": "error", "data": None, "error": error, "meta": meta}, status=status)
