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
from django.db.models import QuerySet

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
from tenants.storage.db import now, on_commit, server_trouble
from tenants.tenant_settings import settings_for
from tenants.work.leases import A_DAY, WORKER_LOST, claim_by_id, put_off, server_back, settle

log = structlog.get_logger(__name__)

TRIES = A_DAY
LEASE = timedelta(seconds=60)
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"

#: a channel's state → what staff are told of it; of a channel that was switched off they are told nothing
STATES: dict[str, str] = {
    State.HEALTHY: "works again",
    State.DEGRADED: "does not work as it should",
    State.CREDENTIAL_REFUSED: "was refused by the platform",
    State.SILENT: "has gone silent",
}


SAME_AGAIN = timedelta(hours=1)
#: table of the register → what staff are told, and the list in the console where it is started again
GIVEN_UP = {
    "receipts": "Requests of a platform could not be processed",
    "turns": "The assistant could not answer",
    "files": "Files of people could not be fetched",
}
PAGES = {
    "receipts": "messaging/inboundevent/?status__exact=failed",
    "turns": "messaging/turn/?status__exact=failed",
    "files": "conversations/attachment/?state__exact=failed",
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
    alert = claim_by_id(StaffAlert, alert_id, LEASE)
    if alert is None:
        return False
    if alert.worn_out:
        settle(alert, status=StaffAlert.Status.FAILED, error=WORKER_LOST)
        return False
    try:
        WAYS[alert.way](alert)
    except Exception as error:  # noqa: BLE001  whatever broke, staff have not been told: it is tried again
        _failed(alert, error)
        return False
    return settle(alert, status=StaffAlert.Status.SENT, error="")


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


def _work_given_up(data: dict[str, Any]) -> Words | None:
    """None when staff were told of the same table within the last hour: what fails, fails in crowds."""
    work, reason = data.get("work", ""), data.get("reason", "")
    subject = GIVEN_UP.get(work, f"Work was given up: {work}")
    if StaffAlert.objects.filter(subject=subject, created_at__gt=now() - SAME_AGAIN).exists():
        return None
    page = f"{settings.PUBLIC_URL}/admin/{PAGES[work]}" if work in PAGES else ""
    return Words(subject, (f"Reason: {reason}.", "They are kept and can be processed again.", page))


def _webhook_paused(data: dict[str, Any]) -> Words:
    reason = data.get("reason", "")
    state = "was disabled" if reason in ("gone", "paused_too_long") else "was paused"
    return Words(f"Webhook endpoint {data.get('description', '')} {state}: {reason}")


#: event type → the words of its alert; None: not worth one
ALERTS: dict[str, Callable[[dict[str, Any]], Words | None]] = {
    "chat.system.channel_degraded": _channel_state,
    "chat.system.channel_recovered": _channel_state,
    "chat.system.webhook_paused": _webhook_paused,
    "chat.system.work_given_up": _work_given_up,
}


# -------------------------------------------------------------------------------- ways


def _email(alert: StaffAlert) -> None:
    """To those of the tenant who may change its channels. Raises Rejected when none of them has an address."""
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
