"""Phone calls over Twilio: the adapter. A call is a conversation, its thread the CallSid.

The platform asks what to do next (``acknowledge`` answers at once: greeting, question again, waiting),
the bot's reply is sent as an update of the live call. Owns both; steps.py reads where a call stands,
speech.py writes TwiML. Must not hold state: it lies in the addresses that the documents name.
https://www.twilio.com/docs/voice
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from channels_app.adapters import twilio
from channels_app.adapters.base import Adapter
from channels_app.adapters.twilio.errors import ERRORS
from channels_app.adapters.voice.answers import REACHED, answer, ask, transfer
from channels_app.adapters.voice.config import VoiceConfig
from channels_app.adapters.voice.speech import Document, keys, seconds, spoken
from channels_app.adapters.voice.steps import LIVE, Step, Turn, step
from channels_app.adapters.wire import array, string
from channels_app.content.types import Capabilities, Content, text, worded
from channels_app.contract import (
    BadPayload,
    CheckResult,
    Http,
    Ignored,
    InboundItem,
    InboundMessage,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    RawRequest,
    Recipient,
    Rejected,
    Reply,
    Sender,
    SendResult,
    Signal,
    StatusUpdate,
)
from channels_app.words.split import split_text

MAX_TWIML = 4000  # characters of a document that an update carries; more is error 32018
MOST_DOCUMENTS = 20  # of one message
CALL_ENDED = frozenset({"21220", "20404"})
#: render marks the second and further documents of one message with it: ``<client_ref>#2``
PART_MARK = "#"
HEARD_OUT = frozenset({"heard", "unclear", "silent", "operator"})  # the question was said to its end
MB = 1024 * 1024


class Voice(Adapter):
    kind: ClassVar[str] = "voice"
    errors = ERRORS
    label: ClassVar[str] = "Phone calls (Twilio)"
    platform: ClassVar[str] = "the phone provider"
    icon: ClassVar[str] = "call"
    signature_header: ClassVar[str] = "x-twilio-signature"
    config_class: ClassVar[type[VoiceConfig]] = VoiceConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"auth_token", "api_key_secret"})
    capabilities = Capabilities(
        types=frozenset({"text", "audio"}),
        max_text=1500,
        markdown="none",
        media_types={"audio/mpeg": 20 * MB, "audio/wav": 20 * MB},
        receipts=frozenset({"sent", "delivered", "failed"}),
    )
    rate: ClassVar[tuple[float, int]] = (20.0, 40)
    speaks_after_end: ClassVar[bool] = False  # the call is over
    expires_s: ClassVar[int] = 120  # no caller waits longer on the line

    # ---- inbound -------------------------------------------------------------------

    def verify(self, raw: RawRequest, config: VoiceConfig, http: Http) -> None:
        twilio.verify(raw, config)

    def lane(self, raw: RawRequest, config: VoiceConfig) -> str:
        return step(raw, config).sender.value

    def parse(self, raw: RawRequest, config: VoiceConfig) -> Sequence[InboundItem]:
        now = step(raw, config)
        return tuple(_items(now, config)) or (Ignored(f"call:{now.kind}"),)

    def acknowledge(self, raw: RawRequest, config: VoiceConfig) -> Reply:
        """What the caller hears next, until the bot's reply arrives."""
        try:
            document = str(answer(step(raw, config), config))
        except BadPayload:
            document = twilio.SILENCE
        return twilio.twiml(document)

    # ---- outbound ------------------------------------------------------------------

    def check_recipient(self, address: str, config: VoiceConfig) -> str:
        return "" if twilio.e164(address) else "A call needs a phone number in E.164, like +15550100001."

    def sender_at(self, address: str, name: str, config: VoiceConfig) -> Sender:
        return Sender("phone", twilio.e164(address), name=name)

    def render(self, message: OutboundMessage, config: VoiceConfig) -> Sequence[Payload]:
        """Says the message and asks for the answer, in as many documents as it takes: written words get longer when they
        are spoken and escaped. Raises Rejected (no_call, media_not_public, too_long)."""
        content, turn = message.content, _turn(message.recipient, config, message.client_ref, message.content.language)
        phrases = config.phrases(turn.language)
        words = spoken(content.text, phrases) if content.text else ""
        sound = content.media.url if content.media else ""
        if sound and not sound.startswith(("https://", "http://")):
            raise Rejected("media_not_public", "media must have a public link when it is played")
        one_key = keys(content.text or "") > 0

        def asked(questions: Sequence[str], *, place: int = 0, last: bool = True) -> Document:
            document, own = Document(phrases), replace(turn, ref=_ref(turn.ref, place))
            ask(document, own, config, questions, sound=sound if place == 0 else "", one_key=one_key and last)
            return document

        twice = asked([words, f"{phrases.no_input} {words}".strip()]) if words and config.reprompts else None
        if twice and len(str(twice)) <= MAX_TWIML:
            return (_update(message.recipient, config, twice, message.client_ref, seconds(words)),)
        for count in range(1, MOST_DOCUMENTS + 1):
            pieces = split_text(words, -(-len(words) // count)) or [words]
            documents = [asked([piece], place=place, last=piece is pieces[-1]) for place, piece in enumerate(pieces)]
            if all(len(str(document)) <= MAX_TWIML for document in documents):
                return tuple(
                    _update(message.recipient, config, document, _ref(message.client_ref, place), seconds(piece))
                    for place, (document, piece) in enumerate(zip(documents, pieces, strict=True))
                )
        raise Rejected("too_long", f"a document may have {MAX_TWIML} characters")

    def transfer(self, recipient: Recipient, config: VoiceConfig) -> Payload | None:
        """Puts the caller through to ``handover_number``; None without one, or without a call."""
        if not (config.handover_number and recipient.thread):
            return None
        turn = _turn(recipient, config)
        document = Document(config.phrases(turn.language))
        transfer(document, turn, config)
        return _update(recipient, config, document, "transfer")

    def send(self, payload: Payload, config: VoiceConfig, http: Http) -> SendResult:
        """The call goes on with the new document at once. Rejected ``call_ended`` when it is over,
        ``call_transferred`` when the document would tear the caller away from a colleague."""
        call = payload.facts["call"]
        if config.handover_number and _put_through(call, config, http):
            raise Rejected("call_transferred", "The caller is talking to a colleague.")
        try:
            made = twilio.post(payload, config, http)
        except Rejected as error:
            if error.code in CALL_ENDED:
                raise Rejected("call_ended", "The caller has hung up.", status=error.status) from error
            raise
        if not string(made, "sid"):
            raise OutcomeUnknown("no_call_named", "the platform's answer names no call")
        detail = {"status": string(made, "status", limit=40)} if made.get("status") else {}
        return SendResult(f"{call}.{payload.facts['ref']}", detail, busy_s=payload.facts["busy_s"])

    def check(self, config: VoiceConfig, http: Http) -> CheckResult:
        return twilio.check_account(config, http, config.number, "voice_url")


def _turn(recipient: Recipient, config: VoiceConfig, ref: str = "", language: str | None = None) -> Turn:
    """The question that a message to ``recipient`` is; raises Rejected ``no_call``."""
    webhook = twilio.webhook_for(recipient, config)
    if not (webhook and twilio.SID.fullmatch(recipient.thread)):
        raise Rejected("no_call", "There is no call to speak into.")
    language = language or string(recipient.reference, "language")
    return Turn(webhook, ref, language if language in config.other_languages else "")


def _ref(client_ref: str, place: int) -> str:
    """Of one document: each is a part of its own, and what is heard of one says nothing of those after it."""
    return client_ref if place == 0 else f"{client_ref}{PART_MARK}{place + 1}"


def _heard(ref: str) -> Iterator[str]:
    """The documents of a message that have been heard when this one has: those before it, too."""
    client_ref, _, number = ref.partition(PART_MARK)
    most = int(number) if number.isascii() and number.isdigit() and len(number) < 3 else 1
    return (_ref(client_ref, place) for place in range(min(most, MOST_DOCUMENTS)))


def _update(to: Recipient, config: VoiceConfig, document: Document, ref: str, busy_s: float = 0.0) -> Payload:
    path = config.path(f"Calls/{to.thread}.json")
    return Payload(path, form={"Twiml": str(document)}, facts={"call": to.thread, "ref": ref, "busy_s": busy_s})


def _put_through(call: str, config: VoiceConfig, http: Http) -> bool:
    """Whether a leg to a colleague rings or is open."""
    legs = twilio.get(config, http, config.path(f"Calls.json?ParentCallSid={call}"))
    return any(string(leg, "status") in LIVE for leg in array(legs, "calls"))


# ---------------------------------------------------------------------------- reading


def _items(now: Step, config: VoiceConfig) -> Iterator[InboundItem]:
    if now.turn.ref and now.kind in HEARD_OUT:
        client_ref = now.turn.ref.partition(PART_MARK)[0]
        for ref in _heard(now.turn.ref):
            yield StatusUpdate(f"{now.call}.{ref}", "delivered", client_ref=client_ref, sender=now.sender)
    if now.kind == "incoming":
        yield _signal("joined", now, direction=now.said.get("Direction", "")[:40], to=now.said.get("To", "")[:40])
    if now.words:
        yield _message(now, config)
    if now.leaves and config.handover_number:
        yield _signal("human_wanted", now, reason=now.kind)
    if now.kind == "answered":
        yield _signal("human_took_over", now, status="answered")
    if now.kind == "dialled":
        yield from _transferred(now, now.said.get("DialCallStatus", "")[:40])
    if now.kind == "ended" and now.words:  # what a caller says while hanging up is heard by staff
        yield _signal("human_wanted", now, reason="last_words")
    if now.kind == "ended":
        lasted = now.said.get("CallDuration", "")[:10]
        yield _signal("ended", now, status=now.said["CallStatus"].lower(), **({"duration_s": lasted} if lasted else {}))


def _transferred(now: Step, outcome: str) -> Iterator[InboundItem]:
    """A colleague has talked to the caller, or the call is one that staff have missed: an entry of its own, so that it is
    seen also when the caller has said nothing."""
    if outcome in REACHED:
        yield _signal("human_took_over", now, status=outcome)
        return
    yield InboundMessage(
        platform_id=f"{now.call}.missed",
        sender=now.sender,
        content=text(f"[missed call: {outcome or 'no answer'}]"),
        thread=now.call,
        reference={"webhook": now.turn.webhook, "language": now.turn.language},
        metadata={"call": "missed", "dial_status": outcome},
    )
    yield _signal("human_wanted", now, reason="missed", status=outcome)


def _message(now: Step, config: VoiceConfig) -> InboundMessage:
    confidence = now.said.get("Confidence", "")[:10]
    facts: dict[str, Any] = {"input": "dtmf" if now.said.get("Digits") else "speech"}
    facts |= {"confidence": confidence} if confidence else {}
    return InboundMessage(
        platform_id=now.platform_id,
        sender=now.sender,
        content=Content(type="text", language=config.phrases(now.turn.language).language[:2], **worded(now.words)),
        thread=now.call,
        reference={"webhook": now.turn.webhook, "language": now.turn.language},
        metadata=facts,
    )


def _signal(kind: str, now: Step, **data: str) -> Signal:
    return Signal(kind, now.sender, f"{now.call}.{kind}", thread=now.call, data=data)
