"""Alerts to a tenant's staff about events: by e-mail, Slack or a webhook of theirs, as its settings say.

Owns how each goes out: one per event and way, tried again until it worked. Must not know which events are worth one,
nor its words (messaging/outbox/alert_words.py).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet

from channels_app.adapters.base import raise_for_status
from channels_app.contract import Rejected
from channels_app.http.client import HttpClient
from channels_app.services import outbound_hosts
from conversations.event_schemas import Envelope
from messaging import wake
from messaging.models import StaffAlert
from messaging.outbox.alert_words import ALERTS, READERS, Words, alert_kind, alert_over
from tenants.access.permissions import expand
from tenants.alert_choice import NO_MAIL, choice_read
from tenants.hours import is_open
from tenants.models import Membership, Tenant
from tenants.storage.db import now, on_commit, server_trouble
from tenants.tenant_settings import settings_for
from tenants.work.leases import A_DAY, WORKER_LOST, claim_by_id, put_off, server_back, settle

log = structlog.get_logger(__name__)

TRIES = A_DAY
LEASE = timedelta(seconds=60)
OVER = "over"  # in place of an error: its reason had gone before it went out


def alerts_plan(event: Envelope) -> list[StaffAlert]:
    """Write down whom to tell of the event, in the caller's transaction and scope."""
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
    """Send one alert that is due, in its tenant's scope, unless its reason has gone. False when it is not due, taken, or did not work."""
    alert = claim_by_id(StaffAlert, alert_id, LEASE)
    if alert is None:
        return False
    if alert.worn_out:
        settle(alert, status=StaffAlert.Status.FAILED, error=WORKER_LOST)
        return False
    try:
        if alert.facts and alert_over(Envelope.model_validate(alert.facts)):
            return settle(alert, status=StaffAlert.Status.SENT, error=OVER)
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


def _told_lately(words: Words) -> bool:
    if not words.at_most_every:
        return False
    since = now() - words.at_most_every
    lately = StaffAlert.objects.filter(subject=words.subject[:200], created_at__gt=since)
    return lately.exclude(error=OVER).exists()


# -------------------------------------------------------------------------------- ways


def _email(alert: StaffAlert) -> None:
    """To those of the tenant who may do something about it and want to hear of it. Raises Rejected when none of those
    who may has an address."""
    members = _members(alert.tenant_id, READERS.get(alert.facts.get("type", ""), "channels:write"))
    if not members:
        raise Rejected("nobody_to_mail")
    addresses = _addresses(alert, members)
    if not addresses:
        return  # as they have chosen
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


def _members(tenant_id: uuid.UUID, permission: str) -> list[Membership]:
    """Those with the permission who have an address."""
    members = Membership.objects.filter(tenant_id=tenant_id, user__is_active=True).exclude(user__email="")
    members = members.select_related("user", "role")
    return [member for member in members if permission in expand(member.role.permissions)]


def _addresses(alert: StaffAlert, members: Iterable[Membership]) -> list[str]:
    kind = alert_kind(Envelope.model_validate(alert.facts)) if alert.facts else ""
    hours, at = settings_for(alert.tenant_id).business_hours, now()
    opened = is_open(hours, at)
    wanting = (
        member for member in members
        if (choice := choice_read(member.alerts)).wants(kind, is_open=opened) and not choice.rests(at, hours.zone)
    )  # fmt: skip
    return sorted({member.user.email for member in wanting})


WAYS: dict[str, Callable[[StaffAlert], None]] = {"email": _email, "slack": _slack, "webhook": _webhook}
