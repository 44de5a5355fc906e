"""The box in which staff write: nothing that was typed is lost, said twice, or said too late (ADM-2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from playwright.sync_api import Route, expect

from channels_app.content.types import text
from conversations.models import Conversation, Message
from messaging.agents.models import CannedReply, ScheduledReply
from messaging.agents.scheduled import schedule, scheduled_say
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, take_over
from tenants.storage.db import now
from tests.journeys.console.conftest import Desk
from tests.journeys.service import Service, said

pytestmark = pytest.mark.browser
Open = Callable[..., Desk]


@pytest.fixture(autouse=True)
def asked(service: Service) -> None:
    service.visitor("Where is my parcel?")


def replies(service: Service) -> list[str]:
    return [message.text for message in service.log if message.role == Message.Role.AGENT]


def test_ctrl_enter_sends_once_the_time_to_undo_is_over(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.keyboard.press("r")
    expect(mira.reply).to_be_focused()
    mira.write("It is on its way.")
    expect(mira.pending).to_contain_text("Goes out in 5 s")
    expect(mira.reply).to_have_value("")
    assert replies(service) == []
    mira.later()
    expect(mira.texts.last).to_have_text("It is on its way.")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It is on its way."]
    assert mira.troubles == []


def test_a_reply_can_be_taken_back_before_it_goes(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("No idea, sorry")
    mira.press("Undo")
    expect(mira.pending).to_have_count(0)
    expect(mira.reply).to_have_value("No idea, sorry")
    mira.later()
    assert replies(service) == []


def test_what_was_typed_is_there_after_a_reload_and_for_its_conversation_alone(service: Service, desk: Open) -> None:
    mira = desk()
    first = service.conversation
    mira.reply.fill("I am looking for")
    service.visitor("Hello", id="visitor-2")
    mira.open(service.conversation)
    expect(mira.reply).to_have_value("")
    mira.open(first)
    expect(mira.reply).to_have_value("I am looking for")


def test_a_page_that_is_closed_sends_what_it_held(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("It is on its way.")
    expect(mira.pending).to_have_count(1)
    mira.open(service.conversation)
    mira.later(100)
    expect(mira.texts.last).to_have_text("It is on its way.")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It is on its way."]


def test_without_a_connection_a_reply_waits_and_goes_out_once(service: Service, desk: Open) -> None:
    mira = desk()
    answers = iter(("lost", "failed"))

    def fails(route: Route) -> None:
        """At first the answer to what has arrived is lost, then the service fails, then all is well."""
        match next(answers, "well"):
            case "lost":
                route.fetch()
                route.abort()
            case "failed":
                route.fulfill(status=503, body="")
            case _:
                route.continue_()

    mira.page.route("**/send/", fails)
    mira.write("It is on its way.")
    mira.later()
    expect(mira.pending).to_contain_text("No connection. It goes out as soon as there is one.")
    mira.later(1100)
    expect(mira.pending).to_contain_text("The service does not answer")
    mira.later(2100)
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It is on its way."]


def test_two_replies_go_out_in_the_order_in_which_they_were_written(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("First")
    mira.write("Second")
    expect(mira.pending).to_have_count(2)
    mira.later()
    mira.later(1000)
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["First", "Second"]


def test_a_conversation_that_was_closed_meanwhile_gives_the_words_back(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("A long answer")
    conversation_end(service.conversation.id)
    mira.later()
    expect(mira.pending).to_contain_text("has ended")
    mira.press("Take it back")
    expect(mira.reply).to_have_value("A long answer")
    mira.page.reload()
    expect(mira.page.locator(".composer-over")).to_contain_text("What you write begins a new one")
    expect(mira.reply).to_have_value("A long answer")


def test_where_nothing_can_be_said_after_the_end_the_words_stay_to_be_copied(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("A long answer")
    conversation_end(service.conversation.id)
    service.visitor("Something else")  # begins the next one
    mira.later()
    mira.press("Take it back")
    mira.page.reload()
    expect(mira.page.get_by_role("textbox", name="Not sent")).to_have_value("A long answer")
    expect(mira.page.get_by_role("link", name="The person goes on in a newer one")).to_be_visible()


def test_what_is_written_after_the_end_goes_on_in_a_conversation_of_ones_own(service: Service, desk: Open) -> None:
    mira, ended = desk(), service.conversation
    conversation_end(ended.id)
    mira.open_inbox(ended)
    mira.write("One thing more")
    mira.later()
    goes_on(service, mira, ended)


def test_what_had_ended_meanwhile_is_sent_in_a_new_one_where_that_is_wanted(service: Service, desk: Open) -> None:
    mira, ended = desk(), service.conversation
    mira.open_inbox(ended)
    mira.write("One thing more")
    conversation_end(ended.id)
    mira.later()
    mira.press("Send in a new one")
    goes_on(service, mira, ended)


def test_what_is_refused_as_the_person_is_in_another_by_now_is_written_there(service: Service, desk: Open) -> None:
    mira, ended = desk(), service.conversation
    conversation_end(ended.id)
    mira.open_inbox(ended)
    mira.write("One thing more")
    service.visitor("Hello again")
    mira.later()
    expect(mira.pending).to_contain_text("in a newer conversation by now")
    mira.press("Write it there")
    expect(mira.texts).to_have_text(["Hello again"])
    expect(mira.reply).to_have_value("One thing more")
    assert replies(service) == []
    mira.open_inbox(ended)
    expect(mira.pending).to_have_count(0)


def goes_on(service: Service, mira: Desk, ended: Conversation) -> None:
    expect(mira.page.locator(".inbox-bar")).to_contain_text("you answer")
    expect(mira.texts).to_have_text(["One thing more"])
    begun = service.conversation
    assert (begun.id != ended.id, begun.assignee_id, begun.identity_id) == (True, mira.user.id, ended.identity_id)
    assert str(begun.id) in mira.page.url


def test_a_reply_that_was_refused_holds_back_no_later_one(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.route("**/entries/**", lambda route: route.abort())
    mira.write("It arrives tomorrow.")
    service.visitor("Never mind!")
    mira.later()
    expect(mira.pending).to_contain_text("The person has written meanwhile")
    mira.page.unroute("**/entries/**")
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Never mind!")
    mira.write("As you like.")
    mira.later()
    expect(mira.texts.last).to_have_text("As you like.")
    expect(mira.pending).to_have_count(1)
    assert replies(service) == ["As you like."]
    mira.press("Send anyway")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["As you like.", "It arrives tomorrow."]


def test_a_reply_that_is_refused_behind_another_conversation_is_told_and_kept(service: Service, desk: Open) -> None:
    first = service.conversation
    service.visitor("Hello", id="visitor-2")
    second = service.conversation
    mira = desk()
    mira.open_inbox(first)
    mira.write("A long answer")
    mira.page.locator(f"#row-{second.id} a").click()
    expect(mira.texts).to_have_text(["Hello"])
    conversation_end(first.id)
    mira.later()
    expect(mira.page.locator("#inbox-toasts")).to_contain_text("was not sent, and is kept there")
    mira.open_inbox(first)
    expect(mira.pending).to_contain_text("A long answer")
    expect(mira.pending).to_contain_text("has ended")
    assert replies(service) == []


# ------------------------------------------------------------------- what was said meanwhile


def test_an_answer_typed_before_the_last_message_says_so_before_it_goes(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("It arrives tomorrow.")
    service.visitor("Never mind, I want my money back")
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Never mind, I want my money back")
    mira.reply.press("Control+Enter")
    expect(mira.warning).to_contain_text("wrote while you were writing: “Never mind, I want my money back”")
    expect(mira.pending).to_have_count(0)
    mira.press("Send anyway")
    mira.later()
    expect(mira.texts.last).to_have_text("It arrives tomorrow.")
    assert replies(service) == ["It arrives tomorrow."]


def test_a_message_that_comes_while_the_reply_is_held_stops_it(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("It arrives tomorrow.")
    mira.later(3900)
    mira.reply.press("Control+Enter")
    service.visitor("Never mind!")
    mira.later(200)  # the page looks now
    expect(mira.warning).to_contain_text("“Never mind!”")
    expect(mira.reply).to_have_value("It arrives tomorrow.")
    mira.later()
    assert replies(service) == []


def test_a_draft_of_yesterday_knows_what_it_was_an_answer_to(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("It arrives tomorrow.")
    service.visitor("Never mind!")
    mira.page.reload()
    expect(mira.reply).to_have_value("It arrives tomorrow.")
    mira.reply.press("Control+Enter")
    expect(mira.warning).to_contain_text("“Never mind!”")


def test_what_the_page_has_not_seen_yet_is_refused_and_told(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.route("**/entries/**", lambda route: route.abort())
    mira.write("It arrives tomorrow.")
    service.visitor("Never mind!")
    mira.later()
    expect(mira.pending).to_contain_text("The person has written meanwhile")
    assert replies(service) == []
    mira.page.unroute("**/entries/**")
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Never mind!")
    mira.press("Send anyway")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It arrives tomorrow."]


# ------------------------------------------------------------------------- canned, colleagues


def canned(service: Service, shortcut: str, **content: object) -> None:
    CannedReply.objects.create(tenant=service.tenant, shortcut=shortcut, title=f"About {shortcut}", content=content)


def test_a_canned_reply_stands_in_the_box_with_what_it_asks_for(service: Service, desk: Open) -> None:
    canned(service, "refund", type="text", text="Dear {{agent}}: {{amount}} come back.")
    mira = desk()
    mira.reply.press_sequentially("/ref")
    mira.page.get_by_role("option", name="/refund").wait_for()
    mira.reply.press("Tab")
    mira.page.get_by_role("dialog").get_by_label("amount").fill("12 EUR")
    mira.press("Insert")
    expect(mira.reply).to_have_value("Dear Mira: 12 EUR come back.")
    expect(mira.reply).to_be_focused()


def test_a_canned_reply_with_choices_is_sent_as_it_is(service: Service, desk: Open) -> None:
    canned(service, "more", type="text", text="More?", quick_replies=[{"title": "Yes", "payload": "y"}])
    mira = desk()
    mira.page.get_by_role("button", name="Templates and canned replies").click()
    mira.page.get_by_role("option", name="/more").click()
    expect(mira.page.locator(".composer-dialog .chat-chip")).to_have_text("Yes")
    mira.page.get_by_role("dialog").get_by_role("button", name="Send").click()
    mira.later()
    expect(mira.texts.last).to_contain_text("More?")
    expect(mira.pending).to_have_count(0)
    assert [choice["title"] for choice in service.log[-1].content["quick_replies"]] == ["Yes"]


def test_a_colleague_is_named_in_a_note(service: Service, desk: Open) -> None:
    ben = service.agent("Ben")
    mira = desk()
    mira.page.keyboard.press("n")
    mira.note.press_sequentially("Look at this @be")
    mira.page.get_by_role("option", name="Ben").wait_for()
    mira.note.press("Enter")
    expect(mira.note).to_have_value(f"Look at this @{ben.username} ")
    mira.note.press("Control+Enter")
    expect(mira.page.locator(".chat-note")).to_contain_text("Look at this @Ben")
    assert [mention.user for mention in service.conversation.mentions.all()] == [ben]


# --------------------------------------------------------------------------------------- files

PICTURE = """async (box) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 4 });
  canvas.getContext("2d").fillRect(0, 0, 4, 4);
  const blob = await new Promise((done) => canvas.toBlob(done));
  const data = new DataTransfer();
  data.items.add(new File([blob], "lamp.png", { type: "image/png" }));
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def test_a_pasted_picture_goes_with_the_words(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("Like this one?")
    mira.reply.evaluate(PICTURE)
    file = mira.page.locator(".composer-file")
    expect(file).to_contain_text("lamp.png")
    expect(file.locator("img")).to_be_visible()
    mira.reply.press("Control+Enter")
    expect(mira.pending).to_contain_text("lamp.png")
    mira.later()
    expect(mira.texts.last).to_contain_text("Like this one?")
    expect(mira.pending).to_have_count(0)
    sent = service.log[-1]
    assert (sent.content_type, sent.text) == ("image", "Like this one?")


def test_a_reply_waits_for_a_file_that_is_on_its_way_up(service: Service, desk: Open) -> None:
    mira = desk()
    on_its_way: list[Route] = []
    mira.page.route("**/upload/", lambda route: on_its_way.append(route))
    with mira.page.expect_request("**/upload/"):
        mira.reply.evaluate(PICTURE)
    mira.write("Like this one?")
    expect(mira.warning).to_contain_text("The reply goes with it.")
    expect(mira.pending).to_have_count(0)
    on_its_way.pop().continue_()
    expect(mira.pending).to_contain_text("lamp.png")
    expect(mira.warning).to_be_hidden()
    mira.later()
    expect(mira.texts.last).to_contain_text("Like this one?")
    assert (service.log[-1].content_type, len(replies(service))) == ("image", 1)


def test_a_quotation_mark_in_a_files_name_stays_one(service: Service, desk: Open) -> None:
    mira = desk()
    named = {"name": 'the "big" tent.txt', "mimeType": "text/plain", "buffer": b"hello"}
    mira.page.locator("[data-file]").set_input_files([named])
    file = mira.page.locator(".composer-file")
    expect(file).to_contain_text(re.compile(r"5\sbytes"))  # the service has it, and says what it is called
    expect(file).to_contain_text('the "big" tent.txt')


def test_the_size_of_a_file_stands_in_one_line_beside_a_long_name(service: Service, desk: Open) -> None:
    mira = desk()
    named = {"name": f"{'n' * 180}.txt", "mimeType": "text/plain", "buffer": b"hello"}
    mira.page.locator("[data-file]").set_input_files([named])
    expect(mira.page.locator(".composer-file")).to_contain_text("5")
    mira.write("")
    mira.later()
    size = mira.page.locator(".chat-file small")
    expect(size).to_have_count(1)
    box = size.bounding_box()
    assert box and box["height"] < box["width"]


def test_a_file_that_is_refused_says_why_and_holds_the_reply(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.locator("[data-file]").set_input_files(
        {"name": "virus.exe", "mimeType": "", "buffer": b"MZ\x90\x00" * 99}
    )
    expect(mira.page.locator(".composer-file.refused")).to_contain_text("Files of this type are not accepted.")
    mira.write("Here it is")
    expect(mira.warning).to_contain_text("Take away the file")
    mira.press("Take away virus.exe")
    mira.reply.press("Control+Enter")
    mira.later()
    expect(mira.texts.last).to_have_text("Here it is")


# --------------------------------------------------------------------------- notes and quotes


def test_a_note_is_kept_for_colleagues_and_shown_beside(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("half a reply")
    mira.page.get_by_role("tab", name="Note").click()
    expect(mira.note).to_be_focused()
    mira.note.fill("Knows about the delay")
    mira.note.press("Control+Enter")
    expect(mira.page.locator(".chat-note")).to_contain_text("Knows about the delay")
    expect(mira.note).to_have_value("")
    mira.page.get_by_role("tab", name="Reply").click()
    expect(mira.reply).to_have_value("half a reply")
    assert [note.text for note in service.conversation.notes.all()] == ["Knows about the delay"]
    assert replies(service) == []


def test_a_message_is_quoted(service: Service, desk: Open) -> None:
    mira = desk()
    mira.texts.first.hover()
    mira.page.locator(".chat-quote").first.click()
    expect(mira.page.locator(".composer-quote")).to_contain_text("Where is my parcel?")
    mira.write("On its way")
    mira.later()
    expect(mira.texts.last.locator("blockquote")).to_contain_text("Where is my parcel?")
    expect(mira.page.locator(".composer-quote")).to_be_hidden()


def test_a_colleague_who_answered_meanwhile_is_seen(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("Hello!")
    agent_reply(service.conversation.id, service.agent("Ben"), said("Ben here."))
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Ben here.")
    mira.reply.press("Control+Enter")
    expect(mira.warning).to_contain_text("A colleague wrote while you were writing: “Ben here.”")


def test_a_reply_is_planned_from_the_box_and_taken_back_into_it(service: Service, desk: Open) -> None:
    mira = desk(timezone_id="Asia/Tokyo")
    page = mira.page
    mira.reply.fill("Did it arrive?")
    page.get_by_title("Send later").click()
    page.get_by_label("Time, by your clock").fill("2099-12-01T20:30")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(mira.warning).to_contain_text("within a year")
    expect(mira.reply).to_have_value("Did it arrive?")
    page.get_by_title("Send later").click()
    page.locator("[data-at]", has_text="In an hour").click()
    planned = page.get_by_role("list", name="Planned replies").locator("li")
    expect(planned).to_contain_text("Did it arrive?")
    expect(mira.reply).to_have_value("")
    mira.open(service.conversation)
    expect(planned).to_contain_text("unless they write before")
    page.get_by_role("button", name="Do not send").click()
    expect(planned).to_have_count(0)
    expect(mira.reply).to_have_value("Did it arrive?")
    assert replies(service) == []
    assert mira.troubles == []


def test_a_time_is_by_the_clock_of_who_reads_the_page(service: Service, desk: Open) -> None:
    mira = desk(timezone_id="Asia/Tokyo")
    service.visitor("A person, please", id="visitor-9")
    take_over(service.conversation.id, mira.user)
    mira.open_inbox(service.conversation)
    bar = mira.page.locator(".inbox-bar")
    bar.locator("summary", has_text="Snooze").click()
    day = (now() + timedelta(days=2)).date()
    bar.get_by_label("Until").fill(f"{day}T09:00")
    bar.get_by_role("button", name="Set").click()
    expect(bar).to_contain_text("09:00 AM")
    service.conversation.refresh_from_db()
    assert service.conversation.snoozed_until == datetime.combine(day, time(0), UTC)


def test_the_sheets_of_the_bar_show_all_they_hold(service: Service, desk: Open) -> None:
    mira = desk()
    mira.open_inbox(service.conversation)
    take_over(service.conversation.id, mira.user)
    mira.open_inbox(service.conversation)
    for name in ("Assign", "Snooze", "Label"):
        mira.page.locator(".inbox-bar summary", has_text=name).click()
        sheet = mira.page.locator(".inbox-bar details[open] .inbox-sheet")
        assert sheet.evaluate("sheet => sheet.scrollWidth - sheet.clientWidth") <= 0


def test_what_is_said_of_a_proposal_goes_with_its_words(service: Service, desk: Open) -> None:
    def propose(route: Route) -> None:
        told = {
            "text": "Within two days.",
            "question": "When does it come?",
            "confidence": 0.9,
            "sources": [{"title": "Delivery", "url": ""}],
            "reason": "",
        }
        route.fulfill(json=told)

    mira = desk()
    mira.page.route("**/propose/", propose)
    said = mira.page.locator("[data-proposal]")
    mira.press("Let the assistant propose a reply")
    expect(said).to_contain_text("90 % sure, to “When does it come?”")
    expect(said).to_contain_text("Delivery")
    expect(mira.reply).to_have_value("Within two days.")
    mira.reply.press("Control+Enter")
    expect(said).to_be_hidden()
    expect(mira.pending).to_contain_text("Within two days.")
    mira.press("Undo")
    expect(mira.reply).to_have_value("Within two days.")


def test_a_planned_reply_that_has_gone_stands_planned_no_more(service: Service, desk: Open) -> None:
    """Nothing else of the conversation changes: it was theirs before."""
    mira = desk()
    take_over(service.conversation.id, mira.user)
    words = ["Did it arrive?", "And is it whole?"]
    soon = now() + timedelta(hours=1)
    rows = [schedule(service.conversation.id, mira.user, text(one), soon) for one in words]
    mira.open(service.conversation)
    planned = mira.page.get_by_role("list", name="Planned replies").locator("li")
    for row, spoken, left in zip(rows, words, (1, 0), strict=True):
        expect(planned).to_have_count(left + 1)
        ScheduledReply.objects.filter(id=row.id).update(due_at=now(), at=now())
        scheduled_say(row.id)
        mira.later(4100)  # the page looks again
        expect(mira.texts.last).to_have_text(spoken, timeout=15_000)
        expect(planned).to_have_count(left)
