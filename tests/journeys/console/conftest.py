"""A member of staff before a conversation's page of the console, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Locator, Page

from conversations.models import Conversation, Message
from tenants.models import User
from tests.journeys.rooms import Rooms
from tests.journeys.service import Service, address

HOLD_MS = 5100


class Desk:
    """One page of one member of staff. ``troubles`` are errors that no test asked for."""

    def __init__(self, page: Page, user: User) -> None:
        self.page, self.user = page, user
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda said: self.troubles.extend([said.text] * ("Content Security Policy" in said.text)))

    def open(self, conversation: Conversation) -> None:
        self.page.goto(f"{address()}/admin/conversations/conversation/{conversation.id}/change/")
        self.page.locator("html.scripted [data-log]").wait_for()

    def open_inbox(self, conversation: Conversation) -> None:
        self.page.goto(f"{address()}/admin/inbox/{conversation.id}/")
        self.page.locator("html.scripted [data-log] [data-local]").first.wait_for()

    @property
    def reply(self) -> Locator:
        return self.page.get_by_role("textbox", name="Reply", exact=True)

    @property
    def note(self) -> Locator:
        return self.page.get_by_role("textbox", name="Note", exact=True)

    @property
    def texts(self) -> Locator:
        """What the transcript says, oldest first."""
        return self.page.locator("[data-log] .chat-bubble")

    @property
    def pending(self) -> Locator:
        return self.page.locator("[data-pending] li")

    @property
    def warning(self) -> Locator:
        return self.page.locator("[data-warning]")

    def write(self, words: str) -> None:
        """Words and Ctrl+Enter."""
        self.reply.fill(words)
        self.reply.press("Control+Enter")

    def later(self, ms: int = HOLD_MS) -> None:
        self.page.clock.fast_forward(ms)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()


@pytest.fixture
def desk(browser: Browser, desks: Rooms, service: Service) -> Iterator[Callable[..., Desk]]:
    """``desk()``: another member of staff, with the page of the newest conversation; ``user``: the same one again."""

    def desk(name: str = "Mira", *, user: User | None = None, **options: Any) -> Desk:
        user = user or service.agent(name)
        staff = Client()
        staff.force_login(user)
        context = desks.room(**options)
        session = staff.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": address()}])
        page = context.new_page()
        page.clock.install()
        made = Desk(page, user)
        made.open(service.conversation)
        return made

    yield desk
    desks.leave([address()])


Open = Callable[..., Desk]


@pytest.fixture
def asked(service: Service) -> None:
    service.visitor("Where is my parcel?")


def replies(service: Service) -> list[str]:
    return [message.text for message in service.log if message.role == Message.Role.AGENT]
