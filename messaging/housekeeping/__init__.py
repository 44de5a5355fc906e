"""What has to be done now and then for all tenants: late statuses, idle conversations, ended visits, old records.

Owns the list of steps. Each is alone: it may fail, and it ends in time; what it leaves is the next run's. Must not
wake rows that are due: that is messaging/sweep.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
from django.db import close_old_connections

from conversations.contacts.merges import partings_follow
from conversations.search.backfill import words_fill
from conversations.search.forget import words_forget
from conversations.search.people_backfill import people_fill
from messaging.agents.queue import ranks_fill
from messaging.agents.rule import assign_everywhere
from messaging.agents.snooze import snoozes_end
from messaging.health.engine import engines_recover
from messaging.hours.late import late_tell
from messaging.housekeeping.disconnect import disconnected_clear
from messaging.housekeeping.gone import gone_give_up
from messaging.housekeeping.idle import idle_end
from messaging.housekeeping.trims import TRIMS, trim
from messaging.housekeeping.visits import visits_end
from messaging.integrators.sweep import pauses_end
from messaging.measures import HOUSEKEEPING, HOUSEKEEPING_FAILURES
from messaging.privacy.erase import erasures_go_on
from messaging.privacy.export.job import exports_expire, exports_go_on
from messaging.privacy.purge import purge_due
from messaging.privacy.retention import trail_going
from messaging.reports.delivery_status import late_statuses_apply
from messaging.reports.revise import late_changes_apply
from messaging.shutdown import stopping
from messaging.threads.leftovers import leftovers_purge
from tenants.storage.batches import More, for_seconds
from tenants.storage.sqlite.figures import figures_gather
from tenants.trail.seals import trail_purge, trail_seal

log = structlog.get_logger(__name__)

STEP_S = 8.0  # that a step goes on while there is work

#: what a person may ask for: also taken up every few seconds (messaging/tasks.py)
PRIVACY: dict[str, Callable[[More], int]] = {"exports": exports_go_on, "erasures": erasures_go_on}

#: name → does its work while ``more()``, and returns how much that was
STEPS: dict[str, Callable[[More], int]] = {
    "late_statuses": late_statuses_apply,
    "late_changes": late_changes_apply,
    "idle_conversations": idle_end,
    "ended_visits": visits_end,
    "late_replies": late_tell,
    "engines_well_again": engines_recover,
    "snoozed_conversations": snoozes_end,
    "gone_colleagues": gone_give_up,
    "ranks_of_waiting": lambda _: ranks_fill(),
    "waiting_conversations": assign_everywhere,
    "disconnected_channels": disconnected_clear,
    **PRIVACY,
    "expired_exports": exports_expire,
    "retention": purge_due,
    "deleted_threads": leftovers_purge,
    "audit_seals": trail_seal,
    "old_audit": partial(trail_purge, going=trail_going),
    "message_words": words_fill,
    "contact_words": people_fill,
    "forgotten_words": words_forget,
    "figures_of_tables": lambda _: figures_gather(),
    "parted_contacts": lambda _: partings_follow(),
    "long_pauses": lambda _: pauses_end(),
    **{name: lambda more, name=name: trim(name, more) for name in TRIMS},  # type: ignore[misc]
}


def keep_house() -> None:
    """Run every step. A step that fails is logged and counted, and harms no other."""
    for name, step in STEPS.items():
        if stopping.is_set():
            return
        with HOUSEKEEPING.labels(name).time():
            try:
                count = step(for_seconds(STEP_S, stopping.is_set))
            except Exception as error:  # noqa: BLE001  whatever it is, the other steps have nothing to do with it
                HOUSEKEEPING_FAILURES.labels(name).inc()
                log.error("housekeeping_step_failed", step=name, error=type(error).__name__)
                close_old_connections()  # one that broke is not the next step's
            else:
                if count:
                    log.info("housekeeping_step_done", step=name, count=count)
