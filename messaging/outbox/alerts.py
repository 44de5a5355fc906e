"""Alerts to a tenant's staff about events: by e-mail, Slack or a webhook of theirs, as its settings say.

Owns which events are worth an alert, its words, and how each goes out: one per event and way, tried again
until it worked. Must not decide what is wrong (channels_app/health.py does), nor say what people said.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F

from channels_app.adapters.base import raise_for_status
from channels_app.contract import Rejected
from channels_app.health import ADVICE, State
from channels_app.http.client import HttpClient
from channels_app.models import ChannelIncident
from channels_app.services import outbound_hosts
from conversations.event_schemas import Envelope
from messaging import wake
from messaging.models import StaffAlert
from tenants.access.permissions import expand
from tenants.models import Membership, Tenant
from tenants.storage.db import now, on_commit
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
LEASE = timedelta(seconds=60)
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"

#: a channel's state → what staff are told of it; a channel that was switched off is nobody's worry
STATES: dict[str, str] = {
    State.HEALTHY: "works again",
    State.DEGRADED: "does not work as it should",
    State.CREDENTIAL_REFUSED: "was refused by the platform",
    State.SILENT: "has gone silent",
}


@dataclass(frozen=True)
class Words:
    """What an alert says. ``incident``: whose end is the alert's, too."""

    subject: str
    lines: tuple[str, ...] = ()
    incident: ChannelIncident | None = None


def alerts_plan(event: Envelope) -> list[StaffAlert]:
    """Write down whom to tell of the event, in the caller's transaction and scope."""
    words = ALERTS[event.type](event.data)
    if words is None:
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
            incident=words.incident,
            subject=words.subject[:200],
            text="\n".join(filter(None, words.lines)),
            facts=event.model_dump(mode="json"),
        )
        for way, is_wanted in ways.items()
        if is_wanted
    ]
    for alert in alerts:
        on_commit(partial(wake.send_alert, alert.id))
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


# ------------------------------------------------------------------------------- words


def _channel_state(data: dict[str, Any]) -> Words | None:
    """None when the channel was switched off, or is gone with its incident."""
    state = data.get("state", "")
    incident = ChannelIncident.objects.select_related("channel").filter(id=data.get("incident_id")).first()
    if state not in STATES or incident is None:
        return None
    channel = incident.channel
    page = f"{settings.PUBLIC_URL}/admin/channels_app/channel/{channel.id}/change/"
    lines = (data.get("reason", ""), ADVICE.get(state, ""), page)
    return Words(f"channel {channel.name} ({channel.kind}) {STATES[state]}", lines, incident)


def _webhook_paused(data: dict[str, Any]) -> Words:
    return Words(f"Webhook endpoint {data.get('description', '')} was paused: {data.get('reason', '')}")


#: event type → the words of its alert; None: not worth one
ALERTS: dict[str, Callable[[dict[str, Any]], Words | None]] = {
    "chat.system.channel_degraded": _channel_state,
    "chat.system.channel_recovered": _channel_state,
    "chat.system.webhook_paused": _webhook_paused,
}


# -------------------------------------------------------------------------------- ways


def _email(alert: StaffAlert) -> None:
    """To those of the tenant who may change its channels. Raises Rejected when nobody has an address."""
    addresses = _admin_addresses(alert.tenant_id)
    if not addresses:
        raise Rejected("nobody_to_mail")
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    # the same id at every try: a mailbox that has it already shows it once
    headers = {"Message-ID": f"<alert-{alert.id}@{host}>"}
    EmailMessage(_headline(alert), _text(alert), None, to=[], bcc=addresses, headers=headers).send()


def _slack(alert: StaffAlert) -> None:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    _post(settings_for(alert.tenant_id).alerts.slack_webhook_url, {"text": _text(alert)})


def _webhook(alert: StaffAlert) -> None:
    """The event's envelope and ``text``, what the other ways say; ``id`` stays the same over all tries."""
    _post(settings_for(alert.tenant_id).alerts.webhook_url, {**alert.facts, "text": _text(alert)})


def _post(url: str, body: Any) -> None:
    http = HttpClient(frozenset({url}), outbound_hosts())
    content = json.dumps(body).encode()
    raise_for_status(http.request("POST", url, headers={"content-type": "application/json"}, content=content))


def _headline(alert: StaffAlert) -> str:
    return f"{Tenant.objects.get(id=alert.tenant_id).name}: {alert.subject}".replace("\n", " ")


def _text(alert: StaffAlert) -> str:
    return f"{_headline(alert)}\n{alert.text}".rstrip()


def _admin_addresses(tenant_id: uuid.UUID) -> list[str]:
    members = Membership.objects.filter(tenant_id=tenant_id, user__is_active=True).select_related("user", "role")
    may = [member.user.email for member in members if "channels:write" in expand(member.role.permissions)]
    return sorted({address for address in may if address})


WAYS: dict[str, Callable[[StaffAlert], None]] = {"email": _email, "slack": _slack, "webhook": _webhook}
