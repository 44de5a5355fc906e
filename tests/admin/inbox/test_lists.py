"""The lists of the inbox: which conversations each holds, in which order, and what a row says (ADM-2)."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from messaging.admin.inbox import pages, transcript
from messaging.admin.inbox.lists.rows import age, initials
from messaging.admin.inbox.pages import EMPTY, EMPTY_FILTERED
from messaging.agents.inbox.lists import VIEWS
from messaging.agents.labels import label_put
from messaging.agents.models import SavedFilter
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.admin.conftest import rows
from tests.admin.inbox.conftest import HELD, HOME, QUEUED, Desk
from tests.factories import ConversationFactory, LabelFactory, MessageFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("remembered")]


@pytest.fixture
def filled(desk: Desk, other_tenant: Any) -> Desk:
    """One conversation in each list, and one of another tenant."""
    colleague = UserFactory(first_name="Mira")
    desk.talk("Waits", waiting=5, **QUEUED)
    desk.talk("Mine", assignee=desk.member, **HELD)
    desk.talk("Colleague's", assignee=colleague, **HELD)
    desk.talk("Bot's")
    desk.talk("Put off", snoozed_until=now() + timedelta(hours=1), assignee=desk.member, **HELD)
    desk.talk("Ended", is_open=False, status="completed", ended_at=now())
    foreign = ConversationFactory(tenant=other_tenant, contact__name="Foreign", **QUEUED)
    MessageFactory(tenant=other_tenant, conversation=foreign)
    return desk


@pytest.mark.parametrize(
    ("view", "names"),
    [
        ("waiting", ["Waits"]),
        ("mine", ["Mine"]),
        ("colleagues", ["Colleague's"]),
        ("bot", ["Bot's"]),
        ("snoozed", ["Put off"]),
        ("closed", ["Ended"]),
    ],
)
def test_each_conversation_stands_in_one_list(filled: Desk, view: str, names: list[str]) -> None:
    listed = filled.list(view=view)
    assert [row.name for row in listed["rows"]] == names
    assert [row.view for row in listed["rows"]] == [view]


def test_the_lists_say_how_many_they_hold(filled: Desk) -> None:
    shown = {view["title"]: view["count"] for view in filled.list(view="waiting")["views"]}
    assert shown == {
        "Waiting": "1", "Mine": "1", "With colleagues": "1", "With the bot": "1", "Mentions": "0", "Snoozed": "1",
        "Closed": "",
    }  # fmt: skip


def test_the_first_list_that_holds_something_is_opened(desk: Desk) -> None:
    desk.talk("Bot's")
    assert desk.list()["asked"].view == "bot"
    desk.talk("Waits", waiting=1, **QUEUED)
    assert desk.list()["asked"].view == "waiting"


def test_people_who_wait_are_listed_by_urgency_and_then_the_longest_first(desk: Desk) -> None:
    desk.talk("Short", waiting=1, rank=5, **QUEUED)
    desk.talk("Long", waiting=60, rank=5, **QUEUED)
    desk.talk("Urgent", waiting=3, rank=1, priority="urgent", **QUEUED)
    assert desk.names(view="waiting") == ["Urgent", "Long", "Short"]


def test_a_list_is_walked_to_its_end_without_a_gap(desk: Desk) -> None:
    for index in range(35):
        desk.talk(f"Person {index:02}", waiting=index, rank=5, **QUEUED)
    first = desk.list(view="waiting")
    second = desk.list(**QueryDict(first["further"]).dict())
    names = [row.name for row in (*first["rows"], *second["rows"])]
    assert names == [f"Person {index:02}" for index in reversed(range(35))]
    assert (len(first["rows"]), second["further"]) == (30, "")


def test_a_place_of_another_list_begins_nowhere(desk: Desk) -> None:
    desk.talk("Waits", waiting=1, **QUEUED)
    assert desk.names(view="waiting", after="nonsense") == []


def test_the_number_of_statements_does_not_grow_with_the_list(filled: Desk, django_assert_num_queries: Any) -> None:
    channel = filled.talk("Another", waiting=1, **QUEUED).channel
    filled.list(view="waiting")  # what is read once per process
    with CaptureQueriesContext(connection) as before:
        filled.list(view="waiting")
    for index in range(5):
        filled.talk(f"More {index}", waiting=index, channel=channel, **QUEUED)
    with django_assert_num_queries(len(before)):
        filled.list(view="waiting")
    assert len(before) <= 20


# ------------------------------------------------------------------------------ what a row says


def test_a_row_tells_who_waits_too_long_in_open_hours(desk: Desk) -> None:
    desk.tenant.settings = {"first_response_minutes": 10}
    desk.tenant.save()
    invalidate(desk.tenant.id)
    desk.talk("Late", waiting=11, rank=5, **QUEUED)
    desk.talk("In time", waiting=9, rank=5, **QUEUED)
    rows = desk.list(view="waiting")["rows"]
    assert [(row.name, row.late) for row in rows] == [("Late", True), ("In time", False)]
    assert rows[1].late_at == rows[1].waiting_since + timedelta(minutes=10)


def test_a_row_tells_channel_owner_labels_and_unread(desk: Desk) -> None:
    row = desk.talk("Ana Ruiz", "Where is it?", waiting=2, assignee=desk.member, priority="high", **HELD)
    with tenant_scope(desk.tenant.id):
        label_put(row.id, LabelFactory(tenant=desk.tenant, name="Refund", color="red").id)
    answer = desk.client.get(HOME, {"part": "list", "view": "mine"})
    [shown] = answer.context["rows"]
    assert (shown.initials, shown.owner_initials, shown.unread, shown.age) == ("AR", "BO", 1, "2 min")
    page = answer.content.decode()
    assert all(word in page for word in ("Refund", "Ben Okafor answers", "Where is it?", "High", "1 unread"))


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "now"), (1, "1 min"), (59, "59 min"), (60, "1 h"), (1439, "23 h"), (1440, "1 d"), (-3, "now")],
)
def test_an_age_is_said_shortly(minutes: int, said: str) -> None:
    at = now()
    assert age(at - timedelta(minutes=minutes), at) == said


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Ruiz", "AR"), ("Ana", "A"), ("ana maria ruiz", "AR"), ("", "?"), ("王芳", "王"), ("🙂", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_an_opened_conversation_leaves_the_list_its_further_rows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have a rest that is fetched: each of its own."""
    short, long = (desk.talk(name, waiting=minutes, **QUEUED) for name, minutes in (("Ana", 5), ("Bea", 3)))
    for _ in range(3):
        MessageFactory(tenant=desk.tenant, conversation=long)
    monkeypatch.setattr(transcript, "PAGE", 2)
    assert b"inbox-more" not in desk.open(long, view="waiting").content
    monkeypatch.setattr(pages, "PAGE", 1)
    page = desk.open(short, view="waiting").content.decode()
    (rest,) = re.findall(r'class="inbox-more" href="[^?]*\?([^"]*)"', page)
    assert desk.names(**QueryDict(html.unescape(rest)).dict()) == ["Bea"]


# --------------------------------------------------------------------------- search and filters


def test_a_search_finds_people_and_what_was_said(desk: Desk) -> None:
    desk.talk("Ana", "My lamp is broken", contact__phone="+4917612345678")
    desk.talk("Ben", "Hello", contact__email="ben@shop.example", is_open=False, ended_at=now(), status="completed")
    assert desk.names(q="+4917612345678") == ["Ana"]
    assert desk.names(q="shop.example") == ["Ben"]
    found = desk.list(q="broken lamp")["rows"]
    assert [row.name for row in found] == ["Ana"]
    assert [piece["text"] for piece in found[0].found if piece["mark"]] == ["lamp", "broken"]
    assert desk.names(q="giraffe") == []


def test_a_search_of_signs_alone_is_no_fault(desk: Desk) -> None:
    desk.talk("Ana")
    assert desk.names(q="?!") == []


def test_lists_are_limited_by_filters(desk: Desk) -> None:
    row = desk.talk("Urgent", waiting=1, priority="urgent", **QUEUED)
    desk.talk("Normal", waiting=1, **QUEUED)
    assert desk.names(view="waiting", priority="urgent") == ["Urgent"]
    assert desk.names(view="waiting", channel=row.channel.kind) == desk.names(view="waiting")
    assert desk.names(view="waiting", channel="sms") == []


@pytest.mark.parametrize("asked", [{"priority": "x"}, {"label": "x"}, {"view": "x"}, {"channel": "x"}, {"q": "\0"}])
def test_what_an_address_says_amiss_is_left_out(desk: Desk, asked: dict[str, str]) -> None:
    desk.talk("Waits", waiting=1, **QUEUED)
    assert desk.names(**asked) == ["Waits"]


def test_a_filter_is_kept_under_a_name_and_forgotten(desk: Desk) -> None:
    desk.talk("Urgent", waiting=1, priority="urgent", **QUEUED)
    desk.client.post(f"{HOME}filters/?view=waiting&priority=urgent", {"name": "Hurry"})
    [kept] = desk.client.get(HOME).context["kept"]
    assert (kept["name"], kept["query"], kept["own"]) == ("Hurry", "view=waiting&priority=urgent", True)
    desk.client.post(f"{HOME}filters/", {"forget": kept["id"]})
    assert desk.client.get(HOME).context["kept"] == []


def test_a_kept_filter_that_is_no_longer_one_shows_what_is_left_of_it(desk: Desk) -> None:
    desk.client.post(f"{HOME}filters/?view=waiting&priority=urgent", {"name": "Hurry"})
    of_a_later_release = {"view": "waiting", "priority": "urgent", "mood": "angry", "team": "the third"}
    rows(SavedFilter).update(query=of_a_later_release)
    [kept] = desk.client.get(HOME).context["kept"]
    assert kept["query"] == "view=waiting&priority=urgent"


@pytest.mark.parametrize("name", ["", " ", "\0", "x" * 61], ids=["empty", "blank", "NUL", "long"])
def test_a_filter_without_a_name_or_with_one_too_long_is_not_kept(desk: Desk, name: str) -> None:
    desk.client.post(f"{HOME}filters/", {"name": name})
    assert desk.client.get(HOME).context["kept"] == []


def test_a_filter_needs_a_name_and_the_right_to_keep_it(desk_of: Any) -> None:
    viewer = desk_of("conversations:read")
    assert viewer.client.post(f"{HOME}filters/", {"name": "Mine"}).status_code == 403


def test_an_empty_list_says_what_would_stand_there_and_what_to_do(desk: Desk) -> None:
    said = {view: desk.client.get(HOME, {"view": view}).context["nothing"] for view in EMPTY}
    assert said == EMPTY
    assert len(set(said.values())) == len(VIEWS)
    page = desk.client.get(HOME, {"view": "bot"})
    assert EMPTY["bot"] in page.content.decode()
    assert desk.client.get(HOME, {"view": "bot", "channel": "web"}).context["nothing"] == EMPTY_FILTERED
    assert desk.client.get(HOME, {"q": "zebra"}).context["nothing"] == "Nothing was found."
