"""Calls to one member of staff about what concerns them alone: named in a note, given a conversation (EVT-5, CONV-8).

Owns whom an act calls, in their windows and by e-mail, and when it is called off. The e-mail is a row of the alerts' outbox,
written with the act. It waits a little, so that who sees it in the console is not mailed too; several are one mail.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from conversations.models import Conversation, Message
from messaging.live.staff import colleague_called
from messaging.models import StaffAlert
from messaging.outbox.alert_words import conversation_path, page_address
from tenants.members.alert_choice import NO_MAIL, Call, choice_read
from tenants.models import Membership
from tenants.storage.db import new_id, now, on_commit
from tenants.tenant_settings import settings_for
from tenants.work.leases import claim_by_id

WAY = "personal"
SEEN_WITHIN = timedelta(minutes=1)
AGAIN = timedelta(minutes=10)  # between two mails of a kind to the same member
TOGETHER = 20  # calls of one mail
#: kind → the subject of one, and of several
SUBJECTS: dict[str, tuple[str, str]] = {
    "mention": ("A colleague has named you in a note", "Colleagues have named you in {count} notes"),
    "assigned": ("A conversation was given to you", "{count} conversations were given to you"),
}


def colleagues_call(kind: Call, conversation: Conversation, users: Collection[uuid.UUID]) -> None:
    """Call these members, as each has chosen. Call it in the transaction of the act, in its tenant's scope: a
    call stands or falls with it."""
    members = Membership.objects.filter(user__in=users, user__is_active=True).select_related("user").order_by("id")
    chosen = [(member, choice_read(member.alerts)) for member in members]
    if shown := [member.user_id for member, choice in chosen if choice.shown(kind)]:
        on_commit(partial(colleague_called, kind, conversation.tenant_id, conversation.id, shown))
    tenant = settings_for(conversation.tenant_id)
    if not tenant.alerts.email or settings.EMAIL_BACKEND == NO_MAIL:
        return
    for member, choice in chosen:
        if member.user.email and choice.mailed(kind, tenant.business_hours, now()):
            _write(kind, conversation, member)


def _write(kind: Call, conversation: Conversation, member: Membership) -> None:
    about = f"{kind} {member.user_id}"
    StaffAlert.objects.create(
        tenant_id=conversation.tenant_id,
        event=new_id(),
        way=WAY,
        about=about,
        subject=SUBJECTS[kind][0],
        text=f"{conversation.channel.name}: {page_address(conversation_path(conversation.id))}",
        facts={"kind": kind, "user": str(member.user_id), "conversation": str(conversation.id)},
        due_at=_due(about),
    )  # no wake-up call: the sweep finds what is due


def _due(about: str) -> datetime:
    """With the one that waits, or so long after the last that the member is not mailed each by itself."""
    at, before = now(), StaffAlert.objects.filter(about=about)
    waits = before.filter(status=StaffAlert.Status.WAITING, claim=None, due_at__gt=at).order_by("due_at")
    if due := waits.values_list("due_at", flat=True).first():
        return due
    lately = before.filter(status=StaffAlert.Status.SENT, created_at__gt=at - AGAIN)
    return at + (AGAIN if lately.exists() else SEEN_WITHIN)


def told_together(alert: StaffAlert, lease: timedelta) -> list[StaffAlert]:
    """Other calls to the same member that are due, leased to the caller."""
    rows = StaffAlert.objects.filter(about=alert.about, status=StaffAlert.Status.WAITING, due_at__lte=now())
    ids = rows.exclude(id=alert.id).order_by("due_at", "id").values_list("id", flat=True)[: TOGETHER - 1]
    return [row for id in list(ids) if (row := claim_by_id(StaffAlert, id, lease))]


def call_over(alert: StaffAlert) -> bool:
    """Whether the member has seen to it, or it is not theirs any more."""
    user, talk = alert.facts["user"], Conversation.objects.filter(id=alert.facts["conversation"])
    if alert.facts["kind"] == "mention":
        return not talk.filter(mentions__user=user, mentions__seen_at=None).exists()
    answers = Message.objects.filter(conversation=alert.facts["conversation"], role=Message.Role.AGENT, author=user)
    return (
        not talk.filter(assignee=user, is_open=True).exists()
        or answers.filter(created_at__gt=alert.created_at).exists()
    )


def called(alert: StaffAlert) -> Membership | None:
    """Whom it is for; None: they are no member any more, or have no address."""
    members = Membership.objects.filter(user=alert.facts["user"], user__is_active=True).exclude(user__email="")
    found: Membership | None = members.select_related("user").first()
    return found


def calls_subject(alerts: Collection[StaffAlert]) -> str:
    first = next(iter(alerts))
    one, several = SUBJECTS[first.facts["kind"]]
    return one if len(alerts) == 1 else several.format(count=len(alerts))
