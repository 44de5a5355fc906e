"""WhatsApp: each event and each kind of message as a row of a table. The calls of the other direction
(handshake, media, health, signals) follow in test_whatsapp_calls.py."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels_app.adapters.whatsapp import inbound
from channels_app.content.surroundings import Answer, Form, Origin, SharedContact
from channels_app.content.types import UNKNOWN_FILE, Choice, Content, Location, Media, text
from channels_app.contract import (
    BadPayload,
    Ignored,
    InboundMessage,
    Malformed,
    MediaRef,
    OutboundMessage,
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
from tests.adapters.whatsapp_outbound import OUTBOUND

NOON = datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC)  # 1793000000
LATER = datetime(2026, 10, 26, 7, 35, tzinfo=UTC)  # 1793000100
BSUID = "US.81234567890123"
PHONE = ("phone", "", "+15550107777")
NAMELESS = Sender("phone", "+15550107777")
ANA = replace(NAMELESS, name="Ana Lima")
ANA_BY_ID = Sender("wa_user", BSUID, address="+15550107777", name="Ana Lima", aliases=(PHONE,))
VOICE = MediaRef("audio", id="900000000000009", mime="audio/ogg; codecs=opus", sha256="q1w2e3=")
UNSUPPORTED = {"error_codes": ["131051"]}


def said(name: str, content: Content, sender: Sender = ANA, **more) -> InboundMessage:
    return InboundMessage(
        **{
            "platform_id": f"wamid.{name}",
            "sender": sender,
            "content": content,
            "sent_at": NOON,
            "opens_window_s": 86400,
            **more,
        }
    )


def media(kind: str, ref: MediaRef, caption: str | None = None) -> Content:
    return Content(type=kind, text=caption, media=Media(url=f"media:{ref.id}", type=ref.mime, name=ref.name or None))


def picked(value: str, title: str) -> Content:
    return Content(type="quick_reply", text=title, choice=Choice(value=value, title=title))


def message(name: str, content: Content, sender: Sender = ANA, **more) -> InboundCase:
    """The file ``name`` holds one message wamid.<name> that says ``content``."""
    return InboundCase(name, name, [said(name, content, sender, **more)])


def event(name: str, *items) -> InboundCase:
    return InboundCase(name, name, items)


IMAGE = MediaRef("image", id="900000000000010", mime="image/jpeg", sha256="z=")
VIDEO = MediaRef("video", id="900000000000011", mime="video/mp4", sha256="z=")
PDF = MediaRef("file", id="900000000000012", mime="application/pdf", sha256="z=", name="preço.pdf")
STICKER = MediaRef("sticker", id="900000000000013", mime="image/webp", sha256="z=")
RAR = MediaRef("file", id="900000000000012", mime="application/x-rar", sha256="z=", name="all.rar")
AD = Origin(
    kind="ad",
    id="777",
    title="Chat",
    text="Ask us",
    url="https://fb.example/ad",
    facts={
        "media_type": "image",
        "image_url": "https://cdn.example/i.jpg",
        "ctwa_clid": "CLID",
        "welcome_message": "Hi",
    },
)
HOME = "Rua A 1, 1000, Lisboa, Portugal"
RUI = SharedContact(
    name="Rui Melo",
    phones=("+15550108888",),
    emails=("rui@example.org",),
    org="Melo Lda",
    addresses=(HOME,),
    urls=("https://melo.example",),
    birthday="1990-02-01",
)
ITEM = {"product_retailer_id": "SKU-1", "quantity": "2", "item_price": "7.5", "currency": "EUR"}

MESSAGES = [
    message("text", text("hello 👋")),
    message("text_reply", text("that one"), reply_to="wamid.OUT9"),
    message("text_forwarded", text("fwd", forwarded="yes")),
    message("text_frequently_forwarded", text("fwd", forwarded="often")),
    message("text_without_contact", text("hello"), NAMELESS),
    message("text_without_profile_name", text("hello"), NAMELESS),
    message("text_milliseconds", text("hello"), sent_at=NOON.replace(microsecond=123000)),
    message("text_without_timestamp", text("hello"), sent_at=None),
    message("text_blank", text("[unsupported message: text]"), metadata={"unsupported": "text", "error_codes": []}),
    message("text_with_nul", text("ab")),
    message(
        "text_user_id",
        text("hello"),
        replace(ANA_BY_ID, profile={"username": "ana.l", "parent_user_id": "US.ENT.7788"}),
    ),
    message(
        "text_user_id_only", text("hello"), Sender("wa_user", BSUID, name="Ana Lima", profile={"username": "ana.l"})
    ),
    message("text_other_wa_id", text("hello"), Sender("phone", "+5491155501077", name="Ana Lima")),
    message("text_from_ad", text("hello", origin=AD)),
    message(
        "text_about_product",
        text("in red?", origin=Origin(kind="product", id="SKU-1", facts={"catalog_id": "55"})),
        reply_to="wamid.OUT9",
    ),
    message("text_in_group", text("hello all"), thread="120363000000000001"),
    message("image", media("image", IMAGE, "look"), media=(IMAGE,)),
    message("video", media("video", VIDEO), media=(VIDEO,)),
    message("audio_voice", media("audio", VOICE), media=(VOICE,), metadata={"voice": True}),
    message("voice_old", media("audio", VOICE), media=(VOICE,), metadata={"voice": True}),
    message("document", media("file", PDF, "offer"), media=(PDF,)),
    message(
        "document_of_other_type",
        Content(type="file", text="all of it", media=Media(url=f"media:{RAR.id}", type=UNKNOWN_FILE, name=RAR.name)),
        media=(RAR,),
    ),
    message("sticker", media("image", STICKER), media=(STICKER,)),
    message(
        "image_without_id",
        text("[unsupported message: image]"),
        metadata={"unsupported": "image", "error_codes": []},
    ),
    message(
        "location_place",
        Content(
            type="location",
            text="https://office.example",
            location=Location(latitude=38.72, longitude=-9.14, name="Office", address="Rua A 1"),
        ),
    ),
    message("location_live", Content(type="location", location=Location(latitude=38.72, longitude=-9.14))),
    message(
        "location_off_the_globe",
        text("[unsupported message: location]"),
        metadata={"unsupported": "location", "error_codes": []},
    ),
    message(
        "contacts",
        text(
            f"Contact: Rui Melo (Melo Lda), +15550108888, rui@example.org, {HOME}, https://melo.example, born 1990-02-01\n"
            "Contact: unnamed, +15550109999",
            contacts=(RUI, SharedContact(phones=("+15550109999",))),
        ),
    ),
    message("button", picked("STOP_PROMO", "Stop"), reply_to="wamid.TPL1"),
    message("button_without_context", picked("Stop", "Stop")),
    message("button_reply", picked("yes", "Yes"), reply_to="wamid.OUT9"),
    message("list_reply", picked("branch:lisbon", "Lisbon"), reply_to="wamid.OUT9"),
    message(
        "flow_with_files",
        text(
            "what: broken\nphotos: pole.jpg\nsizes: L",
            form=Form(
                name="flow",
                answers=(
                    Answer(name="what", value="broken"),
                    Answer(name="photos", value="pole.jpg"),
                    Answer(name="sizes", value="L"),
                ),
            ),
        ),
        reply_to="wamid.FLOW1",
        media=(MediaRef("image", id="900000000000031", mime="image/jpeg", sha256="x=", name="pole.jpg"),),
    ),
    message(
        "flow_reply",
        text("size: L", form=Form(name="flow", answers=(Answer(name="size", value="L"),))),
        reply_to="wamid.FLOW1",
    ),
    message(
        "flow_reply_not_json",
        text("{oops", form=Form(name="address_message", answers=(Answer(value="{oops"),))),
    ),
    message("flow_reply_array", text("1", form=Form(name="flow", answers=(Answer(value="1"),)))),
    message("call_permission_reply", text("[call permission: accept]"), metadata={"call_permission": "accept"}),
    message(
        "interactive_without_body",
        text("[unsupported message: interactive]"),
        metadata={"unsupported": "interactive", **UNSUPPORTED},
    ),
    message(
        "order",
        text("Order:\n2 × SKU-1 at 7.5 EUR\nfor Friday"),
        metadata={"order": {"catalog_id": "55", "text": "for Friday", "items": [ITEM]}},
    ),
    message(
        "unsupported_poll",
        text("[unsupported message: poll]"),
        NAMELESS,
        metadata={"unsupported": "poll", **UNSUPPORTED},
    ),
    message(
        "unsupported_bare",
        text("[unsupported message: unsupported]"),
        metadata={"unsupported": "unsupported", **UNSUPPORTED},
    ),
    message(
        "media_lost",
        text("[unsupported message: video]"),
        metadata={"unsupported": "video", "error_codes": ["131052"]},
    ),
    message(
        "unknown_type",
        text("[unsupported message: hologram]"),
        metadata={"unsupported": "hologram", "error_codes": []},
    ),
]


def moved(name: str, sender: Sender, why: str) -> InboundCase:
    return event(name, Signal("identity_changed", sender, f"wamid.{name}", at=NOON, data={"type": why}))


NEW_PHONE = Sender("phone", "+15550106666", aliases=(PHONE,))
EVENTS = [
    event("text_without_sender", Ignored("no_sender", "wamid.text_without_sender")),
    event("own_echo", Ignored("own_echo", "wamid.own_echo")),
    event("reaction", Reaction("wamid.reaction", "wamid.OUT9", ANA, "❤️", NOON)),
    event("reaction_removed", Reaction("wamid.reaction_removed", "wamid.OUT9", ANA, "", NOON)),
    event("edit_text", Revision("wamid.edit_text", "wamid.text", ANA, text("hello!"), NOON)),
    event("edit_caption", Revision("wamid.edit_caption", "wamid.image", ANA, text("look here"), NOON)),
    event("revoke", Revision("wamid.revoke", "wamid.text", ANA, None, NOON)),
    event("revoke_without_target", Ignored("no_target", "wamid.revoke_without_target")),
    moved("system_new_number", NEW_PHONE, "user_changed_number"),
    moved("system_new_number_old_form", NEW_PHONE, "user_changed_number"),
    moved(
        "system_new_user_id",
        Sender("wa_user", "US.99999", aliases=(("wa_user", "", BSUID),)),
        "user_changed_user_id",
    ),
    moved("system_new_key", ANA, "customer_identity_changed"),
    event("system_other", Ignored("system:moon_phase", "wamid.system_other")),
    event("request_welcome", Signal("joined", ANA, "wamid.request_welcome", at=NOON)),
    event(
        "user_id_update",
        Signal(
            "identity_changed",
            Sender("wa_user", "US.99999", address="+15550107777", aliases=(("wa_user", "", BSUID), PHONE)),
            at=NOON,
            data={"type": "user_id_update"},
        ),
    ),
    event(
        "staff_echo",
        Signal("human_took_over", replace(ANA_BY_ID, name=""), "wamid.ECHO1", at=NOON, data={"type": "text"}),
    ),
    event("account_error", Ignored("error:130429")),
    event("account_update", Ignored("account:VERIFIED_ACCOUNT")),
    event("unknown_field", Ignored("field:calls")),
    InboundCase("other_object", "other_object", BadPayload),
    InboundCase("no envelope", [], BadPayload),
]


def status(name: str, word: str, **more) -> InboundCase:
    return event(
        name, StatusUpdate(**{"platform_id": "wamid.OUT9", "status": word, "at": LATER, "sender": NAMELESS, **more})
    )


STATUSES = [
    status("status_sent", "sent", client_ref="ref-1"),
    status("status_delivered", "delivered", client_ref="ref-1"),
    status("status_read", "read", sender=Sender("wa_user", BSUID)),
    status("status_played", "read"),
    status("status_failed", "failed", client_ref="ref-1", code="131047", detail="More than 24 hours have passed."),
    event("status_deleted", Ignored("status:deleted", "wamid.OUT9")),
    status("status_in_group", "read"),
]
MIXED = [
    said("1", text("wamid.1")),
    Ignored("no_id"),
    Ignored("no_sender", "wamid.2"),
    said(
        "3",
        text("[unsupported message: unknown]"),
        Sender("phone", "+15550108888", name="Rui Melo"),
        sent_at=None,
        metadata={"unsupported": "unknown", "error_codes": []},
    ),
    said("4", text("wamid.4"), Sender("phone", "+15550108888", name="Rui Melo")),
    Ignored("no_id"),
    StatusUpdate("wamid.OUT9", "read", LATER, sender=NAMELESS),
    Ignored("field:"),
    Ignored("other_number", "wamid.5"),
    Ignored("other_number", "wamid.OUT9"),
    said("6", text("wamid.6"), NAMELESS),
    Malformed("malformed:entry.0.changes.0.value.messages.1"),
    Malformed("malformed:entry.0.changes.0.value.messages.3.timestamp"),
    Malformed("malformed:entry.0.changes.0.value.messages.3.type"),
    Malformed("malformed:entry.0.changes.0.value.messages.3.text"),
    Malformed("malformed:entry.0.changes.0.value.statuses.0"),
    Malformed("malformed:entry.0.changes.1"),
    Malformed("malformed:entry.1"),
]


def sign(raw: RawRequest, config) -> RawRequest:
    digest = hmac.new(config.app_secret.encode(), raw.body, hashlib.sha256).hexdigest()
    return replace(raw, headers={**raw.headers, "x-hub-signature-256": f"sha256={digest}"})


KIT = Kit(
    kind="whatsapp",
    config={
        "phone_number_id": "400000000000001",
        "waba_id": "300000000000001",
        "access_token": "SECRET-access",
        "app_secret": "SECRET-app-secret",
        "verify_token": "SECRET-verify",
        "api_base": "https://graph.example",
    },
    inbound=[*MESSAGES, *EVENTS, *STATUSES, InboundCase("mixed_batch", "mixed_batch", MIXED)],
    outbound=OUTBOUND,
    sign=sign,
    signature="x-hub-signature-256",
    recipient=Recipient("+15550107777", "phone", last_inbound_id="wamid.text"),
    success=answer(
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": "+15550107777", "wa_id": "15550107777"}],
            "messages": [{"id": "wamid.OUT10", "message_status": "accepted"}],
        }
    ),
    result=SendResult("wamid.OUT10", {"wa_id": "15550107777", "message_status": "accepted"}),
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
    body["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"] = "x" * 5000
    [item] = KIT.receive(KIT.request(body))
    assert item.content.text == "x" * 4095 + "…"
    assert item.content.full_text == "x" * 5000


def test_a_fault_of_our_own_costs_one_item_only(monkeypatch):
    def broken(message, sender):
        raise ZeroDivisionError

    monkeypatch.setitem(inbound.SPECIAL, "text", broken)
    items = KIT.receive(KIT.request("mixed_batch"))
    assert items[0] == Malformed("unreadable:ZeroDivisionError", "wamid.1")
    assert len(items) == len(MIXED)


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (b'{"object":"page","entry":[]}', "7458f2e0ec508b5772209295a1e9ad7b20627a512bd5b4d8fdfc51a392342a81"),
        (b'{"t":"h\\u00e9llo"}', "6a69aeded675094e4dac8e8a817424b87fbd187dbac0063700b997fe2fc0c7ad"),
        ('{"t":"héllo"}'.encode(), "ef689a514fad692d0a67e2966e86842e03b5ca52d6eac4cdfcd614bf5d852b94"),
    ],
    ids=["ascii", "escaped", "utf-8"],
)
def test_signature_vectors(body, digest):
    config = KIT.configured.model_copy(update={"app_secret": "s3cr3t-app"})
    KIT.adapter.verify(
        RawRequest("POST", "/", {"x-hub-signature-256": f"sha256={digest}"}, body=body), config, RecordingHttp([])
    )


def test_long_references_keep_their_part_mark():
    sticker = Content(type="image", text="hello", media=Media(url="https://cdn.example/s.webp", type="image/webp"))
    first, second = KIT.adapter.render(OutboundMessage("r" * 600, KIT.recipient, sticker), KIT.configured)
    assert first.json["biz_opaque_callback_data"] == "r" * 512
    assert second.json["biz_opaque_callback_data"] == "r" * 510 + "#2"


def test_a_place_is_never_written_in_powers_of_ten():
    place = Content(type="location", location=Location(latitude=0.00001, longitude=-0.00002))
    [payload] = KIT.adapter.render(KIT.message(place), KIT.configured)
    assert payload.json["location"] == {"latitude": "0.00001", "longitude": "-0.00002"}
