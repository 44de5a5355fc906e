"""Two members of staff and two visitors, each in a browser of their own and behind a door of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.journeys.desk.door import Door
from tests.journeys.inbox_page import DESK, InboxPage
from tests.journeys.widget.widget_page import WidgetPage

COMES_MS = 20_000  # at most, for what another process has to tell
UNDO_MS = 6_000  # after which a reply goes


class Agent(InboxPage):
    """Signs in by the form. ``name``: as colleagues read it."""

    def __init__(self, context: BrowserContext, door: Door, name: str, account: str, password: str) -> None:
        super().__init__(context, door.url, spied=False)
        self.context, self.door, self.name = context, door, name
        self._account, self._password = account, password
        self.page.clock.install()

    def sign_in(self) -> None:
        self.page.goto(f"{self.service}/admin/")
        self.page.fill("#id_username", self._account)
        self.page.fill("#id_password", self._password)
        self.loads.clear()
        self.page.press("#id_password", "Enter")
        self.wait_live()

    @property
    def conversation(self) -> str:
        """The id of the one that is open."""
        return self.page.url.split("/inbox/")[1].split("/")[0]

    @property
    def stands(self) -> Locator:
        """Who answers, below the name of the person."""
        return self.page.locator(".inbox-whom p")

    def turn_to(self, title: str) -> None:
        """Another list, which is there when this returns."""
        self.list(title).click()
        expect(self.page.locator(".inbox-views a[aria-current]")).to_contain_text(title, timeout=COMES_MS)

    @property
    def pending(self) -> Locator:
        """Replies that have not gone."""
        return self.page.locator("[data-pending] li")

    def hold(self, words: str) -> None:
        """A reply, in the time in which it can be undone."""
        self.reply.fill(words)
        self.page.get_by_role("button", name="Send", exact=True).click()

    def send(self, words: str) -> None:
        """A reply that need not wait for the time to undo."""
        self.hold(words)
        self.page.clock.fast_forward(UNDO_MS)

    @property
    def transcript(self) -> Locator:
        """What the transcript says, oldest first, without what the system tells."""
        return self.page.locator(".inbox-middle [data-seq] .chat-bubble")

    def sees_last(self, words: str) -> None:
        expect(self.entries.last).to_contain_text(words, timeout=COMES_MS)

    def assign(self, name: str) -> None:
        self.bar.locator("summary", has_text="Assign").click()
        self.bar.get_by_role("button", name=re.compile(rf"^{name} (online|away|offline)")).click()

    def label(self, name: str) -> None:
        """A new one."""
        self.bar.locator("summary", has_text="Label").click()
        self.bar.get_by_role("textbox", name="New label").fill(name)
        self.bar.get_by_role("button", name="Add", exact=True).click()
        expect(self.bar.locator(".inbox-label", has_text=name).first).to_be_visible(timeout=COMES_MS)

    def close(self) -> None:
        self.press("Close")
        self.page.get_by_role("button", name="Yes").click()
        expect(self.stands).to_contain_text("ended", timeout=COMES_MS)

    def note(self, words: str, account: str) -> None:
        """A note that names a colleague by the list that @ opens."""
        self.page.get_by_role("tab", name="Note").click()
        box = self.page.get_by_role("textbox", name="Note", exact=True)
        box.press_sequentially(f"{words} @{account[:3]}")
        self.page.get_by_role("option", name=f"{account} @{account}", exact=True).wait_for()
        box.press("Enter")
        box.press("Control+Enter")


class Visitor(WidgetPage):
    """In the demo's shop."""

    def __init__(self, context: BrowserContext, door: Door) -> None:
        super().__init__(context.new_page())
        self.context, self.door = context, door

    def arrive(self) -> None:
        self.page.goto(self.door.url)
        self.open()

    @property
    def transcript(self) -> Locator:
        return self.page.locator(".item:not(.system, .greeting) .bubble")

    def sees_last(self, words: str) -> None:
        expect(self.texts.last).to_contain_text(words, timeout=COMES_MS)


@dataclass
class People:
    """The demo's Mira and its admin, who answers people as well; Ana and Leo write to them."""

    mira: Agent
    admin: Agent
    ana: Visitor
    leo: Visitor

    @property
    def all(self) -> tuple[Agent | Visitor, ...]:
        return self.mira, self.admin, self.ana, self.leo

    @property
    def troubles(self) -> list[str]:
        return [trouble for one in self.all for trouble in one.troubles]


def gathered(browser: Browser, doors: Sequence[Door], access: Mapping[str, str]) -> People:
    """``doors``: of Mira, the admin, Ana and Leo; ``access``: what ``seed_demo --json`` tells."""
    first, second, third, fourth = (browser.new_context(**DESK, locale="en") for _ in doors)
    return People(
        Agent(first, doors[0], "Mira Holt", access["agent_user"], access["agent_password"]),
        Agent(second, doors[1], "admin", access["admin_user"], access["admin_password"]),
        Visitor(third, doors[2]),
        Visitor(fourth, doors[3]),
    )
