"""Messenger: each event and each kind of message as a row of a table. The calls of the other direction
(handshake, health, page profile, signals) follow in test_messenger_calls.py."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels_app.adapters.messenger import inbound
from channels_app.content.surroundings import Origin, form_of
from channels_app.content.types import UNKNOWN_FILE, Choice, Content, Location, Media, text
from channels_app.contract import (
    ACCOUNT,
    BadPayload,
    ChannelNotice,
    Ignored,
    InboundMessage,
    Malformed,
    MediaRef,
    RawRequest,
    Reaction,
    Recipient,
    Revision,
    Sender,
    SendResult,
    Signal,
    StatusUpdate,
)
from tests.adapters.kit import InboundCase, Kit, RecordingHttp, answer
from tests.adapters.messenger_outbound import OUTBOUND

NOON = datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC)  # 1793000000
LATER = datetime(2026, 10, 26, 7, 35, tzinfo=UTC)  # 1793000100
ANA = Sender("psid", "6600000000000001", scope="200000000000002")
CDN = "https://cdn.example/v/t59"


def said(name: str, content: Content, **more: Any) -> InboundMessage:
    facts = {"platform_id": f"m_{name}", "sender": ANA, "content": content, "sent_at": NOON, "opens_window_s": 86400}
    return InboundMessage(**{**facts, **more})


def message(name: str, content: Content, **more: Any) -> InboundCase:
    """The file ``name`` holds one message m_<name> that says ``content``."""
    return InboundCase(name, name, [said(name, content, **more)])


def event(name: str, *items: Any) -> InboundCase:
    return InboundCase(name, name, items)


def file(kind: str, path: str, mime: str, name: str) -> MediaRef:
    return MediaRef(kind, url=CDN + path, mime=mime, name=name)


def shows(ref: MediaRef, kind: str, words: str | None = None) -> Content:
    return Content(type=kind, text=words, media=Media(url=ref.url, type=ref.mime, name=ref.name or None))


def picked(value: str, title: str) -> Content:
    return Content(type="quick_reply", text=title, choice=Choice(value=value, title=title))


def noted(*notes: dict[str, str]) -> dict[str, Any]:
    return {"attachments": list(notes)}


JPG = file("image", "/a.jpg?_nc=1", "image/jpeg", "a.jpg")
PNG = file("image", "/a.png", "image/png", "a.png")
PDF = file("file", "/pre%C3%A7o.pdf?x=1", "application/pdf", "preço.pdf")
MP4 = file("video", "/b.mp4", "video/mp4", "b.mp4")
SHOP = Location(latitude=1.5, longitude=2.5, name="Shop")
VOICE = file("audio", "/clip.mp4", "audio/mp4", "clip.mp4")
STICKER = file("sticker", "/s.webp", "image/webp", "s.webp")
OLD_STICKER = file("sticker", "/s", "image/jpeg", "s")
CAMP, FAR = Location(latitude=38.72, longitude=-9.14), Location(latitude=1, longitude=2)
PAGE_LINK = {"type": "fallback", "title": "A page", "url": "https://example.org/a"}
SHORTLINK = Origin(kind="link", ref="poster-1")
AD = Origin(kind="ad", id="777", ref="poster-1", title="x")

MESSAGES = [
    message("text", text("hello 👋")),
    message("text_reply", text("that one"), reply_to="m_OUT9"),
    message("text_blank", text("[unsupported message]"), metadata={"unsupported": "message"}),
    message("text_with_nlp", text("hello"), metadata={"commands": ["help"]}),
    message("text_from_ad", text("hello", origin=AD)),
    message(
        "text_after_plugin",
        text("hello"),
        metadata={"prior_message": {"source": "checkbox_plugin", "identifier": "ref-77"}},
    ),
    message("text_number_ids", text("hello")),
    message("image", shows(JPG, "image"), media=(JPG,)),
    message(
        "text_with_files", shows(PNG, "image", "see these"), media=(PNG, PDF, MP4, VOICE), reply_to="m_OUT9"
    ),  # complaint 1: several files at once are one message of one conversation
    message(
        "file_of_other_type",
        Content(type="file", media=Media(url=f"{CDN}/all.rar", type=UNKNOWN_FILE, name="all.rar")),
        media=(MediaRef("file", url=f"{CDN}/all.rar", name="all.rar"),),
    ),
    message("image_without_url", text("look\n[unsupported attachment: image]"), metadata=noted({"type": "image"})),
    message(
        "sticker", shows(STICKER, "image"), media=(STICKER,), metadata=noted({"type": "sticker", "sticker_id": "123"})
    ),
    message(
        "sticker_old",
        shows(OLD_STICKER, "image"),
        media=(OLD_STICKER,),
        metadata=noted({"type": "sticker", "sticker_id": "456"}),
    ),
    message("like", text("👍"), metadata=noted({"type": "sticker", "sticker_id": "369239263222822"})),
    message("link", text("see https://example.org/a"), metadata=noted(PAGE_LINK)),
    message("link_alone", text("A page https://example.org/a"), metadata=noted(PAGE_LINK)),
    message(
        "reel",
        text("Dance https://www.facebook.com/reel/123"),
        metadata=noted({"type": "reel", "title": "Dance", "url": "https://www.facebook.com/reel/123"}),
    ),
    message("post", text("https://fb.example/p/1"), metadata=noted({"type": "post", "url": "https://fb.example/p/1"})),
    message("location", Content(type="location", location=Location(latitude=38.72, longitude=-9.14, name="Pinned"))),
    message(
        "image_and_places",
        shows(JPG, "image", f"here\nCamp {CAMP.map_url}\n{FAR.map_url}"),
        media=(JPG,),
    ),
    message("location_off_the_globe", text("[unsupported attachment: location]"), metadata=noted({"type": "location"})),
    message(
        "template",
        text("[template] Room A – 2 seats – https://r.example/a / Room B"),
        metadata=noted(
            {"type": "template", "title": "Room A – 2 seats – https://r.example/a / Room B", "template_type": "generic"}
        ),
    ),
    message(
        "unknown_attachment",
        text("and this\n[unsupported attachment: hologram, h.holo]"),
        metadata=noted({"type": "hologram", "url": f"{CDN}/h.holo"}),
    ),
    message("unsupported", text("[unsupported message]"), metadata={"unsupported": "message"}),
    message("quick_reply", picked("color:green", "Green")),
    message(
        "quick_reply_with_picture",
        picked("color:green", "Green").model_copy(
            update={"text": f"Green\nShop {SHOP.map_url}", "media": shows(JPG, "image").media}
        ),
        media=(JPG,),
    ),
    message("quick_reply_blank", text("Green")),
    message("quick_reply_email", picked("ana@example.org", "ana@example.org")),
    message("postback", picked("book:a", "Book")),
    message("get_started", picked("START", "Get Started").model_copy(update={"origin": SHORTLINK})),
    InboundCase(
        "postback_old",
        "postback_old",
        [
            said(
                "",
                Content(type="quick_reply", text="book:a", choice=Choice(value="book:a")),
                platform_id="postback:6600000000000001:1793000000000",
            )
        ],
    ),
]


def status(word: str, platform_id: str = "", **more: Any) -> StatusUpdate:
    return StatusUpdate(platform_id, word, LATER, sender=ANA, **more)


def control(kind: str, event_name: str, app_id: str, metadata: str = "") -> Signal:
    data = {"type": event_name, "app_id": app_id, "metadata": metadata}
    return Signal(kind, ANA, at=NOON, data=data)


def taken(mid: str, kind: str, app_id: str) -> Signal:
    return Signal("human_took_over", ANA, mid, at=NOON, data={"type": kind, "app_id": app_id})


OPTED_IN = {
    "type": "notification_messages",
    "payload": "news",
    "notification_messages_token": "t-1",
    "notification_messages_status": "RESUME_NOTIFICATIONS",
}
OPT_IN = {
    "kind": "opt_in",
    "ref": "news",
    "facts": {
        "type": "notification_messages",
        "token_expiry_timestamp": "1793000000000",
        "notification_messages_status": "RESUME_NOTIFICATIONS",
    },
}
INBOX = "26390203743090"
EVENTS = [
    event("postback_empty", Ignored("empty_postback", "m_postback_empty")),
    event("message_without_sender", Ignored("no_sender", "m_message_without_sender")),
    event("delivery", status("delivered", "m_OUT9"), status("delivered", "m_OUT10"), status("delivered", up_to=LATER)),
    event("delivery_without_mids", status("delivered", up_to=LATER)),
    event("delivery_empty", Ignored("empty_delivery")),
    event("read", status("read", up_to=LATER)),
    event("read_empty", Ignored("empty_read")),
    event("reaction", Reaction("react:m_OUT9:1793000000000", "m_OUT9", ANA, "❤️", NOON)),
    event("reaction_without_emoji", Reaction("react:m_OUT9:1793000000000", "m_OUT9", ANA, "👍", NOON)),
    event("reaction_removed", Reaction("unreact:m_OUT9:1793000000000", "m_OUT9", ANA, "", NOON)),
    event("reaction_unknown", Ignored("reaction:dance", "m_OUT9")),
    event("edit", Revision("edit:m_text:1", "m_text", ANA, text("hello!"), NOON)),
    event("edit_number_as_string", Revision("edit:m_text:2", "m_text", ANA, text("hello!!"), NOON)),
    event("edit_empty", Ignored("edit_without_message", "m_text")),
    event("unsend", Revision("unsend:m_unsend", "m_unsend", ANA, None, NOON)),
    event("own_echo", Ignored("own_echo", "m_OUT9")),
    event("own_echo_with_reference", StatusUpdate("m_OUT9", "sent", NOON, client_ref="ref-1", sender=ANA)),
    event("inbox_echo", taken("m_ECHO1", "text", INBOX)),  # complaint 10: staff answered elsewhere, the bot steps back
    event("echo_without_app", taken("m_ECHO2", "image", "")),
    event("echo_to_nobody", Ignored("no_sender", "m_ECHO3")),
    event("standby", Ignored("standby", "m_standby"), taken("m_ECHO4", "text", "222"), Ignored("standby")),
    event("referral", Signal("joined", ANA, at=NOON, data={"origin": SHORTLINK.to_json()})),
    event("optin_notification", Signal("joined", ANA, at=NOON, data={"optin": OPTED_IN, "origin": OPT_IN})),
    event("optin_stopped", Ignored("optin:STOP_NOTIFICATIONS")),
    event("optin_user_ref", Ignored("no_sender")),
    event("pass_to_inbox", control("human_took_over", "pass_thread_control", INBOX, "please help")),
    event("pass_to_us", control("handed_back", "pass_thread_control", "111", "from inbox")),
    event("taken_from_us", control("human_took_over", "take_thread_control", "222")),
    event("pass_to_nobody", Ignored("pass_thread_control")),
    event("request_thread", Ignored("request_thread_control")),
    event("app_roles", Ignored("app_roles")),
    event("account_linking", Ignored("account_linking:linked")),
    event(
        "policy",
        ChannelNotice(
            "credential_refused",
            "The platform has blocked the page from sending messages: spam.",
            "policy:block",
            lasting=True,
        ),
    ),
    event("feedback", Reaction("feedback:m_OUT9:1793000000000", "m_OUT9", ANA, "👍", NOON)),
    event("feedback_unknown", Ignored("response_feedback:Maybe", "m_OUT9")),
    event("survey", Ignored("messaging_feedback:empty")),
    event(
        "survey_answered",
        InboundMessage(
            "messaging_feedback:6600000000000001:1793000000000",
            ANA,
            text(
                "csat_1: 4\ncsat_1: comment: quick, but the tent was wet",
                form=form_of("feedback", {"csat_1": "4", "csat_1: comment": "quick, but the tent was wet"}),
            ),
            NOON,
        ),
    ),
    event(
        "cart",
        InboundMessage(
            "order:6600000000000001:1793000000000",
            ANA,
            text("Order:\n2 × Trail tent (TENT-3) at 129.5 EUR\n1 × TARP-1\nfor Friday"),
            NOON,
        ),
    ),
    event("cart_empty", Ignored("order:empty")),
    event("unknown_event", Ignored("event:moon_phase")),
    event("page_change", Ignored("field:feed")),
    InboundCase("other_object", "other_object", BadPayload),
    InboundCase("no envelope", [], BadPayload),
]
MIXED = [
    said("1", text("m_1")),
    Ignored("event:"),
    Ignored("no_id"),
    said(
        "2",
        text("[unsupported attachment: unknown]\n[unsupported attachment: 3]"),
        metadata=noted({"type": "unknown"}, {"type": "3"}),
    ),
    Ignored("empty_read"),
    Ignored("no_id"),
    Ignored("other_page"),
    Ignored("other_page"),
    said("4", text("m_4")),
    Malformed("malformed:entry.0.messaging.1"),
    Malformed("malformed:entry.0.messaging.3.message.attachments.0"),
    Malformed("malformed:entry.0.messaging.5.message"),
    Malformed("malformed:entry.2"),
]


def sign(raw: RawRequest, config: Any) -> RawRequest:
    digest = hmac.new(config.app_secret.encode(), raw.body, hashlib.sha256).hexdigest()
    return replace(raw, headers={**raw.headers, "x-hub-signature-256": f"sha256={digest}"})


KIT = Kit(
    kind="messenger",
    config={
        "page_id": "200000000000002",
        "app_id": "111",
        "access_token": "SECRET-access",
        "app_secret": "SECRET-app-secret",
        "verify_token": "SECRET-verify",
        "api_base": "https://graph.example",
        "appsecret_proof": False,
    },
    inbound=[*MESSAGES, *EVENTS, InboundCase("mixed_batch", "mixed_batch", MIXED)],
    outbound=OUTBOUND,
    sign=sign,
    signature="x-hub-signature-256",
    recipient=Recipient("6600000000000001", "psid", "200000000000002", last_inbound_id="m_text"),
    success=answer({"recipient_id": "6600000000000001", "message_id": "m_OUT9"}),
    result=SendResult("m_OUT9"),
    own_echo="own_echo",
)


@pytest.mark.parametrize("case", KIT.inbound, ids=str)
def test_inbound(case):
    KIT.run_inbound(case)


@pytest.mark.parametrize("case", KIT.outbound, ids=str)
def test_outbound(case):
    KIT.run_outbound(case)


def test_a_text_longer_than_ours_is_kept_whole():
    body = KIT.stored("text")["body"]
    body["entry"][0]["messaging"][0]["message"]["text"] = "x" * 5000
    [item] = KIT.receive(KIT.request(body))
    assert item.content.text == "x" * 4095 + "…"
    assert item.content.full_text == "x" * 5000


PRODUCT = {"id": "9", "retailer_id": "TENT-3", "title": "Tent", "subtitle": "for two"}


@pytest.mark.parametrize(
    ("message", "origin"),
    [
        ({"referral": {"product": {"id": "TENT-3"}, "source": "MARKETPLACE"}}, ("product", "TENT-3", "")),
        ({"attachments": [{"type": "template", "payload": {"product": {"elements": [PRODUCT]}}}]},
         ("product", "9", "Tent")),
        ({"reply_to": {"story": {"id": "5", "url": "https://cdn.example/s.jpg"}}}, ("story", "5", "")),
        ({"referral": {"ref": "r", "referer_uri": "https://shop.example"}}, ("link", "", "")),
        ({"referral": 7, "attachments": [None]}, None),
    ],
)  # fmt: skip
def test_what_a_person_came_from_is_told(message, origin):
    body = KIT.stored("text")["body"]
    body["entry"][0]["messaging"][0]["message"] |= message
    item, *odd = KIT.receive(KIT.request(body))
    assert {type(one) for one in odd} <= {Malformed}
    found = item.content.origin
    assert (found and (found.kind, found.id, found.title)) == origin


def test_a_thread_that_was_taken_from_us_is_told_without_its_new_owner():
    event = {"sender": {"id": ANA.value}, "recipient": {"id": KIT.config["page_id"]}, "timestamp": 1793000000000}
    taken = {**event, "take_thread_control": {"previous_owner_app_id": KIT.config["app_id"]}}
    [item] = KIT.receive(
        KIT.request({"object": "page", "entry": [{"id": KIT.config["page_id"], "messaging": [taken]}]})
    )
    assert (item.kind, item.sender) == ("human_took_over", ANA)


def test_an_event_of_another_page_within_our_entry_is_not_taken():
    body = KIT.stored("text")["body"]
    body["entry"][0]["messaging"][0]["recipient"]["id"] = "999"
    assert [item.reason for item in KIT.receive(KIT.request(body))] == ["other_page"]


def test_a_judgement_of_the_page_keeps_its_order_and_waits_for_no_person():
    """A block and its end carry no time that would tell which was the last (PIPE-1)."""
    assert KIT.adapter.lane(KIT.request("policy"), KIT.configured) == ACCOUNT


def test_a_fault_of_our_own_costs_one_event_only(monkeypatch):
    def broken(event, page):
        raise ZeroDivisionError

    monkeypatch.setitem(inbound.READERS, "read", broken)
    items = KIT.receive(KIT.request("mixed_batch"))
    assert items[4] == Malformed("unreadable:ZeroDivisionError")
    assert len(items) == len(MIXED)


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (b'{"object":"page","entry":[]}', "7458f2e0ec508b5772209295a1e9ad7b20627a512bd5b4d8fdfc51a392342a81"),
        (b'{"t":"h\\u00e9llo"}', "6a69aeded675094e4dac8e8a817424b87fbd187dbac0063700b997fe2fc0c7ad"),
    ],
    ids=["ascii", "escaped"],
)
def test_signature_vectors(body, digest):
    config = KIT.configured.model_copy(update={"app_secret": "s3cr3t-app"})
    raw = RawRequest("POST", "/", {"x-hub-signature-256": f"sha256={digest}"}, body=body)
    KIT.adapter.verify(raw, config, RecordingHttp([]))
