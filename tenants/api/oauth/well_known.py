"""``/.well-known/…``: what other services read to check our tokens by themselves (RFC 7517), and to get some (RFC 8414)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from tenants.access.permissions import PERMISSIONS
from tenants.access.signing.keys import keyring

FRESH_S = 300  # a key is published so long, at least, before it signs: docs/tokens.md


@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    """The public keys of JWT_KEYS_FILE; none where a secret signs. For all, so also for pages of other origins."""
    answer = JsonResponse({"keys": [dict(key) for key in keyring().published]})
    answer["Cache-Control"] = f"public, max-age={FRESH_S}"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


@require_safe
def authorization_server(request: HttpRequest) -> JsonResponse:
    """Where an OAuth client goes, and what is understood there."""
    here: str = settings.PUBLIC_URL
    answer = JsonResponse(
        {
            "issuer": here,
            "authorization_endpoint": f"{here}{reverse('admin:oauth_authorize')}",
            "token_endpoint": f"{here}/api/v2/oauth/token",
            "jwks_uri": f"{here}/.well-known/jwks.json",
            "scopes_supported": sorted(PERMISSIONS),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "service_documentation": f"{here}/api/docs",
        }
    )
    answer["Cache-Control"] = f"public, max-age={FRESH_S}"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
