"""API keys: ``csk_<prefix>_<secret>``, shown once, stored as a hash, found by the prefix.

Owns their making, checking and end. Must not know HTTP.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
import secrets
import string
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import DatabaseError
from django.db.models import Q

from tenants.access.permissions import ALL, PERMISSIONS, expand
from tenants.errors import Conflict, Invalid, NotAuthenticated
from tenants.models import ApiKey, Tenant
from tenants.storage.db import now
from tenants.storage.memo import Memo

FORM = re.compile(r"csk_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
USED_EVERY_S = 60  # last_used_at is written no oftener
LONGEST_OVERLAP_H = 30 * 24  # of a key that is replaced with its successor

_prefix_letters = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class KeyFacts:
    """What is remembered of a key for 30 s: enough to check one, not enough to make one."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    prefix: str
    key_hash: str
    permissions: frozenset[str]
    expires_at: datetime.datetime | None
    revoked: bool

    @property
    def usable(self) -> bool:
        return not self.revoked and (self.expires_at is None or self.expires_at > now())


_keys: Memo[KeyFacts] = Memo("api-keys", ttl=30)
_used: dict[uuid.UUID, float] = {}  # key → when this process last wrote last_used_at


def api_key_create(
    *, tenant: Tenant, name: str, scopes: Iterable[str], expires_at: datetime.datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its plain text, which cannot be had again. ``scopes``: permissions, or ``*``."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope != ALL and scope not in PERMISSIONS]
    if unknown:
        raise Invalid(
            "There is no such permission.",
            details=[
                {"field": "scopes", "message": "Unknown: " + ", ".join(unknown)[:200], "code": "unknown_permission"}
            ],
        )
    prefix = "".join(secrets.choice(_prefix_letters) for _ in range(8))
    plaintext = f"csk_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        tenant=tenant, name=name, prefix=prefix, key_hash=_hash(plaintext), scopes=wanted, expires_at=expires_at
    )
    key.save(force_insert=True)
    return key, plaintext


def overlap_s(hours: float) -> int:
    """Seconds in which a key that is replaced still works. Raises Invalid ``overlap_out_of_range``."""
    if not 0 <= hours <= LONGEST_OVERLAP_H:
        raise Invalid(f"An overlap has 0 to {LONGEST_OVERLAP_H} hours.", code="overlap_out_of_range")
    return round(hours * 3600)


def api_key_rotate(key: ApiKey, *, grace_s: int = 86_400) -> tuple[ApiKey, str]:
    """A successor with the same name, scopes and expiry; the old key still works for ``grace_s`` seconds.

    Raises Conflict ``key_not_valid`` for one that has ended: it has no successor."""
    if key.revoked_at or (key.expires_at and key.expires_at <= now()):
        raise Conflict(f"{key} has ended: make a new key.", code="key_not_valid")
    successor, plaintext = api_key_create(
        tenant=key.tenant, name=key.name, scopes=key.scopes, expires_at=key.expires_at
    )
    end = now() + datetime.timedelta(seconds=grace_s)
    key.expires_at = min(key.expires_at, end) if key.expires_at else end
    key.save(update_fields=["expires_at"])
    _keys.forget(key.prefix)
    return successor, plaintext


def api_key_revoke(key: ApiKey) -> None:
    """End a key, and with it every token that was issued for it."""
    if key.revoked_at is None:
        key.revoked_at = now()
        key.save(update_fields=["revoked_at"])
    _keys.forget(key.prefix)


def api_key_verify(plaintext: str) -> KeyFacts:
    """The facts of a good key. Raises NotAuthenticated with code ``invalid_api_key``, whatever is wrong with it."""
    form = FORM.fullmatch(plaintext)
    facts = key_facts(form[1]) if form else None
    if facts is None or not hmac.compare_digest(facts.key_hash, _hash(plaintext)) or not facts.usable:
        raise NotAuthenticated("The API key is not valid.", code="invalid_api_key")
    _note_use(facts)
    return facts


def key_facts(prefix: str) -> KeyFacts | None:
    """What is known of a key, at most 30 s old."""
    return _keys.get(prefix, lambda: _load(prefix))


def _load(prefix: str) -> KeyFacts | None:
    # unscoped: the key tells which tenant it is for, so there cannot be a scope yet
    key = ApiKey.objects.unscoped().filter(prefix=prefix).first()
    if key is None:
        return None
    return KeyFacts(
        id=key.id,
        tenant_id=key.tenant_id,
        prefix=key.prefix,
        key_hash=key.key_hash,
        permissions=expand(key.scopes),
        expires_at=key.expires_at,
        revoked=key.revoked_at is not None,
    )


def _note_use(facts: KeyFacts) -> None:
    at = time.monotonic()
    if at - _used.get(facts.id, -USED_EVERY_S) < USED_EVERY_S:
        return
    _used[facts.id] = at
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now() - datetime.timedelta(seconds=USED_EVERY_S))
    try:
        # unscoped: no scope while signing in; one row by its id
        ApiKey.objects.unscoped().filter(stale, id=facts.id).update(last_used_at=now())
    except DatabaseError:
        return  # a busy database must not keep a good key out; the next minute notes it


def _hash(plaintext: str) -> str:
    """SHA-256, without salt or stretching: the secret has 256 random bits."""
    return hashlib.sha256(plaintext.encode()).hexdigest()
