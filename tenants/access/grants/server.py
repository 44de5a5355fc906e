"""OAuth 2.0 for software of others: client credentials, and authorization code with PKCE (RFC 6749, 7636, 9700).

Authlib's grants hold the protocol; here stands what is ours: whose the rows are, and that what is handed out are our own
JWTs (docs/decisions/0050-oauth-hands-out-our-own-tokens.md). Must not know pages.
"""

from __future__ import annotations

import datetime
import time
from functools import cache
from typing import Any

from authlib.integrations.django_oauth2 import AuthorizationServer
from authlib.integrations.django_oauth2.requests import DjangoOAuth2Payload, DjangoOAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc7636 import CodeChallenge
from django.http import HttpRequest

from tenants.access import auth
from tenants.access.grants.clients import ClientFacts, client_facts, hashed, held_by
from tenants.access.grants.families import family_end
from tenants.access.permissions import PERMISSIONS
from tenants.access.tokens import token_read
from tenants.errors import ServiceError
from tenants.models import OAuthClient, OAuthCode, TokenFamily, User
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tenants.trail.audit import audit

CODE_LIFE = datetime.timedelta(minutes=1)
CREDENTIALS, CODE, REFRESH = "client_credentials", "authorization_code", "refresh_token"


class Client(ClientMixin):  # type: ignore[misc]
    """A client as Authlib asks about it."""

    def __init__(self, facts: ClientFacts):
        self.facts = facts
        self.client_id = facts.client_id

    def get_client_id(self) -> str:
        return self.facts.client_id

    def get_default_redirect_uri(self) -> str | None:
        return None  # every request names its own

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What is asked for, all of it or nothing; all that the client has where nothing is named."""
        wanted = frozenset((scope or "").split()) or self.facts.permissions
        return " ".join(sorted(wanted)) if wanted <= self.facts.permissions else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.facts.redirect_uris

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") is (not self.facts.secret_hash)

    def check_client_secret(self, client_secret: str) -> bool:
        return self.facts.knows(client_secret)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and bool(self.facts.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        """A client with a secret acts for itself; one that has addresses, for people who let it."""
        return bool(self.facts.secret_hash if grant_type == CREDENTIALS else self.facts.redirect_uris)


class Code:
    """A row of OAuthCode as Authlib asks about it."""

    code_challenge_method = "S256"

    def __init__(self, row: OAuthCode):
        self.row, self.code_challenge = row, row.challenge

    def get_redirect_uri(self) -> str:
        return str(self.row.redirect_uri)

    def get_scope(self) -> str:
        return " ".join(self.row.scopes)


class Pkce(CodeChallenge):  # type: ignore[misc]
    """Required of every client, and hashed: RFC 9700, 2.1.1."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A 'code_challenge' with 'code_challenge_method=S256' is required.")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        facts: ClientFacts = request.client.facts
        with tenant_scope(facts.tenant_id):
            client = OAuthClient.objects.get(client_id=facts.client_id)
            OAuthCode.objects.create(
                tenant_id=facts.tenant_id, client=client, user=request.user, code_hash=hashed(code),
                redirect_uri=request.payload.redirect_uri, challenge=request.payload.data["code_challenge"],
                scopes=sorted(granted(facts, request.user, request.scope)), expires_at=now() + CODE_LIFE,
            )  # fmt: skip
            audit(request.user, "oauthclient.authorized", client)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """The code, which is used up by this. One that comes twice was stolen: what it was exchanged for ends, also where that
        is still being made: the family has its id from the moment at which the code is used up."""
        with tenant_scope(client.facts.tenant_id):
            rows = OAuthCode.objects.filter(code_hash=hashed(code), client__client_id=client.client_id)
            row = rows.select_related("user").first()
            if row is None or (row.used_at is None and row.expires_at <= now()):
                return None
            family_id = new_id()
            if not OAuthCode.objects.filter(id=row.id, used_at=None).update(used_at=now(), family_id=family_id):
                row.refresh_from_db()
                if row.family_id and family_end(row.family_id, TokenFamily.Ended.REUSED):
                    audit("system", "tokenfamily.reused", f"tokenfamily:{row.family_id}")
                return None
            row.family_id = family_id
        return Code(row)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Its row stays for a day, so that a second use is known for what it is."""

    def authenticate_user(self, authorization_code: Code) -> OAuthCode | None:
        """The row stands for the person: what it grants goes with it."""
        row = authorization_code.row
        return row if held_by(row.tenant_id, row.user_id) is not None else None


class CredentialsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """A family moves on as at `POST /auth/refresh`; the token has to be this client's own."""

    TOKEN_ENDPOINT_AUTH_METHODS = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS

    def validate_token_request(self) -> None:
        self.request.client = self._validate_request_client()
        if not self.request.form.get("refresh_token"):
            raise InvalidRequestError("Missing 'refresh_token' in request.")
        if self.request.payload.scope:
            raise InvalidScopeError("A refresh keeps its scope.")

    def create_token_response(self) -> Any:
        try:
            pair = auth.tokens_refresh(self.request.form["refresh_token"], client_id=self.request.client.client_id)
        except ServiceError as error:
            raise InvalidGrantError(error.message) from None
        return 200, told(*pair), self.TOKEN_RESPONSE_HEADER


class Asked(DjangoOAuth2Request):  # type: ignore[misc]
    """A request of Django. Authlib wants https of it: a proxy may have ended TLS, development has none, and in production
    the settings send all others there."""

    def __init__(self, request: HttpRequest):
        uri = f"https://{request.get_host()}{request.get_full_path()}"
        OAuth2Request.__init__(self, method=request.method, uri=uri, headers=request.headers)
        self.payload, self._request = DjangoOAuth2Payload(request), request


class Server(AuthorizationServer):  # type: ignore[misc]
    def query_client(self, client_id: str) -> Client | None:
        """Also nothing for a client whose tenant is not active."""
        facts = client_facts(client_id)
        if facts is None:
            return None
        try:
            auth.require_active(facts.tenant_id)
        except ServiceError:
            return None
        return Client(facts)

    def create_oauth2_request(self, request: HttpRequest) -> Asked:
        return Asked(request)

    def save_token(self, token: Any, request: Any) -> None:
        """Families have their rows already."""


@cache
def server() -> Server:
    """The server of this process."""
    made = Server(None, None)
    made.scopes_supported = sorted(PERMISSIONS)
    made.register_token_generator(CREDENTIALS, _for_itself)
    made.register_token_generator(CODE, _for_a_person)
    made.register_grant(CredentialsGrant)
    made.register_grant(CodeGrant, [Pkce(required=True)])
    made.register_grant(RefreshGrant)
    return made


def granted(client: ClientFacts, user: User, scope: str) -> frozenset[str]:
    """What a person can let a client do: what is asked for, as far as both may."""
    held = held_by(client.tenant_id, user.id) or frozenset()
    return frozenset(scope.split()) & client.permissions & held


def told(access: str, refresh: str = "") -> dict[str, Any]:
    """The answer of RFC 6749, 5.1."""
    claims = token_read(access, "access")
    answer = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": claims["exp"] - int(time.time()),
        "scope": " ".join(claims["perms"]),
    }
    return {**answer, "refresh_token": refresh} if refresh else answer


def _for_itself(*, client: Client, scope: str | None, **_: Any) -> dict[str, Any]:
    allowed = client.get_allowed_scope(scope)
    if allowed is None:
        raise InvalidScopeError()
    facts = client.facts
    access = auth.issue_access_token(
        facts.tenant_id, f"client:{facts.client_id}", permissions=allowed.split(), client_id=facts.client_id
    )
    with tenant_scope(facts.tenant_id):
        audit(f"client:{facts.client_id}", "token.issued", f"subject:client:{facts.client_id}")
    return told(access)


def _for_a_person(*, client: Client, user: OAuthCode, **_: Any) -> dict[str, Any]:
    facts, code = client.facts, user
    holder = auth.Principal(
        tenant_id=facts.tenant_id, subject=f"user:{code.user.get_username()}", kind="token",
        permissions=frozenset(code.scopes), client_id=facts.client_id, user_id=str(code.user_id),
    )  # fmt: skip
    access, refresh = auth.token_pair(holder, family=code.family_id)
    with tenant_scope(facts.tenant_id):
        audit(f"client:{facts.client_id}", "token.issued", f"subject:{holder.subject}"[:200])
    return told(access, refresh)
