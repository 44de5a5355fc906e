"""Edits, deletions and reactions: once, by their author only, and the same in whatever order they come."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import Content, Media, text
from channels_app.contract import InboundMessage, MediaRef, Reaction, Revision, Sender
from conversations import selectors
from conversations.models import Attachment, Contact, Conversation, Event, Message
from conversations.models import Reaction as ReactionRow
from conversations.models import Revision as RevisionRow
from conversations.shapes import MessageQuery
from messaging.admin.inbox.transcript import newest
from messaging.housekeeping.trims import trim
from messaging.live.transcript import frames_after
from messaging.models import DeliveryPart, Turn
from messaging.receipts.applying import item_apply as apply
from messaging.reports import revise
from messaging.reports.delivery_status import early_statuses_apply
from messaging.reports.parts import part_taken
from messaging.respond import respond
from messaging.turns import thinking
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory, ConversationFactory, DeliveryFactory, IdentityFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)

ANA, BEN = Sender("phone", "+4915100000001"), Sender("phone", "+4915100000002")


def at(second: int) -> datetime:
    return datetime(2026, 11, 21, 12, 0, second, tzinfo=UTC)


def message(words: str = "helo", id: str = "m1", by: Sender = ANA, **parts: Any) -> InboundMessage:
    return InboundMessage(id, by, text(words), sent_at=at(0), **parts)


def edit(words: str, second: int = 1, by: Sender = ANA, target: str = "m1", id: str = "") -> Revision:
    return Revision(id or f"e{second}:{by.value}", target, by, text(words), at(second))


def deletion(second: int = 1, by: Sender = ANA, target: str = "m1") -> Revision:
    return Revision(f"d{second}:{by.value}", target, by, None, at(second))


def reaction(emoji: str, second: int = 1, by: Sender = ANA, target: str = "m1") -> Reaction:
    return Reaction(f"r{second}:{by.value}:{emoji}", target, by, emoji, at(second))


def stored() -> Message:
    return Message.objects.get(platform_message_id="m1")


def events(type: str) -> list[Event]:
    return list(Event.objects.filter(type=type).order_by("seq"))


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What visitors' widgets were shown."""
    from messaging.live.hub import hub

    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(hub, "heard", lambda group: group.startswith("conversation."))
    monkeypatch.setattr(hub, "push", lambda group, frame: shown.append(frame) if group.startswith("conv") else None)
    return shown


class Engine:
    """Answers with a word, after ``before``; ``asked`` is what it was asked."""

    def __init__(self) -> None:
        self.before, self.asked = lambda: None, []

    def respond(self, request: Any) -> EngineReply:
        self.asked.append([content.text for content in request.contents])
        before, self.before = self.before, lambda: None
        before()
        return EngineReply(
            contents=(text("answer"),), context=dict(request.context), intent="t", confidence=1.0, engine="test"
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


def answer_due() -> Turn:
    turn = Turn.objects.filter(status__in=Turn.OPEN).get()
    Turn.objects.filter(id=turn.id).update(due_at=now())
    return respond(turn.id)


# ------------------------------------------------------------------------------- order


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


# --------------------------------------------------------------------------- duplicates


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


# ---------------------------------------------------------------------------- who may


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


# -------------------------------------------------------------------------- the content


def test_what_follows_from_the_words_is_worked_out_anew(scope, whatsapp) -> None:
    apply(whatsapp, message("call me"))
    apply(whatsapp, edit("mail me at ana@example.com"))
    assert [found["value"] for found in stored().analysis["entities"]] == ["ana@example.com"]
    assert RevisionRow.objects.get().previous["text"] == "call me"
    assert Conversation.objects.get().last_message_preview == "mail me at ana@example.com"


def test_the_preview_shows_the_newest_message(scope, whatsapp) -> None:
    for item in (message(), message("newest", "m2"), edit("hello")):
        apply(whatsapp, item)
    assert Conversation.objects.get().last_message_preview == "newest"


def test_words_for_a_picture_change_its_caption(scope, whatsapp) -> None:
    picture = Content(type="image", text="hous", media=Media(url="https://example.com/a.png", type="image/png"))
    apply(whatsapp, InboundMessage("m1", ANA, picture))
    apply(whatsapp, edit("house"))
    assert (stored().content_type, stored().content["text"], stored().content["media"]["url"]) == (
        "image", "house", "https://example.com/a.png",
    )  # fmt: skip


def test_a_deleted_messages_file_goes_too(scope, whatsapp, tenant) -> None:
    apply(whatsapp, message())
    Attachment.objects.create(tenant=tenant, channel=whatsapp, message=stored(), kind="image")
    apply(whatsapp, deletion())
    assert not Attachment.objects.exists()


def test_an_edit_to_nothing_is_refused(scope, whatsapp) -> None:
    apply(whatsapp, message())
    blank = Content.model_construct(type="text", text="\u200b", format="plain")
    assert apply(whatsapp, Revision("e1", "m1", ANA, blank, at(1))) == "empty_message"


# ------------------------------------------------------------------------------ the turn


def test_the_answer_is_to_what_the_message_says_now(scope, whatsapp, engine) -> None:
    apply(whatsapp, message("wher is it"))
    apply(whatsapp, edit("where is it"))
    assert answer_due().status == Turn.Status.ANSWERED
    assert engine.asked == [["where is it"]]


def test_an_edit_while_the_engine_thinks_makes_it_think_again(scope, whatsapp, engine) -> None:
    apply(whatsapp, message("wher is it"))
    engine.before = lambda: apply(whatsapp, edit("where is it"))
    answer_due()
    assert answer_due().status == Turn.Status.ANSWERED
    assert engine.asked == [["wher is it"], ["where is it"]]
    assert Message.objects.filter(role="bot").count() == 1


def test_nothing_is_answered_when_nothing_is_left(scope, whatsapp, engine) -> None:
    apply(whatsapp, message())
    apply(whatsapp, deletion())
    assert answer_due().status == Turn.Status.SILENT
    assert engine.asked == []
    assert Conversation.objects.get().waiting_since is None


def test_a_deletion_while_the_engine_thinks_silences_it(scope, whatsapp, engine) -> None:
    apply(whatsapp, message())
    engine.before = lambda: apply(whatsapp, deletion())
    answer_due()
    assert answer_due().status == Turn.Status.SILENT
    assert not Message.objects.filter(role="bot").exists()


def test_what_was_not_deleted_is_answered(scope, whatsapp, engine) -> None:
    for item in (message(), message("my order", "m2"), deletion()):
        apply(whatsapp, item)
    answer_due()
    assert engine.asked == [["my order"]]


# --------------------------------------------------------------- our messages, reactions


def sent_by_us(tenant: Any, channel: Any, part: str = "wamid.OUT") -> Message:
    identity = IdentityFactory(tenant=tenant, channel=channel, scheme="phone", value=ANA.value, verified=True)
    talk = ConversationFactory(tenant=tenant, channel=channel, identity=identity, contact=identity.contact)
    ours = MessageFactory(tenant=tenant, conversation=talk, direction="outbound", role="bot")
    delivery = DeliveryFactory(tenant=tenant, message=ours, status="sending")
    part and DeliveryPart.objects.create(
        tenant_id=tenant.id, delivery=delivery, channel=channel, index=0, platform_id=part
    )
    return ours


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


# ------------------------------------------------------------------------------ how it shows


def test_widgets_see_the_change_at_once_and_after_a_reconnect(scope, whatsapp, frames) -> None:
    apply(whatsapp, message())
    apply(whatsapp, edit("hello"))
    live = frames[-1]
    assert (live["t"], live["seq"], live["of"], live["text"]) == ("edit", 2, str(stored().id), "hello")
    assert frames_after(stored().conversation_id, 1) == [live]

    apply(whatsapp, deletion(2))
    assert (frames[-1]["t"], frames[-1]["seq"], frames[-1]["of"]) == ("del", 3, str(stored().id))
    replay = frames_after(stored().conversation_id, 0)
    assert [(frame["t"], frame["seq"]) for frame in replay] == [("del", 1), ("del", 2), ("del", 3)]


def test_a_persons_metadata_cannot_pose_as_a_change(scope, whatsapp) -> None:
    apply(whatsapp, message(metadata={"change": "deleted"}))
    assert [frame["t"] for frame in frames_after(stored().conversation_id, 0)] == ["msg"]


def test_history_shows_edits_reactions_and_deletions(scope, whatsapp) -> None:
    for item in (message(), edit("hello"), reaction("👍"), message("gone", "m2"), deletion(target="m2")):
        apply(whatsapp, item)
    items = selectors.message_page(stored().conversation_id, MessageQuery())["items"]
    first, told, second, told_of_second = items
    assert (first["content"]["text"], first["edited_at"], first["deleted_at"]) == ("hello", at(1), None)
    assert [one["emoji"] for one in first["reactions"]] == ["👍"]
    assert (second["content"], second["deleted_at"]) == (None, at(1))
    assert told["change"] == {"kind": "edited", "of": first["id"]}
    assert told_of_second["change"] == {"kind": "deleted", "of": second["id"]}


def test_the_history_endpoint_can_tell_of_a_deleted_message(scope, whatsapp, api, tenant) -> None:
    apply(whatsapp, message())
    apply(whatsapp, deletion())
    response = api(tenant).get(f"/api/v2/chat/conversations/{stored().conversation_id}/messages")
    assert response.status_code == 200
    assert response.json()["data"]["items"][0]["content"] is None


def test_staff_see_the_message_not_the_entry_about_it(scope, whatsapp) -> None:
    for item in (message(), edit("hello"), reaction("👍")):
        apply(whatsapp, item)
    shown = newest(Conversation.objects.get()).entries
    assert [(entry.text, entry.edited_at, entry.emojis) for entry in shown] == [("hello", at(1), "👍")]


PICTURE = Content(type="image", text="my lamp", media=Media(url="https://files.example/lamp.png", type="image/png"))
FETCHED = (MediaRef("image", url="https://files.example/lamp.png", mime="image/png"),)


@pytest.mark.parametrize("address", ["lamp.png", "other.png"])
def test_an_edit_that_tells_the_file_again_changes_the_words_and_leaves_our_file(scope, whatsapp, address) -> None:
    """Some platforms send the whole message once more; the file's address is theirs, and ours is what staff may open."""
    apply(whatsapp, InboundMessage("m1", ANA, PICTURE, sent_at=at(0), media=FETCHED))
    ours = stored().content["media"]
    told = PICTURE.model_copy(
        update={"text": "my old lamp", "media": Media(url=f"https://files.example/{address}", type="image/png")}
    )
    apply(whatsapp, Revision("e1", "m1", ANA, told, at(1)))
    assert (stored().content["media"], stored().text) == (ours, "my old lamp")
    assert ours["url"] == f"media:{Attachment.objects.get().id}"


def test_a_file_that_an_edit_puts_in_is_told_in_words(scope, whatsapp) -> None:
    apply(whatsapp, message("look"))
    apply(whatsapp, Revision("e1", "m1", ANA, PICTURE, at(1)))
    assert stored().content["type"] == "text"
    assert stored().text == "my lamp\n[file added later: image/png]"
    assert "files.example" not in str(stored().content)
