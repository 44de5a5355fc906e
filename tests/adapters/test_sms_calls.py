"""SMS: signatures as the platform's own library makes them, both kinds of sender, media, health, limits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from channels_app.adapters.sms import Sms, SmsConfig
from channels_app.adapters.twilio import verify
from channels_app.adapters.twilio.errors import ERRORS
from channels_app.content.fit import fit
from channels_app.content.types import Button, Content, Media, QuickReply, text
from channels_app.contract import BadSignature, MediaRef, OutboundMessage, RawRequest, SendError
from tests.adapters.kit import RecordingHttp, answer
from tests.adapters.test_sms import KIT
from tests.adapters.twilio_signing import sign

ADAPTER, CONFIG = KIT.adapter, KIT.configured
BY_NUMBER = CONFIG.model_copy(update={"messaging_service_sid": ""})
FORM = {"content-type": "application/x-www-form-urlencoded"}
CALL = b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309"
SPOKEN = (
    b"MessageSid=SM00000000000000000000000000000001&AccountSid=AC00000000000000000000000000000001"
    b"&From=%2B15005550006&To=%2B15005550001&Body=Gr%C3%BC%C3%9Fe+%F0%9F%91%8B+a%2Bb%3Dc&NumMedia=0"
)
SILENT = SPOKEN.replace(b"Gr%C3%BC%C3%9Fe+%F0%9F%91%8B+a%2Bb%3Dc", b"")
MYAPP = "mycompany.com{}/myapp.php?foo=1&bar=2"
BOT = "https://bot.example.org{}/channels/twilio/sms?bot=7"
T1, T2 = "12345", "0123456789abcdef0123456789abcdef"

VECTORS = {
    "as is": (T1, f"https://{MYAPP.format('')}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    "port in the address": (T1, f"http://{MYAPP.format(':1234')}", CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    "default port signed": (T1, f"https://{MYAPP.format('')}", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    "default port of http": (T1, f"http://{MYAPP.format('')}", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    "default port in ours": (T1, f"https://{MYAPP.format(':443')}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    "repeated values": (
        T1,
        f"https://{MYAPP.format('')}",
        b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    ),
    "words of the world": (T2, BOT.format(""), SPOKEN, "TcHzXAKbakIYGVsqaUUCzfiJF3Y="),
    "the same with a port": (T2, BOT.format(""), SPOKEN, "v95w7QuysuD+nlEkszplsudzUBc="),
    "an empty value": (T2, BOT.format(""), SILENT, "syTmDyFaYW3AzbwxzSxJenTLyBA="),
}
JSON_BODY = b'{"property": "value", "boolean": true}'
JSON_DIGEST = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
JSON_URL = f"https://{MYAPP.format('')}&bodySHA256={JSON_DIGEST}"
JSON_SIGNED = {"content-type": "application/json", "x-twilio-signature": "a9nBmqA0ju/hNViExpshrM61xv4="}


def configured(**change) -> SmsConfig:
    return CONFIG.model_copy(update=change)


@pytest.mark.parametrize(("token", "url", "body", "signature"), VECTORS.values(), ids=VECTORS.keys())
def test_signature_vectors(token, url, body, signature):
    raw = RawRequest("POST", "/", {**FORM, "x-twilio-signature": signature}, body=body, url=url)
    verify(raw, configured(auth_token=token))


def test_a_json_body_is_signed_by_its_digest():
    raw = RawRequest("POST", "/", JSON_SIGNED, {"bodySHA256": JSON_DIGEST}, JSON_BODY, JSON_URL)
    verify(raw, configured(auth_token=T1))


@pytest.mark.parametrize(
    ("query", "body"),
    [({"bodySHA256": JSON_DIGEST}, JSON_BODY + b" "), ({"bodySHA256": ""}, JSON_BODY), ({}, JSON_BODY)],
    ids=["other body", "empty digest", "no digest"],
)
def test_a_json_body_without_its_digest_is_refused(query, body):
    with pytest.raises(BadSignature):
        verify(RawRequest("POST", "/", JSON_SIGNED, query, body, JSON_URL), configured(auth_token=T1))


def test_a_get_request_is_signed_by_its_address():
    url = "https://bot.example.org/voice?CallSid=CA1&From=%2B15005550006"
    raw = RawRequest("GET", "/voice", {"x-twilio-signature": "TvPS8UBv75/0d4QgMyPWADzVWH0="}, url=url)
    verify(raw, configured(auth_token=T2))


def test_behind_a_proxy_the_configured_address_counts():
    url = "https://bot.example.org/channels/twilio/sms"
    headers = {**FORM, "x-twilio-signature": "TcHzXAKbakIYGVsqaUUCzfiJF3Y="}
    raw = RawRequest("POST", "/", headers, {"bot": "7"}, SPOKEN, "http://10.0.0.7:8000/x?bot=7")
    verify(raw, configured(auth_token=T2, webhook_url=url))
    with pytest.raises(BadSignature):
        verify(raw, configured(auth_token=T2))


def test_the_address_is_part_of_the_signature():
    raw = KIT.request("text")
    with pytest.raises(BadSignature):
        KIT.verify(RawRequest(**{**vars(raw), "url": f"{raw.url}?ref=other"}))


def test_nothing_is_said_back():
    reply = ADAPTER.acknowledge(KIT.request("text"), CONFIG)
    assert reply.content_type.startswith("text/xml")
    assert reply.body.endswith("<Response/>")


def test_a_text_longer_than_ours_is_kept_whole():
    [item] = KIT.receive(KIT.request({**KIT.stored("text")["body"], "Body": "x" * 5000}))
    assert (item.content.text, item.content.full_text) == ("x" * 4095 + "…", "x" * 5000)


def test_files_without_an_address_are_told():
    files = {"Body": "", "NumMedia": "2", "MediaUrl0": "ftp://a", "MediaContentType0": "image/png"}
    [item] = KIT.receive(KIT.request({**KIT.stored("text")["body"], **files}))
    assert item.content.text == "[unreadable file]\n[unreadable file]"


@pytest.mark.parametrize("address", ["http://[", "https://a\u2100b/x"])
def test_an_address_that_cannot_be_read_is_a_file_that_will_not_come(address):
    files = {"Body": "see", "NumMedia": "1", "MediaUrl0": address, "MediaContentType0": "image/png"}
    [item] = KIT.receive(KIT.request({**KIT.stored("text")["body"], **files}))
    assert (item.content.text, [ref.url for ref in item.media]) == ("see", [address])


@pytest.mark.parametrize(
    ("config", "sender"),
    [(CONFIG, {"MessagingServiceSid": "MG01"}), (BY_NUMBER, {"From": "+15005550001"})],
    ids=["by service", "by number"],
)
def test_the_sender(config, sender):
    [payload] = ADAPTER.render(KIT.message(text("hello")), config)
    assert {name: payload.form.get(name) for name in ("MessagingServiceSid", "From") if name in payload.form} == sender


def test_national_numbers_are_read_by_the_region():
    message = OutboundMessage("ref-1", KIT.recipient.__class__("0151 23456789"), text("hello"))
    assert ADAPTER.render(message, configured(region="DE"))[0].form["To"] == "+4915123456789"


def test_media_goes_as_mms_where_the_number_can():
    content = Content(type="image", text="Here", media=Media(url="https://cdn.example/i.png", type="image/png"))
    [payload] = ADAPTER.render(KIT.message(content), configured(mms=True))
    assert (payload.form["Body"], payload.form["MediaUrl"]) == ("Here", "https://cdn.example/i.png")


def test_a_preview_shows_what_a_message_costs():
    [payload] = ADAPTER.render(KIT.message(text("ж" * 71)), CONFIG)
    assert payload.facts == {"encoding": "UCS-2", "units": 71, "count": 2}


def test_choices_become_a_numbered_list():
    question = text("Well?", quick_replies=(QuickReply(title="Yes", payload="y"), QuickReply(title="No", payload="n")))
    [part] = fit(question, ADAPTER.capabilities).parts
    assert ADAPTER.render(KIT.message(part), CONFIG)[0].form["Body"] == "Well?\n\n1. Yes\n2. No"


def test_markdown_and_links_read_as_plain_text():
    button = Button(type="url", title="Shop", url="https://example.org/s")
    [part] = fit(
        Content(type="text", text="**Now** [here](https://example.org)", format="markdown", buttons=(button,)),
        ADAPTER.capabilities,
    ).parts
    assert part.text == "Now here (https://example.org)\n\nShop: https://example.org/s"


def test_inbound_media_is_fetched_with_credentials_from_the_api_only():
    found = ADAPTER.locate(MediaRef("image", id="MM02.ME01"), CONFIG, RecordingHttp([]))
    assert found == ("https://twilio.example/2010-04-01/Accounts/AC01/Messages/MM02/Media/ME01", CONFIG.basic)
    elsewhere = ADAPTER.locate(MediaRef("image", url="https://media.example/x.png"), CONFIG, RecordingHttp([]))
    assert elsewhere == ("https://media.example/x.png", {})


ACTIVE = answer({"status": "active"})
OWNED = answer({"incoming_phone_numbers": [{"sms_url": "https://chat.example/hook"}]})
CHECKS = {
    "healthy": ([ACTIVE, OWNED], {}, "healthy"),
    "leads to us": ([ACTIVE, OWNED], {"webhook_url": "https://chat.example/hook"}, "healthy"),
    "leads elsewhere": ([ACTIVE, OWNED], {"webhook_url": "https://chat.example/other"}, "degraded"),
    "no webhook": ([ACTIVE, answer({"incoming_phone_numbers": [{"sms_url": ""}]})], {}, "degraded"),
    "not our number": ([ACTIVE, answer({"incoming_phone_numbers": []})], {}, "degraded"),
    "suspended": ([answer({"status": "suspended"})], {}, "degraded"),
    "token refused": ([answer({"code": 20003, "message": "Authenticate"}, 401)], {}, "credential_refused"),
    "fault": ([answer({"code": 20500}, 500)], {}, "unknown"),
    "a service": ([ACTIVE], {"messaging_service_sid": "MG01"}, "healthy"),
}


@pytest.mark.parametrize(("replies", "change", "state"), CHECKS.values(), ids=CHECKS.keys())
def test_check(replies, change, state):
    http = RecordingHttp(replies)
    assert ADAPTER.check(BY_NUMBER.model_copy(update=change), http).state == state
    http.finish()
    assert http.requests[0]["url"] == "https://twilio.example/2010-04-01/Accounts/AC01.json"


@pytest.mark.parametrize("code", ERRORS, ids=str)
def test_every_code_has_its_meaning(code):
    """Complaint 4: every failure says whether another try can help."""
    with pytest.raises(ERRORS[code]) as caught:
        KIT.send(RecordingHttp([answer({"code": int(code), "message": "no"}, 400)]))
    assert isinstance(caught.value, SendError)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_sid": "../x"},
        {"auth_token": ""},
        {"from_number": "0151"},
        {"from_number": "", "messaging_service_sid": ""},
        {"messaging_service_sid": "SM01"},
        {"api_key_sid": ""},
        {"api_key_secret": ""},
        {"webhook_url": "https://chat.example/hook?x=1"},
        {"api_base": "ftp://x"},
        {"region": "Germany"},
        {"typo": "x"},
    ],
    ids=str,
)
def test_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValidationError):
        SmsConfig(**{**KIT.config, **wrong})


def test_a_refused_request_says_nothing_of_the_token():
    with pytest.raises(BadSignature) as caught:
        Sms().verify(sign(KIT.request("text"), configured(auth_token="other")), CONFIG, RecordingHttp([]))
    assert CONFIG.auth_token not in str(caught.value)


@pytest.mark.parametrize(
    "half", [b"%ED%A0%BD", b"%F0%9F", b"\xed\xa0\xbd", b"%E9"], ids=["surrogate", "cut", "raw", "latin-1"]
)
def test_a_text_that_ends_in_half_a_sign_is_heard(half: bytes):
    [item] = KIT.receive(
        KIT.signed(
            SPOKEN.replace(b"AccountSid=AC00000000000000000000000000000001", b"AccountSid=AC01").replace(
                b"Gr%C3%BC%C3%9Fe", b"Gr%C3%BC%C3%9Fe" + half
            )
        )
    )
    words = item.content.text
    assert (words[:5], words[-7:], set(words[5:-7])) == ("Grüße", "👋 a+b=c", {"\N{REPLACEMENT CHARACTER}", " "})
