"""Where a call stands, read from one request of the platform and nothing else.

Owns the events that our own documents put into the addresses they name, and their limits. Must not
write TwiML or contract items.
https://www.twilio.com/docs/voice/twiml/gather
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from channels_app.adapters import twilio
from channels_app.adapters.voice.config import VoiceConfig
from channels_app.adapters.wire import identifier
from channels_app.contract import BadPayload, RawRequest, Sender

ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
LIVE = frozenset({"queued", "initiated", "ringing", "in-progress"})
#: what a hidden number looks like
WITHHELD = frozenset(
    "anonymous restricted unavailable unknown +266696687 +86282452253 +7378742883 +2562533 +8656696".split()
)


@dataclass(frozen=True)
class Turn:
    """The question a caller answers. ``ref`` names the message that asked ("": the greeting),
    ``language`` is that of its phrases ("": the line's own)."""

    webhook: str
    ref: str = ""
    language: str = ""

    def address(self, event: str, **counts: int) -> str:
        """The webhook's address that tells where the call stands when it is called."""
        marks = {"event": event, "turn": self.ref, "lang": self.language}
        marks |= {name: str(count) for name, count in counts.items()}
        return f"{self.webhook}?{urlencode({name: mark for name, mark in marks.items() if mark})}"


@dataclass(frozen=True)
class Step:
    """One request about a call.

    ``kind``: incoming; heard, unclear or silent (what became of a question); operator (the key that
    asks for a human); waiting (for our answer); answered (a colleague has);
    dialled (the end of a transfer); ended; other.
    ``words`` were said or typed. ``miss`` counts the failed tries before this one, ``wait`` the rounds
    waited. ``leaves``: the bot has come to its end here.
    """

    kind: str
    call: str
    sender: Sender
    turn: Turn
    said: Mapping[str, str]
    words: str = ""
    miss: int = 0
    wait: int = 0
    leaves: bool = False

    @property
    def platform_id(self) -> str:
        """The same for the same words on the same question, so that a request sent again is a repeat."""
        digest = hashlib.sha256(self.words.encode()).hexdigest()[:12]
        return f"{self.call}.{self.turn.ref or 'greeting'}.{self.miss}.{digest}"


def step(raw: RawRequest, config: VoiceConfig) -> Step:
    """Raises BadPayload for what is no request about a call."""
    said = twilio.fields(raw)
    call = said.get("CallSid", "")
    if said.get("event") == "answered":  # told of the colleague's leg; the caller's is its parent
        call = said.get("ParentCallSid", "")
    if not twilio.SID.fullmatch(call):
        raise BadPayload("there is no CallSid")
    kind, words = _kind(said, config)
    miss, wait = _count(said, "miss"), _count(said, "wait")
    language = said.get("lang", "") if said.get("lang") in config.other_languages else ""
    return Step(
        kind=kind,
        call=call,
        sender=_caller(said, call),
        turn=Turn(twilio.webhook_of(raw, config), identifier(said, "turn"), language),
        said=said,
        words=words,
        miss=miss,
        wait=wait,
        leaves=_leaves(kind, miss, wait, config),
    )


def _kind(said: Mapping[str, str], config: VoiceConfig) -> tuple[str, str]:
    """What the request tells, and the words in it."""
    status, event = said.get("CallStatus", "").lower(), said.get("event", "")
    if event == "answered":
        return ("answered" if status == "in-progress" else "other"), ""
    if said.get("ParentCallSid") and event != "dialled":
        return "other", ""  # the leg to a colleague, not the caller's
    answer, words = _answer(said, config) if event == "answer" else ("", "")
    if status in ENDED and event != "dialled":
        return "ended", words if answer == "heard" else ""
    if said.get("CallbackSource") == "call-progress-events" or (status and status not in LIVE | ENDED):
        return "other", ""
    return answer or {"": "incoming", "silent": "silent", "wait": "waiting", "dialled": "dialled"}.get(
        event, "other"
    ), words


def _answer(said: Mapping[str, str], config: VoiceConfig) -> tuple[str, str]:
    digits, speech = said.get("Digits", "").strip(), said.get("SpeechResult", "").strip()
    if digits:
        operator = config.handover_number and digits == config.operator_key
        return ("operator" if operator else "heard"), digits
    if not speech:
        return "silent", ""
    return ("heard", speech) if _sure(said.get("Confidence", ""), config.min_confidence) else ("unclear", "")


def _sure(confidence: str, least: float) -> bool:
    """Some speech models tell no confidence, or 0 for every result: then the words count."""
    try:
        return float(confidence or 0) == 0 or float(confidence) >= least
    except ValueError:
        return True


def _leaves(kind: str, miss: int, wait: int, config: VoiceConfig) -> bool:
    waited_s = config.filler_after_s + (wait - 1) * config.wait_s
    return {
        "operator": True,
        "silent": miss >= config.reprompts,
        "unclear": miss >= config.reprompts,
        "waiting": waited_s >= config.patience_s,
    }.get(kind, False)


def _caller(said: Mapping[str, str], call: str) -> Sender:
    """Who is on the line; a caller without a number is known for this call only."""
    to_colleague = said.get("event") == "answered"  # who is shown the caller's number
    outbound = said.get("Direction", "").startswith("outbound") and not to_colleague
    number = said.get("To" if outbound else "From", "") or said.get("Caller", "")
    found = None if number.lower() in WITHHELD else twilio.person(said, number)
    if found is None:
        return Sender("call", call)
    return Sender(found.scheme, found.value, name=said.get("CallerName", "")[:255], profile=found.profile)


def _count(said: Mapping[str, str], name: str) -> int:
    value = said.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 4 else 0
