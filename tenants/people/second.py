"""The second step of signing in: what an account has beside its password, proved, added, taken away (TEN-4).

Owns apps that make codes (RFC 6238) and codes on paper; passkeys: tenants/people/passkeys.py. Codes on paper come with the
first device, so that a lost one locks no account out. Must not know pages.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
import uuid
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import IntegrityError

from tenants.access.permissions import require_held
from tenants.errors import Conflict, Forbidden, Unprocessable
from tenants.models import Membership, RecoveryCode, SecondFactor, User
from tenants.people.sessions import sessions_end
from tenants.storage.db import atomic, key_taken, now

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20  # as authenticator apps want it
ON_PAPER = 10  # codes at a time
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike; 16 of them are 79 bits
MOST = 10  # devices of one account


# ------------------------------------------------------------------------------- proof


def code_is_right(user: User, typed: str) -> str:
    """ "app", "paper", or "" for a code that is wrong or was used: each counts once, also side by side."""
    code = re.sub(r"[\s-]", "", typed).lower()
    if code.isdecimal() and len(code) == DIGITS:
        return "app" if any(_app_agrees(row, code) for row in of(user, SecondFactor.Kind.APP)) else ""
    unused = RecoveryCode.objects.filter(user=user, code_hash=_hash(code), used_at=None)
    return "paper" if unused.update(used_at=now()) else ""


def _app_agrees(row: SecondFactor, code: str) -> bool:
    """The code of this half minute, or of those beside it, for clocks that differ; no later than the last one used."""
    clock, at = _clock(base64.b32decode(row.secret["key"])), int(time.time())
    for step in (at // STEP_S, at // STEP_S - 1, at // STEP_S + 1):
        try:
            clock.verify(code.encode(), step * STEP_S)
        except InvalidToken:
            continue
        newer = SecondFactor.objects.filter(id=row.id, counter__lt=step)
        return bool(newer.update(counter=step, last_used_at=now()))
    return False


def _clock(key: bytes) -> TOTP:
    return TOTP(key, DIGITS, SHA1(), STEP_S)  # noqa: S303  what apps know; RFC 6238 stands on HMAC, not on collisions


# ---------------------------------------------------------------------------- an account's own


def of(user: User, kind: str = "") -> list[SecondFactor]:
    rows = SecondFactor.objects.filter(user=user).order_by("id")
    return list(rows.filter(kind=kind) if kind else rows)


def papers_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def app_key() -> str:
    """A new key for an app, base32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def app_address(user: User, key: str, issuer: str) -> str:
    """What an app reads from the picture."""
    return _clock(base64.b32decode(key)).get_provisioning_uri(user.get_username(), issuer)


def app_add(user: User, key: str, code: str, name: str) -> list[str]:
    """Raises Unprocessable ``wrong_code``, Conflict ``app_exists``; else as `factor_add`."""
    typed = re.sub(r"\s", "", code)
    secret: Any = {"key": key}
    row = SecondFactor(
        user=user, kind=SecondFactor.Kind.APP, name=name, handle=_handle(f"app:{user.pk}"), secret=secret
    )
    clock, at = _clock(base64.b32decode(key)), int(time.time())
    for step in (at // STEP_S, at // STEP_S - 1, at // STEP_S + 1):
        try:
            clock.verify(typed.encode(), step * STEP_S)
        except InvalidToken:
            continue
        row.counter = step
        return factor_add(row)
    raise Unprocessable("The code is not the one that the app shows now.", code="wrong_code")


def factor_add(row: SecondFactor) -> list[str]:
    """Store a device. With the first one the account signs in by a second step from now on, everywhere: sessions that
    were begun without it are the caller's to end. Returns the first one's codes for paper; else none.

    Raises Conflict ``device_exists``, Unprocessable ``too_many_devices``."""
    if len(of(row.user)) >= MOST:
        raise Unprocessable(f"An account has at most {MOST} devices.", code="too_many_devices")
    try:
        with atomic():
            row.save(force_insert=True)
            first = User.objects.filter(id=row.user_id, second_factor_at=None).update(second_factor_at=now())
            papers = papers_renew(row.user) if first else []
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise Conflict("This device is there already.", code="device_exists") from error
    row.user.refresh_from_db(fields=["second_factor_at"])
    return papers


def factor_remove(user: User, factor_id: uuid.UUID) -> SecondFactor | None:
    """Take a device away; with the last one the second step and the codes on paper. None: it is there no more."""
    with atomic():
        User.objects.filter(id=user.pk).update(second_factor_at=user.second_factor_at)  # its lock
        row = SecondFactor.objects.filter(id=factor_id, user=user).first()
        if row is None:
            return None
        SecondFactor.objects.filter(id=row.id).delete()
        if not SecondFactor.objects.filter(user=user).exists():
            _forget(user)
    user.refresh_from_db(fields=["second_factor_at"])
    return row


def papers_renew(user: User) -> list[str]:
    """New codes for paper, shown once; the former ones end."""
    papers = ["".join(secrets.choice(LETTERS) for _ in range(16)) for _ in range(ON_PAPER)]
    with atomic():
        RecoveryCode.objects.filter(user=user).delete()
        for one in papers:
            RecoveryCode.objects.create(user=user, code_hash=_hash(one))
    return ["-".join(one[at : at + 4] for at in range(0, 16, 4)) for one in papers]


# ---------------------------------------------------------------------------- a lost device


def second_reset(user: User) -> None:
    """A lost device: the account signs in by its password alone again, and is signed out everywhere."""
    with atomic():
        SecondFactor.objects.filter(user=user).delete()
        _forget(user)
    sessions_end(user)


def require_may_reset(user: User, held: dict[uuid.UUID, frozenset[str]]) -> None:
    """A device belongs to the account, and counts in all its tenants: it is reset by an admin who may change members in
    each of them, with no less than the member has there. ``held``: tenant → what the caller may do there.

    Raises Forbidden ``operators_only`` (superusers too are the operator's), ``more_than_yours``."""
    # unscoped: the account is of several tenants
    rows = list(Membership.objects.unscoped().filter(user=user).select_related("role"))
    if user.is_superuser or not rows or any("members:write" not in held.get(row.tenant_id, ()) for row in rows):
        message = "The account belongs to other organisations, too, or to the operator, who alone can reset it."
        raise Forbidden(message, code="operators_only")
    for row in rows:
        require_held(held[row.tenant_id], before=row.role.permissions)


def _forget(user: User) -> None:
    RecoveryCode.objects.filter(user=user).delete()
    User.objects.filter(id=user.pk).update(second_factor_at=None)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _handle(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
