"""What tokens come from: the rows behind those that are out.

Owns the rows only; what they mean stands in tenants/access/grants.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from tenants.storage.db import TenantModel, now


class TokenFamily(TenantModel):
    """All tokens that came from one exchange; its id is their ``fam``. ``current``: ``jti`` of the one refresh token that
    may be exchanged, ``previous``: of the one before it, until ``moved_at`` is some seconds ago."""

    class Ended(models.TextChoices):
        REVOKED = "revoked"
        REUSED = "reused"  # a refresh token came twice: it is in two hands

    subject = models.CharField(max_length=200)
    key_prefix = models.CharField(max_length=16, blank=True)  # of the API key behind it
    permissions = models.JSONField(default=list)
    current = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    moved_at = models.DateTimeField(default=now)
    moves = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)  # of ``current``
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=7, choices=Ended, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "id"], name="token_families"),
            models.Index(fields=["tenant", "subject", "id"], name="token_families_of_a_subject"),
        ]
        verbose_name_plural = "token families"

    def __str__(self) -> str:
        return f"tokens of {self.subject}"


class OAuthClient(TenantModel):
    """Software of others that gets tokens by OAuth 2.0. ``secret_hash``: SHA-256, hex; empty of one that keeps no secret.
    ``former_hash``: of the secret before it, which goes on until ``former_until``."""

    name = models.CharField(max_length=100)
    client_id = models.CharField(max_length=40, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, blank=True, editable=False)
    former_hash = models.CharField(max_length=64, null=True, blank=True, editable=False)
    former_until = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = models.JSONField(default=list)  # permissions
    redirect_uris = models.JSONField(default=list)  # empty: it acts for itself alone
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "OAuth client"

    def __str__(self) -> str:
        return self.name


class OAuthCode(TenantModel):
    """What a member of staff has let a client have, until it fetches its tokens. The code is stored as a hash."""

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="codes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64, unique=True)  # SHA-256, hex
    redirect_uri = models.CharField(max_length=500)
    scopes = models.JSONField(default=list)
    challenge = models.CharField(max_length=128)  # of PKCE, S256
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)
    family_id = models.UUIDField(null=True, blank=True)  # of the tokens that it was exchanged for

    def __str__(self) -> str:
        return f"code of {self.client_id}"


class TrustedIssuer(TenantModel):
    """A service of the tenant's own whose tokens are taken here. ``keys``: its public ones by ``kid``, as they were fetched
    last; ``place``: SHA-256 of issuer and audience, which name one tenant alone."""

    issuer = models.CharField(max_length=500)
    audience = models.CharField(max_length=300)
    place = models.CharField(max_length=64, unique=True, editable=False)
    jwks_url = models.CharField(max_length=500)
    permissions = models.JSONField(default=list)  # the most that its tokens have
    keys = models.JSONField(default=dict, blank=True, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    fetched_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return self.issuer
