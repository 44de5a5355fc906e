"""Legal holds: as long as one is in force nothing of its contact is erased or purged; of the tenant's own, nothing at all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from conversations.contacts.merges import contacts_lock
from conversations.models import ContactMerge
from messaging.privacy.models import Erasure, LegalHold
from tenants.errors import Conflict
from tenants.models import Tenant
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, retried
from tenants.tenant_settings import settings_read
from tenants.trail.audit import actor_name, audit


@retried
def hold_place(contact_id: uuid.UUID, reason: str, actor: Any) -> LegalHold:
    """Raises NotFound ``contact_not_found`` or ``contact_merged``."""
    with atomic():
        contacts_lock(contact_id)
        audit(actor, "contact.hold_placed", f"contact:{contact_id}")
        return LegalHold.objects.create(
            tenant_id=current_tenant_id(), contact_id=contact_id, reason=reason[:200], by=actor_name(actor)[:200]
        )


@retried
def holds_lift(contact_id: uuid.UUID, actor: Any) -> int:
    """How many were in force."""
    with atomic():
        lifted = _in_force(contact_id).update(lifted_at=now(), lifted_by=actor_name(actor)[:200])
        if lifted:
            audit(actor, "contact.hold_lifted", f"contact:{contact_id}")
        return lifted


def held_contacts() -> set[uuid.UUID]:
    """Every contact of the tenant in scope that a hold keeps."""
    named = set(LegalHold.objects.filter(lifted_at=None).values_list("contact_id", flat=True))
    merged = ContactMerge.objects.filter(former_id__in=named, undone_at=None).values_list("contact_id", flat=True)
    return named | set(merged) if named else named


def hold_reason(contact_id: uuid.UUID) -> str | None:
    """Why nothing of the contact is erased now; None: nothing stands in the way."""
    held = _in_force(contact_id).order_by("created_at")
    reason: str | None = held.values_list("reason", flat=True).first()
    return reason


def demand_no_hold(contact_id: uuid.UUID) -> None:
    """Raises Conflict ``legal_hold``, with the reason where the hold is the contact's own."""
    if settings_read(Tenant.objects.get(id=current_tenant_id())).legal_hold:
        raise Conflict("A legal hold of the whole tenant keeps everything.", code="legal_hold")
    reason = hold_reason(contact_id)
    if reason is not None:
        raise Conflict(f"A legal hold keeps this contact: {reason}", code="legal_hold")


def demand_not_erased(contact_ids: Sequence[uuid.UUID]) -> None:
    """Raises Conflict ``being_erased``."""
    if Erasure.objects.filter(contact_id__in=contact_ids, status=Erasure.Status.RUNNING).exists():
        raise Conflict("A contact that is being erased is neither merged nor parted.", code="being_erased")


def _in_force(contact_id: uuid.UUID) -> Any:
    """A hold of a contact that was merged into this one holds this one."""
    former = ContactMerge.objects.filter(contact_id=contact_id, undone_at=None).values_list("former_id", flat=True)
    return LegalHold.objects.filter(contact_id__in=[contact_id, *former], lifted_at=None)
