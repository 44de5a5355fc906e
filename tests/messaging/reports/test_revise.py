"""Edits, deletions and reactions: once, by their author only, and the same in whatever order they come."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from channels_app.contract import Sender
from conversations.models import Contact, Conversation, Event, Message
from conversations.models import Reaction as ReactionRow
from conversations.models import Revision as RevisionRow
from messaging.housekeeping.trims import trim
from messaging.receipts.applying import item_apply as apply
from messaging.reports import revise
from messaging.reports.delivery_status import early_statuses_apply
from messaging.reports.parts import part_taken
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory
from tests.messaging.reports.changes import (
    ANA,
    BEN,
    at,
    deletion,
    edit,
    events,
    message,
    reaction,
    sent_by_us,
    stored,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_latest_edit_counts_in_every_order(order, scope, whatsapp) -> None:
    items = [message(), edit("hello", 1), edit("hello there", 2)]
    for index in order:
        apply(whatsapp, items[index])
    assert (stored().text, stored().content["text"], stored().edited_at) == ("hello there", "hello there", at(2))
    assert not RevisionRow.objects.filter(message=None).exists()


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_a_deletion_ends_in_every_order_and_leaves_no_words(order, scope, whatsapp) -> None:
    items = [message("secret one"), edit("secret two", 1), deletion(2), edit("secret three", 3)]
    for index in order:
        apply(whatsapp, items[index])
    kept = stored()
    assert kept.deleted_at == at(2)
    assert (kept.text, kept.content, kept.analysis, kept.metadata) == ("", {"type": "text"}, {}, {})
    assert {(row["content"].get("text"), row["previous"].get("text")) for row in RevisionRow.objects.values()} == {
        (None, None)
    }
    assert Conversation.objects.get().last_message_preview == "[deleted]"
    assert not Message.objects.filter(text__contains="secret").exists()
    assert len(events("chat.message.deleted")) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_the_latest_reaction_counts_in_every_order(order, scope, whatsapp) -> None:
    items = [message(), reaction("👍", 1), reaction("", 2), reaction("🎉", 3)]
    for index in order:
        apply(whatsapp, items[index])
    row = ReactionRow.objects.get()
    assert (row.emoji, row.message) == ("🎉", stored())
    assert events("chat.message.reacted")[-1].payload["emoji"] == "🎉"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_everything_at_once_ends_the_same(order, scope, whatsapp) -> None:
    items = [message(), edit("hello", 1), reaction("👍", 2), deletion(3)]
    for index in order:
        apply(whatsapp, items[index])
        apply(whatsapp, items[index])
    assert stored().deleted_at == at(3)
    assert ReactionRow.objects.get().message == stored()
    assert [len(events(f"chat.message.{what}")) for what in ("deleted", "reacted")] == [1, 1]


def test_numbers_stay_dense(scope, whatsapp) -> None:
    for item in (message(), edit("hello", 1), message("more", "m2"), deletion(2)):
        apply(whatsapp, item)
    conversation = Conversation.objects.get()
    assert (
        sorted(Message.objects.values_list("seq", flat=True))
        == [1, 2, 3, 4]
        == list(range(1, conversation.last_seq + 1))
    )
    assert sorted(Event.objects.exclude(conversation=None).values_list("seq", flat=True)) == list(
        range(1, conversation.event_seq + 1)
    )
    assert conversation.message_count == 2


@pytest.mark.parametrize(
    ("item", "event"),
    [(edit("hello"), "updated"), (deletion(), "deleted"), (reaction("👍"), "reacted")],
    ids=["edit", "deletion", "reaction"],
)
def test_a_repeat_changes_and_tells_nothing(item, event, scope, whatsapp, frames) -> None:
    apply(whatsapp, message())
    assert apply(whatsapp, item) == ""
    shown = len(frames)
    assert apply(whatsapp, item) == "repeated"
    assert len(events(f"chat.message.{event}")) == 1
    assert len(frames) == shown


def test_an_edit_that_changes_nothing_is_not_shown(scope, whatsapp) -> None:
    apply(whatsapp, message("hello"))
    apply(whatsapp, edit("hello"))
    assert stored().edited_at is None
    assert events("chat.message.updated") == []


def test_a_worker_that_died_between_the_row_and_its_message_is_followed_by_the_sweep(
    scope, whatsapp, monkeypatch
) -> None:
    apply(whatsapp, message())
    with monkeypatch.context() as patched:
        patched.setattr(revise, "changes_apply", lambda *_: None)
        apply(whatsapp, edit("hello"))
        apply(whatsapp, reaction("👍"))
    assert stored().text == "helo"
    revise.late_changes_apply(lambda: True)
    assert stored().text == "hello"
    assert ReactionRow.objects.get().message == stored()


def test_changes_whose_message_never_comes_are_forgotten(scope, whatsapp) -> None:
    apply(whatsapp, edit("hello"))
    apply(whatsapp, reaction("👍"))
    trim("orphaned_revisions")
    trim("orphaned_reactions")
    assert RevisionRow.objects.count() == ReactionRow.objects.count() == 1
    RevisionRow.objects.update(created_at=now() - revise.LIFE)
    ReactionRow.objects.update(created_at=now() - revise.LIFE)
    trim("orphaned_revisions")
    trim("orphaned_reactions")
    assert RevisionRow.objects.count() == ReactionRow.objects.count() == 0


@pytest.mark.parametrize("item", [edit("mine now", by=BEN), deletion(by=BEN)], ids=["edit", "deletion"])
@pytest.mark.parametrize("late", [False, True], ids=["after", "before"])
def test_only_the_author_may(item, late, scope, whatsapp) -> None:
    for one in [item, message()] if late else [message(), item]:
        apply(whatsapp, one)
    assert (stored().text, stored().deleted_at) == ("helo", None)
    assert RevisionRow.objects.count() == 0


def test_the_reason_says_so(scope, whatsapp) -> None:
    apply(whatsapp, message())
    assert apply(whatsapp, deletion(by=BEN)) == "not_the_author"


def test_our_own_message_is_not_theirs_to_change(scope, whatsapp, tenant) -> None:
    ours = sent_by_us(tenant, whatsapp)
    assert apply(whatsapp, deletion(target="wamid.OUT", by=ANA)) == "not_the_author"
    ours.refresh_from_db()
    assert ours.deleted_at is None


def test_another_id_of_the_same_person_may(scope, whatsapp) -> None:
    apply(whatsapp, message())
    apply(whatsapp, edit("hello", by=Sender("wa_user", "u1", aliases=(("phone", "", ANA.value),))))
    assert stored().text == "hello"


def test_another_tenants_message_of_the_same_id_is_not_touched(scope, tenant, other_tenant, whatsapp) -> None:
    apply(whatsapp, message())
    theirs = ChannelFactory(tenant=other_tenant, kind="whatsapp", config=whatsapp.config, secrets=whatsapp.secrets)
    with tenant_scope(other_tenant.id):
        apply(theirs, message("theirs"))
        apply(theirs, edit("theirs, edited"))
        apply(theirs, deletion(2))
    assert (stored().text, stored().deleted_at) == ("helo", None)


def test_where_people_talk_past_us_a_stranger_leaves_no_trace(scope, tenant) -> None:
    slack = ChannelFactory(tenant=tenant, kind="slack")
    for item in (edit("to a friend"), reaction("👍")):
        assert apply(slack, item) == "unknown_message"
    assert Contact.objects.count() == RevisionRow.objects.count() == ReactionRow.objects.count() == 0


def test_of_several_reactions_only_the_one_that_is_taken_back_goes(scope, whatsapp) -> None:
    """Where a person may put several, the last one is kept: who takes an earlier one back still stands by it."""
    apply(whatsapp, message())
    for second, emoji in ((1, "👍"), (2, "❤️")):
        apply(whatsapp, reaction(emoji, second))
    assert apply(whatsapp, replace(reaction("", 3), taken="👍")) == "repeated"
    assert ReactionRow.objects.get().emoji == "❤️"
    assert apply(whatsapp, replace(reaction("", 4), taken="❤️")) == ""
    assert ReactionRow.objects.get().emoji == ""
    assert [event.payload["emoji"] for event in events("chat.message.reacted")] == ["👍", "❤️", ""]


def test_a_reaction_finds_our_message_by_its_part(scope, whatsapp, tenant, frames) -> None:
    ours = sent_by_us(tenant, whatsapp)
    apply(whatsapp, reaction("👍", target="wamid.OUT"))
    assert ReactionRow.objects.get().message == ours
    assert [frame for frame in frames if frame["t"] == "reaction"] == [
        {"t": "reaction", "of": str(ours.id), "of_seq": 1, "by": {"role": "visitor"}, "emoji": "👍"}
    ]


def test_a_reaction_that_is_quicker_than_the_sends_answer_waits_for_the_part(scope, whatsapp, tenant) -> None:
    ours = sent_by_us(tenant, whatsapp, part="")
    apply(whatsapp, reaction("👍", target="wamid.OUT"))
    assert ReactionRow.objects.get().message is None
    part_taken(ours.delivery, 0, "wamid.OUT")
    early_statuses_apply(ours.delivery)
    assert ReactionRow.objects.get().message == ours
