"""``/api/v2/webhooks/<kind>/<channel key>``: verify, store, acknowledge; nothing else happens here."""

from __future__ import annotations

import ipaddress

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from channels_app.contract import BadSignature, RawRequest, Reply, SendError
from channels_app.models import Channel
from channels_app.selectors import channel_for_key
from channels_app.services import bad_signature_count, http_for
from messaging.receive import receipt_store
from tenants.access.limits import client_ip
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)


@csrf_exempt
def webhook(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Find the channel, check where the request comes from, keep it, and answer within milliseconds.

    404 for an unknown channel, 403 outside the allow-list, 401 without a good signature, else what
    the platform expects: also for what we cannot understand, since it would only be sent again.
    """
    channel = channel_for_key(key, kind)
    if channel is None:
        return _error(404, "channel_not_found", "There is no such channel.")
    if not _allowed(channel, request):
        return _error(403, "address_not_allowed", "This address may not call this webhook.")
    try:
        raw = _raw(request)
    except RequestDataTooBig:
        return _error(413, "body_too_large", "The body is too large.")
    config = channel.adapter_config()
    with tenant_scope(channel.tenant_id):
        try:
            handshake = channel.adapter.handshake(raw, config)
            if handshake:
                return _reply(handshake)
            channel.adapter.verify(raw, config, http_for(channel, in_request=True))
        except BadSignature as error:
            bad_signature_count(channel)
            log.warning("bad_signature", channel=str(channel.id), reason=str(error))
            return _error(401, "bad_signature", "The request does not prove where it comes from.")
        except SendError as error:
            log.warning("keys_unavailable", channel=str(channel.id), code=error.code)
            return _error(503, "keys_unavailable", "The platform's keys cannot be fetched; send this again.")
        receipt_store(channel, raw)
    return _reply(channel.adapter.acknowledge(raw, config))


def _raw(request: HttpRequest) -> RawRequest:
    return RawRequest(
        method=request.method or "",
        path=request.path,
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: str(value) for name, value in request.GET.items()},
        body=request.body,
        url=f"{settings.PUBLIC_URL}{request.get_full_path()}",
    )


def _allowed(channel: Channel, request: HttpRequest) -> bool:
    if not channel.ip_allow_list:
        return True
    address = ipaddress.ip_address(client_ip(request))
    return any(address in ipaddress.ip_network(network, strict=False) for network in channel.ip_allow_list)


def _reply(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)


def _error(status: int, code: str, message: str) -> HttpResponse:
    error = {"code": code, "message": message, "details": None}
    return JsonResponse({"status": "error", "data": None, "error": error, "meta": {}}, status=status)
