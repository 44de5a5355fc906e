"""What each event adds to which figures. Pure: an event says all that is needed, so that neither order nor time matters.

Owns the names of figures. Events of earlier releases say less and add less.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from conversations.event_schemas import Envelope
from messaging.figures.sheet import Sheet
from messaging.measures import COSTS

NONE = uuid.UUID(int=0)  # no channel, no team, no member of staff
ALL = uuid.UUID(int=2**128 - 1)  # in place of a channel: of a member of staff on all of them
WEEK = uuid.UUID(int=2**128 - 2)  # the same over the week that begins with the day
MOST = 10**15  # of one event: a number beyond it is a mistake of an engine

#: counts by name, and what people read for them
COUNTS: Mapping[str, str] = {
    "started": "Conversations started",
    "bot_alone": "Answered by the bot alone",
    "escalated": "Handed to a colleague",
    "ended": "Conversations ended",
    "abandoned": "Left or fell silent",
    "received": "Messages received",
    "sent_by_bot": "Messages of the bot",
    "sent_by_staff": "Messages of colleagues",
    "delivered": "Messages delivered",
    "failed": "Deliveries failed",
    "sessions": "Sessions",
    "answers": "Answers generated",
    "fallbacks": "Fallback replies",
    "input_tokens": "Tokens in",
    "output_tokens": "Tokens out",
    "cost_micro_usd": "Cost in millionths of a US dollar",
    **{f"rated_{score}": f"Rated {score} of 5" for score in range(1, 6)},
}
#: spreads by name, and what people read for them
SPREADS: Mapping[str, str] = {
    "first_answer": "First answer of the bot or a colleague",
    "first_response": "First response of a colleague, in opening hours",
    "response": "Every response of a colleague, in opening hours",
    "resolution": "From begin to end, in opening hours",
}
TOKENS = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
}


class Place(NamedTuple):
    """Whose figures: of a channel (team and agent NONE); of a team or a member of staff on it; of a member of staff on
    ALL channels (team NONE), and there of a whole WEEK: ``day`` is its Monday."""

    day: date
    channel: uuid.UUID
    team: uuid.UUID
    agent: uuid.UUID


def event_add(event: Envelope, sheets: dict[Place, Sheet]) -> None:
    """Add what the event says to the sheets of its tenant: to that of its channel, and to that of the team and the member
    of staff whom it names."""
    facts = FACTS.get(event.type)
    if facts is None:
        return
    added = Sheet()
    facts(event.data, added)
    if not any(added.counts.values()) and not added.spreads:
        return
    day, channel = event.timestamp.date(), _id(event.data.get("channel_id"))
    team, agent = _id(event.data.get("team_id")), _id(event.data.get("author_id") or event.data.get("assignee_id"))
    places = [(channel, NONE, NONE), (channel, team, agent), *([(ALL, NONE, agent)] if agent != NONE else [])]
    for place in dict.fromkeys(places):
        sheets.setdefault(Place(day, *place), Sheet()).merge(added)


def weeks_of(sheets: Mapping[Place, Sheet]) -> dict[Place, Sheet]:
    """The sums by week of what members of staff did on all channels: long periods are read from them."""
    weeks: dict[Place, Sheet] = {}
    for place, sheet in sheets.items():
        if place.channel == ALL:
            weeks.setdefault(place._replace(day=monday_of(place.day), channel=WEEK), Sheet()).merge(sheet)
    return weeks


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


#: by type, daily figures that an event adds one to when it says so
FINER: Mapping[str, Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "chat.message.processed": {"replies.fallback": lambda said: said.get("degraded") is True},
    "chat.conversation.updated": {"conversations.escalated": lambda said: said.get("status") == "escalated"},
    "chat.conversation.ended": {"conversations.abandoned": lambda said: said.get("status") == "abandoned"},
}


def names_of(event: Envelope) -> list[str]:
    """The daily figures (`DailyFigure`) that an event adds one to: its type, and what of it is worth one of its own."""
    finer = FINER.get(event.type)
    return [event.type, *(name for name, says in finer.items() if says(event.data))] if finer else [event.type]


# ---------------------------------------------------------------------- what events say


def _started(said: Mapping[str, Any], to: Sheet) -> None:
    to.counts["started"] += 1


def _updated(said: Mapping[str, Any], to: Sheet) -> None:
    first = said.get("first_escalation")
    if first or (first is None and said.get("trigger") == "handover"):  # an earlier release did not say it
        to.counts["escalated"] += 1
    if said.get("trigger") == "rated":
        for score, number in ((said.get("satisfaction"), 1), (said.get("previous_satisfaction"), -1)):
            if score in (1, 2, 3, 4, 5):
                to.counts[f"rated_{score}"] += number


def _ended(said: Mapping[str, Any], to: Sheet) -> None:
    to.counts["ended"] += 1
    to.counts["bot_alone"] += said.get("handled_by") == "bot"
    to.counts["abandoned"] += said.get("status") == "abandoned"
    if said.get("open_duration_seconds") is not None:
        to.spread("resolution").add(1000 * said["open_duration_seconds"])


def _sent(said: Mapping[str, Any], to: Sheet) -> None:
    if said.get("role") not in ("bot", "agent"):
        return
    to.counts["sent_by_bot" if said["role"] == "bot" else "sent_by_staff"] += 1
    if said.get("answer_latency_ms") is not None:
        to.spread("first_answer").add(said["answer_latency_ms"])
    if said.get("response_latency_ms") is not None:
        for name in ("response", "first_response") if said.get("first_response") else ("response",):
            to.spread(name).add(said["response_latency_ms"])


def _processed(said: Mapping[str, Any], to: Sheet) -> None:
    to.counts["fallbacks"] += said.get("degraded") is True


def _generated(said: Mapping[str, Any], to: Sheet) -> None:
    usage = said.get("usage") or {}
    to.counts["answers"] += 1
    for name, words in TOKENS.items():
        to.counts[name] += round(max(_number(usage.get(word)) for word in words))
    to.counts["cost_micro_usd"] += round(max(_number(usage.get(word)) for word in COSTS) * 1_000_000)


def _one(name: str) -> Callable[[Mapping[str, Any], Sheet], None]:
    def add(said: Mapping[str, Any], to: Sheet) -> None:
        to.counts[name] += 1

    return add


FACTS: Mapping[str, Callable[[Mapping[str, Any], Sheet], None]] = {
    "chat.conversation.started": _started,
    "chat.conversation.updated": _updated,
    "chat.conversation.ended": _ended,
    "chat.message.received": _one("received"),
    "chat.message.sent": _sent,
    "chat.message.delivered": _one("delivered"),
    "chat.message.failed": _one("failed"),
    "chat.message.processed": _processed,
    "chat.session.started": _one("sessions"),
    "chat.response.generated": _generated,
}


def _id(text: Any) -> uuid.UUID:
    return uuid.UUID(str(text)) if text else NONE


def _number(said: Any) -> float:
    """What an engine says of its usage: anything but a sensible number is none."""
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not math.isfinite(said):
        return 0.0
    return float(min(max(said, 0), MOST))
