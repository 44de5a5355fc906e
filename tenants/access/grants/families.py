"""Families of tokens: all that came from one exchange, of which one refresh token may be exchanged at a time (TEN-3).

Owns which refresh token that is. Must not sign or read tokens, nor know HTTP.

A refresh token is exchanged by compare-and-set on its family's row, so of two exchanges at once one moves the family
on. The other one, and a caller that lost the answer, gets the same successor for GRACE_S; later the token is in two hands,
and the family ends (RFC 9700, 4.14.2).
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import F, QuerySet

from tenants.access.tokens import token_revoke
from tenants.errors import NotAuthenticated
from tenants.models import RevokedToken
from tenants.scope import tenant_scope
from tenants.storage.db import key_taken, new_id, now
from tenants.token_models import TokenFamily
from tenants.trail.audit import audit

log = structlog.get_logger(__name__)

GRACE_S = 10
LOOKS = 5  # at a row that others move, too
LONGEST_ACCESS_S = 86_400


@dataclass(frozen=True)
class Step:
    """A place in a family: what its pair of tokens is made of, so that the same step always gives the same claims."""

    family: uuid.UUID
    jti: str
    at: datetime.datetime


def family_begin(
    tenant_id: uuid.UUID,
    subject: str,
    permissions: Iterable[str],
    key_prefix: str,
    expires_at: int,
    named: uuid.UUID | None = None,
) -> Step:
    """A new family and its first step. ``expires_at``: Unix seconds of its refresh token. ``named``: its id, which was given
    out before it began; when it was ended meanwhile, it begins as ended."""
    step = Step(named or new_id(), str(new_id()), now())
    _make(step, tenant_id, subject, permissions, key_prefix, expires_at)
    if named and _revoked(str(named)):
        _rows(named).filter(ended_at=None).update(ended_at=now(), ended_by=TokenFamily.Ended.REUSED)
    return step


def family_advance(claims: Mapping[str, Any], expires_at: int) -> Step:
    """The step after the one of this refresh token, whose signature was checked. Raises NotAuthenticated
    ``token_revoked`` when its family has ended, or ends by this. Call outside a transaction."""
    family_id, jti = _id(claims), str(claims["jti"])
    for _ in range(LOOKS):
        used = _revoked(jti)  # first: a token is revoked after its family has moved on, which a row read later shows
        row = _rows(family_id).first()
        if row is None:  # of the release before, which had no rows
            if used or _revoked(str(family_id)):
                raise _reused(claims)
            _adopt(family_id, claims)
        elif row.ended_at or _revoked(str(family_id)):
            raise NotAuthenticated("This token was revoked.", code="token_revoked")
        elif row.previous == jti and (now() - row.moved_at).total_seconds() <= GRACE_S:
            return Step(family_id, row.current, row.moved_at)
        elif row.current == jti and not used:
            step = Step(family_id, str(new_id()), now())
            if _moved(row, step, expires_at):
                token_revoke(dict(claims))  # the release before looks there alone
                return step
        elif (
            row.current != jti and not used and claims["iat"] >= int(row.moved_at.timestamp()) and _revoked(row.current)
        ):
            _rows(family_id).filter(current=row.current).update(current=jti)  # the release before has moved it on
        else:
            raise _reused(claims)
    raise NotAuthenticated("This token is being exchanged.", code="token_revoked")


def family_end(family_id: uuid.UUID, by: str) -> bool:
    """Refuse all tokens of a family: here at once, elsewhere within a second (60 s without Redis). False: it had ended."""
    longest = max(settings.ENV["REFRESH_TOKEN_TTL"], settings.ENV["ACCESS_TOKEN_TTL"], LONGEST_ACCESS_S)
    ended = token_revoke({"jti": str(family_id), "exp": int(now().timestamp()) + longest})
    _rows(family_id).filter(ended_at=None).update(ended_at=now(), ended_by=by)
    return ended


def family_state(row: TokenFamily) -> str:
    """valid, expired, revoked or reused."""
    return str(row.ended_by) or ("expired" if row.expires_at <= now() else "valid")


def _rows(family_id: uuid.UUID) -> QuerySet[TokenFamily]:
    # unscoped: a token tells which tenant it is for, so there may be no scope yet; one row by its id
    rows: QuerySet[TokenFamily] = TokenFamily.objects.unscoped().filter(id=family_id)
    return rows


def _make(
    step: Step, tenant_id: uuid.UUID, subject: str, permissions: Iterable[str], key_prefix: str, expires_at: int
) -> None:
    TokenFamily(
        id=step.family,
        tenant_id=tenant_id,
        subject=subject[:200],
        permissions=sorted(permissions),
        key_prefix=key_prefix,
        current=step.jti,
        moved_at=step.at,
        expires_at=datetime.datetime.fromtimestamp(expires_at, datetime.UTC),
    ).save(force_insert=True)


def _adopt(family_id: uuid.UUID, claims: Mapping[str, Any]) -> None:
    at = datetime.datetime.fromtimestamp(claims["iat"], datetime.UTC)
    step, tenant_id = Step(family_id, claims["jti"], at), uuid.UUID(claims["tid"])
    try:
        _make(step, tenant_id, claims["sub"], claims["perms"], claims.get("key", ""), claims["exp"])
    except IntegrityError as error:
        if not key_taken(error):
            raise


def _moved(row: TokenFamily, step: Step, expires_at: int) -> bool:
    mine = _rows(row.id).filter(current=row.current, ended_at=None)
    return bool(
        mine.update(
            current=step.jti,
            previous=row.current,
            moved_at=step.at,
            moves=F("moves") + 1,
            expires_at=datetime.datetime.fromtimestamp(expires_at, datetime.UTC),
        )
    )


def _reused(claims: Mapping[str, Any]) -> NotAuthenticated:
    """End the family, and say so where its tenant looks."""
    family_id = _id(claims)
    if family_end(family_id, TokenFamily.Ended.REUSED):
        log.warning("refresh_token_reused", tenant_id=claims["tid"], family_id=str(family_id))
        with tenant_scope(uuid.UUID(claims["tid"])):
            audit("system", "tokenfamily.reused", f"tokenfamily:{family_id}")
    return NotAuthenticated("This token was used already.", code="token_revoked")


def _revoked(jti: str) -> bool:
    return RevokedToken.objects.filter(jti=jti).exists()


def _id(claims: Mapping[str, Any]) -> uuid.UUID:
    try:
        return uuid.UUID(claims.get("fam", ""))
    except ValueError:
        raise NotAuthenticated("The token is not valid.", code="invalid_token") from None
