"""A call that a person agreed to, made once: claimed before it is made, its outcome kept and given again.

Owns the rows (AgreedCall). Must not decide whether a call may be made, nor what the person hears of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import structlog
from django.db import DatabaseError, IntegrityError

from assistant.tools.calling import Outcome
from assistant.tools.models import AgreedCall
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken

log = structlog.get_logger(__name__)

UNKNOWN = Outcome("call_interrupted", unsure=True)  # claimed by a process that did not live to say what came of it


def called_once(conversation_id: uuid.UUID, mark: str, tool: str, call: Callable[[], Outcome]) -> Outcome:
    """Make the call that the yes to the question ``mark`` stands for, outside of any transaction; where it was made before,
    what came of it then. UNKNOWN where another try has claimed it and kept no outcome: it may have been made."""
    row = AgreedCall(tenant_id=current_tenant_id(), conversation_id=conversation_id, mark=mark, tool=tool)
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return outcome_before(conversation_id, mark) or UNKNOWN
    outcome = call()
    kept_as = {"outcome": outcome.code, "answer": outcome.text, "unsure": outcome.unsure}
    try:
        AgreedCall.objects.filter(id=row.id).update(**kept_as)
    except DatabaseError:  # the person can still be told now; a second try finds the claim alone, and is unsure
        log.warning("agreed_call_not_kept", conversation=str(conversation_id), tool=tool)
    return outcome


def outcome_before(conversation_id: uuid.UUID, mark: str) -> Outcome | None:
    """What came of the call when an earlier try claimed it; None where none did."""
    kept = AgreedCall.objects.filter(conversation_id=conversation_id, mark=mark).first()
    if kept is None:
        return None
    return Outcome(kept.outcome, kept.answer, unsure=kept.unsure) if kept.outcome else UNKNOWN
