"""``POST /api/v2/oauth/token``: where OAuth clients fetch tokens, in the form of RFC 6749 and not of our own API."""

from __future__ import annotations

import base64
import math

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from tenants.access.grants.clients import unplain
from tenants.access.limits import allow, client_ip, network

RATE_PER_S, BURST = 5.0, 60  # of one address
FORM = "application/x-www-form-urlencoded"


@csrf_exempt  # no cookie is looked at
@require_POST
@sensitive_post_parameters()
def token(request: HttpRequest) -> HttpResponse:
    """Client credentials, a code with its verifier, or a refresh token; the client proves itself in the request."""
    if wait := allow(f"oauth:{network(client_ip(request))}", RATE_PER_S, BURST):
        answer = _error("temporarily_unavailable", "Too many requests.", 429)
        answer["Retry-After"] = str(math.ceil(wait))
        return answer
    if request.content_type != FORM:
        return _error("invalid_request", f"Send the body as {FORM}.")
    if request.GET or any(len(values) > 1 for _, values in request.POST.lists()):
        return _error("invalid_request", "Parameters stand in the body, each once.")
    if unplain(request.POST.items()):
        return _error("invalid_request", "A parameter has characters that the standard does not know.")
    if not _header_is_whole(request.headers.get("Authorization", "Basic Og==")):
        return _error("invalid_client", "The Authorization header is not of the form Basic.", 401)
    from tenants.access.grants.server import server  # Authlib takes its time, and most processes never need it

    answered: HttpResponse = server().create_token_response(request)
    answered["Cache-Control"] = "no-store"
    return answered


def _header_is_whole(header: str) -> bool:
    """Whether it is Basic with a name and a secret in the standard's characters, which Authlib takes for granted."""
    scheme, _, coded = header.partition(" ")
    try:
        pair = base64.b64decode(coded.strip(), validate=True).decode("ascii")
    except ValueError:
        return False
    return scheme.lower() == "basic" and ":" in pair and not unplain([("pair", pair)])


def _error(code: str, said: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"error": code, "error_description": said}, status=status)
