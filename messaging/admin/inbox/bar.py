"""What the bar above a conversation offers: take it, give it to others, put it off, hand it back, close it.

Owns which buttons there are, and their keys. Call within the tenant's scope.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from channels_app.registry import icon_of
from conversations.models import Conversation
from messaging.admin.conversations import CLOSE, HAND_BACK, TAKE_OVER
from messaging.admin.inbox.lists.rows import stands_of, view_of
from messaging.admin.inbox.verbs import page
from messaging.agents.labels import labels, labels_of
from messaging.agents.members import member_shapes, members, team_shapes, teams
from messaging.hours.later import later_times
from tenants.console.pages.rows import Button
from tenants.storage.db import now

KEYS = (
    ("j", "Next conversation"), ("k", "Previous conversation"), ("Enter", "Open it"), ("r", "Reply"), ("n", "Write a note"),
    ("t", "Take it"), ("a", "Assign"), ("s", "Snooze"), ("l", "Label"), ("h", "Hand back to the bot"),
    ("e", "Close the conversation"), ("/", "Search; in the reply box: canned replies"), ("Esc", "Leave what you are in"),
    ("?", "These keys"),
)  # fmt: skip
PRESENCE = {"online": 0, "away": 1, "offline": 2}
#: button, its words in the bar, its key
SHOWN = ((TAKE_OVER, "Take it", "t"), (HAND_BACK, "To the bot", "h"), (CLOSE, "Close", "e"))


def bar_of(request: HttpRequest, row: Conversation) -> dict[str, Any]:
    """For templates/admin/inbox/bar.html: six statements for people who may write, one for others."""
    offered = {button.verb: button for button in page().buttons_of(request, row)}
    marks = labels_of([row.id]).get(row.id, [])
    bar = {
        "buttons": [_button(row, offered[button.verb], *told) for button, *told in SHOWN if button.verb in offered],
        "stands": stands_of(row, request),
        "icon": icon_of(row.channel.kind),
        "labels": marks,
        "writes": page().allowed(request, "write", row),
        "snoozed_until": row.snoozed_until if view_of(row, request.user.pk) == "snoozed" else None,
        "do": {verb: address_of(row, verb) for verb in ("assign", "snooze", "wake", "label", "unlabel")},
        "fields": {"epoch": row.control_epoch, "assignee": row.assignee_id or ""},
    }
    if bar["writes"]:
        has = {label.id for label in marks}
        bar["other_labels"] = [label for label in labels() if label.id not in has]
    if bar["writes"] and row.is_open:
        staff = [shape for shape in member_shapes(members()) if shape["answers"]]
        bar |= {"people": _people(row, staff), "teams": _teams(staff), "snoozes": later_times(row, now())}
    return bar


def _button(row: Conversation, button: Button, label: str, key: str) -> dict[str, Any]:
    return {
        "verb": button.verb, "label": label, "title": button.label, "icon": button.icon, "key": key, "confirm": button.confirm,
        "address": address_of(row, button.verb),
    }  # fmt: skip


def address_of(row: Conversation, verb: str) -> str:
    return reverse("admin:inbox_do", args=[row.id, verb])


def _teams(staff: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with ``there``: who of it would come, in words."""
    found = team_shapes(teams())
    for team in found:
        ids = {member["id"] for member in team["members"]}
        online = [shape for shape in staff if shape["id"] in ids and shape["presence"] == "online"]
        free = [shape for shape in online if shape["open_conversations"] < shape["capacity"]]
        team["there"] = f"{len(free)} of {len(ids)} free" if online else "no one online"
    return found


def _people(row: Conversation, staff: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Members who may answer, but for the one who does; who is there first, and of them who has least in hand."""
    shapes = [shape for shape in staff if shape["id"] != row.assignee_id]
    return sorted(shapes, key=lambda shape: (PRESENCE[shape["presence"]], shape["open_conversations"], shape["name"]))
