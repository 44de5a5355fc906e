"""The page on what was done with a conversation says why the bot asked for a human."""

from __future__ import annotations

import pytest

from conversations.models import Event
from messaging.admin.inbox.trail import line_of
from messaging.agents.inbox.trail import Named


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("budget", "The bot asked for a human: The day's money for language models is spent."),
        ("intent:refund", "The bot asked for a human"),
        ("", "The bot asked for a human"),
    ],
)
def test_a_hand_over_says_why(reason: str, words: str) -> None:
    row = Event(type="chat.conversation.updated", payload={"trigger": "handover", "reason": reason})
    assert line_of(row, Named({}, {}, {})).words == words
