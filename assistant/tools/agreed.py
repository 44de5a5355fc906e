"""A call that a person agreed to, made once: claimed before it is made, its outcome kept and given again.

Owns the rows (AgreedCall). Must not decide whether a call may be made, nor what the person hears of it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import DatabaseError, IntegrityError

from assistant.tools.calling import Outcome
from assistant.tools.models import AgreedCall
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken, now

log = structlog.get_logger(__name__)

UNKNOWN = Outcome("call_interrupted", unsure=True)  # claimed by a process that did not live to say what came of it
LOOK_EVERY_S = 0.1  # while another turn makes the call
MARGIN = timedelta(seconds=1)  # between the end of a call and its kept outcome


def called_once(
    conversation_id: uuid.UUID, mark: str, tool: str, call: Callable[[], Outcome], *, lasts_s: float, wait_s: float
) -> Outcome:
    """Make the call that the yes to the question ``mark`` stands for, outside of any transaction; where another try makes it
    or has made it, what comes of it there, as `outcome_before`."""
    row = AgreedCall(tenant_id=current_tenant_id(), conversation_id=conversation_id, mark=mark, tool=tool)
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return outcome_before(conversation_id, mark, lasts_s=lasts_s, wait_s=wait_s) or UNKNOWN
    outcome = call()
    kept_as = {"outcome": outcome.code, "answer": outcome.text, "unsure": outcome.unsure}
    try:
        AgreedCall.objects.filter(id=row.id).update(**kept_as)
    except DatabaseError:  # the person can still be told now; a second try finds the claim alone, and is unsure
        log.warning("agreed_call_not_kept", conversation=str(conversation_id), tool=tool)
    return outcome


def outcome_before(conversation_id: uuid.UUID, mark: str, *, lasts_s: float, wait_s: float) -> Outcome | None:
    """What came of the call when another try claimed it; None where none did. A call may last ``lasts_s``: so long it is under way,
    and is waited for, ``wait_s`` at most. UNKNOWN where no outcome was kept then: it may have been made."""
    until = time.monotonic() + wait_s
    while True:
        kept = AgreedCall.objects.filter(conversation_id=conversation_id, mark=mark).first()
        if kept is None:
            return None
        if kept.outcome:
            return Outcome(kept.outcome, kept.answer, unsure=kept.unsure)
        if now() - kept.created_at >= timedelta(seconds=lasts_s) + MARGIN or time.monotonic() >= until:
            return UNKNOWN
        time.sleep(LOOK_EVERY_S)
