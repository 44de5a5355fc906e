"""`figures_rebuild`: figures counted anew from the timeline, exactly, also while events come in (ADM-3)."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversations.models import Event
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.figures.asked import today
from messaging.models import DailyFigure, DaySheet, HandledEvent
from messaging.publish import publish_events
from tenants.models import Tenant
from tenants.storage.db import new_id, now
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db(transaction=True)


def happens(tenant: Tenant, count: int = 2) -> None:
    person = {"contact_id": str(new_id()), "identity_id": str(new_id())}
    for _ in range(count):
        taken = conversation_advance({"id": ConversationFactory(tenant=tenant).id}, events=1)
        events_append(taken, [NewEvent("chat.conversation.started", person)])


def rebuild(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("figures_rebuild", "--json", *options, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def started() -> int:
    return sum(row.figures.get("counts", {}).get("started", 0) for row in DaySheet.objects.all())


def test_what_was_lost_is_counted_again(scope: Tenant) -> None:
    happens(scope)
    publish_events()
    DaySheet.objects.update(figures={})
    DailyFigure.objects.all().delete()
    dry = rebuild("--tenant", "acme", "--dry-run")
    assert (dry["dry_run"], started()) == (True, 0)
    told = rebuild("--tenant", "acme")
    assert (told["days"], told["events"], started()) == (1, 2, 2)
    assert told["changed"] == dry["changed"] == [
        {"tenant": "acme", "day": str(today()), "figure": "chat.conversation.started", "before": 0, "after": 2},
        {"tenant": "acme", "day": str(today()), "figure": "started", "before": 0, "after": 2},
    ]  # fmt: skip
    assert rebuild("--tenant", "acme")["changed"] == []


def test_what_is_still_to_be_handled_is_counted_once(scope: Tenant) -> None:
    happens(scope, 2)
    publish_events()
    happens(scope, 3)  # nothing has handled these yet
    assert rebuild()["events"] == 2
    publish_events()
    assert started() == 5


def test_events_that_were_published_without_a_mark_are_marked(scope: Tenant) -> None:
    happens(scope, 3)
    Event.objects.update(published_at=now(), created_at=now() - timedelta(days=3))
    rebuild("--from", "7d")
    assert (started(), HandledEvent.objects.filter(handler="analytics").count()) == (3, 3)
    call_command("replay_events", "--to", "handlers", stdout=StringIO())
    assert started() == 3


def test_what_the_handler_gave_up_on_stays_out(scope: Tenant) -> None:
    happens(scope, 1)
    publish_events()
    HandledEvent.objects.filter(handler="analytics").update(error="ValueError")
    assert rebuild()["events"] == 0


def test_days_without_events_lose_their_figures(scope: Tenant) -> None:
    day = today() - timedelta(days=2)
    DailyFigure.objects.create(tenant=scope, day=day, name="chat.session.started", value=7)
    rebuild("--from", str(day), "--to", str(day))
    assert not DailyFigure.objects.exists()


def test_it_is_told_in_words(scope: Tenant, other_tenant: Tenant) -> None:
    happens(scope, 1)
    publish_events()
    DaySheet.objects.update(figures={})
    out = StringIO()
    call_command("figures_rebuild", "--from", str(today()), stdout=out)
    assert out.getvalue().splitlines() == [f"acme {today()} started: 0 → 1", "2 days, 1 events; 1 figures changed."]


def test_what_it_cannot_do_is_told(scope: Tenant) -> None:
    for options in (["--tenant", "nowhere"], ["--from", "someday"], ["--from", "1d", "--to", "3d"]):
        with pytest.raises(CommandError):
            call_command("figures_rebuild", *options)
