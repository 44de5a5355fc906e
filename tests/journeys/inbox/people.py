"""People who wait for a human, and the page of those who answer them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from conversations.models import Conversation
from messaging.rules.control import hand_over, locked
from tenants.storage.db import atomic, now
from tests.factories import ConversationFactory, MessageFactory
from tests.journeys.inbox_page import PHONE, InboxPage
from tests.journeys.service import Service, said
from tests.journeys.widget.widget_page import WidgetPage

Staff = Callable[..., InboxPage]
UNDO_MS = 6000  # after which a reply goes
NARROW: Any = {**PHONE, "viewport": {"width": 320, "height": 640}}
#: the names of buttons and fields that stand beyond the window's edge
CUT = """() => [...document.querySelectorAll("#inbox :is(.inbox-left, .inbox-middle) :is(button, summary, input, textarea, .inbox-button)")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth).map((one) => one.title || one.outerHTML)"""


def waits(service: Service, name: str, minutes: int = 1, **fields: Any) -> Conversation:
    """A person who waits for a human."""
    queued = {"held_by": "queue", "control_owner": "human", "status": "escalated", "rank": 5}
    row = ConversationFactory(
        tenant=service.tenant, channel=service.channel, contact__name=name,
        waiting_since=now() - timedelta(minutes=minutes), **{**queued, **fields},
    )  # fmt: skip
    MessageFactory(tenant=service.tenant, conversation=row, text=f"{name} has a question")
    return row


def asks(service: Service, words: str, visitor: str) -> Conversation:
    """A visitor of the web chat has asked for a human."""
    service.visitor(words, id=visitor)
    with atomic():
        return hand_over(locked(service.conversation.id), "asked")


def ask_for_a_human(visit: Callable[..., WidgetPage], service: Service) -> WidgetPage:
    service.answer, service.handover = lambda _: said("One moment, please."), True
    widget = visit()
    widget.open()
    widget.write("I want to talk to a human")
    expect(widget.texts.nth(1)).to_have_text("One moment, please.")
    return widget
