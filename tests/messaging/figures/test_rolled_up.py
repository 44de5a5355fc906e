"""Figures that are added up an event at a time are those of a scan of the rows, in whatever order events come (ADM-3)."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from statistics import mean
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from assistant.port import EngineReply
from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from conversations.event_schemas import envelope_of
from conversations.models import Conversation, Event, Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.figures import read
from messaging.figures.asked import Asked
from messaging.figures.facts import ALL, COUNTS, NONE, SPREADS, WEEK, Place
from messaging.figures.read import SUMS, Report, mean_rating, report
from messaging.figures.rebuild import day_rebuild, days_of
from messaging.figures.sheet import Sheet
from messaging.figures.spread import Spread
from messaging.models import DailyFigure, DaySheet, HandledEvent, Turn
from messaging.outbox.handlers import handle
from messaging.publish import publish_events
from messaging.rating.taken import conversation_rate
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, hand_over, take_over
from messaging.turns import thinking
from tenants import tenant_settings
from tenants.hours import BusinessHours, open_seconds_between
from tenants.models import Tenant, User
from tenants.storage.db import atomic
from tests.factories import ChannelFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday
HOURS = {"time_zone": "Europe/Berlin", "days": {day: [{"start": "09:00", "end": "17:00"}] for day in ("mon", "tue")}}
SEEDS = (1, 2, 3)
ACTS = 90


class Engine:
    name = "test"

    def respond(self, request: Any) -> EngineReply:
        usage = {"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.00125}
        return EngineReply(contents=(text("I see."),), context={}, confidence=1.0, engine="test", usage=usage)


class Office:
    """A tenant with two channels, three visitors and two agents, whose days go by as chance wills it."""

    def __init__(self, tenant: Tenant, seed: int, clock: Any):
        self.chance, self.clock, self.at = random.Random(seed), clock, BEGIN
        self.channels = [ChannelFactory(tenant=tenant, kind="web", name=name) for name in ("Website", "Shop")]
        self.agents = [UserFactory(), UserFactory()]
        self.said = 0

    def passes(self, most_s: int) -> None:
        self.at += timedelta(milliseconds=self.chance.randrange(1, 1000 * most_s))
        self.clock.move_to(self.at, tick=False)

    def does(self) -> None:
        self.passes(self.chance.choice((5, 60, 3600, 6 * 3600)))
        self.chance.choice((self.writes, self.writes, self.writes, self.answers, self.answers, self.staff, self.ends))()

    def writes(self) -> None:
        channel, sender = self.channel(), Sender(scheme="web", value=f"v{self.chance.randrange(3)}")
        self.said += 1
        accept(
            channel, InboundMessage(platform_id="", sender=sender, content=text(f"Hello {self.said}")),
            Entrance(client_message_id=f"c{self.said}", session_key="a"),
        )  # fmt: skip

    def answers(self) -> None:
        Turn.objects.filter(status__in=Turn.OPEN).update(due_at=self.at)
        for turn in Turn.objects.filter(status__in=Turn.OPEN).order_by("id"):
            respond(turn.id)

    def staff(self) -> None:
        talk, agent = self.talk(), self.chance.choice(self.agents)
        deed = self.chance.choice((self.takes, self.replies, self.replies, self.returns, self.asks))
        deed(talk, agent) if talk else self.writes()

    def takes(self, talk: Conversation, agent: User) -> None:
        take_over(talk.id, agent, expected_epoch=talk.control_epoch)

    def replies(self, talk: Conversation, agent: User) -> None:
        agent_reply(talk.id, agent, text("Here I am."))

    def returns(self, talk: Conversation, agent: User) -> None:
        hand_back(talk.id)

    def asks(self, talk: Conversation, agent: User) -> None:
        with atomic():
            hand_over(talk, "asked")

    def ends(self) -> None:
        talk = self.talk()
        ended = talk and conversation_end(talk.id, reason=self.chance.choice(("completed", "idle", "ended_by_contact")))
        for score in self.chance.choices((1, 2, 3, 4, 5), k=self.chance.randrange(3) if ended else 0):
            self.passes(60)
            conversation_rate(ended.id, score)

    def channel(self) -> Channel:
        return self.chance.choice(self.channels)

    def talk(self) -> Conversation | None:
        open_ones = list(Conversation.objects.filter(is_open=True).order_by("id"))
        return self.chance.choice(open_ones) if open_ones else None


@pytest.fixture
def office(scope: Tenant, monkeypatch: pytest.MonkeyPatch, time_machine: Any, request: Any) -> Office:
    monkeypatch.setattr(thinking, "engine_for", lambda settings: Engine())
    scope.settings = {"business_hours": HOURS}
    scope.save()
    tenant_settings.invalidate(scope.id)
    time_machine.move_to(BEGIN, tick=False)
    made = Office(scope, request.param, time_machine)
    for _ in range(ACTS):
        made.does()
        for _ in range(made.chance.randrange(2)):
            publish_events(made.chance.randrange(1, 30))
    while publish_events():
        pass
    return made


def all_of(scope: Tenant, **asked: Any) -> Report:
    return report(Asked([scope.id], BEGIN.date(), (BEGIN + timedelta(days=120)).date(), **asked))


def stored() -> dict[Any, Any]:
    sheets = {(row.day, row.channel, row.team, row.agent): row.figures for row in DaySheet.objects.all()}
    return {"sheets": sheets, "counts": dict(Counter(DailyFigure.objects.values_list("day", "name", "value")))}


# ---------------------------------------------------------------------- a scan, apart from events


class Scan:
    """What the rows say: conversations and their transcripts."""

    def __init__(self, only: Channel | None = None):
        talks = Conversation.objects.order_by("id")
        self.talks = [talk for talk in talks if only is None or talk.channel_id == only.id]
        self.entries = {talk.id: list(Message.objects.filter(conversation=talk).order_by("seq")) for talk in self.talks}
        self.ended = [talk for talk in self.talks if not talk.is_open]
        self.hours = BusinessHours.model_validate(HOURS)

    def counts(self) -> dict[str, int]:
        roles = Counter(entry.role for entries in self.entries.values() for entry in entries)
        return {
            "started": len(self.talks), "ended": len(self.ended),
            "escalated": sum(map(self.human, self.talks)),
            "bot_alone": sum(talk.first_reply_at is not None and not self.human(talk) for talk in self.ended),
            "abandoned": sum(talk.status == "abandoned" for talk in self.ended),
            "received": roles["visitor"], "sent_by_bot": roles["bot"], "sent_by_staff": roles["agent"],
            **{f"rated_{score}": sum(talk.satisfaction == score for talk in self.talks) for score in range(1, 6)},
        }  # fmt: skip

    def human(self, talk: Conversation) -> bool:
        states = {entry.metadata.get("state") for entry in self.entries[talk.id]}
        return bool(states & {"queued", "assigned"}) or "agent" in {entry.role for entry in self.entries[talk.id]}

    def times(self) -> dict[str, list[float]]:
        """Seconds by the name of the spread."""
        found: dict[str, list[float]] = {name: [] for name in SPREADS}
        for talk in self.talks:
            waiting = None
            before: set[str] = set()
            talked = [entry for entry in self.entries[talk.id] if "hours" not in entry.metadata]  # what no question got
            for entry in talked:
                waits = waiting and (entry.created_at - waiting).total_seconds()
                if waits is not None and entry.role in ("bot", "agent") and not before & {"bot", "agent"}:
                    found["first_answer"].append(waits)
                if waits is not None and entry.role == "agent":
                    in_hours = open_seconds_between(self.hours, waiting, entry.created_at)
                    found["response"].append(in_hours)
                    found["first_response"].extend([in_hours] * ("agent" not in before))
                waiting = {"visitor": waiting or entry.created_at, "system": waiting}.get(entry.role)
                before.add(entry.role)
            closed = [entry for entry in self.entries[talk.id] if entry.metadata.get("state") == "closed"]
            last = max((e.created_at for e in talked if e.role != "system"), default=talk.created_at)
            until = last if talk.ended_reason == "idle" else talk.ended_at
            if closed and talk.first_reply_at and waiting is None:
                found["resolution"].append(open_seconds_between(self.hours, talk.created_at, until))
        return found


def near(spread: Spread, seconds: list[float]) -> bool:
    """The exact count, sum and longest; percentiles within 5 %."""
    taken = sorted(1000 * took for took in seconds)
    ranks = {share: taken[math.ceil(share * len(taken)) - 1] for share in (0.5, 0.9) if taken}
    return (
        spread.count == len(taken)
        and abs(spread.sum_ms - sum(taken)) <= 500 * len(taken)
        and abs(spread.longest_ms - max(taken, default=0)) <= 500
        and all(abs((spread.percentile_ms(share) or 0) - exact) <= 0.05 * exact + 500 for share, exact in ranks.items())
    )


# ------------------------------------------------------------------------------------ proofs


@pytest.mark.parametrize("office", SEEDS, indirect=True, ids=map(str, SEEDS))
def test_rolled_up_figures_are_right(office: Office, scope: Tenant) -> None:
    """Each proof leaves the figures as it found them, so one office serves them all."""
    figures_are_those_of_a_scan(office, scope)
    events_that_come_late_twice_and_in_disorder_change_nothing(office)
    a_rebuild_gives_what_was_rolled_up(scope)


def figures_are_those_of_a_scan(office: Office, scope: Tenant) -> None:
    told = all_of(scope)
    assert {name: told.total.counts[name] for name in Scan().counts()} == Scan().counts()
    assert {name: near(told.total.spread(name), times) for name, times in Scan().times().items()} == dict.fromkeys(
        SPREADS, True
    )
    assert all(Scan().counts()[name] for name in ("ended", "escalated", "bot_alone", "sent_by_staff"))
    each_channel_and_day_has_its_own(office, told)
    what_each_agent_wrote_is_theirs(office, scope)


def each_channel_and_day_has_its_own(office: Office, told: Report) -> None:
    for channel in office.channels:
        wanted = Scan(channel).counts()
        assert {name: told.channels[channel.id].counts[name] for name in wanted} == wanted
    begun = Counter(talk.created_at.date() for talk in Scan().talks)
    assert {day: sheet.counts["started"] for day, sheet in told.days.items() if sheet.counts["started"]} == begun
    assert told.total.counts["sessions"] == Event.objects.filter(type="chat.session.started").count()


def what_each_agent_wrote_is_theirs(office: Office, scope: Tenant) -> None:
    for agent in office.agents:
        wrote = Message.objects.filter(role="agent", author=agent).count()
        assert all_of(scope, agent=agent.id).total.counts["sent_by_staff"] == wrote
        assert all_of(scope, by_agent=True).agents[agent.id].counts["sent_by_staff"] == wrote
    assert all_of(scope, by_agent=True).total == all_of(scope).total
    for days in (0, 5, 6, 7, 8, 13, 14, 60):  # whole weeks are read as such, their edges by day
        since = BEGIN.date() + timedelta(days=office.chance.randrange(7))
        told = report(Asked([scope.id], since, since + timedelta(days=days), by_agent=True)).agents
        assert told == by_day(since, since + timedelta(days=days)), (since, days)


def by_day(first: date, last: date) -> dict[Any, Sheet]:
    """Of each member of staff, from the sheets of the channels."""
    found: dict[Any, Sheet] = {}
    channels = DaySheet.objects.filter(day__range=(first, last)).exclude(channel__in=SUMS).exclude(agent=NONE)
    for agent, figures in channels.values_list("agent", "figures"):
        found.setdefault(agent, Sheet()).merge_json(figures)
    return found


def events_that_come_late_twice_and_in_disorder_change_nothing(office: Office) -> None:
    rolled_up = stored()
    for model in (DaySheet, DailyFigure, HandledEvent):
        model.objects.all().delete()
    events = [envelope_of(event) for event in Event.objects.all()]
    told = [*events, *office.chance.choices(events, k=len(events) // 2)]
    office.chance.shuffle(told)
    while told:
        size = office.chance.randrange(1, 40)
        handle("analytics", told[:size], fresh=office.chance.random() < 0.5)
        told = told[size:]
    assert stored() == rolled_up


def a_rebuild_gives_what_was_rolled_up(scope: Tenant) -> None:
    rolled_up = stored()
    assert [day_rebuild(scope.id, day).changed for day in days_of(None, None)] == [{} for _ in days_of(None, None)]
    DaySheet.objects.update(figures=Sheet().to_json())
    DailyFigure.objects.update(value=7)
    for day in days_of(None, None):
        day_rebuild(scope.id, day)
    assert stored() == rolled_up


def test_a_long_period_of_everybody_is_read_by_the_week(scope: Tenant) -> None:
    last, agent = BEGIN.date() + timedelta(days=92), UserFactory().id  # a Tuesday
    one = Sheet(Counter(ended=1))
    for back in range(400):
        for where in (agent, ALL):
            place = Place(last - timedelta(days=back), where, NONE, agent)
            DaySheet.objects.create(tenant=scope, **place._asdict(), figures=one.to_json())
    import_module("messaging.migrations.0012_week_sheets").sum_up(apps, connection.schema_editor())
    asked = Asked([scope.id], last - timedelta(days=89), last, by_agent=True)
    assert [part.count() for part in read.parts(asked)] == [0, 12, 6]
    assert report(asked).agents[agent].counts["ended"] == 90
    assert len([line for line in read.lines(asked) if line.agent == agent]) == 90


def test_a_rebuild_of_a_day_sums_up_its_week(scope: Tenant) -> None:
    agent, day = UserFactory().id, BEGIN.date() + timedelta(days=3)
    for where, number in ((ALL, 2), (WEEK, 7)):
        place = Place(BEGIN.date(), where, NONE, agent)
        DaySheet.objects.create(tenant=scope, **place._asdict(), figures=Sheet(Counter(ended=number)).to_json())
    for _ in range(2):
        day_rebuild(scope.id, day)
        assert DaySheet.objects.get(channel=WEEK).figures["counts"] == {"ended": 2}
        assert DaySheet.objects.get(channel=ALL).figures["counts"] == {"ended": 2}
    day_rebuild(scope.id, BEGIN.date())  # which has no events
    assert not DaySheet.objects.exists()


def test_the_last_rating_counts(scope: Tenant, web: Channel, time_machine: Any) -> None:
    time_machine.move_to(BEGIN, tick=False)
    talk = accept(
        web, InboundMessage(platform_id="", sender=Sender(scheme="web", value="v"), content=text("Hi")), Entrance()
    ).conversation
    for score in (1, 1, 5, 4):
        conversation_rate(talk.id, score)
    publish_events()
    assert mean_rating(all_of(scope).total) == mean([4])


def test_every_name_is_told(scope: Tenant) -> None:
    assert NONE.int == 0
    assert len(COUNTS) + len(SPREADS) == 25
