"""Invitations: a person becomes a member of a tenant by a link that their mailbox was sent.

Owns when a link counts, and what it makes: an account, where the address has none, and a membership. Until then nothing is
made and nothing looked up, so that no tenant learns which addresses have accounts. Where the service sends no e-mail, the one
who invites is given the link, once, and hands it over. Must not decide who may invite.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q

from tenants.access.members import member_add
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.models import Invitation, Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, now, on_commit
from tenants.trail.audit import audit

log = structlog.get_logger(__name__)

LIFE = timedelta(days=7)
PAUSE = timedelta(minutes=1)  # between two e-mails to one address
MOST_OPEN = 100  # invitations of a tenant that wait
WORDS = """{who} invites you to work in {tenant} on the support console, as {role}.

Open this address within seven days to join:
{link}

If you do not know {who}, do nothing: without the link nothing happens.
"""


def invitation_create(tenant: Tenant, email: str, role: Role, by: str) -> Invitation:
    """A new one, or the open one of this address with another role; its e-mail goes with the commit. ``by``: who invites,
    in the words of the e-mail. Call within the tenant's scope.

    Raises what `invitation_check` raises."""
    email = email.strip().lower()
    with atomic():
        row = invitation_check(email) or Invitation(tenant=tenant, email=email)
        row.role = role
        return invitation_send(row, by)


def invitation_check(email: str) -> Invitation | None:
    """The open invitation of an address. Raises Unprocessable ``too_many_invitations``, Conflict ``already_member`` and
    ``just_sent``."""
    email = email.strip().lower()
    if Membership.objects.filter(user__email__iexact=email).exists():
        raise Conflict("A member of the tenant has this address.", code="already_member")
    row: Invitation | None = open_ones().filter(email=email).first()
    if row is None and open_ones().count() >= MOST_OPEN:
        raise Unprocessable(f"At most {MOST_OPEN} invitations wait.", code="too_many_invitations")
    if row is not None:
        _require_pause(row)
    return row


def invitation_send(row: Invitation, by: str) -> Invitation:
    """With a new link, which goes by e-mail or stands in ``link``; the former one ends. Raises Conflict ``just_sent`` and
    ``invitation_over``."""
    if row.accepted_at or row.revoked_at:
        raise Conflict("The invitation is over.", code="invitation_over")
    _require_pause(row)
    at = now()
    token = secrets.token_urlsafe(32)
    row.token_hash, row.expires_at, row.sent_at = digest(token), at + LIFE, at
    row.save()
    link = f"{settings.PUBLIC_URL}/admin/join/{token}/"
    if mails():
        on_commit(partial(_mail, row.id, row.email, _words(row, by, link), str(row.tenant)))
    else:
        row.link = link
    return row


def mails() -> bool:
    """Whether the service sends e-mail."""
    return bool(settings.ENV["EMAIL_URL"])


def invitation_revoke(invitation_id: uuid.UUID) -> Invitation:
    """Its link counts no longer. Raises NotFound, Conflict ``invitation_over``."""
    if not open_ones(expired=True).filter(id=invitation_id).update(revoked_at=now()):
        invitation_get(invitation_id)
        raise Conflict("The invitation is over.", code="invitation_over")
    return invitation_get(invitation_id)


def invitation_get(invitation_id: uuid.UUID) -> Invitation:
    """Raises NotFound ``invitation_not_found``."""
    row: Invitation | None = Invitation.objects.filter(id=invitation_id).select_related("role").first()
    if row is None:
        raise NotFound("There is no such invitation.", code="invitation_not_found")
    return row


def open_ones(*, expired: bool = False) -> Any:
    """Those that wait; with ``expired`` also those whose link has ended by its time."""
    rows = Invitation.objects.filter(accepted_at=None, revoked_at=None)
    return rows if expired else rows.filter(expires_at__gt=now())


def state_of(row: Invitation) -> str:
    """joined, revoked, expired, waiting or not sent."""
    if row.accepted_at or row.revoked_at:
        return "joined" if row.accepted_at else "revoked"
    if row.expires_at <= now():
        return "expired"
    return "waiting" if row.sent_at else "not sent"


# ---------------------------------------------------------------------------- the link


def invitation_of(token: str) -> Invitation | None:
    """The one that a link opens; None once it is over, and where the tenant is not active."""
    # unscoped: the link is the credential, of which tenant it is stands in the row
    rows = Invitation.objects.unscoped().filter(
        token_hash=digest(token), accepted_at=None, revoked_at=None, expires_at__gt=now(),
        tenant__status=Tenant.Status.ACTIVE,
    )  # fmt: skip
    row: Invitation | None = rows.select_related("tenant", "role").first()
    return row


def account_of(row: Invitation) -> User | None:
    """Who has the invited address already: they join by signing in."""
    known = User.objects.filter(Q(email__iexact=row.email) | Q(username__iexact=row.email))
    return known.order_by("-is_active", "id").first()


def is_of(row: Invitation, user: User) -> bool:
    """Whether the invited address is this account's."""
    return row.email in (user.email.lower(), user.get_username().lower())


def join(row: Invitation, user: User, ip: str | None = None) -> bool:
    """The account becomes a member. False: the link was used or ended a moment before."""
    with tenant_scope(row.tenant_id), atomic():
        if user._state.adding:
            user.save(force_insert=True)
        waiting = open_ones().filter(id=row.id, token_hash=row.token_hash)
        if not waiting.update(accepted_at=now()):
            return False
        if not Membership.objects.filter(user=user).exists():
            member, _ = member_add(row.tenant, user, row.role.name)
            audit(user, "membership.created", member, {"role": row.role.name, "invitation": str(row.id)}, ip)
        audit(user, "invitation.accepted", row, None, ip)
        return True


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _require_pause(row: Invitation) -> None:
    if mails() and row.sent_at and row.sent_at > now() - PAUSE:
        raise Conflict("The e-mail was sent less than a minute ago.", code="just_sent")


def _words(row: Invitation, by: str, link: str) -> str:
    who, tenant, role = (" ".join(str(one).split()) for one in (by, row.tenant, row.role))
    return WORDS.format(who=who, tenant=tenant, role=role, link=link)


def _mail(invitation_id: uuid.UUID, email: str, words: str, tenant: str) -> None:
    """What cannot be sent is said by the page of invitations, where it is sent again."""
    subject = f"Join {' '.join(tenant.split())}"[:200]
    try:
        EmailMessage(subject, words, None, to=[email]).send()
    except OSError as error:  # of the connection, or what its server says (SMTPException)
        log.warning("invitation_not_sent", invitation=str(invitation_id), error=type(error).__name__)
        # unscoped: by its id, after the commit
        Invitation.objects.unscoped().filter(id=invitation_id).update(sent_at=None)
