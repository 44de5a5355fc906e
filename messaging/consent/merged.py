"""A stop that staff have set, when contacts become one and are parted again (CONV-11).

Owns whom it holds for then. Must not know what a stop does: rules.py.
"""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from typing import Any

from channels_app.words.moments import moment_of_iso, written
from conversations.models import ContactMerge, Identity
from messaging.consent.ledger import entries_of, identities_of, stops_keep, stops_of
from messaging.consent.rules import staff_may_stop, stop_withdrawn, stopped_by_staff


def stop_spreads(merge: ContactMerge) -> None:
    """Whom staff have stopped as one of the two is stopped as the one that both are now. Call inside the merge's
    transaction, once everything has moved."""
    rows = identities_of(merge.contact_id)
    free = [row for row in rows if not row.stopped_by and staff_may_stop(row)]
    if not free or not any(row.stopped_by for row in rows):
        return
    for row in free:
        stopped_by_staff(row)
    times = dict(Identity.objects.filter(id__in=[row.id for row in free]).values_list("id", "stopped_at"))
    had = {row.id: row.stopped_at and written(row.stopped_at) for row in free}
    stops_keep(merge, {str(id): {"had": had[id], "at": written(at)} for id, at in times.items()})


def stop_returns(merge: ContactMerge) -> None:
    """Each identity has again what it had, unless the contact that it belongs to now is one that staff have stopped for its
    own sake. Call inside the parting's transaction, once everything has moved back."""
    entries = {id: list(entries_of(id)) for id in (merge.contact_id, merge.former_id)}
    stops = dict(item for entry in (merge, *chain(*entries.values())) for item in stops_of(entry).items())
    for contact_id, own_entries in entries.items():
        rows = {str(row.id): row for row in identities_of(contact_id) if row.stopped_by}
        spread = {id: stops[id] for id in rows if id in stops}
        if len(spread) == len(rows):
            for id, stop in spread.items():
                stop_withdrawn(rows[id], _own(stop, rows[id].stopped_at))
            spread = {}
        for entry in own_entries:  # which of them has it is the same: all are read
            stops_keep(entry, spread if entry is own_entries[-1] else {})


def _own(stop: dict[str, Any], stopped_at: datetime | None) -> datetime | None:
    """When the person stopped by their own word: since the merge, else before."""
    if stopped_at and written(stopped_at) > stop["at"]:
        return stopped_at
    return moment_of_iso(stop["had"]) if stop["had"] else None
