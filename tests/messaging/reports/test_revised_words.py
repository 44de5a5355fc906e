"""What follows from the words that an edit puts in and a deletion takes: content, files, the answer."""

from __future__ import annotations

import pytest

from channels_app.content.types import Content, Media
from channels_app.contract import InboundMessage, MediaRef, Revision
from conversations.models import Attachment, Conversation, Message
from conversations.models import Revision as RevisionRow
from messaging.models import Turn
from messaging.receipts.applying import item_apply as apply
from tests.messaging.reports.changes import (
    ANA,
    answer_due,
    at,
    deletion,
    edit,
    message,
    stored,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
