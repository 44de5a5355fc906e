"""The inbox of the console in a real browser, under a policy that runs no script but the service's files (ADM-2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from channels_app.content.types import text
from conversations.contacts.changes import contact_change
from conversations.models import Conversation, Message, Reaction
from messaging.agents.labels import label_put
from messaging.agents.notes import note_write
from messaging.agents.presence import presence_say
from messaging.agents.scheduled import schedule, scheduled_cancel
from messaging.live.staff import staff_alert
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_over, locked, take_over
from messaging.talks.change import conversation_change
from tenants.models import User
from tenants.storage.db import atomic, now
from tenants.tenant_settings import invalidate
from tests.factories import ConversationFactory, LabelFactory, MessageFactory
from tests.journeys.inbox_page import DESK, PHONE, InboxPage
from tests.journeys.rooms import Rooms
from tests.journeys.service import Service, address, said
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Staff = Callable[..., InboxPage]
UNDO_MS = 6000  # after which a reply goes
NARROW: Any = {**PHONE, "viewport": {"width": 320, "height": 640}}
#: the names of buttons and fields that stand beyond the window's edge
CUT = """() => [...document.querySelectorAll("#inbox :is(.inbox-left, .inbox-middle) :is(button, summary, input, textarea, .inbox-button)")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth).map((one) => one.title || one.outerHTML)"""


@pytest.fixture
def staff(browser: Browser, desks: Rooms) -> Iterator[Staff]:
    """``staff(user)``: an inbox in a browser of their own, signed in; None: not signed in."""

    def staff(user: User | None, **options: Any) -> InboxPage:
        context = desks.room(**options)
        if user:
            client = Client()
            client.force_login(user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address()}])
        return InboxPage(context, address())

    yield staff
    desks.leave([address()])


@pytest.fixture
def ben(service: Service) -> User:
    return service.agent("Ben", role__permissions=["*"])


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


# ------------------------------------------------------------------------------ two agents


def test_from_login_to_an_answered_customer_in_two_clicks_and_one_page(
    staff: Staff, service: Service, ben: User
) -> None:
    row = waits(service, "Ana")
    ben.set_password("a long password")
    ben.save()
    inbox = staff(None)
    clicks: list[str] = []
    inbox.page.expose_function("pressed", lambda on: clicks.append(on))
    inbox.page.add_init_script("addEventListener('pointerdown', ({target}) => pressed(target.textContent), true)")
    inbox.page.goto(f"{address()}/admin/")
    inbox.page.fill("#id_username", ben.username)
    inbox.page.fill("#id_password", "a long password")
    inbox.loads.clear()
    inbox.page.clock.install()
    inbox.page.press("#id_password", "Enter")
    inbox.wait_live()
    inbox.row("Ana").click()
    expect(inbox.reply).to_be_focused()
    inbox.page.keyboard.type("It is on its way")
    inbox.page.get_by_role("button", name="Send", exact=True).click()
    inbox.page.clock.fast_forward(UNDO_MS)
    expect(inbox.entries.last).to_have_text("It is on its way", timeout=15_000)
    assert (len(clicks), len(inbox.loads)) == (2, 1)
    row.refresh_from_db()
    assert (row.assignee, row.waiting_since) == (ben, None)


def test_a_conversation_that_a_colleague_takes_says_so_and_keeps_what_is_written(
    staff: Staff, service: Service, ben: User
) -> None:
    row = waits(service, "Ana")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.reply.fill("I was about to say")
    take_over(row.id, service.agent("Mira", role__permissions=["*"]))
    expect(inbox.bar).to_contain_text("Mira", timeout=15_000)
    expect(inbox.reply).to_have_value("I was about to say")


def test_a_bar_that_changes_while_a_list_of_it_is_open_is_shown_afterwards(
    staff: Staff, service: Service, ben: User
) -> None:
    row = waits(service, "Ana")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    assign = inbox.bar.locator("summary", has_text="Assign")
    assign.click()
    with inbox.page.expect_response(lambda answer: "part=conversation" in answer.url):
        take_over(row.id, service.agent("Mira", role__permissions=["*"]))
    expect(inbox.bar).not_to_contain_text("Mira answers")
    assign.click()
    expect(inbox.bar).to_contain_text("Mira answers")


def test_who_is_there_is_as_it_is_when_the_list_to_assign_is_opened(staff: Staff, service: Service, ben: User) -> None:
    row, mira = waits(service, "Ana"), service.agent("Mira", role__permissions=["*"])
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    colleague = inbox.bar.locator(f'button[value="person:{mira.id}"]')
    expect(colleague).to_contain_text("offline")
    presence_say(service.tenant.id, mira.id, "online")
    inbox.bar.locator("summary", has_text="Assign").click()
    expect(colleague).to_contain_text("online")
    colleague.click()
    expect(inbox.bar).to_contain_text("Mira answers")
    assert inbox.troubles == []


def test_what_is_written_when_a_colleague_closes_stays_in_the_box(staff: Staff, service: Service, ben: User) -> None:
    row = asks(service, "I need help", "ana")
    inbox = staff(ben, timezone_id="Pacific/Kiritimati")
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    inbox.reply.fill("I was about to say")
    conversation_end(row.id)
    over = inbox.page.locator(".composer-over")
    expect(over).to_contain_text("This conversation has ended")
    expect(inbox.reply).to_have_value("I was about to say")
    expect(over.locator("time")).to_have_attribute("title", re.compile(f"{now() + timedelta(hours=14):%Y}"))
    inbox.page.reload()
    expect(inbox.reply).to_have_value("I was about to say")
    assert inbox.troubles == []


def test_colleagues_who_look_and_write_are_called_by_their_names(staff: Staff, service: Service, ben: User) -> None:
    row = asks(service, "I need help", "ana")
    inbox, other = staff(ben), staff(service.agent("Mira", role__permissions=["*"]))
    for one in (inbox, other):
        one.open(f"{row.id}/")
        one.wait_live()
    expect(inbox.page.locator("#inbox-others")).to_have_text("Mira looks at this, too")
    other.reply.press_sequentially("Hello")
    expect(inbox.page.locator("#inbox-others")).to_have_text("Mira writes …")


def test_what_stands_beside_the_transcript_is_live_and_keeps_what_is_edited(
    staff: Staff, service: Service, ben: User
) -> None:
    row = asks(service, "I need help", "ana")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    pane = inbox.page.locator("[data-person]")
    fact = pane.locator("[data-part=conversation] dt:text-is('Messages') + dd")
    expect(fact).to_have_text(str(row.message_count))
    expect(pane.get_by_text("Waiting since")).to_be_visible()
    pane.locator("[data-edit]").click()
    email = pane.locator("#person-form [name=email]")
    email.fill("ana@exam")
    service.visitor("And one more thing", id="ana")
    expect(fact).to_have_text(str(row.message_count + 1))
    note_write(row.id, service.agent("Mira"), "She has called before")
    expect(pane.locator(".chat-note")).to_contain_text("She has called before")
    email.press_sequentially("ple.com")  # it has kept the focus
    expect(email).to_have_value("ana@example.com")
    pane.get_by_role("button", name="Save").click()
    expect(pane.locator("[data-part=contact] dd").first).to_have_text("ana@example.com")
    expect(pane.locator("[data-edit]")).to_be_focused()
    inbox.press("Take it")
    expect(pane.locator("[data-part=conversation]")).to_contain_text("You answer")
    assert inbox.troubles == []


def test_what_colleagues_do_is_seen_in_an_open_conversation(staff: Staff, service: Service, ben: User) -> None:
    row, mira = asks(service, "I need help", "ana"), service.agent("Mira")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    planned = inbox.page.get_by_role("list", name="Planned replies").locator("li")
    later = schedule(row.id, mira, text("It has arrived"), now() + timedelta(hours=1))
    expect(planned).to_contain_text("It has arrived")
    scheduled_cancel(later.id)
    expect(planned).to_have_count(0)
    contact_change(row.contact_id, {"name": "Ana Lindqvist", "email": "ana@example.com"})
    expect(inbox.page.locator(".inbox-whom h2")).to_have_text("Ana Lindqvist")
    expect(inbox.page.locator("[data-person] [data-part=contact]")).to_contain_text("ana@example.com")
    conversation_change(row.id, {"priority": "urgent"})
    expect(inbox.page.locator("[data-person] dt:text-is('Priority') + dd")).to_have_text("Urgent")
    assert inbox.troubles == []


def test_the_sheet_of_keys_begins_at_its_begin_where_the_window_is_low(
    staff: Staff, service: Service, ben: User
) -> None:
    inbox = staff(ben, viewport={"width": 700, "height": 425})  # a desk at 200 %
    inbox.open()
    inbox.wait_live()
    inbox.page.keyboard.press("?")
    sheet = inbox.page.get_by_role("dialog", name="Keys")
    expect(sheet.get_by_role("heading")).to_be_in_viewport()
    inbox.page.keyboard.press("Tab")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    inbox.page.keyboard.press("Enter")
    expect(sheet).to_be_hidden()
    assert inbox.troubles == []


RINGS = """() => {
    window.rings = 0;
    const Made = window.AudioContext;
    window.AudioContext = class extends Made { constructor() { super(); window.rings++; } };
}"""


def test_of_two_windows_one_rings(staff: Staff, service: Service, ben: User) -> None:
    one = staff(ben)
    one.open()
    other = InboxPage(one.page.context, address(), spied=False)
    other.open()
    for inbox in (one, other):
        inbox.page.evaluate("localStorage.setItem('inbox:sound', 'on')")
        inbox.page.evaluate(RINGS)
        inbox.wait_live()
    staff_alert(service.tenant.id, "late", "A person has waited too long")
    for inbox in (one, other):
        expect(inbox.page.locator("#inbox-alerts")).to_contain_text("waited too long")
    assert sum(inbox.page.evaluate("window.rings") for inbox in (one, other)) == 1


def test_a_browser_that_refuses_notifications_is_explained_and_what_it_takes_away_is_shown(
    staff: Staff, service: Service, ben: User
) -> None:
    inbox = staff(ben)
    inbox.open()
    inbox.page.get_by_label("Your account").click()
    asks = inbox.page.locator("[data-alerts]")
    inbox.page.evaluate("Notification.requestPermission = async () => 'denied'")
    asks.click()
    expect(inbox.page.locator("#inbox-toasts")).to_contain_text("does not let the page notify you")
    expect(asks).to_have_attribute("aria-pressed", "false")
    inbox.page.evaluate(
        "localStorage.setItem('inbox:alerts', 'on')"
    )  # chosen once, and taken away by the browser since
    inbox.page.reload()
    expect(asks).to_have_attribute("aria-pressed", "false")
    inbox.page.context.grant_permissions(["notifications"], origin=address())
    expect(asks).to_have_attribute("aria-pressed", "true")


def test_an_alert_stands_until_it_is_closed(staff: Staff, service: Service, ben: User) -> None:
    """Who looks elsewhere for a while has not missed it; the same again is one."""
    inbox = staff(ben)
    inbox.page.clock.install()
    inbox.open()
    inbox.wait_live()
    for _ in range(2):
        staff_alert(service.tenant.id, "dead_letters", "Messages could not be delivered", "Blocked.", url="/admin/")
    alerts = inbox.page.get_by_role("status", name="Alerts").locator("p")
    expect(alerts).to_contain_text(["Messages could not be delivered: Blocked."])
    inbox.page.clock.fast_forward(60_000)
    expect(alerts).to_have_count(1)
    alerts.get_by_role("button", name="Close").click()
    expect(alerts).to_have_count(0)
    assert inbox.troubles == []


def test_what_an_agent_missed_comes_after_a_lost_connection(staff: Staff, service: Service, ben: User) -> None:
    first = asks(service, "I need help", "ana")
    inbox = staff(ben)
    inbox.open(f"{first.id}/?view=waiting")
    inbox.wait_live()
    inbox.blocked = True
    inbox.cut()
    inbox.wait_live(False)
    told = len(inbox.told)
    service.visitor("Are you there?", id="ana")
    words = Message.objects.get(conversation=first, seq=1)
    Reaction.objects.create(
        tenant=service.tenant, channel=service.channel, identity=first.identity, message=words, target="m1", emoji="🔥"
    )  # which has no number in the transcript
    second = asks(service, "Me, too", "bea")
    inbox.blocked = False
    inbox.wait_live()
    expect(inbox.page.locator(".chat-emojis")).to_have_text("🔥")
    expect(inbox.row("Me, too")).to_be_visible()
    expect(inbox.entries.last).to_have_text("Are you there?")
    views, watches = ([frame for frame in inbox.said if frame["t"] == kind] for kind in ("view", "watch"))
    assert ["after" in view for view in views] == [False, True]
    assert [watch["after"] for watch in watches] == [first.last_seq, first.last_seq]
    late = [frame for frame in inbox.told[told:] if frame["t"] in ("conv", "msg")]
    assert {frame["conversation"] for frame in late} == {str(first.id), str(second.id)}


def test_a_socket_is_kept_as_long_as_it_answers(staff: Staff, service: Service, ben: User) -> None:
    inbox = staff(ben)
    inbox.page.clock.install()
    inbox.open("?view=waiting")
    inbox.wait_live()
    inbox.page.clock.fast_forward(24_000)
    asks(service, "I need help", "ana")
    expect(inbox.row("I need help")).to_be_visible()
    assert [frame["t"] for frame in inbox.said].count("hello") == 1
    inbox.hush()
    inbox.page.evaluate("dispatchEvent(new Event('online'))")
    inbox.page.clock.fast_forward(10_000)
    inbox.wait_live(False)
    inbox.wait_live()
    assert [frame["t"] for frame in inbox.said].count("hello") == 2


def test_without_a_socket_the_page_looks_by_itself(staff: Staff, service: Service, ben: User) -> None:
    inbox = staff(ben)
    inbox.blocked = True
    inbox.page.clock.install()
    inbox.open("?view=waiting")
    inbox.wait_live(False)
    waits(service, "Ana")
    inbox.page.clock.run_for(6000)
    expect(inbox.names).to_have_text(["Ana"])


def test_a_wait_ticks_and_becomes_too_long(staff: Staff, service: Service, ben: User) -> None:
    service.tenant.settings = {"first_response_minutes": 10}
    service.tenant.save()
    invalidate(service.tenant.id)
    waits(service, "Ana", 8)
    inbox = staff(ben)
    inbox.page.clock.install()
    inbox.open("?view=waiting")
    expect(inbox.rows.locator("time")).to_have_text("8 min")
    expect(inbox.rows).not_to_have_class(re.compile(r"\blate\b"))
    inbox.page.clock.fast_forward("03:00")
    expect(inbox.rows.locator("time")).to_have_text("11 min")
    expect(inbox.rows).to_have_class(re.compile(r"\blate\b"))


def test_an_alert_goes_when_it_was_followed_or_has_no_reason_any_more(
    staff: Staff, service: Service, ben: User
) -> None:
    rows = [waits(service, name) for name in ("Ana", "Leo", "Mia")]
    inbox = staff(ben)
    inbox.open(f"{rows[2].id}/")
    inbox.wait_live()
    for row in rows:  # that of Mia, who stands open, is not told
        staff_alert(service.tenant.id, "late", f"{row.contact.name} has waited too long", url=f"/admin/inbox/{row.id}/")
    alerts = inbox.page.get_by_role("status", name="Alerts").locator("p")
    expect(alerts).to_contain_text(["Ana has waited", "Leo has waited"])
    inbox.row("Ana").click()
    expect(alerts).to_contain_text(["Leo has waited"])
    agent_reply(rows[1].id, service.agent("Mira", role__permissions=["*"]), text("Here I am"))
    expect(alerts).to_have_count(0)
    assert inbox.troubles == []


def test_who_closes_is_told_of_planned_replies_that_will_not_go(staff: Staff, service: Service, ben: User) -> None:
    row = waits(service, "Ana")
    take_over(row.id, ben)
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    question = inbox.page.locator("#inbox-sure h2")
    words = ("", " A planned reply will not be sent.", " 2 planned replies will not be sent.")
    for count, planned in enumerate(words, start=1):
        inbox.press("Close")
        expect(question).to_have_text(f"Close this conversation?{planned}")
        inbox.page.get_by_role("button", name="Cancel", exact=True).click()
        schedule(row.id, ben, text("Did it arrive?"), now() + timedelta(hours=1))
        expect(inbox.page.locator("[data-planned] li")).to_have_count(count)


def test_being_called_is_a_choice_that_is_kept(staff: Staff, service: Service, ben: User) -> None:
    inbox = staff(ben, permissions=["notifications"])
    inbox.open()
    inbox.wait_live()
    inbox.page.locator(".inbox-account summary").click()
    for choice in ("Tell me of people who wait", "I am away"):
        button = inbox.page.get_by_role("button", name=choice)
        expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
    inbox.open()
    inbox.wait_live()
    inbox.page.locator(".inbox-account summary").click()
    expect(inbox.page.get_by_role("button", name="I am away")).to_have_attribute("aria-pressed", "true")
    assert [frame["state"] for frame in inbox.said if frame["t"] == "presence"] == ["away", "away"]


# --------------------------------------------------------------------------- finding one's way


def test_addresses_are_followed_back_forth_and_anew(staff: Staff, service: Service, ben: User) -> None:
    rows = {name: waits(service, name, minutes) for minutes, name in enumerate(("Ana", "Bea"), 1)}
    inbox = staff(ben)
    inbox.open("?view=waiting")
    inbox.row("Ana").click()
    expect(inbox.bar).to_contain_text("Ana")
    inbox.list("Closed").click()
    expect(inbox.rows).to_have_count(0)
    expect(inbox.bar).to_contain_text("Ana")  # another list, beside the same conversation
    inbox.page.go_back()
    inbox.row("Bea").click()
    expect(inbox.bar).to_contain_text("Bea")
    inbox.page.go_back()
    expect(inbox.bar).to_contain_text("Ana")
    assert str(rows["Ana"].id) in inbox.page.url
    inbox.page.reload()
    expect(inbox.bar).to_contain_text("Ana")
    inbox.page.go_back()
    expect(inbox.page.get_by_text("Choose a conversation.")).to_be_visible()
    assert inbox.troubles == []


def test_what_is_looked_at_anew_is_what_stands_there_not_what_the_address_names_already(
    staff: Staff, service: Service, ben: User
) -> None:
    """Else the bar of the one came above the words of the other, and stayed when one went back before these had come."""
    ana, bea = (waits(service, name).id for name in ("Ana", "Bea"))
    inbox, held = staff(ben), []
    inbox.open(f"{ana}/?view=waiting")
    inbox.wait_live()
    inbox.page.route(f"**/inbox/{bea}/**", lambda route: held.append(route))
    inbox.row("Bea").click()
    inbox.page.wait_for_url(f"**/inbox/{bea}/**")
    with inbox.page.expect_request(lambda asked: f"/inbox/{ana}/" in asked.url and "part=conversation" in asked.url):
        inbox.page.evaluate("id => document.dispatchEvent(new CustomEvent('inbox:refresh', {detail: {id}}))", str(ana))
    inbox.page.go_back()
    expect(inbox.bar).to_contain_text("Ana")


def test_the_keyboard_does_all_of_it(staff: Staff, service: Service, ben: User) -> None:
    waits(service, "Ana", 3)
    waits(service, "Bea", 2)
    inbox = staff(ben)
    inbox.open("?view=waiting")
    keys = inbox.page.keyboard
    for key in "jjkj":
        keys.press(key)
    keys.press("Enter")
    expect(inbox.bar).to_contain_text("Bea")
    expect(inbox.person).to_be_focused()
    keys.press("t")
    expect(inbox.bar).to_contain_text("you answer")
    expect(inbox.reply).to_have_value("")
    keys.press("a")
    expect(inbox.page.locator(".inbox-pick[open]")).to_be_visible()
    keys.press("Escape")
    keys.press("e")
    keys.press("Enter")  # yes
    expect(inbox.bar).to_contain_text("ended")
    keys.press("?")
    expect(inbox.page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    keys.press("/")
    keys.type("Ana has")
    expect(inbox.names).to_have_text(["Ana"])
    assert inbox.troubles == []


def test_who_leaves_a_conversation_by_a_key_goes_on_where_they_were(staff: Staff, service: Service, ben: User) -> None:
    for minutes, name in enumerate(("Cem", "Bea", "Ana"), 1):
        waits(service, name, minutes)
    inbox = staff(ben)
    inbox.open("?view=waiting")
    keys = inbox.page.keyboard
    for key in ("j", "j", "Enter"):
        keys.press(key)
    expect(inbox.person).to_have_text("Bea")
    expect(inbox.person).to_be_focused()
    keys.press("Escape")
    expect(inbox.row("Bea")).to_be_focused()
    for key in ("j", "Enter"):
        keys.press(key)
    expect(inbox.person).to_have_text("Cem")
    expect(inbox.person).to_be_focused()


def test_the_filter_offers_labels_that_are_newer_than_the_page(staff: Staff, service: Service, ben: User) -> None:
    first = asks(service, "I need help", "ana")
    asks(service, "Me, too", "bea")
    inbox = staff(ben)
    inbox.open("?view=waiting&failed=")
    inbox.wait_live()
    label_put(first.id, LabelFactory(tenant=service.tenant, name="Refund").id)
    inbox.page.locator(".inbox-filter summary").click()
    inbox.page.locator(".inbox-filter select[name=label]").select_option("Refund")
    inbox.page.get_by_role("button", name="Filter", exact=True).click()
    expect(inbox.rows).to_have_count(1)
    expect(inbox.rows).to_contain_text("I need help")
    inbox.page.locator(".inbox-filter summary").click()
    expect(inbox.page.locator(".inbox-filter option:checked", has_text="Refund")).to_have_count(1)  # as it was chosen
    assert inbox.troubles == []


def test_a_long_list_goes_on_by_scrolling(staff: Staff, service: Service, ben: User) -> None:
    for index in range(65):
        waits(service, f"Person {index:02}", index + 1)
    inbox = staff(ben)
    inbox.open("?view=waiting")
    expect(inbox.list("Waiting")).to_contain_text("65")
    for shown in (30, 60, 65):
        inbox.rows.nth(shown - 1).wait_for()
        inbox.rows.last.scroll_into_view_if_needed()
    expect(inbox.rows).to_have_count(65)
    expect(inbox.names.first).to_have_text("Person 64")
    expect(inbox.names.last).to_have_text("Person 00")


def test_without_a_script_lists_pages_and_forms_remain(staff: Staff, service: Service, ben: User) -> None:
    waits(service, "Ana")
    inbox = staff(ben, java_script_enabled=False)
    inbox.open("?view=waiting")
    inbox.row("Ana").click()
    expect(inbox.entries.first).to_have_text("Ana has a question")
    inbox.press("Take it")
    expect(inbox.bar).to_contain_text("you answer")
    inbox.reply.fill("Plain, and it works")
    inbox.page.get_by_role("button", name="Send", exact=True).click()
    expect(inbox.entries.last).to_have_text("Plain, and it works")


# --------------------------------------------------------------------------------- for everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desk", "phone", "narrow"])
def test_the_inbox_is_for_everyone(staff: Staff, service: Service, ben: User, size: Any, scheme: str) -> None:
    row = waits(service, "Ana", 90, priority="urgent")
    waits(service, "Bea")
    inbox = staff(ben, **size, color_scheme=scheme, reduced_motion="reduce")
    for path in ("?view=waiting", f"{row.id}/?view=waiting"):
        inbox.open(path)
        results = Axe().run(inbox.page)
        assert results.violations_count == 0, results.generate_report()
        assert inbox.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert inbox.page.evaluate(CUT) == []
    assert inbox.troubles == []
