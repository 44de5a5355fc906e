"""How an alert travels: by e-mail, to a Slack channel, to a webhook of the tenant's.

Owns what each way says, and to whom. Must not decide whether it goes out.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from channels_app.adapters.base import raise_for_status
from channels_app.contract import Rejected
from channels_app.http.client import HttpClient
from channels_app.services import outbound_hosts
from conversations.event_schemas import Envelope
from messaging.models import StaffAlert
from messaging.outbox.alert_words import READERS, alert_kind, page_address
from messaging.outbox.calls import called, calls_subject
from tenants.access.permissions import expand
from tenants.members.alert_choice import choice_read
from tenants.models import Membership, Tenant
from tenants.storage.db import now
from tenants.tenant_settings import settings_for


def _email(alerts: Sequence[StaffAlert]) -> bool:
    """To those of the tenant who may do something about it and want to hear of it; False when none does. Raises Rejected
    when none of those who may has an address."""
    [alert] = alerts
    members = members_who_may(alert.tenant_id, READERS.get(alert.facts.get("type", ""), "channels:write"))
    members = [member for member in members if member.user.email]
    if not members:
        raise Rejected("nobody_to_mail")
    kind = alert_kind(Envelope.model_validate(alert.facts)) if alert.facts else ""
    hours, at = settings_for(alert.tenant_id).business_hours, now()
    wanting = [member for member in members if choice_read(member.alerts).mailed(kind, hours, at)]
    if not wanting:
        return False
    _mail(alert, _headline(alert, alert.subject), _text(alert), bcc=sorted({member.user.email for member in wanting}))
    return True


def _personal(alerts: Sequence[StaffAlert]) -> bool:
    """Calls to one member, in one mail. False when they do not want them any more, or are not there any more."""
    first, member = alerts[0], called(alerts[0])
    hours = settings_for(first.tenant_id).business_hours
    if member is None or not choice_read(member.alerts).mailed(first.facts["kind"], hours, now()):
        return False
    subject = _headline(first, calls_subject(alerts))
    chosen = f"You choose what you are mailed: {page_address('tenants/membership/alerts/')}"
    text = "\n".join((subject, *(alert.text for alert in alerts), "", chosen))
    _mail(first, subject, text, to=[member.user.email])
    return True


def _mail(alert: StaffAlert, subject: str, text: str, **whom: list[str]) -> None:
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    # the same id at every try: a mailbox that has it already shows it once
    headers = {"Message-ID": f"<alert-{alert.id}@{host}>"}
    EmailMessage(subject, text, None, headers=headers, **whom).send()  # type: ignore[arg-type]


def _slack(alerts: Sequence[StaffAlert]) -> bool:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    [alert] = alerts
    _post(settings_for(alert.tenant_id).alerts.slack_webhook_url, {"text": _text(alert)})
    return True


def _webhook(alerts: Sequence[StaffAlert]) -> bool:
    """The event's envelope and ``text``, what the other ways say; ``id`` stays the same over all tries."""
    [alert] = alerts
    _post(settings_for(alert.tenant_id).alerts.webhook_url, {**alert.facts, "text": _text(alert)})
    return True


def alert_test(tenant: Tenant, way: str, url: str) -> None:
    """Post a test to an address of Slack or of the tenant's own, at once. Raises SendError: what went wrong."""
    text = f"{tenant.name}: A test of your alerts\nAlerts reach you here.\n{page_address('inbox/')}"
    _post(url, {"text": text} if way == "slack" else {"type": "test", "text": text})


def _post(url: str, body: Any) -> None:
    http = HttpClient(frozenset({url}), outbound_hosts())
    content = json.dumps(body).encode()
    raise_for_status(http.request("POST", url, headers={"content-type": "application/json"}, content=content))


def _headline(alert: StaffAlert, subject: str) -> str:
    """On one line, whatever line breaks a name has: a mail server refuses others."""
    return " ".join(f"{Tenant.objects.get(id=alert.tenant_id).name}: {subject}".split())


def _text(alert: StaffAlert) -> str:
    return f"{_headline(alert, alert.subject)}\n{alert.text}".rstrip()


def members_who_may(tenant_id: uuid.UUID, permission: str) -> list[Membership]:
    """Those with the permission."""
    members = Membership.objects.filter(tenant_id=tenant_id, user__is_active=True).select_related("user", "role")
    return [member for member in members if permission in expand(member.role.permissions)]


#: way → sends alerts that are told together; False: no one wanted them
WAYS: dict[str, Callable[[Sequence[StaffAlert]], bool]] = {
    "email": _email,
    "slack": _slack,
    "webhook": _webhook,
    "personal": _personal,
}
