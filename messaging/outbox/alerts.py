"""Alerts to a tenant's staff about events: by e-mail, Slack or a webhook of theirs, as its settings say.

Owns that each goes out: one per event and way, tried again until it worked. Must not know which events are worth one,
nor its words (messaging/outbox/alert_words.py), nor how it travels (messaging/outbox/alert_ways.py).
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from functools import partial

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db.models import QuerySet

from conversations.event_schemas import Envelope
from messaging import wake
from messaging.live.staff import staff_alert
from messaging.models import StaffAlert
from messaging.outbox import calls
from messaging.outbox.alert_ways import WAYS, members_who_may
from messaging.outbox.alert_words import ALERTS, READERS, Words, alert_kind, alert_over
from tenants.members.alert_choice import NO_MAIL, choice_read
from tenants.storage.db import now, on_commit, server_trouble
from tenants.tenant_settings import settings_for
from tenants.work.leases import A_DAY, WORKER_LOST, claim_by_id, put_off, server_back, settle

log = structlog.get_logger(__name__)

TRIES = A_DAY
LEASE = timedelta(seconds=60)
#: in place of an error, of what was dropped
OVER = "over"  # its reason had gone before it went out
DECLINED = "declined"  # no one of those it was for wanted it


def alerts_plan(event: Envelope) -> list[StaffAlert]:
    """Write down whom to tell of the event, in the caller's transaction and scope; who has the inbox open is told after the commit."""
    words = ALERTS[event.type](event.data)
    if words is None or _told_lately(words):
        return []
    wanted = settings_for(event.tenant_id).alerts
    ways = {
        "email": wanted.email and settings.EMAIL_BACKEND != NO_MAIL,
        "slack": bool(wanted.slack_webhook_url),
        "webhook": bool(wanted.webhook_url),
    }
    alerts = [
        StaffAlert.objects.create(
            tenant_id=event.tenant_id,
            event=event.id,
            way=way,
            about=words.about or None,
            incident=words.incident,
            subject=words.subject[:200],
            text=words.text,
            facts=event.model_dump(mode="json"),
        )
        for way, is_wanted in ways.items()
        if is_wanted
    ]
    for alert in alerts:
        on_commit(partial(wake.send_alert, alert.id))
    on_commit(partial(_show, event, words))
    return alerts


def _show(event: Envelope, words: Words) -> None:
    """Tell those who have the inbox open, as each has chosen. People who wait stand in its list and are called by that
    (static/console/alerts.js)."""
    kind, again = alert_kind(event), words.at_most_every.total_seconds()
    about = hashlib.sha256(words.about.encode()).hexdigest()  # a key takes no blanks
    if kind == "escalations" or (again and not cache.add(f"shown:{event.tenant_id.hex}:{about}", 1, again)):
        return
    members = members_who_may(event.tenant_id, READERS.get(event.type, "channels:write"))
    users = [member.user_id for member in members if choice_read(member.alerts).shown(kind)]
    if users:
        first = next(filter(None, words.lines), "")
        staff_alert(event.tenant_id, kind, words.subject, first, url=f"/admin/{words.path}", users=users)


def alert_send(alert_id: uuid.UUID) -> bool:
    """Send one alert that is due, in its tenant's scope, and what is told with it, unless its reason has gone. False when it is not due, taken, or did not work."""
    alert = claim_by_id(StaffAlert, alert_id, LEASE)
    if alert is None:
        return False
    if alert.worn_out:
        settle(alert, status=StaffAlert.Status.FAILED, error=WORKER_LOST)
        return False
    alerts = [alert]
    try:
        if alert.way == calls.WAY:
            alerts += calls.told_together(alert, LEASE)
        due = [one for one in alerts if not _over(one)]
        wanted = bool(due) and WAYS[alert.way](due)
    except Exception as error:  # noqa: BLE001  whatever broke, staff have not been told: it is tried again
        for one in alerts:
            _failed(one, error)
        return False
    for one in alerts:
        if wanted and one in due:
            settle(one, status=StaffAlert.Status.SENT, error="")
        else:
            settle(one, status=StaffAlert.Status.DROPPED, error=DECLINED if one in due else OVER)
    return True


def _over(alert: StaffAlert) -> bool:
    if alert.way == calls.WAY:
        return calls.call_over(alert)
    return bool(alert.facts) and alert_over(Envelope.model_validate(alert.facts))


def _failed(alert: StaffAlert, error: Exception) -> None:
    code = (getattr(error, "code", "") or type(error).__name__)[:60]
    log.warning("alert_failed", alert=str(alert.id), way=alert.way, code=code, attempts=alert.attempts)
    if server_trouble(error):
        put_off(alert, server_back(), counts=False, error=code)
    elif TRIES.over(alert.attempts):
        settle(alert, status=StaffAlert.Status.FAILED, error=code)
    else:
        put_off(alert, TRIES.next(alert.attempts), error=code)


def alerts_replay(alerts: QuerySet[StaffAlert]) -> int:
    """Send alerts of a queryset that were given up, with fresh tries. Returns how many."""
    ids = list(alerts.filter(status=StaffAlert.Status.FAILED).order_by("created_at").values_list("id", flat=True))
    for alert_id in ids:
        again = StaffAlert.objects.filter(id=alert_id, status=StaffAlert.Status.FAILED)
        again.update(status=StaffAlert.Status.WAITING, attempts=0, leases=0, claim=None, due_at=now(), error="")
        on_commit(partial(wake.send_alert, alert_id))
    return len(ids)


def _told_lately(words: Words) -> bool:
    if not words.at_most_every:
        return False
    lately = StaffAlert.objects.filter(about=words.about, created_at__gt=now() - words.at_most_every)
    return lately.exclude(status=StaffAlert.Status.DROPPED).exists()
