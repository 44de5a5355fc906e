"""What a person means who types what was offered to be picked: the option's number or its title (MSG-5).

Owns that reading of a transcript. Must not store it: the message keeps the words that were typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from channels_app.content.fit import fit
from channels_app.content.options import choice_for
from channels_app.content.types import Capabilities, Content
from conversations.models import Message

PICKED_FROM = ("quick_replies", "buttons", "sections", "cards")
LONGEST = 100  # characters; a longer text is no pick


def contents_meant(recent: Iterable[Any], caps: Capabilities, *, after: int = 0) -> dict[Any, Content]:
    """Message id → what it says, for the visitor's messages with a seq above ``after``. ``recent`` are rows
    with id, seq, role, client_message_id and content, oldest first. A typed pick of the last offer becomes a ``quick_reply``
    with its ``choice``; an offer ends with the words of another: a colleague, or a program that speaks unasked."""
    meant: dict[Any, Content] = {}
    offer: dict[str, Any] | None = None
    answered, speaker = False, None
    for entry in recent:
        if entry.role != Message.Role.VISITOR:
            offers, before = any(entry.content.get(name) for name in PICKED_FROM), speaker
            speaker = (entry.role, bool(entry.client_message_id))
            offer = entry.content if offers else None if answered or speaker != before else offer
            answered = False
            continue
        answered = True
        if entry.seq > after:
            content = Content.model_validate(entry.content)
            meant[entry.id] = _picked(offer, content, caps) or content
    return meant


def _picked(offer: dict[str, Any] | None, said: Content, caps: Capabilities) -> Content | None:
    typed = said.text or ""
    if offer is None or said.type != "text" or said.choice or len(typed) > LONGEST:  # what was picked is not guessed
        return None
    offered = Content.model_validate(offer)
    choice = choice_for(offered, typed, numbered=fit(offered, caps).numbered)
    if choice is None:
        return None
    return said.model_copy(update={"type": "quick_reply", "choice": choice})
