"""SMS and MMS over Twilio: the adapter and its configuration.

Owns what a text message says and how one is sent. Must not answer the words STOP, START and HELP:
Twilio or the service's own rules do.
https://www.twilio.com/docs/messaging
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import ClassVar, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import Field, model_validator

from channels_app.adapters import twilio
from channels_app.adapters.base import Adapter
from channels_app.adapters.twilio import PhoneNumber, TwilioConfig
from channels_app.adapters.twilio.errors import ERRORS
from channels_app.adapters.wire import identifier, string
from channels_app.content.types import UNKNOWN_FILE, Capabilities, Content, Media, kept_type, worded
from channels_app.contract import (
    CheckResult,
    ContactRefuses,
    Http,
    Ignored,
    InboundItem,
    InboundMessage,
    Malformed,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    RawRequest,
    Rejected,
    Reply,
    Sender,
    SendResult,
    Signal,
    StatusUpdate,
)
from channels_app.words.segments import segments

MAX_BODY = 1600  # characters
MAX_MEDIA = 10  # of one inbound message
#: render marks the second text of one message with it: ``<client_ref>#2``
PART_MARK = "#"
MEDIA_URL = re.compile(r"/Messages/([A-Za-z0-9]{2,64})/Media/([A-Za-z0-9]{2,64})$")
#: "sent" is that Twilio took it: the first callback already proves that much
STATUSES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"), "sent"),
    **dict.fromkeys(("failed", "undelivered", "canceled"), "failed"),
    "delivered": "delivered",
    "read": "read",
}
OPT_OUTS = {"STOP": "stopped", "START": "reopened"}
KB, MB = 1024, 1024 * 1024
_MEDIA_TYPES: Mapping[str, Literal["image", "audio", "video"]] = {"image": "image", "audio": "audio", "video": "video"}


class SmsConfig(TwilioConfig):
    """One sender: a number of the account, or a messaging service that chooses among several."""

    from_number: PhoneNumber = Field(default="", description="Sends and receives; in the form +15005550001")
    messaging_service_sid: str = Field(
        default="",
        pattern=r"^(MG[0-9a-zA-Z]{2,62})?$",
        description="Messaging service that sends in the number's place",
    )
    region: str = Field(default="", pattern=r"^([A-Z]{2})?$", description="Country of numbers without a code, as PT")
    mms: bool = Field(default=False, description="Send media as MMS (US and Canada); else a link goes into the text")

    @model_validator(mode="after")
    def has_a_sender(self) -> SmsConfig:
        if not (self.from_number or self.messaging_service_sid):
            raise ValueError("from_number or messaging_service_sid is required")
        return self


#: what phones play of what the platform passes on unchanged; it says nothing of codecs (open: by what phones of 3GPP
#: TS 26.140 have to play, and what has become usual since)
MEDIA_CODECS = {
    **{key: list[str]() for key in ("image/heic", "image/avif", "image/webp")},
    **{key: list[str]() for key in ("audio/ogg", "audio/webm", "audio/wav", "video/webm")},
    "video/mp4": ["h264", "aac", "stereo"],
    "video/quicktime": ["h264", "aac", "stereo"],
}


ADDRESS = re.compile(r"https?://\S{1,2000}")


class Sms(Adapter):
    kind: ClassVar[str] = "sms"
    errors = ERRORS
    label: ClassVar[str] = "SMS (Twilio)"
    platform: ClassVar[str] = "the SMS provider"
    icon: ClassVar[str] = "sms"
    address_hint: ClassVar[str] = "A phone number like +4915112345678"
    signature_header: ClassVar[str] = "x-twilio-signature"
    config_class: ClassVar[type[SmsConfig]] = SmsConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"auth_token", "api_key_secret"})
    capabilities = Capabilities(
        types=frozenset({"text", "image", "audio", "video", "file"}),
        max_text=MAX_BODY,
        max_segments=10,
        max_caption=480,
        markdown="none",
        media_types={
            **dict.fromkeys(("image/jpeg", "image/png", "image/gif"), 5 * MB),
            **dict.fromkeys(("image/*", "audio/*", "video/*", "text/*", "application/*"), 500 * KB),
        },
        media_codecs=MEDIA_CODECS,
        receipts=frozenset({"sent", "delivered", "read", "failed"}),
    )
    starts_conversations: ClassVar[bool] = True
    consent_words: ClassVar[bool] = True
    carrier_words: ClassVar[bool] = True
    debounce_s: ClassVar[float] = 2.0  # a long text arrives whole, a thought in several
    rate: ClassVar[tuple[float, int]] = (10.0, 20)

    # ---- inbound -------------------------------------------------------------------

    def verify(self, raw: RawRequest, config: SmsConfig, http: Http) -> None:
        twilio.verify(raw, config)

    def lane(self, raw: RawRequest, config: SmsConfig) -> str:
        """A number is written the same way in every request."""
        said = twilio.fields(raw)
        if "Body" in said or not string(said, "MessageStatus"):
            return identifier(said, "From")
        return identifier(said, "To") if ERRORS.get(string(said, "ErrorCode")) is ContactRefuses else ""

    def parse(self, raw: RawRequest, config: SmsConfig) -> Sequence[InboundItem]:
        said = twilio.fields(raw)
        if string(said, "MessageStatus") and "Body" not in said:
            return tuple(_statuses(said))
        return tuple(_messages(said, config, twilio.webhook_of(raw, config)))

    def acknowledge(self, raw: RawRequest, config: SmsConfig) -> Reply:
        return twilio.twiml(twilio.SILENCE)

    # ---- outbound ------------------------------------------------------------------

    def check_recipient(self, address: str, config: SmsConfig) -> str:
        try:
            _address(address, config)
        except Rejected:
            return "A text message needs a phone number in E.164, like +15550100001."
        return ""

    def sender_at(self, address: str, name: str, config: SmsConfig) -> Sender:
        return Sender("phone", _address(address, config), name=name)

    def render(self, message: OutboundMessage, config: SmsConfig) -> Sequence[Payload]:
        """Raises Rejected (bad_address, media_not_public, link_too_long)."""
        to = _address(message.recipient.address, config)
        sender = (
            {"MessagingServiceSid": config.messaging_service_sid}
            if config.messaging_service_sid
            else {"From": config.from_number}
        )
        webhook = twilio.webhook_for(message.recipient, config)
        payloads = []
        for number, said in enumerate(_said(message.content, config), start=1):
            ref = message.client_ref + ("" if number == 1 else f"{PART_MARK}{number}")
            call_back = {"StatusCallback": f"{webhook}?{urlencode({'ref': ref})}"} if webhook else {}
            facts = asdict(segments(said["Body"])) if "Body" in said else {}
            form = {"To": to, **sender, **said, **call_back}
            payloads.append(Payload(config.path("Messages.json"), form=form, facts=facts))
        return payloads

    def send(self, payload: Payload, config: SmsConfig, http: Http) -> SendResult:
        """The answer means queued; what became of it comes as status callbacks."""
        made = twilio.post(payload, config, http)
        if not identifier(made, "sid"):
            raise OutcomeUnknown("no_message_id", "the platform's answer names no message")
        detail = {name: string(made, name, limit=40) for name in ("status", "num_segments") if made.get(name)}
        return SendResult(identifier(made, "sid"), detail)

    def locate(self, ref: MediaRef, config: SmsConfig, http: Http) -> tuple[str, Mapping[str, str]]:
        """The credentials go to the configured API and nowhere else."""
        message, _, media = ref.id.partition(".")
        if media:
            return config.url(config.path(f"Messages/{message}/Media/{media}")), config.basic
        return ref.url, {}

    def check(self, config: SmsConfig, http: Http) -> CheckResult:
        return twilio.check_account(config, http, "" if config.messaging_service_sid else config.from_number, "sms_url")


# ---------------------------------------------------------------------------- reading


def _messages(said: Mapping[str, str], config: SmsConfig, webhook: str) -> Iterator[InboundItem]:
    platform_id = identifier(said, "MessageSid") or identifier(said, "SmsSid")
    why = _not_ours(said, config)
    sender = twilio.person(said, said.get("From", ""))
    if not platform_id or why or sender is None:
        yield Ignored(why or ("no_sender" if platform_id else "no_id"), platform_id)
        return
    if said.get("OptOutType"):
        yield _opted(said, sender, platform_id)
        return
    if not _number(said.get("NumMedia", "0")):
        yield Malformed("malformed:NumMedia")
    words, media = said.get("Body", ""), list(_media(said))
    facts = {"to": said["To"]} if said.get("To") else {}
    yield InboundMessage(
        platform_id=platform_id,
        sender=sender,
        content=_content(words, media, _count(said) - len(media)),
        media=tuple(media),
        reference={"webhook": webhook},
        metadata=facts,
    )


def _not_ours(said: Mapping[str, str], config: SmsConfig) -> str:
    """Why a message is none of this channel's, or ""."""
    prefix = said.get("From", "").partition(":")[0]
    if prefix in ("whatsapp", "messenger", "rcs"):
        return f"address:{prefix}"
    service, to = said.get("MessagingServiceSid", ""), twilio.e164(said.get("To", "")) or said.get("To", "")
    if service and service == config.messaging_service_sid:
        return ""
    return "other_number" if config.from_number and to != config.from_number else ""


def _opted(said: Mapping[str, str], sender: Sender, platform_id: str) -> InboundItem:
    """Twilio has answered the word itself and blocks what we send after a STOP."""
    kind = said["OptOutType"].upper()[:20]
    if kind not in OPT_OUTS:
        return Ignored(f"opt_out:{kind}", platform_id)
    return Signal(OPT_OUTS[kind], sender, platform_id, data={"opt_out_type": kind, "answered_by_platform": True})


def _media(said: Mapping[str, str]) -> Iterator[MediaRef]:
    for number in range(MAX_MEDIA):
        url, mime = said.get(f"MediaUrl{number}", ""), said.get(f"MediaContentType{number}", "")[:127]
        kind = _MEDIA_TYPES.get(mime.partition("/")[0], "file")
        found = MEDIA_URL.search(_path(url)) if url.startswith(("https://", "http://")) else None
        if found:
            yield MediaRef(kind, id=f"{found[1]}.{found[2]}", mime=mime)
        elif ADDRESS.fullmatch(url):
            yield MediaRef(kind, url=url, mime=mime)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # half an IPv6 address, signs that hosts cannot have
        return ""


def _count(said: Mapping[str, str]) -> int:
    """How many files the platform says there are."""
    number = said.get("NumMedia", "")
    return min(int(number), MAX_MEDIA) if _number(number) else 0


def _number(said: str) -> bool:
    return said.isascii() and said.isdigit() and len(said) < 4


def _content(words: str, media: Sequence[MediaRef], missing: int) -> Content:
    """The words with the first file whose type we know, else with the first; one whose address cannot be read is told to
    the reader."""
    lost = ["[unreadable file]"] * missing
    told = worded("\n".join([*lost, *([words] if words.strip() else [])]))
    shown = next((ref for ref in media if kept_type(ref.mime) != UNKNOWN_FILE), next(iter(media), None))
    if shown is None:
        return Content(type="text", **(told or {"text": "[empty message]"}))
    kind = _MEDIA_TYPES.get(shown.kind, "file")
    return Content(type=kind, **told, media=Media(url=shown.url or f"media:{shown.id}", type=kept_type(shown.mime)))


def _statuses(said: Mapping[str, str]) -> Iterator[InboundItem]:
    platform_id, word = identifier(said, "MessageSid") or identifier(said, "SmsSid"), said["MessageStatus"].lower()
    if word not in STATUSES or not platform_id:
        yield Ignored(f"status:{word[:60]}" if platform_id else "no_id", platform_id)
        return
    sender, code = twilio.person({}, said.get("To", "")), string(said, "ErrorCode", limit=40)
    failed = STATUSES[word] == "failed"
    yield StatusUpdate(
        platform_id=platform_id,
        status=STATUSES[word],
        client_ref=identifier(said, "ref").partition(PART_MARK)[0],
        code=(code or word) if failed else "",
        detail=string(said, "ErrorMessage", limit=500),
        sender=sender,
    )
    if ERRORS.get(code) is ContactRefuses and sender:
        yield Signal("stopped", sender, f"{platform_id}.stopped", data={"code": code})


# ---------------------------------------------------------------------------- writing


def _address(address: str, config: SmsConfig) -> str:
    """E.164, or the short code that wrote to us."""
    number = twilio.e164(address, config.region)
    if number:
        return number
    if re.fullmatch(r"[0-9]{3,8}", address):
        return address
    raise Rejected("bad_address", "this is no phone number that a text message can go to")


def _said(content: Content, config: SmsConfig) -> list[dict[str, str]]:
    """What each text message says: one, unless a file's link does not fit beside the words."""
    words = content.text or ""
    if content.media is None:
        return [{"Body": words}]
    url = content.media.url
    if not url.startswith(("https://", "http://")):
        raise Rejected("media_not_public", "media must have a public link when it is sent")
    if config.mms:
        return [{**({"Body": words} if words else {}), "MediaUrl": url}]
    if len(url) > MAX_BODY:
        raise Rejected("link_too_long", f"the file's link is longer than the {MAX_BODY} characters of a text message")
    told = (words, content.media.alt_text, content.media.name, url)
    lines = next(filter(_fits, ("\n".join(filter(None, parts)) for parts in (told, (words, url)))), "")
    return [{"Body": body} for body in ([lines] if lines else [words, url])]


def _fits(body: str) -> bool:
    return len(body) <= MAX_BODY
