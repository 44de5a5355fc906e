"""What the bar of a conversation does beyond its page: assign, put off, label. Each returns what to tell.

Owns how a form says it. Must not decide: the rules do (messaging/agents/), under the lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

from django.http import HttpRequest

from channels_app.hours import hours_on
from conversations.models import Conversation
from messaging.admin.conversations import number
from messaging.admin.inbox.lists.rows import member_name
from messaging.agents.assign import assign_to_person, assign_to_team, unassign
from messaging.agents.labels import label_get, label_put, label_save, label_take
from messaging.agents.members import member_get, team_get
from messaging.agents.models import Label
from messaging.agents.snooze import snooze, unsnooze
from tenants.errors import Invalid
from tenants.models import User

Done = tuple[Conversation, str, dict[str, Any], str]  # the row, the act for the audit trail, its facts, what to tell
MORNING = time(9)
LONGEST = 40  # characters of a label


def _assign(request: HttpRequest, row: Conversation) -> Done:
    kind, _, name = request.POST.get("to", "").partition(":")
    epoch = number(request, "epoch")
    if kind == "person":
        user = member_get(_id(name)).user
        done = assign_to_person(row.id, user, expected_epoch=epoch, by=cast(User, request.user))
        return done, "assigned", {"assignee": user.get_username()}, f"{member_name(user)} answers from now on."
    if kind == "team":
        team = team_get(_id(name))
        done = assign_to_team(row.id, team, expected_epoch=epoch)
        return done, "assigned", {"team": str(team.id)}, f"It waits for {team.name}."
    return unassign(row.id, expected_epoch=epoch), "unassigned", {}, "It waits for any colleague."


def _snooze(request: HttpRequest, row: Conversation) -> Done:
    until = _moment(request.POST.get("at") or request.POST.get("until", ""), row)
    return snooze(row.id, until), "snoozed", {}, "Put off. It is back then, or when the person writes."


def _wake(request: HttpRequest, row: Conversation) -> Done:
    return unsnooze(row.id), "unsnoozed", {}, "It is back."


def _label(request: HttpRequest, row: Conversation) -> Done:
    named = request.POST.get("name", "").replace("\0", "").strip()
    if len(named) > LONGEST:
        raise Invalid(f"A label has at most {LONGEST} characters.", code="label_too_long")
    if named:
        label = Label.objects.filter(name=named).first() or label_save(Label(tenant_id=row.tenant_id, name=named))
    else:
        label = label_get(_id(request.POST.get("label", "")))
    return label_put(row.id, label.id), "labelled", {"label": str(label.id)}, ""


def _unlabel(request: HttpRequest, row: Conversation) -> Done:
    label_id = _id(request.POST.get("label", ""))
    return label_take(row.id, label_id), "unlabelled", {"label": str(label_id)}, ""


DEEDS: Mapping[str, Callable[[HttpRequest, Conversation], Done]] = {
    "assign": _assign, "snooze": _snooze, "wake": _wake, "label": _label, "unlabel": _unlabel,
}  # fmt: skip


def snoozes(row: Conversation, at: datetime) -> list[tuple[str, datetime]]:
    """Times to put a conversation off to, by the clock of the tenant."""
    zone = hours_on(row.tenant_id, row.channel_id).zone
    today = at.astimezone(zone).date()
    monday = today + timedelta(days=7 - today.weekday())
    mornings = {"Tomorrow, 9:00": today + timedelta(days=1), "Monday, 9:00": monday}
    later = [("In an hour", at + timedelta(hours=1)), ("In four hours", at + timedelta(hours=4))]
    return later + [(name, datetime.combine(day, MORNING, zone).astimezone(UTC)) for name, day in mornings.items()]


def _moment(given: str, row: Conversation) -> datetime:
    """A time of the list, or of the tenant's clock as a person writes it."""
    try:
        until = datetime.fromisoformat(given)
    except ValueError as error:
        raise Invalid("Choose a time.", code="snooze_time") from error
    zone = hours_on(row.tenant_id, row.channel_id).zone
    return until if until.tzinfo else until.replace(tzinfo=zone)


def _id(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise Invalid("Choose one of the list.") from error
