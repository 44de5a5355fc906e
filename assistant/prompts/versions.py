"""Versions of a tenant's system prompt: written, activated, rolled back, and which one holds now.

Owns the rules for the rows. Must not build a prompt (assistant/prompting).
"""

from __future__ import annotations

import uuid

from django.db import IntegrityError

from assistant.prompts.models import SystemPrompt
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken, now
from tenants.storage.memo import Memo

MOST = 1000  # versions of a tenant
_active: Memo[tuple[int, str]] = Memo("prompts", ttl=30)


def prompt_write(text: str, note: str = "", *, after: int | None = None) -> SystemPrompt:
    """A new version, which does not hold yet. ``after``: the latest version that the writer has seen.

    Raises Conflict ``prompt_changed`` when there is a later one, Unprocessable ``too_many_prompts``.
    """
    tenant_id = current_tenant_id()
    latest = SystemPrompt.objects.order_by("-version").values_list("version", flat=True).first() or 0
    if after is not None and after != latest:
        raise Conflict(f"Version {latest} was written meanwhile.", code="prompt_changed")
    if latest >= MOST:
        raise Unprocessable(f"There may be {MOST} versions.", code="too_many_prompts")
    wanted = SystemPrompt(tenant_id=tenant_id, version=latest + 1, text=text, note=note)
    try:
        with atomic():
            wanted.save(force_insert=True)
    except IntegrityError as error:  # two were written at the same moment; the other one is the version
        if not key_taken(error):
            raise
        raise Conflict(f"Version {latest + 1} was written meanwhile.", code="prompt_changed") from error
    return wanted


def prompt_for_id(prompt_id: uuid.UUID) -> SystemPrompt:
    """Raises NotFound ``prompt_not_found``."""
    row: SystemPrompt | None = SystemPrompt.objects.filter(id=prompt_id).first()
    if row is None:
        raise NotFound("There is no such version of the prompt.", code="prompt_not_found")
    return row


def prompt_of_version(version: str) -> SystemPrompt | None:
    """By its number, as it was written."""
    known = version.isascii() and version.isdigit() and len(version) < 5
    row: SystemPrompt | None = SystemPrompt.objects.filter(version=int(version)).first() if known else None
    return row


def prompt_activate(row: SystemPrompt) -> SystemPrompt:
    """From now on this version holds, also where it is an older one."""
    row.activated_at = now()
    row.save(update_fields=["activated_at"])
    _active.forget(row.tenant_id)
    return row


def prompt_active() -> SystemPrompt | None:
    """The version that holds; None where the tenant has activated none."""
    row: SystemPrompt | None = (
        SystemPrompt.objects.exclude(activated_at=None).order_by("-activated_at", "-version").first()
    )
    return row


def prompt_now(otherwise: str) -> tuple[int, str]:
    """Number and text of what holds, a few seconds old at most; 0 and ``otherwise`` where no version was activated."""

    def load() -> tuple[int, str]:
        row = prompt_active()
        return (row.version, row.text) if row else (0, "")

    version, text = _active.get(current_tenant_id(), load) or (0, "")
    return (version, text) if version else (0, otherwise)
