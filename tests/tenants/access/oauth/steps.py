"""The steps of a client of OAuth, and of the person whom it asks."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client as Browser

from tenants.access import auth
from tenants.errors import NotAuthenticated
from tenants.models import OAuthClient

BACK = "https://analytics.example.com/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPES = ["contacts:read", "conversations:read"]
AUTHORIZE, TOKEN = "/admin/oauth/authorize/", "/api/v2/oauth/token"


def asked(client_id: str, **changes: Any) -> str:
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": BACK, "state": "s1", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", "scope": " ".join(SCOPES), **changes,
    }  # fmt: skip
    return f"{AUTHORIZE}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def fetched(grant: str, client: OAuthClient, secret: str, **fields: str) -> Any:
    body = {
        "grant_type": grant,
        "client_id": client.client_id,
        **({"client_secret": secret} if secret else {}),
        **fields,
    }
    return Browser().post(TOKEN, urlencode(body), content_type="application/x-www-form-urlencoded")


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def code_from(answer: Any) -> str:
    assert answer.status_code == 302, answer.content
    sent = urlsplit(answer["Location"])
    query = parse_qs(sent.query)
    assert (f"{sent.scheme}://{sent.netloc}{sent.path}", query["state"]) == (BACK, ["s1"])
    return query["code"][0]


def allowed(desk: Browser, client: OAuthClient, **changes: Any) -> str:
    return code_from(desk.post(asked(client.client_id, **changes), {"answer": "allow"}))


def exchanged(client: OAuthClient, secret: str, code: str, **changes: str) -> Any:
    fields = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, **changes}
    return fetched("authorization_code", client, secret, **fields)


def is_good(token: str) -> bool:
    try:
        return bool(auth.principal_for(token))
    except NotAuthenticated as refusal:
        assert refusal.code == "token_revoked"
        return False
