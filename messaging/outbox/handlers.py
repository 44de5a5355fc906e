"""What the service itself does about events: figures, audit trail, alerts to staff, caches, notes at a
hand-over (EVT-5).

Owns that each handler deals with each event once, whether it comes from the outbox, from Kafka or by a
replay. Must not send anything: whatever leaves the house is a row first (messaging/outbox/alerts.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import structlog
from django.db import DatabaseError, DataError, IntegrityError
from django.db.models import QuerySet

from assistant.engines import has_models
from channels_app.health import health_forget
from conversations.event_schemas import Envelope, envelope_of
from conversations.models import Conversation, Event, Note
from conversations.summary import summary_of
from messaging import wake
from messaging.figures.rebuild import MARKS_KEPT
from messaging.figures.write import figures_add
from messaging.health.engine import PROCESSED, engine_failed, is_failure
from messaging.integrators.subscribers import subscribers_forget
from messaging.live.staff import note_written
from messaging.models import HandledEvent
from messaging.outbox.alert_words import alert_worth
from messaging.outbox.alerts import alerts_plan
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import atomic, lost_race, now, on_commit, retried
from tenants.trail.audit import audit

log = structlog.get_logger(__name__)

#: does its work for events of one tenant, in the caller's transaction and scope
Handle = Callable[[Sequence[Envelope]], None]


LOOKS = 3
UPDATED = "chat.conversation.updated"  # of changes of control, too (messaging/rules/control.py)

#: consent, deletions and identities concern personal data; a stopped endpoint is a change of configuration
AUDITED = {
    "chat.contact.stopped": ("contact.stopped", "contact", "contact_id"),
    "chat.contact.resumed": ("contact.resumed", "contact", "contact_id"),
    "chat.contact.identity_changed": ("contact.identity_changed", "contact", "contact_id"),
    "chat.message.deleted": ("message.deleted", "message", "message_id"),
    "chat.system.webhook_paused": ("webhook.paused", "webhookendpoint", "endpoint_id"),
}

#: event type → what all processes forget of what it names
FORGOTTEN: dict[str, Callable[[Envelope], None]] = {
    "chat.system.channel_degraded": lambda event: health_forget(uuid.UUID(event.data["channel_id"])),
    "chat.system.channel_recovered": lambda event: health_forget(uuid.UUID(event.data["channel_id"])),
    "chat.system.webhook_paused": lambda event: subscribers_forget(event.tenant_id),
}


def events_handle(events: Sequence[Event]) -> None:
    """The outbox's sink: every handler, for what it has not dealt with yet. A handler that fails on an
    event gives up on that one alone; only a database that is away is the caller's to wait for."""
    told = [envelope_of(event) for event in events]
    for name in HANDLERS:
        handle(name, told, fresh=True)


def handle(name: str, events: Sequence[Envelope], *, again: bool = False, fresh: bool = False) -> int:
    """Let one handler deal with events, each once. ``again``: also with those it gave up on. ``fresh``: most likely
    none has been dealt with, so the marks are written first and looked for only when one is there. Returns how many
    were new to it; raises DatabaseError."""
    oldest = now() - MARKS_KEPT
    by_tenant: dict[uuid.UUID, dict[uuid.UUID, Envelope]] = {}
    for event in events:
        if wanted_by(name, event) and event.timestamp > oldest:
            by_tenant.setdefault(event.tenant_id, {})[event.id] = event
    if fresh and by_tenant and _handle_fresh(name, by_tenant):
        return sum(map(len, by_tenant.values()))
    count = 0
    for tenant_id, own in by_tenant.items():
        with tenant_scope(tenant_id):
            if again:
                _gave_up_on(name, own).delete()
            count += _handle_new(name, list(own.values()))
    return count


def wanted_by(name: str, event: Envelope) -> bool:
    """Whether the handler has anything to do with the event; of others it writes no mark."""
    wants = WANTED.get(name)
    return wants is None or wants(event)


# ------------------------------------------------------------------------------- once


@retried
def _handle_fresh(name: str, by_tenant: Mapping[uuid.UUID, Mapping[uuid.UUID, Envelope]]) -> bool:
    """All of them in one transaction, in the same order of tenants in every process, for they write the same figures.
    False, and nothing is done, when one was dealt with before or breaks its handler: then each tenant is looked at."""
    try:
        with atomic():
            for tenant_id in sorted(by_tenant):
                with tenant_scope(tenant_id):
                    new = list(by_tenant[tenant_id].values())
                    _mark(name, new)
                    HANDLERS[name](new)
    except (IntegrityError, DataError):
        return False
    except DatabaseError:
        raise
    except Exception:  # noqa: BLE001  told by the look at its tenant
        return False
    return True


@retried
def _handle_new(name: str, events: Sequence[Envelope]) -> int:
    for look in range(1, LOOKS + 1):
        new = _unmarked(name, events)
        try:
            if new:
                with atomic():
                    _mark(name, new)
                    HANDLERS[name](new)
            return len(new)
        except IntegrityError as error:
            if not lost_race(error):
                return _one_by_one(name, new, error)
            if look == LOOKS:  # other processes dealt with some of them, again and again
                raise
        except DataError as error:  # a value that the database refuses, today and tomorrow
            return _one_by_one(name, new, error)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001  a bug of the handler's
            return _one_by_one(name, new, error)
    return 0


def _one_by_one(name: str, events: Sequence[Envelope], error: Exception) -> int:
    """Somewhere among these is one the handler breaks on: it is marked as given up, the others are handled."""
    if len(events) > 1:
        return sum(_handle_new(name, [event]) for event in events)
    log.error(
        "handler_failed", handler=name, event_id=str(events[0].id), type=events[0].type, error=type(error).__name__
    )
    with atomic():
        _mark(name, events, error=type(error).__name__)
    return 1


def _unmarked(name: str, events: Sequence[Envelope]) -> list[Envelope]:
    marked = HandledEvent.objects.filter(handler=name, event__in=[event.id for event in events])
    known = set(marked.values_list("event", flat=True))
    return [event for event in events if event.id not in known]


def _mark(name: str, events: Sequence[Envelope], error: str = "") -> None:
    prepared.insert(
        [HandledEvent(tenant_id=event.tenant_id, handler=name, event=event.id, error=error) for event in events]
    )


def _gave_up_on(name: str, events: Collection[uuid.UUID]) -> QuerySet[HandledEvent]:
    return HandledEvent.objects.filter(handler=name, event__in=events, error__gt="")


# --------------------------------------------------------------------------- handlers


def analytics(events: Sequence[Envelope]) -> None:
    """Add what happened to the figures by day (UTC): each is written once for all events of a batch, and committed with
    their marks."""
    figures_add(events[0].tenant_id, events)


def audit_trail(events: Sequence[Envelope]) -> None:
    for event in events:
        action, model, key = AUDITED[event.type]
        audit("system", action, f"{model}:{event.data.get(key, '')}", {"event_id": str(event.id)})


def notification(events: Sequence[Envelope]) -> None:
    for event in events:
        alerts_plan(event)


def cache_invalidation(events: Sequence[Envelope]) -> None:
    for event in events:
        FORGOTTEN[event.type](event)


def handover_notes(events: Sequence[Envelope]) -> None:
    """The colleague who comes finds what it is about in a note: after the hand-over, which it does not delay."""
    rows = Conversation.objects.filter(id__in={event.conversation_id for event in events}, kind="chat")
    found = {row.id: row for row in rows}
    for event in events:
        row = found.get(event.conversation_id) if event.conversation_id else None
        summary = summary_of(row) if row else None
        if row is None or summary is None or not summary.asked:
            continue  # erased meanwhile, or nothing was said yet
        reason = str(event.data.get("reason", ""))[:60].replace("_", " ")
        words = f"Summary at the hand-over{f' ({reason})' if reason else ''}\n{summary.text}"
        note = Note.objects.create(tenant_id=row.tenant_id, conversation=row, text=words)
        on_commit(partial(note_written, row.tenant_id, row.id, note.id))
        if has_models("summary"):
            on_commit(partial(wake.sum_up, note.id))  # a call that gets lost leaves the digest


def _fell_back(event: Envelope) -> bool:
    return event.type == PROCESSED and is_failure(event.data)


def _hands_over(event: Envelope) -> bool:
    return event.type == UPDATED and event.data.get("trigger") == "handover"


HANDLERS: dict[str, Handle] = {
    "analytics": analytics,
    "audit": audit_trail,
    "engine": engine_failed,  # before the alert, which tells of what it finds
    "notification": notification,
    "cache": cache_invalidation,
    "handover": handover_notes,
}
#: which events a handler is shown; without a line: all
WANTED: dict[str, Callable[[Envelope], bool]] = {
    "audit": lambda event: event.type in AUDITED,
    "engine": _fell_back,
    "notification": alert_worth,
    "cache": lambda event: event.type in FORGOTTEN,
    "handover": _hands_over,
}
