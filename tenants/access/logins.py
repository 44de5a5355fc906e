"""How often a password may be tried at the console, and the trail of who came in (TEN-4, TEN-6).

Owns the buckets and what the audit tells. A try draws from all of them before the password is looked at, so that tries side
by side cannot pass together; one that was right gives it back. Must not tell whether a name exists: wrong and unknown names
draw alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import structlog
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from tenants.access.buckets import Bucket, take
from tenants.access.limits import client_ip, network
from tenants.access.lock_mail import owner_told
from tenants.models import Membership, User
from tenants.scope import tenant_scope
from tenants.trail.audit import audit

log = structlog.get_logger(__name__)

MINUTE = 60.0
HERE = (5, 15 * MINUTE)  # wrong passwords for a name from one network, and the time in which they come back
ANYWHERE = (50, 60 * MINUTE)  # for a name: a guess from many networks; high, for it locks the owner out, too
OF_NAME = 2  # the first of the buckets are the name's own
ADDRESS = (30, 15 * MINUTE)  # from one network, for any names


def try_begins(request: HttpRequest, name: str) -> float:
    """0, or the seconds until another password may be tried; nothing is drawn then."""
    return take(_buckets(request, name)).wait


def try_was_right(request: HttpRequest, name: str) -> None:
    take(_buckets(request, name), cost=-1)


def _was_last(buckets: Sequence[Bucket]) -> bool:
    """Whether the try that has just failed was the last one for now. It is asked of wrong ones alone, so it is told once per
    lock, and what is refused afterwards, as often as one likes, writes nothing."""
    return take(buckets, cost=0).remaining == 0


def _buckets(request: HttpRequest, name: str) -> Sequence[Bucket]:
    place = network(client_ip(request))
    of_name = hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:32]  # names are as long as one likes
    limits = {f"{of_name}:{place}": HERE, of_name: ANYWHERE, f"ip:{place}": ADDRESS}
    return [Bucket(f"login:{key}", burst / period_s, burst) for key, (burst, period_s) in limits.items()]


# ------------------------------------------------------------------------------- trail


def follow() -> None:
    """From now on logins, failed ones and logouts stand in the audit of each tenant that the user belongs to."""
    user_logged_in.connect(_came_in, dispatch_uid="audit")
    user_logged_out.connect(_went, dispatch_uid="audit")
    user_login_failed.connect(_failed, dispatch_uid="audit")


def _came_in(sender: Any, request: HttpRequest | None = None, user: User | None = None, **_: Any) -> None:
    if user and request and request.method:  # it came over the wire: code that signs in by itself is no person
        _tell(
            user, "login.done", request, {"by": "password"} if user.second_factor_at is None else {"by": "second step"}
        )


def _went(sender: Any, request: HttpRequest | None = None, user: User | None = None, **_: Any) -> None:
    if user:
        _tell(user, "logout.done", request)


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    name = credentials.get("username") or ""
    user = User.objects.filter(username=name).first()
    _refused(user, name, request)  # names are typed wrong, and are passwords at times: no line of the log has them


def login_refused(user: User, request: HttpRequest) -> None:
    """The password was right, and the second step was not."""
    _refused(user, second_name(user), request, {"by": "second step"})


def second_name(user: User) -> str:
    """What the second step of an account is called in the buckets."""
    return f"second step of {user.pk}"


def _refused(user: User | None, name: str, request: HttpRequest | None, changes: dict[str, Any] | None = None) -> None:
    user_id, step = str(user.pk) if user else None, "second" if changes else "password"
    log.info("login_failed", user_id=user_id, step=step)
    buckets = _buckets(request, name) if request else []
    locked = bool(buckets) and _was_last(buckets)
    if locked:
        log.warning("login_locked", user_id=user_id, step=step)
    if user:
        _tell(user, "login.failed", request, changes)
    if user and request and locked:
        _tell(user, "login.locked", request, changes)
        if _was_last(buckets[:OF_NAME]):  # what a whole network has used up says nothing of this account
            owner_told(user, step, client_ip(request) or None)


def _tell(user: User, action: str, request: HttpRequest | None, changes: dict[str, Any] | None = None) -> None:
    tell_tenants(user, user, action, client_ip(request) if request else None, changes)


def tell_tenants(
    actor: Any, user: User, action: str, ip: str | None = None, changes: dict[str, Any] | None = None
) -> None:
    """What is done with an account stands in the trail of each tenant that it is a member of."""
    # unscoped: a user belongs to several tenants, and each is told
    for tenant_id in Membership.objects.unscoped().filter(user=user).values_list("tenant_id", flat=True):
        with tenant_scope(tenant_id):
            audit(actor, action, user, changes, ip)
