"""Telling staff that a channel has stopped or recovered: e-mail, Slack, a webhook of their own.

Owns the notices' rows and how each goes out; one per transition and way, tried again until it worked.
Must not decide when a channel is ill: channels_app/health.py does.
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
from channels_app.health import ADVICE, State
from channels_app.http import HttpClient
from channels_app.models import Channel, ChannelIncident, IncidentNotice
from tenants.db import now
from tenants.models import Membership
from tenants.permissions import expand
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
LEASE = timedelta(seconds=60)
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
WORDS = {
    State.HEALTHY: "works again",
    State.DEGRADED: "does not work as it should",
    State.CREDENTIAL_REFUSED: "was refused by the platform",
    State.SILENT: "has gone silent",
}


def notices_plan(channel: Channel, incident: ChannelIncident, state: str) -> list[IncidentNotice]:
    """Write down whom to tell that the channel went to ``state``, in the transaction of the transition."""
    alerts = settings_for(channel.tenant_id).alerts
    wanted = {
        IncidentNotice.Way.EMAIL: alerts.email and settings.EMAIL_BACKEND != NO_MAIL,
        IncidentNotice.Way.SLACK: bool(alerts.slack_webhook_url),
        IncidentNotice.Way.WEBHOOK: bool(alerts.webhook_url),
    }
    return [
        IncidentNotice.objects.create(tenant_id=channel.tenant_id, incident=incident, state=state, way=way)
        for way, is_wanted in wanted.items()
        if is_wanted
    ]


def notice_send(notice_id: uuid.UUID) -> bool:
    """Send one notice that is due, in its tenant's scope. False when it is not due, taken, or did not work."""
    due = IncidentNotice.objects.filter(id=notice_id, status=IncidentNotice.Status.WAITING, due_at__lte=now())
    if not due.update(due_at=now() + LEASE, attempts=F("attempts") + 1):
        return False
    notice = IncidentNotice.objects.select_related("incident__channel__tenant").get(id=notice_id)
    try:
        WAYS[notice.way](notice)
    except Exception as error:  # noqa: BLE001  whatever broke, staff have not been told: it is tried again
        _put_off(notice, getattr(error, "code", "") or type(error).__name__)
        return False
    IncidentNotice.objects.filter(id=notice_id).update(status=IncidentNotice.Status.SENT, error="")
    return True


def _put_off(notice: IncidentNotice, code: str) -> None:
    log.warning("notice_failed", notice=str(notice.id), way=notice.way, code=code, attempts=notice.attempts)
    over = notice.attempts >= MAX_ATTEMPTS
    IncidentNotice.objects.filter(id=notice.id).update(
        status=IncidentNotice.Status.FAILED if over else IncidentNotice.Status.WAITING,
        due_at=now() + timedelta(seconds=15 * 2**notice.attempts),
        error=code[:60],
    )


# -------------------------------------------------------------------------------- ways


def _email(notice: IncidentNotice) -> None:
    """To those of the tenant who may change its channels. Raises Rejected when nobody has an address."""
    addresses = admin_addresses(notice.tenant_id)
    if not addresses:
        raise Rejected("nobody_to_mail")
    subject, *rest = _lines(notice)
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    # the same id at every try: a mailbox that has it already shows it once
    headers = {"Message-ID": f"<notice-{notice.id}@{host}>"}
    EmailMessage(subject, "\n".join([subject, *rest]), None, to=[], bcc=addresses, headers=headers).send()


def _slack(notice: IncidentNotice) -> None:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    _post(settings_for(notice.tenant_id).alerts.slack_webhook_url, {"text": "\n".join(_lines(notice))})


def _webhook(notice: IncidentNotice) -> None:
    """``id`` stays the same over all tries."""
    incident, channel = notice.incident, notice.incident.channel
    healthy = notice.state == State.HEALTHY
    told = {
        "id": str(notice.id),
        "type": "chat.system.channel_recovered" if healthy else "chat.system.channel_degraded",
        "tenant_id": str(notice.tenant_id),
        "channel": {"id": str(channel.id), "kind": channel.kind, "name": channel.name},
        "incident_id": str(incident.id),
        "state": notice.state,
        "reason": "" if healthy else incident.reason,
        "at": notice.created_at.isoformat(),
    }
    _post(settings_for(notice.tenant_id).alerts.webhook_url, told)


def _post(url: str, body: Any) -> None:
    http = HttpClient(frozenset({url}), frozenset(settings.ENV["OUTBOUND_ALLOW_HOSTS"]))
    content = json.dumps(body).encode()
    raise_for_status(http.request("POST", url, headers={"content-type": "application/json"}, content=content))


def _lines(notice: IncidentNotice) -> list[str]:
    channel, state = notice.incident.channel, State(notice.state)
    lines = [f"{channel.tenant.name}: channel {channel.name} ({channel.kind}) {WORDS[state]}"]
    if state in ADVICE:
        lines += [notice.incident.reason, ADVICE[state]]
    return [*filter(None, lines), f"{settings.PUBLIC_URL}/admin/channels_app/channel/{channel.id}/change/"]


def admin_addresses(tenant_id: uuid.UUID) -> list[str]:
    """E-mail addresses of the members who may change the tenant's channels."""
    members = Membership.objects.filter(tenant_id=tenant_id, user__is_active=True).select_related("user", "role")
    may = [member.user.email for member in members if "channels:write" in expand(member.role.permissions)]
    return sorted({address for address in may if address})


WAYS: dict[str, Callable[[IncidentNotice], None]] = {
    IncidentNotice.Way.EMAIL: _email,
    IncidentNotice.Way.SLACK: _slack,
    IncidentNotice.Way.WEBHOOK: _webhook,
}
