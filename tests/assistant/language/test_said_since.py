"""A yes answers what was said last: neither the question that a colleague, nor one that another program put, is our question (AI-7)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assistant.port import HistoryEntry
from channels_app.content.types import Capabilities, text
from messaging.context.choices import contents_meant
from tests.assistant.language.test_confirming import ORDER

pytestmark = pytest.mark.django_db
OURS = HistoryEntry("bot", "Shall I do this?\nCancel your order\norder: AC-1")
OTHERS = {
    "a colleague": HistoryEntry("agent", "Shall I send you a voucher?"),
    "another program": HistoryEntry("bot", "Do you want our newsletter?", unasked=True),
}


@pytest.fixture
def asked(person, tool, model):
    tool("cancel_order", changes=True, title="Cancel your order")
    someone = person()
    return someone, someone.says(ORDER, language="en")


@pytest.mark.parametrize("by", OTHERS)
def test_a_yes_to_what_another_asked_calls_nothing(asked, served, by: str) -> None:
    someone, _ = asked
    someone.says("yes", history=(OURS, OTHERS[by]))
    assert served == []
    someone.says("yes", history=(OURS, OTHERS[by], HistoryEntry("visitor", "yes"), HistoryEntry("bot", "Fine.")))
    assert served == []


@pytest.mark.parametrize("by", OTHERS)
def test_our_button_asks_again_then(asked, served, by: str) -> None:
    """What is shown is settled again, for the other may have done it meanwhile."""
    someone, question = asked
    again = someone.picks(question, 0, history=(OURS, OTHERS[by]))
    assert served == [] and again.contents == question.contents
    someone.picks(again, 0)
    assert len(served) == 1


def test_what_was_said_before_the_question_ends_nothing(asked, served) -> None:
    someone, _ = asked
    someone.says("yes", history=(OTHERS["a colleague"], HistoryEntry("visitor", "no"), OURS))
    assert len(served) == 1


def row(seq: int, role: str, said: str, *, by: str = "", **content: Any) -> Any:
    return SimpleNamespace(
        id=seq, seq=seq, role=role, client_message_id=by, content=text(said).to_json() | content, text=said
    )


OFFER = {"quick_replies": [{"title": "Yes", "payload": "tool:yes:1"}, {"title": "No", "payload": "tool:no:1"}]}


@pytest.mark.parametrize(
    ("between", "meant"),
    [
        ([], "tool:yes:1"),
        ([row(2, "bot", "It takes a minute.")], "tool:yes:1"),  # of the same reply
        ([row(2, "bot", "Do you want our newsletter?", by="nudge-1")], None),
        ([row(2, "agent", "Shall I send you a voucher?")], None),
        ([row(2, "agent", "Blue or red?", **OFFER), row(3, "agent", "Take your time.")], "tool:yes:1"),
    ],
)
def test_a_word_is_no_pick_of_what_was_offered_before_another_spoke(between: list[Any], meant: str | None) -> None:
    said = [row(1, "bot", "Shall I do this?", **OFFER), *between, row(9, "visitor", "yes")]
    choice = contents_meant(said, Capabilities())[9].choice
    assert (choice.value if choice else None) == meant
