"""What the bar of a conversation does beyond its page: assign, put off, label. Each returns what to tell.

Owns how a form says it. Must not decide: the rules do (messaging/agents/), under the lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.http import HttpRequest

from conversations.models import Conversation
from messaging.admin.conversations import number
from messaging.admin.inbox.lists.rows import member_name
from messaging.agents.assign import assign_to_person, assign_to_team, unassign
from messaging.agents.labels import label_get, label_put, label_save, label_take
from messaging.agents.members import member_get, team_get
from messaging.agents.models import Label
from messaging.agents.snooze import snooze, unsnooze
from messaging.hours.later import time_given
from tenants.errors import Invalid
from tenants.models import User

Done = tuple[Conversation, str, dict[str, Any], str]  # the row, the act for the audit trail, its facts, what to tell
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
    until = time_given(request.POST.get("at") or request.POST.get("until", ""), row)
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


def _id(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise Invalid("Choose one of the list.") from error
