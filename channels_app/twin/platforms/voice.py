"""The twin's phone: people call, hear what TwiML says, speak or press keys, and hang up.

Owns calls and the verbs as the documentation gives them; time runs by ``pace`` (1: as it is). Silence
after a question is told by a test, not by a clock. Must not import the adapter.
https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit
from weakref import WeakKeyDictionary
from xml.etree.ElementTree import Element, ParseError, fromstring

from channels_app.twin.calls import Answer, Call, Webhook, json_answer
from channels_app.twin.platform import Platform, Route
from channels_app.twin.platforms import twilio
from channels_app.twin.world import World

KIND = "voice"
SETTINGS = {**twilio.SETTINGS, "confidence": "0.9", "dial_status": "completed", "pace": 1.0}
MAX_TWIML = 4000


@dataclass
class Line:
    """One call. ``verbs`` are left of the document, the first one a Gather when the caller is asked;
    ``answers`` are what the caller will say when asked; ``version`` counts the documents; ``leg`` is the
    status of the call to a colleague."""

    sid: str
    person: str
    status: str = "ringing"
    url: str = ""  # that the document came from
    verbs: list[Element] = field(default_factory=list)
    answers: list[dict[str, str]] = field(default_factory=list)
    version: int = 0
    leg: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)


_LINES: WeakKeyDictionary[World, dict[str, Line]] = WeakKeyDictionary()


def lines(twin: World) -> dict[str, Line]:
    """The calls of this twin by their sid."""
    return _LINES.setdefault(twin, {})


# -------------------------------------------------------------------------------- calls


def update(twin: World, call: Call) -> Answer:
    twilio.authorise(call)
    line, body = lines(twin).get(call.parts["call"]), twilio.form(call)
    if line is None:
        return twilio.error(20404, "The requested resource was not found", 404)
    if line.status != "in-progress":
        return twilio.error(21220, "Call is not in-progress. Cannot redirect.")
    if body.get("Status") == "completed":
        hang_up(twin, line)
    elif len(body.get("Twiml", "")) > MAX_TWIML:
        return twilio.error(32018, "Twiml size exceeded maximum allowed value of 4000 characters")
    else:
        document = parsed(body.get("Twiml", ""))
        if document is None:
            return twilio.error(12100, "Document parse failure")
        asked = document.find("Gather")
        reference = parse_qs(urlsplit(asked.get("action", "")).query).get("turn", [""])[0] if asked is not None else ""
        twin.journal.send(KIND, twilio.sid("TW"), line.person, body, reference, dedupe=False)
        play(twin, line, document, twin.settings[KIND]["webhook_url"])
    return json_answer(
        {"sid": line.sid, "status": line.status, "to": twin.settings[KIND]["number"], "from": line.person}
    )


def legs(twin: World, call: Call) -> Answer:
    """The calls that a call made: at most one, to a colleague."""
    twilio.authorise(call)
    line = lines(twin).get(call.query.get("ParentCallSid", ""))
    return json_answer({"calls": [{"sid": twilio.sid("CA"), "status": line.leg}] if line and line.leg else []})


# ----------------------------------------------------------------------------- documents


def parsed(twiml: str | bytes) -> Element | None:
    try:
        return fromstring(twiml)  # noqa: S314  the service's own words
    except ParseError:
        return None


def heard(twin: World, line: Line, body: bytes, url: str) -> None:
    """A document came as the answer to a webhook."""
    document = parsed(body)
    if document is None:  # the real one says that an application error has occurred, and hangs up
        hang_up(twin, line)
        return
    if document.find(".//Say") is not None:
        twiml = body.decode(errors="replace")
        twin.journal.send(KIND, twilio.sid("TW"), line.person, {"Twiml": twiml}, "", dedupe=False)
    line.status = "in-progress" if line.status == "ringing" else line.status
    play(twin, line, document, url)


def play(twin: World, line: Line, document: Element, url: str) -> None:
    """The document takes the place of what is going on in the call."""
    with line.lock:
        line.version += 1
        line.verbs, line.url = list(document), url
        go_on(twin, line)


def go_on(twin: World, line: Line) -> None:
    """Carry out verbs up to the next question, or to a verb that leads away."""
    waited = 0.0
    while line.verbs and line.status == "in-progress":
        verb = line.verbs[0]
        if verb.tag == "Gather":
            if line.answers:
                line.verbs = []
                post(twin, line, verb.get("action", ""), line.answers.pop(0), "answer")
            return
        line.verbs.pop(0)
        if verb.tag == "Pause":
            waited += float(verb.get("length", "1")) * float(twin.settings[KIND]["pace"])
        elif verb.tag == "Redirect":
            post(twin, line, verb.text or "", {}, "redirect", waited)
            return
        elif verb.tag == "Dial":
            line.leg = str(twin.settings[KIND]["dial_status"])
            told = _answered(twin, line, verb)
            if line.leg == "in-progress":  # they talk until one of them hangs up
                twin.callbacks.carry(told, 0.0)
                return
            outcome = {"DialCallStatus": line.leg, "DialCallSid": twilio.sid("CA")}
            ended = _webhook(twin, line, urljoin(line.url, verb.get("action", "")), outcome, "dialled")
            twin.callbacks.carry([*told, ended], 0.0)
            return
        elif verb.tag == "Hangup":
            break
    hang_up(twin, line)


def _answered(twin: World, line: Line, dial: Element) -> list[Webhook]:
    """Tells of the leg to a colleague who has answered, where the document asks for it."""
    number = dial.find("Number")
    if number is None or line.leg not in ("in-progress", "completed", "answered"):
        return []
    if not (address := number.get("statusCallback", "")):
        return []
    said = {"CallSid": twilio.sid("CA"), "ParentCallSid": line.sid, "From": line.person, "Caller": line.person,
            "To": number.text or "", "Called": number.text or "", "Direction": "outbound-dial",
            "CallStatus": "in-progress", "CallbackSource": "call-progress-events"}  # fmt: skip
    return [twilio.webhook(twin.settings[KIND], urljoin(line.url, address), said, "answered")]


def hang_up(twin: World, line: Line) -> None:
    if line.status == "completed":
        return
    line.status, line.verbs, line.leg = "completed", [], line.leg and "completed"
    line.version += 1
    facts = {"CallDuration": "7", "CallbackSource": "call-progress-events"}
    twin.call_back(KIND, [_webhook(twin, line, twin.settings[KIND]["webhook_url"], facts, "call completed")])


def post(twin: World, line: Line, address: str, facts: Mapping[str, str], label: str, delay: float = 0.0) -> None:
    """Ask ``address`` for the next document, unless another one comes first."""
    twin.callbacks.carry([_webhook(twin, line, urljoin(line.url, address), facts, label)], delay)


def _webhook(twin: World, line: Line, url: str, facts: Mapping[str, str], label: str) -> Webhook:
    """Of a live call its answer is played, of one that is over it tells nothing."""
    settings, version = twin.settings[KIND], line.version
    said = {"CallSid": line.sid, "From": line.person, "To": settings["number"], "Caller": line.person,
            "Called": settings["number"], "Direction": "inbound", "CallStatus": line.status, **facts}  # fmt: skip
    if line.status == "completed":
        return twilio.webhook(settings, url, said, label)

    def present() -> bool:
        return line.version == version

    def then(body: bytes) -> None:
        with line.lock:
            if present():
                heard(twin, line, body, url)

    return twilio.webhook(settings, url, said, label, then, present)


# -------------------------------------------------------------------------------- people


def say(twin: World, words: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    """``from`` is a phone number; the first words make the call. ``text`` is spoken and ``digits`` are
    pressed at the next question, ``silent`` lets the present one pass, ``hang_up`` ends the call."""
    number = str(words.get("from", ""))
    if not (twilio.E164.fullmatch(number) or number == "anonymous"):
        raise ValueError("from must be a phone number or anonymous")
    answer = _answer(twin, words)
    line = next((one for one in lines(twin).values() if one.person == number and one.status != "completed"), None)
    if words.get("hang_up") or words.get("silent"):
        if line is None:
            raise ValueError("there is no such call")
        with line.lock:
            (hang_up if words.get("hang_up") else _pass)(twin, line)
        return line.sid, []
    if answer:
        twin.journal.say(KIND, twilio.sid("SP"), number, answer)
    if line is None:
        line = Line(twilio.sid("CA"), number, answers=[answer] if answer else [])
        lines(twin)[line.sid] = line
        return line.sid, [_webhook(twin, line, twin.settings[KIND]["webhook_url"], {}, "call")]
    with line.lock:
        line.answers.append(answer)
        if line.verbs and line.verbs[0].tag == "Gather":
            go_on(twin, line)
    return line.sid, []


def _answer(twin: World, words: Mapping[str, Any]) -> dict[str, str]:
    if words.get("digits"):
        return {"Digits": str(words["digits"]), "FinishedOnKey": ""}
    if words.get("text"):
        confidence = str(words.get("confidence", twin.settings[KIND]["confidence"]))
        return {"SpeechResult": str(words["text"]), "Confidence": confidence}
    return {}


def _pass(twin: World, line: Line) -> None:
    if line.verbs and line.verbs[0].tag == "Gather":
        line.verbs.pop(0)
        line.version += 1
        go_on(twin, line)


def show(body: Mapping[str, Any]) -> dict[str, Any]:
    if "Twiml" not in body:
        return {"text": str(body.get("SpeechResult") or f"[{body.get('Digits', '')}]"), "choices": []}
    document = parsed(body["Twiml"])
    if document is None:
        return {"text": "[unreadable TwiML]", "choices": []}
    parts = [f"[{one.tag}: {''.join(one.itertext())}]" if one.tag in ("Dial", "Play") else one.text or "" for one in document.iter()
             if one.tag in ("Say", "Play", "Dial")]  # fmt: skip
    return {"text": " ".join(parts), "choices": []}


PLATFORM = Platform(
    kind=KIND,
    settings=SETTINGS,
    routes=(
        Route("POST", rf"{twilio.ACCOUNT}/Calls/(?P<call>\w+)\.json", update),
        Route("GET", rf"{twilio.ACCOUNT}/Calls\.json", legs),
    ),
    is_send=lambda call: call.method == "POST" and "/Calls/" in call.path,
    refuse=twilio.refuse,
    say=say,
    show=show,
    channel={**twilio.CHANNEL, "number": "{number}"},
    person=twilio.PERSON,
    sign=twilio.sign,
)
