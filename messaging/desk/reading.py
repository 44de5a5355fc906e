"""What windows of staff show, asked of the rows: all of a tenant, some that changed, those since a mark.

Owns how far is looked back, and marks. Each function opens the scopes that it needs: it runs in a thread of its own, for
windows of many tenants.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from conversations.models import Conversation
from messaging.agents.snooze import snooze_over
from messaging.desk.rows import Row, changed_since, open_ids, rows_of, statuses_of
from tenants.scope import tenant_scope, tenants_scope

MOST_OPEN = 10_000  # conversations of a tenant that are known and counted
OVERLAP = timedelta(seconds=30)  # an event may be committed so long after its time, and clocks may differ

Statuses = Mapping[str, tuple[int, str]]
Wanted = Mapping[uuid.UUID, Iterable[uuid.UUID]]  # tenant → conversations
Read = tuple[uuid.UUID, dict[uuid.UUID, Row], dict[uuid.UUID, Statuses]]  # of a tenant


def mark_now() -> str:
    """What a client says after a gap, to get what changed since this moment."""
    return str(time.time_ns() // 1_000_000)


def moment_of(mark: str) -> datetime | None:
    """When a mark was made; None: it is none of ours."""
    if not (mark.isascii() and mark.isdigit()) or len(mark) > 15:
        return None
    at = datetime.fromtimestamp(int(mark) / 1000, UTC) if int(mark) < 1 << 42 else None
    return at if at and at <= datetime.now(UTC) + OVERLAP else None


def tenant_of(conversation_id: uuid.UUID) -> uuid.UUID | None:
    """Whose a conversation is; None: there is none, or it is a thread between people."""
    # unscoped: this tells whose scope it is; what is found is shown to those only who may see it
    rows = Conversation.objects.unscoped().filter(id=conversation_id, kind="chat")
    return rows.values_list("tenant_id", flat=True).first()


def opened(tenant_id: uuid.UUID) -> tuple[list[Row], bool]:
    """The open conversations of a tenant, and whether those are all."""
    with tenant_scope(tenant_id):
        ids = open_ids(MOST_OPEN + 1)
        return list(rows_of(ids[:MOST_OPEN]).values()), len(ids) <= MOST_OPEN


def ids_opened(tenant_id: uuid.UUID) -> list[uuid.UUID]:
    with tenant_scope(tenant_id):
        return open_ids(MOST_OPEN)


def read(wanted: Wanted, watched: Iterable[uuid.UUID] = ()) -> list[Read]:
    """These conversations as they are now; of those that are watched the statuses of our messages, too. A batch costs the
    same statements for any number of tenants: under load batches grow, and must not become slower by it."""
    with tenants_scope(wanted):
        rows = rows_of({id for ids in wanted.values() for id in ids})
        statuses = {id: statuses_of(id) for id in rows.keys() & set(watched)}
    found: list[Read] = []
    for tenant_id, ids in wanted.items():
        own = {id: rows[id] for id in ids if id in rows and rows[id].tenant == tenant_id}
        found.append((tenant_id, own, {id: statuses[id] for id in own if id in statuses}))
    return found


def bring_back(tenant_id: uuid.UUID, ids: Iterable[uuid.UUID]) -> None:
    """The time of these has come for which they were put off. Of several processes one tells it."""
    with tenant_scope(tenant_id):
        for id in ids:
            snooze_over(id)


def changed(tenant_id: uuid.UUID, since: datetime) -> dict[uuid.UUID, int] | None:
    """As `changed_since`; what was committed late is found again."""
    with tenant_scope(tenant_id):
        return changed_since(since - OVERLAP)
