"""Phone calls: what the caller hears between the bot's replies, how words are spoken, transfers, limits."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from channels_app.adapters.voice.config import VoiceConfig
from channels_app.adapters.voice.speech import Document, Phrases, keys, spoken
from channels_app.content.fit import fit
from channels_app.content.options import choice_for
from channels_app.content.types import QuickReply, text
from channels_app.contract import Recipient, Rejected
from tests.adapters.kit import RecordingHttp, answer
from tests.adapters.test_voice import KIT, LEGS, WEBHOOK
from tests.adapters.twilio_signing import sign
from tests.examples import examples

ADAPTER, CONFIG = KIT.adapter, KIT.configured
ALONE = CONFIG.model_copy(update={"handover_number": ""})
PHRASES = Phrases()
GREETING = PHRASES.greeting


def told(name: str, config: VoiceConfig = CONFIG, **query: str) -> list[tuple]:
    """The answer to a payload file as (verb, words or event, …) in the order of the call."""
    raw = KIT.request(name)
    raw = sign(type(raw)(**{**vars(raw), "query": {**raw.query, **query}}), config)
    reply = ADAPTER.acknowledge(raw, config)
    assert reply.content_type.startswith("text/xml")
    return verbs(reply.body)


def verbs(document: str) -> list[tuple]:
    found = []
    for verb in fromstring(document):
        inside = tuple(part.text for part in verb)
        found.append({
            "Gather": lambda v, i: ("Gather", place(v.get("action")), *i),
            "Redirect": lambda v, i: ("Redirect", place(v.text)),
            "Dial": lambda v, i: ("Dial", place(v.get("action")), *i),
            "Pause": lambda v, i: ("Pause", v.get("length")),
        }.get(verb.tag, lambda v, i: (v.tag, v.text) if v.text else (v.tag,))(verb, inside))  # fmt: skip
    return found


def place(address: str) -> dict[str, str]:
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == WEBHOOK
    return dict(parse_qsl(parts.query))


def at(event: str, turn: str = "ref-1", **counts: str) -> dict[str, str]:
    return {"event": event, **({"turn": turn} if turn else {}), **counts}


WAIT = at("wait", miss="0", wait="1")
PUT_THROUGH = [("Say", PHRASES.transfer), ("Dial", at("dialled"), "+15005550002")]
HEARD = {
    "incoming": [
        ("Gather", at("answer", "", miss="0"), GREETING),
        ("Gather", at("answer", "", miss="1"), f"{PHRASES.no_input} {GREETING}"),
        ("Redirect", at("silent", "", miss="1")),
    ],
    "speech": [("Pause", "3"), ("Redirect", WAIT)],
    "digits": [("Pause", "3"), ("Redirect", WAIT)],
    "waiting": [("Say", PHRASES.filler), ("Pause", "6"), ("Redirect", at("wait", miss="0", wait="2"))],
    "waiting_too_long": [("Say", PHRASES.apology), *PUT_THROUGH],
    "silent": [("Gather", at("answer", miss="2"), PHRASES.no_input), ("Redirect", at("silent", miss="2"))],
    "silent_too_often": PUT_THROUGH,
    "answer_empty": [("Gather", at("answer", miss="1"), PHRASES.no_input), ("Redirect", at("silent", miss="1"))],
    "speech_unclear": [("Gather", at("answer", miss="1"), PHRASES.unclear), ("Redirect", at("silent", miss="1"))],
    "speech_unclear_again": PUT_THROUGH,
    "digits_operator": PUT_THROUGH,
    "dialled_completed": [("Hangup",)],
    "dialled_no_answer": [("Say", PHRASES.unavailable), ("Hangup",)],
    "status_completed": [],
    "status_ringing": [],
    "hung_up_while_speaking": [],
    "call_without_sid": [],
}
LEFT_ALONE = {
    "waiting_too_long": [("Say", PHRASES.apology), ("Say", PHRASES.goodbye), ("Hangup",)],
    "silent_too_often": [("Say", PHRASES.goodbye), ("Hangup",)],
    "speech_unclear_again": [("Say", PHRASES.goodbye), ("Hangup",)],
    "digits_operator": [("Pause", "3"), ("Redirect", WAIT)],
}


@pytest.mark.parametrize(("name", "expected"), HEARD.items(), ids=HEARD.keys())
def test_what_the_caller_hears(name, expected):
    assert told(name) == expected


@pytest.mark.parametrize(("name", "expected"), LEFT_ALONE.items(), ids=LEFT_ALONE.keys())
def test_what_the_caller_hears_where_no_colleague_takes_over(name, expected):
    assert told(name, ALONE) == expected


@pytest.mark.parametrize("name", ["silent_too_often", "waiting_too_long", "speech_unclear_again"])
def test_without_a_colleague_no_agent_took_over(name):
    items = ADAPTER.parse(KIT.request(name), ALONE)
    assert [item for item in items if getattr(item, "kind", "") == "human_took_over"] == []


def test_the_wait_goes_on_until_patience_ends():
    config = CONFIG.model_copy(update={"patience_s": 15, "filler_after_s": 3, "wait_s": 6})
    said = [told("waiting", config, wait=str(round_)) for round_ in (1, 2, 3)]
    assert said[1] == [("Pause", "6"), ("Redirect", at("wait", miss="0", wait="3"))]
    assert said[2] == [("Say", PHRASES.apology), *PUT_THROUGH]


def test_music_while_waiting():
    config = CONFIG.model_copy(update={"hold_music_url": "https://cdn.example/hold.mp3"})
    assert ("Play", "https://cdn.example/hold.mp3") in told("waiting", config)


def test_a_line_that_never_asks_twice():
    config = CONFIG.model_copy(update={"reprompts": 0})
    assert told("incoming", config) == [
        ("Gather", at("answer", "", miss="0"), GREETING),
        ("Redirect", at("silent", "", miss="0")),
    ]
    assert told("silent", config, miss="0") == PUT_THROUGH


def test_the_language_of_the_reply_stays():
    assert told("silent", lang="pt") == [
        ("Gather", {**at("answer", miss="2"), "lang": "pt"}, "Não ouvi."),
        ("Redirect", {**at("silent", miss="2"), "lang": "pt"}),
    ]


@pytest.mark.parametrize("odd", ["-1", "9" * 30, "x", "²"])
def test_odd_counts_are_none(odd):
    assert told("waiting", wait=odd)[-1] == ("Redirect", at("wait", miss="0", wait="1"))


def test_the_same_request_is_answered_and_read_alike():
    """Complaint 2: a platform that sends a request again gets the same document, and the words count once."""
    assert told("speech") == told("speech")
    assert KIT.receive(KIT.request("speech")) == KIT.receive(KIT.request("speech"))


def test_the_same_word_to_two_questions_is_two_messages():
    raw = KIT.request("speech")
    second = type(raw)(**{**vars(raw), "query": {**raw.query, "turn": "ref-2"}})
    ids = {ADAPTER.parse(one, CONFIG)[-1].platform_id for one in (raw, second)}
    assert len(ids) == 2


@pytest.mark.parametrize(("confidence", "heard"), [("0.29", 0), ("0.3", 1), ("", 1), ("0", 1), ("high", 1)])
def test_words_below_the_limit_are_asked_for_again(confidence, heard):
    body = {**KIT.stored("speech")["body"], "Confidence": confidence}
    raw = KIT.request("speech")
    raw = type(raw)(**{**vars(raw), "body": KIT.request(body).body})
    assert sum(hasattr(item, "content") for item in ADAPTER.parse(raw, CONFIG)) == heard


def test_a_key_picks_the_numbered_choice():
    question = text("Well?", quick_replies=(QuickReply(title="Yes", payload="y"), QuickReply(title="No", payload="n")))
    [part] = fit(question, ADAPTER.capabilities).parts
    [payload] = ADAPTER.render(KIT.message(part), CONFIG)
    assert "For Yes, press 1. For No, press 2." in payload.form["Twiml"]
    [_, typed] = KIT.receive(KIT.request("digits"))
    assert choice_for(question, typed.content.text).value == "n"
    assert choice_for(question, "Yes.").value == "y"


def test_a_call_is_put_through():
    recipient = Recipient("+15005550006", thread="CA01", reference={"webhook": WEBHOOK, "language": "pt"})
    payload = ADAPTER.transfer(recipient, CONFIG)
    assert verbs(payload.form["Twiml"]) == [
        ("Say", PHRASES.transfer),
        ("Dial", {"event": "dialled", "lang": "pt"}, "+15005550002"),
    ]
    http = RecordingHttp([answer({"sid": "CA01"})], aside=KIT.aside)
    assert ADAPTER.send(payload, CONFIG, http).platform_id == "CA01.transfer"
    assert http.requests[0]["url"].endswith("/Calls/CA01.json")


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress"])
def test_no_caller_is_torn_away_from_a_colleague(status):
    legs = answer({"calls": [{"status": "completed"}, {"status": status}]})
    with pytest.raises(Rejected) as caught:
        KIT.send(RecordingHttp([], aside={LEGS: legs}))
    assert caught.value.code == "call_transferred"


def test_after_a_colleague_the_bot_may_speak_again():
    legs = answer({"calls": [{"status": "no-answer"}]})
    [payload] = ADAPTER.render(KIT.message(text("hello")), CONFIG)
    http = RecordingHttp([KIT.success], aside={LEGS: legs})
    assert ADAPTER.send(payload, CONFIG, http).platform_id == "CA01.ref-1"


def test_a_line_without_colleagues_asks_for_none():
    [payload] = ADAPTER.render(KIT.message(text("hello")), ALONE)
    http = RecordingHttp([KIT.success])
    ADAPTER.send(payload, ALONE, http)
    http.finish()


@pytest.mark.parametrize(("config", "thread"), [(ALONE, "CA01"), (CONFIG, "")], ids=["no number", "no call"])
def test_what_cannot_be_put_through(config, thread):
    assert ADAPTER.transfer(Recipient("+1500", thread=thread, reference={"webhook": WEBHOOK}), config) is None


def test_behind_a_proxy_documents_name_the_configured_address():
    config = CONFIG.model_copy(update={"webhook_url": "https://public.example/voice"})
    assert (
        'action="https://public.example/voice?event=answer' in ADAPTER.acknowledge(KIT.request("incoming"), config).body
    )
    [payload] = ADAPTER.render(KIT.message(text("hello")), config)
    assert 'action="https://public.example/voice?event=answer' in payload.form["Twiml"]


def test_each_document_of_a_message_is_heard_by_itself():
    """What is heard of one says that those before it were, too, and nothing of those after it."""
    documents = ADAPTER.render(KIT.message(text("&" * 2100)), ALONE)
    refs = [payload.facts["ref"] for payload in documents]
    assert refs == ["ref-1", "ref-1#2", "ref-1#3"]
    assert [verbs(one.form["Twiml"])[-1] for one in documents] == [
        ("Redirect", at("silent", ref, miss="0")) for ref in refs
    ]
    raw = KIT.request("silent")
    for count, ref in enumerate(refs, start=1):
        heard = ADAPTER.parse(type(raw)(**{**vars(raw), "query": {**raw.query, "turn": ref}}), CONFIG)
        assert [(one.platform_id, one.status, one.client_ref) for one in heard] == [
            (f"CA01.{known}", "delivered", "ref-1") for known in refs[:count]
        ]


@pytest.mark.parametrize("mark", ["#999999999", "#x", "#", "#²", "#-1"])
def test_a_reference_with_an_odd_mark_is_read_as_the_first_document(mark):
    raw = KIT.request("silent")
    heard = ADAPTER.parse(type(raw)(**{**vars(raw), "query": {**raw.query, "turn": f"ref-1{mark}"}}), CONFIG)
    assert [one.platform_id for one in heard] == ["CA01.ref-1"]


# ------------------------------------------------------------------------------ speech

SPOKEN = {
    "markdown": ("**Hi** _you_ `x`", "Hi you x."),
    "link": ("See [our shop](https://www.example.org/shop?x=1).", "See our shop (example.org)."),
    "address": ("Go to https://example.org/help.", "Go to example.org/help."),
    "long address": ("https://example.org/a/1234567/b?c=d#e", "example.org."),
    "broken address": ("http://[x", "http://[x."),
    "emoji": ("Done ✅👍🏽 🇵🇹!", "Done !"),
    "only emoji": ("👍", "thumbs up sign"),
    "nothing": ("\u200d", "…"),
    "lines": ("One\nTwo\n\nThree?", "One. Two. Three?"),
    "bullets": ("- a\n- b", "a. b."),
    "rule and heading": ("# Title\n---\nText", "Title. Text."),
    "choices": ("Well?\n1. Yes\n2. No", "Well? For Yes, press 1. For No, press 2."),
    "a list within": ("1. Yes\n2. No\nThat is all.", "1. Yes. 2. No. That is all."),
    "controls": ("a\x00\x1bb\ufffe", "ab."),
}


@pytest.mark.parametrize(("written", "said"), SPOKEN.values(), ids=SPOKEN.keys())
def test_words_as_they_are_spoken(written, said):
    assert spoken(written, PHRASES) == said


@pytest.mark.parametrize(
    ("written", "count"),
    [("1. a\n2. b", 2), ("1. a", 0), ("2. a\n3. b", 0), ("\n".join(f"{n}. x" for n in range(1, 11)), 0), ("a", 0)],
    ids=["two", "one", "from two", "ten", "none"],
)
def test_how_many_keys_answer(written, count):
    assert keys(written) == count


@settings(max_examples=examples(200))
@given(words=st.text(min_size=1, max_size=200))
def test_any_words_make_a_document(words):
    document = fromstring(str(Document(PHRASES).say(spoken(words, PHRASES))))
    assert document[0].text


def test_choices_in_other_words():
    phrases = Phrases(option="{number} für {title}")
    assert spoken("?\n1. Ja {x}\n2. Nein", phrases) == "? 1 für Ja {x} 2 für Nein"


# ------------------------------------------------------------------------ configuration


@pytest.mark.parametrize(
    "wrong",
    [
        {"handover_number": "112"},
        {"number": "call me"},
        {"language": "english"},
        {"operator_key": "00"},
        {"option": "Press {number}"},
        {"patience_s": 4},
        {"min_confidence": 2},
        {"speech_end_s": "auto"},
        {"other_languages": {"pt-PT": {}}},
        {"other_languages": {"pt": {"typo": "x"}}},
        {"greeting": ""},
        {"typo": "x"},
    ],
    ids=str,
)
def test_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValidationError):
        VoiceConfig(**{**KIT.config, **wrong})


def test_a_model_that_hears_the_end_itself():
    config = VoiceConfig(
        **{**KIT.config, "speech_end_s": "auto", "speech_model": "googlev2_telephony", "hints": "yes, no"}
    )
    body = ADAPTER.acknowledge(KIT.request("incoming"), config).body
    assert 'speechTimeout="auto" speechModel="googlev2_telephony"' in body
    assert 'hints="yes, no"' in body


@pytest.mark.parametrize(
    ("voice_url", "state"), [("https://chat.example/hook", "healthy"), ("", "degraded")], ids=["set", "not set"]
)
def test_check(voice_url, state):
    replies = [answer({"status": "active"}), answer({"incoming_phone_numbers": [{"voice_url": voice_url}]})]
    http = RecordingHttp(replies)
    assert ADAPTER.check(CONFIG, http).state == state
    http.finish()
    assert http.requests[1]["url"].endswith("/IncomingPhoneNumbers.json?PhoneNumber=%2B15005550001")
