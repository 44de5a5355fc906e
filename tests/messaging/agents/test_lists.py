"""The lists of the inbox: what stands where, in which order, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from conversations.models import Conversation, Message
from conversations.safety import flags_take
from messaging.accept import accept
from messaging.agents.inbox.lists import VIEWS, Filter, inbox_counts, inbox_page
from messaging.agents.inbox.rows import inbox_shapes
from messaging.agents.labels import label_put
from messaging.agents.notes import note_write
from messaging.agents.queue import ranks_fill
from messaging.agents.snooze import snooze
from messaging.arrivals.entrance import Entrance
from messaging.rules.control import take_over
from tenants.errors import Invalid
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now, on_mongo
from tenants.tenant_settings import invalidate
from tests.factories import (
    ConversationFactory,
    DeliveryFactory,
    IdentityFactory,
    LabelFactory,
    MessageFactory,
    TeamFactory,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("remembered")]

ALL = Filter()
Rank = Conversation.Rank


def of(view: Any, viewer: Any = None, wanted: Filter = ALL, size: int = 50) -> list[Any]:
    return [row.id for row in inbox_page(view, viewer, wanted, size=size).rows]


def walked(view: Any, viewer: Any = None, size: int = 2) -> list[Any]:
    """All pages, one after the other."""
    ids: list[Any] = []
    cursor, more = "", True
    while more:
        page = inbox_page(view, viewer, ALL, size=size, cursor=cursor)
        assert len(page.rows) == size or not page.cursor
        ids, cursor, more = [*ids, *(row.id for row in page.rows)], page.cursor, bool(page.cursor)
    return ids


def test_who_waits_stands_by_urgency_and_then_the_longest_first(queued) -> None:
    order = [
        queued(1, rank=Rank.URGENT), queued(9, rank=Rank.HIGH), queued(3, rank=Rank.HIGH), queued(2, rank=Rank.FLAGGED),
        queued(1, rank=Rank.EXPECTS), queued(30), queued(20), queued(90, rank=Rank.LOW), queued(99, rank=None),
    ]  # fmt: skip
    assert of("waiting") == walked("waiting", size=2) == walked("waiting", size=4) == [one.id for one in order]


def test_each_conversation_stands_where_it_belongs(queued, scope, ana, ben) -> None:
    at = now()
    waits = queued()
    mine = queued(assignee=ana, held_by="staff")
    answered = queued(assignee=ana, held_by="staff", waiting_since=None)
    bens = queued(assignee=ben, held_by="staff")
    unnamed = queued(held_by="staff")
    outside = queued(held_by="outside")
    bot = ConversationFactory(tenant=scope, last_message_at=at)
    put_off = queued(snoozed_until=at + timedelta(hours=1))
    woken = queued(0.5, snoozed_until=at - timedelta(hours=1))
    ended = ConversationFactory(tenant=scope, is_open=False, ended_at=at, last_message_at=at, assignee=ana)
    empty = ConversationFactory(tenant=scope)  # nothing was said in it yet
    shown = {view: of(view, ana) for view in VIEWS}
    assert shown["waiting"] == [waits.id, woken.id]
    assert shown["mine"] == [mine.id, answered.id]
    assert set(shown["colleagues"]) == {bens.id, unnamed.id, outside.id}
    assert (shown["bot"], shown["snoozed"], shown["closed"]) == ([bot.id], [put_off.id], [ended.id])
    assert empty.id not in sum(shown.values(), [])
    assert inbox_counts(ana, ALL) == {
        "waiting": 2, "mine": 2, "colleagues": 3, "bot": 1, "snoozed": 1, "mentions": 0,
    }  # fmt: skip
    assert (of("mine", None), len(of("colleagues", None))) == ([], 5)


@pytest.mark.parametrize("view", ["mine", "colleagues", "bot", "snoozed", "closed"])
def test_pages_meet_each_once(view, queued, scope, ana, ben) -> None:
    at = now()
    facts = {
        "mine": {"assignee": ana, "held_by": "staff"},
        "colleagues": {"assignee": ben, "held_by": "staff"},
        "bot": {"control_owner": "bot", "held_by": "bot"},
        "snoozed": {"snoozed_until": at + timedelta(hours=1)},
        "closed": {"is_open": False, "ended_at": at},
    }[view]  # fmt: skip
    rows = [queued(minutes, **{**facts, "waiting_since": since}) for minutes in (1, 1, 2) for since in (at, None)]
    assert len(walked(view, ana)) == len(rows)
    assert set(walked(view, ana)) == {row.id for row in rows}
    assert walked(view, ana, size=50) == walked(view, ana, size=2)


def test_a_cursor_is_of_one_list_of_one_tenant(queued, other_tenant) -> None:
    for _ in range(3):
        queued()
    cursor = inbox_page("waiting", None, ALL, size=1).cursor
    for view, use in (("bot", cursor), ("waiting", "x" + cursor)):
        with pytest.raises(Invalid):
            inbox_page(view, None, ALL, size=1, cursor=use)
    with tenant_scope(other_tenant.id), pytest.raises(Invalid):
        inbox_page("waiting", None, ALL, size=1, cursor=cursor)


def test_no_view_shows_another_tenants(queued, ana, other_tenant) -> None:
    queued(assignee=ana, held_by="staff")
    queued()
    with tenant_scope(other_tenant.id):
        assert [of(view, ana) for view in VIEWS] == [[]] * len(VIEWS)
        assert set(inbox_counts(ana, ALL).values()) == {0}


def test_filters(queued, tenant, ana) -> None:
    team, label = TeamFactory(tenant=tenant), LabelFactory(tenant=tenant)
    plain = queued(3)
    urgent = queued(2, priority="urgent", team=team)
    phone = queued(1, channel__kind="sms")
    label_put(phone.id, label.id)
    message = MessageFactory(tenant=tenant, conversation=plain, direction="outbound", role="agent")
    DeliveryFactory(tenant=tenant, message=message, status="failed", dead_at=now())
    assert of("waiting", None, Filter(priority="urgent")) == [urgent.id]
    assert of("waiting", None, Filter(team=team.id)) == [urgent.id]
    assert of("waiting", None, Filter(channel="sms")) == of("waiting", None, Filter(channel_id=phone.channel_id))
    assert of("waiting", None, Filter(channel="sms")) == of("waiting", None, Filter(label=label.id)) == [phone.id]
    assert of("waiting", None, Filter(failed=True)) == [plain.id]
    assert inbox_counts(ana, Filter(label=label.id))["waiting"] == 1


def test_mentions_are_listed_until_they_are_read(queued, ana, ben) -> None:
    talk = queued()
    note_write(talk.id, ben, "@ana please")
    assert (of("mentions", ana), of("mentions", ben)) == ([talk.id], [])
    assert inbox_counts(ana, ALL)["mentions"] == 1


def test_search_finds_by_words_and_by_people(queued, scope, web, said) -> None:
    accept(web, said("my violin is broken", by="+4915112340000"))
    accept(web, said("something else", by="+4915199990000"))
    by_words, by_number = Conversation.objects.order_by("created_at")
    by_name = queued(contact__name="Mira Novak", contact__email="mira@example.com")
    finds = {"violin": by_words, "+49151999": by_number, "novak": by_name, "MIRA@": by_name}
    assert {words: of("closed", None, Filter(search=words)) for words in finds} == {
        words: [talk.id] for words, talk in finds.items()
    }
    assert inbox_page("waiting", None, Filter(search="violin"), size=5, words=False).rows == []


@pytest.mark.parametrize(
    "search",
    [
        "lucia",
        "LUCÍA",
        "Lucía ferr",
        "+49 151 1234-0000",
        "0049 (151) 1234",
        "0151 12340000",
        "+49 30 555",
        "030/555 11",
    ],
)
def test_a_person_is_found_however_name_and_number_are_written(queued, tenant, search) -> None:
    Tenant.objects.filter(id=tenant.id).update(settings={"region": "DE"})
    invalidate(tenant.id)
    talk = queued(contact__name="Lucía Ferrer", contact__phone="+493055511")
    IdentityFactory(tenant=tenant, channel=talk.channel, contact=talk.contact, scheme="phone", value="+4915112340000")
    queued(contact__name="Jonas Keller", contact__phone="+4917655500")
    found = {row.id for row in inbox_page("waiting", None, Filter(search=search), size=5).rows}
    assert found == {talk.id}


def test_who_has_no_name_is_found_by_the_one_that_is_shown(queued) -> None:
    talk = queued(contact__name="")
    queued(contact__name="")
    for search in (str(talk.contact), str(talk.contact)[-6:]):
        assert [row.id for row in inbox_page("waiting", None, Filter(search=search), size=5).rows] == [talk.id]


def test_rows_say_what_staff_have_to_see(queued, tenant, ana) -> None:
    talk = queued(rank=Rank.NORMAL)
    MessageFactory(tenant=tenant, conversation=talk, text="one")
    MessageFactory(tenant=tenant, conversation=talk, text="two", analysis={"flags": ["profanity"]},
                   hints={"expected_response_type": "list"})  # fmt: skip
    failed = MessageFactory(tenant=tenant, conversation=talk, direction="outbound", role="agent")
    DeliveryFactory(tenant=tenant, message=failed, status="failed", dead_at=now())
    Conversation.objects.filter(id=talk.id).update(agent_read_seq=1)
    label_put(talk.id, LabelFactory(tenant=tenant, name="Refund", color="red").id)
    row = inbox_shapes(inbox_page("waiting", ana, ALL, size=5).rows, words=False)[0]
    assert (row["unread"], row["flags"], row["expected_response_type"]) == (1, ["profanity"], "list")
    assert (row["failed"], row["last_message"], [label["name"] for label in row["labels"]]) == (True, None, ["Refund"])


def test_a_page_takes_few_statements(queued, ana, tenant, remembered) -> None:
    for _ in range(6):
        MessageFactory(tenant=tenant, conversation=queued())
    inbox_shapes(inbox_page("waiting", ana, ALL, size=5).rows, words=True)
    with CaptureQueriesContext(connection) as asked:
        page = inbox_page("waiting", ana, ALL, size=5)
        inbox_shapes(page.rows, words=True)
    if not on_mongo():
        assert len(asked) == 5  # rows, contacts, labels, unread, failed
    with CaptureQueriesContext(connection) as asked:
        inbox_counts(ana, ALL)
    assert len(asked) <= 6


# ------------------------------------------------------------------------ what ranks mean


def rank() -> int | None:
    return Conversation.objects.get().rank


def send(web: Any, words: str, **hints: Any) -> Any:
    inbound = InboundMessage(platform_id="", sender=Sender(scheme="phone", value="+1"), content=text(words))
    return accept(web, inbound, Entrance(hints=hints))


def test_hints_give_a_rank(scope, web) -> None:
    send(web, "hello")
    assert rank() is None
    send(web, "a form please", expected_response_type="list")
    assert rank() == Rank.EXPECTS
    send(web, "in words", expected_response_type="text")
    assert rank() == Rank.EXPECTS
    send(web, "later", priority="low")
    assert rank() == Rank.LOW
    send(web, "now", priority="urgent")
    assert rank() == Rank.URGENT


def test_a_first_message_has_its_rank(scope, web) -> None:
    send(web, "now", priority="high", expected_response_type="list", bypass_automation=True)
    assert rank() == Rank.HIGH


def test_what_broke_a_rule_comes_before_others(scope, web, rules) -> None:
    rules(alert=["profanity"])
    send(web, "a human please", bypass_automation=True)
    assert rank() == Rank.NORMAL
    message = Message.objects.get(role="visitor")
    message.analysis = {"flags": ["profanity"]}
    flags_take(message)
    assert rank() == Rank.FLAGGED


def test_a_taken_conversation_leaves_the_queue(queued, ana) -> None:
    talk = queued()
    take_over(talk.id, ana)
    assert (of("waiting"), of("mine", ana)) == ([], [talk.id])
    snooze(talk.id, now() + timedelta(hours=1))
    assert (of("mine", ana), of("snoozed", ana)) == ([], [talk.id])


def test_those_whom_the_release_before_put_into_the_queue_have_their_place(scope: Any) -> None:
    """It knows no rank; a talk that the bot holds, or that is over, is given none."""
    old = {"tenant": scope, "control_owner": "human", "held_by": "queue", "status": "escalated", "rank": None}
    waiting = ConversationFactory(**old, last_message_at=now())
    ConversationFactory(tenant=scope, last_message_at=now())
    assert (ranks_fill(), ranks_fill()) == (1, 0)
    waiting.refresh_from_db()
    assert waiting.rank == Conversation.Rank.NORMAL


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_who_waits_is_shown_with_their_own_words(queued, scope, seen: int) -> None:
    """Not with the sentence by which the bot hands over, however far staff have read."""
    row = queued(last_message_preview="A colleague will be with you.", agent_read_seq=seen, answered_seq=3)
    for role, said in (("visitor", "My  tent is torn"), ("bot", "Oh no."), ("bot", "A colleague will be with you.")):
        MessageFactory(tenant=scope, conversation=row, role=role, text=said)
    rows = inbox_page("waiting", None, ALL, size=5).rows
    inbox_shapes(rows, words=True)  # what is read once of a tenant
    with CaptureQueriesContext(connection) as statements:
        (shape,) = inbox_shapes(rows, words=True)
    assert shape["last_message"] == "My tent is torn"
    assert shape["unread"] == (1 if seen == 0 else 0)
    assert len(statements) == 3
    (hidden,) = inbox_shapes([row], words=False)
    assert hidden["last_message"] is None
    row.held_by = "staff"  # a colleague has it and has not answered
    (held,) = inbox_shapes([row], words=True)
    assert held["last_message"] == "My tent is torn"
    row.waiting_since = None
    (answered,) = inbox_shapes([row], words=True)
    assert answered["last_message"] == "A colleague will be with you."
