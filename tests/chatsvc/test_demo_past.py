"""The demo's week: nothing of the console is empty on a first look, and nothing of it is told outside (OPS-4, ADM-3)."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count, Max

from channels_app.registry import KINDS
from chatsvc import demo
from chatsvc.demo.past import A_DAY, DAYS
from chatsvc.demo.talks import OPEN
from conversations.event_schemas import event_check
from conversations.models import Contact, Conversation, Event, Message, Note
from messaging.figures.asked import Asked, today
from messaging.figures.read import mean_rating, report
from messaging.models import DailyFigure, Delivery, StaffAlert
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
MODELS = (Contact, Conversation, Message, Event, Delivery, Note, DailyFigure)


@pytest.fixture
def access(db: None) -> Any:
    out = StringIO()
    call_command("seed_demo", "--json", stdout=out)
    told = json.loads(out.getvalue())
    with tenant_scope(Tenant.objects.get(id=told["tenant_id"]).id):
        yield told


def counts() -> list[int]:
    return [model.objects.count() for model in MODELS]


def test_every_channel_and_every_view_of_staff_has_people(access) -> None:
    assert Conversation.objects.count() == DAYS * A_DAY + len(OPEN)
    assert set(Conversation.objects.values_list("channel__kind", flat=True)) == set(KINDS)
    waiting = Conversation.objects.filter(held_by="queue", is_open=True)
    assert (waiting.count(), waiting.filter(waiting_since=None).count()) == (3, 0)
    assert not waiting.filter(rank=None).exists()  # they would be listed behind everybody who comes later
    held = Conversation.objects.filter(held_by="staff", is_open=True).values_list("assignee__username", flat=True)
    assert set(held) == {demo.ADMIN, *demo.COLLEAGUES}
    assert Conversation.objects.filter(held_by="bot", is_open=True).count() == 2
    assert set(Conversation.objects.exclude(satisfaction=None).values_list("satisfaction", flat=True)) >= {2, 3, 4, 5}
    assert Note.objects.exists()
    assert Delivery.objects.filter(dead_at__isnull=False).exists()


def test_the_rows_keep_the_promises_of_rows(access) -> None:
    """Numbers without gaps, events of the published form, ids in the order of time."""
    for row in Conversation.objects.all():
        messages = list(Message.objects.filter(conversation=row).order_by("id").values_list("seq", flat=True))
        events = list(Event.objects.filter(conversation=row).order_by("seq").values_list("seq", flat=True))
        assert (messages, events) == (list(range(1, row.last_seq + 1)), list(range(1, row.event_seq + 1)))
        assert row.last_message_at == Message.objects.filter(conversation=row).aggregate(at=Max("created_at"))["at"]
    for event in Event.objects.all():
        event_check(event.type, event.version, event.payload, strict=True)


def test_the_figures_are_those_of_the_events(access) -> None:
    told = dict(Event.objects.values_list("type").annotate(count=Count("id")))
    figures: dict[str, int] = {}
    for name, value in DailyFigure.objects.values_list("name", "value"):
        figures[name] = figures.get(name, 0) + value
    assert {name: figures.get(name) for name in told} == told
    assert DailyFigure.objects.values("day").distinct().count() >= DAYS


def test_colleagues_have_ratings_of_their_own(access) -> None:
    agents = report(Asked([access["tenant_id"]], today() - timedelta(days=DAYS), today(), by_agent=True)).agents
    assert {mean_rating(sheet) is None for sheet in agents.values() if sheet.counts["ended"]} == {False}


def test_nothing_is_due_and_staff_are_told_of_nothing(access) -> None:
    assert not Delivery.objects.filter(status__in=Delivery.UNFINISHED).exists()
    assert not Event.objects.filter(published_at=None).exists()
    assert not StaffAlert.objects.exists()


def test_a_second_run_adds_nothing(access) -> None:
    before = counts()
    call_command("seed_demo", "--json", stdout=StringIO())
    assert counts() == before


def test_a_colleague_signs_in(access, client) -> None:
    sent = {"username": access["agent_user"], "password": access["agent_password"]}
    assert client.post("/admin/login/", sent).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_without_it_there_is_the_tenant_alone(db) -> None:
    call_command("seed_demo", "--bare", "--json", stdout=StringIO())
    with tenant_scope(demo.demo_tenant().id):
        assert (Conversation.objects.count(), Contact.objects.count()) == (0, 0)
