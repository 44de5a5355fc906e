"""The figures on the first page: tiles that lead to what they count, charts by day, tables by channel and colleague."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Min
from django.http import HttpRequest
from django.urls import reverse

from conversations.models import Conversation
from messaging.admin.dashboard import charts, shown
from messaging.admin.dashboard.choice import Choice, choice_of
from messaging.figures.asked import PERIODS, Asked
from messaging.figures.read import Report, cost_usd, mean_rating, ratings_of, report
from messaging.figures.sheet import Sheet
from messaging.hours.late import BY_US
from tenants.console.pages.whose import tenants_known
from tenants.storage.db import now

MOST_OFFERED = 100  # tenants to choose from; others are reached by their address


@dataclass(frozen=True)
class Tile:
    """``link``: to the list of what it counts, where there is one."""

    title: str
    value: str
    detail: str = ""
    link: str = ""
    about: str = ""  # what exactly is meant, on hovering


def dashboard(request: HttpRequest) -> dict[str, Any] | None:
    """None where the member of staff may read no figures."""
    choice = choice_of(request)
    if choice.asked is None:
        return None
    told = report(choice.asked)
    return {
        "choice": choice,
        "filters": _filters(choice),
        "periods": [(days, choice.address(days=days, **{"from": None, "to": None})) for days in PERIODS],
        "export": reverse("admin:figures_export") + choice.address(),
        "empty": not told.channels and not told.agents,
        "tiles": [*_now(request, choice.asked), *_tiles(told, people=choice.asked.of_people)],
        "talks": charts.talks_chart(told.days, people=choice.asked.of_people),
        "messages": charts.messages_chart(told.days),
        "ratings": charts.ratings_chart(told.total) if any(ratings_of(told.total).values()) else "",
        "table": _table(choice, told),
        "by": [("By channel", choice.address(by=None), not choice.asked.by_agent),
               ("By colleague", choice.address(by="agent"), choice.asked.by_agent)],
    }  # fmt: skip


def _filters(choice: Choice) -> list[dict[str, Any]]:
    """The selects, each with its options: (value, label, whether it is chosen)."""
    assert choice.asked is not None
    shown_filters = []
    if len(choice.tenants) > 1:
        offered = list(dict.fromkeys([*([choice.tenant] if choice.tenant else []), *choice.tenants[:MOST_OFFERED]]))
        tenants = [(tenant.slug, tenant.name, tenant == choice.tenant) for tenant in offered]
        shown_filters.append({"name": "tenant", "label": "Tenant", "all": "All tenants", "options": tenants})
    for what, label, every in (
        ("channel", "Channel", "All channels"), ("team", "Team", "All teams"), ("agent", "Colleague", "Everybody"),
    ):  # fmt: skip
        options = [(str(one.id), one.name, one.id == getattr(choice.asked, what)) for one in choice.of(what)]
        if options:
            shown_filters.append({"name": what, "label": label, "all": every, "options": options})
    return shown_filters


def _now(request: HttpRequest, asked: Asked) -> list[Tile]:
    """Who waits longest at this moment, for one of us; one statement, of those who are talking."""
    own = [tenant.id for tenant in tenants_known(request, "conversations:read") if tenant.id in asked.tenants]
    # unscoped: of the tenants that are shown
    waiting = Conversation.objects.unscoped().filter(
        is_open=True, waiting_since__isnull=False, held_by__in=BY_US, tenant_id__in=own, **_of(asked)
    )
    since = waiting.aggregate(since=Min("waiting_since"))["since"]
    waited = (now() - since).total_seconds() * 1000 if since else None
    link = f"{reverse('admin:conversations_conversation_changelist')}?waiting=yes"
    about = "At this moment, at all hours: how long ago the person asked whom no colleague has answered"
    return [
        Tile("Waits longest now", shown.duration(waited), "for a colleague" if since else "no one waits", link, about)
    ]


def _of(asked: Asked) -> dict[str, Any]:
    chosen = {"channel_id": asked.channel, "team_id": asked.team, "assignee_id": asked.agent}
    return {name: value for name, value in chosen.items() if value}


def _tiles(told: Report, *, people: bool) -> list[Tile]:
    total, counts = told.total, told.total.counts
    talks, deliveries = (
        reverse(f"admin:{name}_changelist") for name in ("conversations_conversation", "messaging_delivery")
    )
    first, slow_first = shown.both(total.spread("first_response"))
    solved, slow_solved = shown.both(total.spread("resolution"))
    rated, sent = ratings_of(total), counts["sent_by_bot"] + counts["sent_by_staff"]
    of_talks = [
        Tile("Conversations started", shown.number(counts["started"]), shown.counted(counts["sessions"], "session"), talks),
        Tile(
            "Answered by the bot alone", shown.percent(counts["bot_alone"], counts["ended"]),
            f"{shown.number(counts['bot_alone'])} of {shown.number(counts['ended'])} ended", talks,
            "Of the conversations that ended: those in which the bot answered and no colleague was asked for",
        ),
    ]  # fmt: skip
    of_all = [
        Tile(
            "Handed to a colleague", shown.number(counts["escalated"]),
            f"{shown.percent(counts['escalated'], counts['started'])} of those started" if not people else "",
            f"{talks}?status__exact=escalated", "Each conversation once, however often it went back and forth",
        ),
        Tile("Ended", shown.number(counts["ended"]), f"{shown.number(counts['abandoned'])} fell silent or left",
             f"{talks}?is_open__exact=0"),
        Tile("First response of a colleague", first, _most_within(slow_first), talks,
             "Median: from the person's question to the first answer of a colleague; only opening hours count"),
        Tile("Resolution", solved, _most_within(slow_solved), talks,
             "Median: from begin to end of a conversation that was answered; only opening hours count"),
        Tile("Longest wait", shown.duration(total.spread("response").longest_ms or None),
             f"of {shown.counted(total.spread('response').count, 'response')}", f"{talks}?waiting=yes",
             "The longest that a person waited for a colleague who then answered; only opening hours count"),
        Tile("Satisfaction", shown.rating(mean_rating(total)), f"of 5, {shown.counted(sum(rated.values()), 'rating')}", talks),
    ]  # fmt: skip
    of_channels = [
        Tile("Messages", shown.number(counts["received"] + sent),
             f"{shown.number(counts['received'])} in, {shown.number(sent)} out",
             reverse("admin:conversations_message_changelist")),
        Tile("Deliveries failed", shown.number(counts["failed"]), f"{shown.percent(counts['failed'], sent)} of those sent",
             f"{deliveries}?dead=yes"),
        Tile("First answer by anyone", shown.both(total.spread("first_answer"))[0],
             _most_within(shown.both(total.spread("first_answer"))[1]), talks, "Median: from the question to the first answer of the bot or a colleague, at all hours"),
        Tile("Cost of the assistant", shown.money(cost_usd(total)),
             f"{shown.counted(counts['input_tokens'], 'token')} in, {shown.number(counts['output_tokens'])} out",
             "", f"{shown.counted(counts['answers'], 'answer')}, {shown.counted(counts['fallbacks'], 'fallback reply', 'fallback replies')}"),
    ]  # fmt: skip
    return of_all if people else [*of_talks, *of_all, *of_channels]


def _most_within(slow: str) -> str:
    return f"9 of 10 within {slow}" if slow != shown.NOTHING else "none in this period"


def _table(choice: Choice, told: Report) -> dict[str, Any]:
    assert choice.asked is not None
    if choice.asked.by_agent:
        lines = _lines(choice, "agent", told.agents, "A former colleague")
        return {"head": "Colleague", "heads": HEADS["agent"], "lines": lines}
    lines = _lines(choice, "channel", told.channels, "A channel that is gone")
    return {"head": "Channel", "heads": HEADS["channel"], "lines": lines}


def _lines(choice: Choice, what: str, sheets: dict[uuid.UUID, Sheet], unknown: str) -> list[dict[str, Any]]:
    """A table's lines, the busiest first."""
    lines = [
        {
            "name": choice.name_of(what, row) or (unknown if row.int else "No channel"),
            "link": choice.address(**{what: row, "by": None}) if choice.name_of(what, row) else "",
            "busy": sheet.counts["received"] + sheet.counts["sent_by_staff"] + sheet.counts["ended"],
            "cells": [
                {"head": head, "text": text} for head, text in zip(HEADS[what], _cells(what, sheet), strict=True)
            ],
        }
        for row, sheet in sheets.items()
    ]
    return sorted(lines, key=lambda line: (-line["busy"], line["name"]))


HEADS = {
    "channel": ("Started", "Received", "Sent", "Failed", "First response", "Resolution", "Satisfaction"),
    "agent": ("Answers", "Ended", "First response", "Every response", "Resolution", "Satisfaction"),
}


def _cells(what: str, sheet: Sheet) -> list[str]:
    counts = sheet.counts
    sent = counts["sent_by_bot"] + counts["sent_by_staff"]
    middle = {name: shown.both(sheet.spread(name))[0] for name in ("first_response", "response", "resolution")}
    if what == "agent":
        numbers = [shown.number(counts["sent_by_staff"]), shown.number(counts["ended"])]
        return [*numbers, *middle.values(), shown.rating(mean_rating(sheet))]
    numbers = [shown.number(counts[name]) for name in ("started", "received")]
    failed = f"{shown.number(counts['failed'])} ({shown.percent(counts['failed'], sent)})" if counts["failed"] else "0"
    times = [middle["first_response"], middle["resolution"]]
    return [*numbers, shown.number(sent), failed, *times, shown.rating(mean_rating(sheet))]
