"""Alerts to a tenant's staff about events: by e-mail, Slack or a webhook of theirs, as its settings say.

Owns which events are worth an alert, and how each alert goes out. A channel's health has notices of its
own (channels_app/notices.py). Must not say what people said.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F

from channels_app.adapters.base import raise_for_status
from channels_app.contract import Rejected
from channels_app.http import HttpClient
from channels_app.notices import NO_MAIL, admin_addresses
from conversations.event_schemas import Envelope
from messaging import wake
from messaging.models import StaffAlert
from tenants.db import now, on_commit
from tenants.models import Tenant
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
LEASE = timedelta(seconds=60)

#: event type → the subject of its alert; ``{…}`` are fields of its data
ALERTS = {
    "chat.system.webhook_paused": "Webhook endpoint {description} was paused: {reason}",
}


def alerts_plan(event: Envelope) -> list[StaffAlert]:
    """Write down whom to tell of the event, in the caller's transaction and scope."""
    wanted = settings_for(event.tenant_id).alerts
    ways = {
        "email": wanted.email and settings.EMAIL_BACKEND != NO_MAIL,
        "slack": bool(wanted.slack_webhook_url),
        "webhook": bool(wanted.webhook_url),
    }
    subject = ALERTS[event.type].format_map(_Said(event.data))[:200]
    facts = event.model_dump(mode="json")
    alerts = [
        StaffAlert.objects.create(tenant_id=event.tenant_id, event=event.id, way=way, subject=subject, facts=facts)
        for way, is_wanted in ways.items()
        if is_wanted
    ]
    for alert in alerts:
        on_commit(lambda alert_id=alert.id: wake.send_alert(alert_id))  # type: ignore[misc]
    return alerts


def alert_send(alert_id: uuid.UUID) -> bool:
    """Send one alert that is due, in its tenant's scope. False when it is not due, taken, or did not work."""
    due = StaffAlert.objects.filter(id=alert_id, status=StaffAlert.Status.WAITING, due_at__lte=now())
    if not due.update(due_at=now() + LEASE, attempts=F("attempts") + 1):
        return False
    alert = StaffAlert.objects.get(id=alert_id)
    try:
        WAYS[alert.way](alert)
    except Exception as error:  # noqa: BLE001  whatever broke, staff have not been told: it is tried again
        _put_off(alert, getattr(error, "code", "") or type(error).__name__)
        return False
    StaffAlert.objects.filter(id=alert_id).update(status=StaffAlert.Status.SENT, error="")
    return True


def _put_off(alert: StaffAlert, code: str) -> None:
    log.warning("alert_failed", alert=str(alert.id), way=alert.way, code=code, attempts=alert.attempts)
    over = alert.attempts >= MAX_ATTEMPTS
    StaffAlert.objects.filter(id=alert.id).update(
        status=StaffAlert.Status.FAILED if over else StaffAlert.Status.WAITING,
        due_at=now() + timedelta(seconds=15 * 2**alert.attempts),
        error=code[:60],
    )


class _Said(dict[str, Any]):
    """A field the event does not have leaves a gap, not an error."""

    def __missing__(self, key: str) -> str:
        return ""


# -------------------------------------------------------------------------------- ways


def _email(alert: StaffAlert) -> None:
    addresses = admin_addresses(alert.tenant_id)
    if not addresses:
        raise Rejected("nobody_to_mail")
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    headers = {"Message-ID": f"<alert-{alert.id}@{host}>"}  # the same at every try: shown once
    EmailMessage(_headline(alert), _headline(alert), None, to=[], bcc=addresses, headers=headers).send()


def _slack(alert: StaffAlert) -> None:
    _post(settings_for(alert.tenant_id).alerts.slack_webhook_url, {"text": _headline(alert)})


def _webhook(alert: StaffAlert) -> None:
    """The event's envelope; its ``id`` stays the same over all tries."""
    _post(settings_for(alert.tenant_id).alerts.webhook_url, alert.facts)


def _post(url: str, body: Any) -> None:
    http = HttpClient(frozenset({url}), frozenset(settings.ENV["OUTBOUND_ALLOW_HOSTS"]))
    content = json.dumps(body).encode()
    raise_for_status(http.request("POST", url, headers={"content-type": "application/json"}, content=content))


def _headline(alert: StaffAlert) -> str:
    return f"{Tenant.objects.get(id=alert.tenant_id).name}: {alert.subject}".replace("\n", " ")


WAYS: dict[str, Callable[[StaffAlert], None]] = {"email": _email, "slack": _slack, "webhook": _webhook}
