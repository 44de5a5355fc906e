"""Where members of staff are signed in to the console: listed, and ended (TEN-4).

Owns the rows beside Django's sessions, which cannot be asked by account. Must not know pages.
"""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import Q
from django.http import HttpRequest

from tenants.access.limits import client_ip
from tenants.models import StaffSession, User
from tenants.storage.db import now

LISTED = "listed"  # in a session: the id of its row here
SEEN_EVERY_S = 300  # seen_at is written no oftener by a process
MOST_REMEMBERED = 10_000

_seen: dict[str, float] = {}


def follow() -> None:
    """From now on each sign-in has a row, and loses it when it ends."""
    user_logged_in.connect(_came_in, dispatch_uid="sessions")
    user_logged_out.connect(_went, dispatch_uid="sessions")


def sessions_of(user: User) -> list[StaffSession]:
    """The latest first."""
    return list(StaffSession.objects.filter(user=user, expires_at__gt=now()).order_by("-seen_at"))


def session_seen(request: HttpRequest) -> None:
    """Note now and then that a session is in use."""
    session: Any = request.session
    key = session.session_key
    if not key or not session.get(LISTED):
        return
    at = time.monotonic()
    if at - _seen.get(key, -SEEN_EVERY_S) < SEEN_EVERY_S:
        return
    if len(_seen) > MOST_REMEMBERED:
        _seen.clear()
    _seen[key] = at
    stale = Q(seen_at__lte=now() - timedelta(seconds=SEEN_EVERY_S)) | ~Q(key=key)  # a new password gives a new key
    rows = StaffSession.objects.filter(stale, id=session[LISTED])
    rows.update(key=key, seen_at=now(), ip=client_ip(request) or None)


def session_end(user: User, session_id: uuid.UUID) -> bool:
    """Sign the account out there. False: it is not signed in there."""
    row = StaffSession.objects.filter(id=session_id, user=user).first()
    if row is None:
        return False
    _end(row)
    return True


def sessions_end(user: User, *, but: str = "", former: str = "") -> int:
    """Sign the account out everywhere, ``but`` in the session of this key, nor in that of the row ``former``, whose key has
    just been changed; from how many."""
    rows = [row for row in StaffSession.objects.filter(user=user) if row.key != but and str(row.id) != former]
    for row in rows:
        _end(row)
    return len(rows)


def _end(row: StaffSession) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore(row.key).delete()
    StaffSession.objects.filter(id=row.id).delete()


def _came_in(sender: Any, request: HttpRequest | None = None, user: User | None = None, **_: Any) -> None:
    if not user or request is None or not request.method:  # code that signs in by itself is no browser
        return
    session: Any = request.session
    if not session.session_key:
        session.create()
    row = StaffSession.objects.create(
        user=user, key=session.session_key, ip=client_ip(request) or None,
        browser=request.headers.get("User-Agent", "").replace("\0", "")[:300], seen_at=now(), expires_at=session.get_expiry_date(),
    )  # fmt: skip
    session[LISTED] = str(row.id)


def _went(sender: Any, request: HttpRequest | None = None, **_: Any) -> None:
    key = request.session.session_key if request is not None and hasattr(request, "session") else None
    if key:
        StaffSession.objects.filter(key=key).delete()
