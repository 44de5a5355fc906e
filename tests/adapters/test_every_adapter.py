"""What every adapter promises, asked of each kind in the registry. No line here knows a platform."""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels_app.content.fit import fit
from channels_app.content.types import Button, Card, Content, ListRow, ListSection, Location, Media, QuickReply, text
from channels_app.contract import (
    EVERYBODY,
    BadPayload,
    BadSignature,
    ConfigError,
    HttpAnswer,
    Ignored,
    InboundItem,
    InboundMessage,
    OutcomeUnknown,
    RawRequest,
    Reaction,
    Revision,
    SendError,
    Signal,
    StatusUpdate,
    Throttled,
    TooDeep,
    Unreachable,
    read_json,
)
from channels_app.words.moments import EARLIEST, LATEST
from tests.adapters.kit import Kit, RecordingHttp, answer, kits, raw_request
from tests.examples import examples

ITEMS = get_args(InboundItem)
KITS = kits()
CALLED = [kit for kit in KITS if kit.payload_files()]  # kinds that a platform calls
CALLING = [kit for kit in KITS if not kit.adapter.instant]  # kinds that call a platform
every_kind = pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.kind)
called_kinds = pytest.mark.parametrize("kit", CALLED, ids=lambda kit: kit.kind)
calling_kinds = pytest.mark.parametrize("kit", CALLING, ids=lambda kit: kit.kind)


# ------------------------------------------------------------------------- declarations


@every_kind
def test_class_facts_are_complete(kit: Kit):
    adapter = kit.adapter
    assert adapter.kind == kit.kind
    assert adapter.label
    assert adapter.secret_keys <= set(adapter.config_class.model_fields)
    assert adapter.rate[0] > 0
    assert adapter.capabilities.types >= {"text"}


@every_kind
def test_the_kit_has_a_value_for_every_secret(kit: Kit):
    assert all(len(secret) >= 8 for secret in kit.secrets)


@called_kinds
def test_every_payload_file_is_used_by_a_case(kit: Kit):
    used = {case.payload for case in kit.inbound if isinstance(case.payload, str)}
    assert used == set(kit.payload_files())


# ---------------------------------------------------------------------------- signature


@pytest.mark.parametrize("kit", [kit for kit in CALLED if kit.signs_body], ids=lambda kit: kit.kind)
def test_a_tampered_body_is_refused(kit: Kit):
    name = kit.payload_files()[0]
    raw = kit.request(name)
    with pytest.raises(BadSignature):
        kit.verify(replace(raw, body=raw.body + b" "))


@called_kinds
@pytest.mark.parametrize("value", ["", "x", "sha256=", "sha256=" + "0" * 64, "ключ=é\udcff", "=" * 10_000, "v0=\x00"])
def test_a_wrong_signature_is_refused(kit: Kit, value: str):
    raw = kit.request(kit.payload_files()[0])
    raw = replace(raw, headers={**raw.headers, kit.signature: value})
    with pytest.raises(BadSignature):
        kit.verify(raw)


@called_kinds
def test_a_missing_signature_is_refused(kit: Kit):
    raw = kit.request(kit.payload_files()[0])
    kept = {name: value for name, value in raw.headers.items() if name != kit.signature}
    with pytest.raises(BadSignature):
        kit.verify(replace(raw, headers=kept))


@called_kinds
def test_a_proof_counts_as_long_as_the_platform_signs_it_for(kit: Kit):
    """What was signed with its time is refused later on; where no time is signed, repeats are known by their digest."""
    window = kit.adapter.replay_window_s
    raw = kit.request(kit.payload_files()[0])
    kit.verify(raw)
    with time_machine.travel(time.time() + max(window, 24 * 3600) + 60):
        refused = pytest.raises(BadSignature) if window else contextlib.nullcontext()
        with refused:
            kit.verify(raw)


# ------------------------------------------------------------------------------ parsing

ODD_BODIES = {
    "empty": b"",
    "space": b" ",
    "not JSON": b"<html>no</html>",
    "binary": bytes(range(256)),
    "null": b"null",
    "number": b"1",
    "string": b'"x"',
    "array": b"[]",
    "object": b"{}",
    "nested": b"[" * 10_000 + b"]" * 10_000,
    "nested objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "nested as far as it parses": b'{"entry":' * 300 + b"1" + b"}" * 300,
    "huge": b'{"entry":"' + b"x" * 3_000_000 + b'"}',
    "huge number": b"1" * 5000,
    "no number": b'{"entry":NaN}',
    "surrogate": b'{"entry":"\\ud800"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
}


@called_kinds
@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
def test_odd_bodies_raise_nothing_else(kit: Kit, body: bytes):
    assert_parses_or_refuses(kit, body)


@called_kinds
def test_truncated_bodies_raise_nothing_else(kit: Kit, subtests: pytest.Subtests):
    for name in kit.payload_files():
        with subtests.test(name):
            body = kit.request(name).body
            for length in range(0, len(body), max(1, len(body) // 40)):
                assert_parses_or_refuses(kit, body[:length])


@called_kinds
def test_parsing_twice_gives_the_same(kit: Kit, subtests: pytest.Subtests):
    for name in kit.payload_files():
        with subtests.test(name):
            raw = kit.request(name)
            assert read(kit, raw) == read(kit, copy.deepcopy(raw))


@pytest.mark.parametrize("kit", [kit for kit in CALLED if kit.own_echo], ids=lambda kit: kit.kind)
def test_our_own_echo_is_ignored(kit: Kit):
    items = kit.receive(kit.request(kit.own_echo))
    assert items
    assert all(isinstance(item, Ignored) for item in items)


@called_kinds
def test_a_stored_request_is_the_same_request(kit: Kit, subtests: pytest.Subtests):
    for name in kit.payload_files():
        with subtests.test(name):
            raw = kit.request(name)
            assert type(raw).from_stored(json.loads(json.dumps(raw.to_stored()))) == raw


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fuzz = settings(max_examples=examples(250), derandomize=True, suppress_health_check=list(HealthCheck))


@called_kinds
@fuzz
@given(value=JSON)
def test_any_json_is_parsed_or_refused(kit: Kit, value):
    assert_parses_or_refuses(kit, json.dumps(value).encode())


@called_kinds
@fuzz
@given(file=st.integers(0, 10**6), place=st.integers(0, 10**6), value=JSON)
def test_a_mutated_payload_is_parsed_or_refused(kit: Kit, file: int, place: int, value):
    names = kit.payload_files()
    stored = kit.stored(names[file % len(names)])
    paths = list(places(stored["body"])) or [()]
    changed = raw_request({**stored, "body": mutated(stored["body"], paths[place % len(paths)], value)})
    assert_parses_or_refuses(kit, changed.body)


ABSURD_TIMES = (
    0, -1, -62135596800, 4133980800, 253402300799, 253402300800, 1e18, 1e300, "-62135596800", "253402300799000",
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.9999999Z",
)  # fmt: skip


@called_kinds
@pytest.mark.parametrize("time", ABSURD_TIMES)
def test_no_time_of_a_platform_lies_outside_the_calendar(kit: Kit, time):
    for name in kit.payload_files():
        stored = kit.stored(name)
        changed = stored["body"]
        for path in [path for path in places(changed) if "time" in str(path[-1]).lower() or path[-1] in TIMES]:
            changed = mutated(changed, path, time)
        assert_parses_or_refuses(kit, raw_request({**stored, "body": changed}).body)


TIMES = frozenset({"ts", "event_ts", "action_ts", "watermark", "at", "lastReadMessageId"})


@called_kinds
def test_what_comes_in_is_what_the_capabilities_say(kit: Kit):
    """By what the kind's own cases show: what is declared comes in, and what comes in is declared."""
    told = [item for case in kit.inbound if not isinstance(case.expect, type) for item in case.expect]
    kinds, caps = {type(item) for item in told}, kit.adapter.capabilities
    assert (Revision in kinds, Reaction in kinds) == (caps.edits, caps.reactions)
    assert {item.status for item in told if isinstance(item, StatusUpdate)} <= caps.receipts


# ----------------------------------------------------------------------------- outbound


@called_kinds
def test_who_writes_to_us_can_be_written_to(kit: Kit, subtests: pytest.Subtests):
    """By the address that a reply would go to; a call is answered where it is, not at an address."""
    for name in kit.payload_files():
        with subtests.test(name):
            for item in items_of(read(kit, kit.request(name))):
                sender = getattr(item, "sender", None)
                address = (sender.address or sender.value) if sender and sender.scheme != "call" else kit.adapter.kind
                known = address == kit.adapter.kind or kit.adapter.check_recipient(address, kit.configured) == ""
                assert known, address


UNREACHABLE = (
    "",
    " ",
    "not-a-phone",
    "+",
    "15 55",
    "+1555010\n0001",
    "ana@example.org",
    "\u0661\u0662\u0663\u0664\u0665\u0666",
    "x" * 300,
)


@pytest.mark.parametrize("kit", [kit for kit in KITS if not kit.any_address], ids=lambda kit: kit.kind)
@pytest.mark.parametrize("address", UNREACHABLE)
def test_an_address_that_the_platform_cannot_have_is_told(kit: Kit, address: str):
    assert kit.adapter.check_recipient(address, kit.configured).endswith(".")


@every_kind
def test_payloads_carry_no_secret_and_are_json(kit: Kit, subtests: pytest.Subtests):
    for case in kit.outbound:
        with subtests.test(str(case)):
            for payload in rendered(kit, case.message):
                written = json.dumps([payload.path, payload.method, payload.json, payload.form, dict(payload.facts)])
                assert not [secret for secret in kit.secrets if secret in written]


CHOICES = tuple(QuickReply(title=f"Choice {n}", payload=f"pick:{n}") for n in range(10))
YES = Button(type="postback", title="Yes", payload="pick:yes")
OPEN = Button(type="url", title="Open", url="https://example.org/open")
CALL = Button(type="phone", title="Call", payload="+15550100001")
IMAGE = Media(url="https://cdn.example/i.png", type="image/png", alt_text="A room")
ROWS = tuple(ListRow(title=f"Row {n}", payload=f"row:{n}", description="d" * 200) for n in range(10))
RICH = {
    "long text": text(" ".join(f"word{n}" for n in range(450))),
    "long words": text("x" * 4096),
    "buttons": text("Well?", buttons=(YES, OPEN, CALL)),
    "buttons under a long text": text("y" * 4096, buttons=(YES, OPEN, CALL)),
    "many quick replies": text("Which?", quick_replies=CHOICES),
    "quick replies and buttons": text("Which?", quick_replies=CHOICES, buttons=(YES, OPEN)),
    "image": Content(type="image", media=IMAGE, text="z" * 4096, buttons=(YES, OPEN), quick_replies=CHOICES),
    "sound": Content(type="audio", media=Media(url="https://cdn.example/a.ogg", type="audio/ogg"), text="Listen"),
    "file": Content(type="file", media=Media(url="https://cdn.example/t.csv", type="text/csv", name="t.csv")),
    "location": Content(type="location", location=Location(latitude=1.5, longitude=2.5), buttons=(YES, OPEN)),
    "list": Content(type="list", text="Pick", sections=(ListSection(rows=ROWS),), buttons=(YES, OPEN)),
    "long list": Content(type="list", sections=(ListSection(rows=ROWS),) * 3, quick_replies=CHOICES),
    "cards": Content(
        type="carousel",
        cards=tuple(Card(title=f"Card {n}", subtitle="s" * 200, buttons=(YES, OPEN)) for n in range(10)),
    ),
}


@calling_kinds
@pytest.mark.parametrize("content", RICH.values(), ids=RICH.keys())
def test_what_was_fitted_is_sent_within_the_limits(kit: Kit, content: Content):
    caps = kit.adapter.capabilities
    parts = fit(content, caps).parts
    assert all(len(part.text or "") <= caps.max_text for part in parts)
    told = [set(strings([payload.json, payload.form])) for part in parts for payload in rendered(kit, part)]
    said = set().union(*told)
    wanted = {kit.said_as(part) for fitted in parts for part in telling(fitted)}
    assert {one for one in wanted if not any(one in string for string in said)} == set()


ANSWERS = {
    "401": (answer(status=401), ConfigError),
    "403": (answer(status=403), ConfigError),
    "a redirect": (answer(status=302, location="/login"), ConfigError),
    "not paid": (answer(status=402), ConfigError),
    "a proxy's login": (answer(status=407), ConfigError),
    "misdirected": (answer(status=421), Unreachable),
    "too early": (answer(status=425), Unreachable),
    "429": (answer(status=429, retry_after="7"), Throttled),
    "500": (HttpAnswer(500, {}, b"<html>oops</html>"), Unreachable),
    "503": (answer(status=503), Unreachable),
    "not connected": (Unreachable("connect"), Unreachable),
    "no answer": (OutcomeUnknown("read_timeout"), OutcomeUnknown),
}


@calling_kinds
@pytest.mark.parametrize(("reply", "error"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers_map_to_the_closed_family(kit: Kit, reply, error):
    http = RecordingHttp([reply])
    with pytest.raises(SendError) as caught:
        kit.send(http)
    assert type(caught.value) is error
    assert caught.value.code
    assert not [secret for secret in kit.secrets if secret in f"{caught.value} {caught.value.detail}"]


@pytest.mark.parametrize("kit", [kit for kit in CALLING if kit.kind != "webhook"], ids=lambda kit: kit.kind)
def test_a_page_in_the_place_of_the_platforms_answer_has_taken_nothing(kit: Kit):
    with pytest.raises(OutcomeUnknown):
        kit.send(
            RecordingHttp([HttpAnswer(200, {"content-type": "text/html"}, b"\n<!doctype html><title>Log in</title>")])
        )


@calling_kinds
def test_throttled_tells_how_long(kit: Kit):
    with pytest.raises(Throttled) as caught:
        kit.send(RecordingHttp([answer(status=429, retry_after="7")]))
    assert caught.value.retry_after == 7


@calling_kinds
@pytest.mark.parametrize("reply", [reply for reply, _ in ANSWERS.values()], ids=ANSWERS.keys())
def test_check_never_raises(kit: Kit, reply):
    found = kit.adapter.check(kit.configured, RecordingHttp([reply] * 3))
    assert found.state in {"healthy", "degraded", "credential_refused", "unknown"}
    assert not [secret for secret in kit.secrets if secret in repr(found)]


# ----------------------------------------------------------------------------- the means


def rendered(kit: Kit, message):
    """The payloads of a message; none when rendering itself refuses the content."""
    try:
        return kit.adapter.render(kit.message(message), kit.configured)
    except SendError:
        return ()


def telling(content: Content) -> list[str]:
    """The text of a fitted content, where its picks lead and its file."""
    picks = [*(content.buttons or ()), *(content.quick_replies or ())]
    picks += [row for section in content.sections or () for row in section.rows]
    picks += [button for card in content.cards or () for button in card.buttons]
    links = [getattr(pick, "url", None) for pick in picks]
    found = [content.text, *[pick.payload for pick in picks], *links, content.media and content.media.url]
    return [one for one in found if one]


def strings(value):
    """Every string inside ``value``."""
    if isinstance(value, str):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from strings(member)


def read(kit: Kit, raw):
    """What parse says, with a refusal as a value."""
    try:
        return tuple(kit.receive(raw))
    except BadSignature:
        return BadSignature
    except BadPayload:
        return BadPayload


def assert_parses_or_refuses(kit: Kit, body: bytes) -> None:
    """Items that can be stored as JSON, or one of the two refusals; nothing else."""
    items = read(kit, kit.signed(body))
    assert items in (BadSignature, BadPayload) or all(isinstance(item, ITEMS) for item in items)
    facts = [[getattr(item, name, None) for name in ("metadata", "data", "reason")] for item in items_of(items)]
    assert "\\u0000" not in json.dumps(facts, allow_nan=False)
    repr(items).encode("utf-8")  # no lone surrogates
    assert all(EARLIEST <= at < LATEST for at in times_of(items))


def times_of(items) -> list[datetime]:
    """Every time that parse made out."""
    values = [getattr(item, name, None) for item in items_of(items) for name in ("sent_at", "at", "up_to")]
    return [at for at in values if at is not None]


def items_of(found):
    """The items; none of a refusal."""
    return found if isinstance(found, tuple) else ()


def places(value, path=()):
    """The path of every member inside ``value``."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*path, name)
        yield from places(member, (*path, name))


def mutated(value, path, new):
    """``value`` with the member at ``path`` replaced by ``new``."""
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = mutated(value[path[0]], path[1:], new)
    return value


# --------------------------------------------------------------------------------- lanes


PRESENCE = frozenset({"typing", "read", "joined", "left"})


def senders(items: Iterable[InboundItem]) -> set[str]:
    """The people whose words or deeds the items are; reports about our own messages, and presence, need no order."""
    theirs = [item for item in items if isinstance(item, InboundMessage | Revision | Reaction | Signal)]
    return {item.sender.value for item in theirs if getattr(item, "kind", "") not in PRESENCE}


@called_kinds
def test_what_one_person_sent_has_one_lane(kit: Kit):
    """Over all recorded requests: a lane where a person did something, the same one for the same person, another one
    for another person, the crossing one for several."""
    lanes: dict[str, set[str]] = {}
    people: dict[str, set[str]] = {}
    for raw, items in read_payloads(kit):
        lane = kit.adapter.lane(raw, kit.configured)
        for person in senders(items):
            lanes.setdefault(person, set()).add(lane)
            people.setdefault(lane, set()).add(person)
    assert lanes
    crossing = people.pop(EVERYBODY, set())
    assert "" not in people
    assert {person for person, known in lanes.items() if len(known - {EVERYBODY}) > 1} == set()
    assert {lane: known for lane, known in people.items() if len(known) > 1} == {}
    assert crossing <= {person for raw, items in read_payloads(kit) if of_two(items) for person in senders(items)}


def of_two(items: Sequence[InboundItem]) -> bool:
    """Several people, or one who goes on under another id."""
    return len(senders(items)) > 1 or any(getattr(item, "kind", "") == "identity_changed" for item in items)


@pytest.mark.parametrize("kit", [kit for kit in CALLED if kit.kind != "voice"], ids=lambda kit: kit.kind)
def test_reports_about_our_own_messages_wait_for_no_other(kit: Kit):
    """Of a call they come along with what the caller did."""
    reports = [raw for raw, items in read_payloads(kit) if items and all(isinstance(i, StatusUpdate) for i in items)]
    assert {kit.adapter.lane(raw, kit.configured) for raw in reports} <= {""}


@called_kinds
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff", b'{"entry": 1, "event": [], "from": "x"}', b"a=b"]
)
def test_the_lane_of_a_body_that_makes_no_sense_is_read_without_a_fault(kit: Kit, body: bytes):
    with contextlib.suppress(BadPayload):
        assert len(kit.adapter.lane(kit.signed(body), kit.configured)) <= 255


def read_payloads(kit: Kit) -> Iterator[tuple[RawRequest, Sequence[InboundItem]]]:
    for name in kit.payload_files():
        raw = kit.request(name)
        with contextlib.suppress(BadPayload):
            yield raw, kit.adapter.parse(raw, kit.configured)


def test_an_integer_that_no_database_keeps_is_kept_as_text():
    assert read_json('{"a": [123456789012345678901, 9223372036854775807]}') == {
        "a": ["123456789012345678901", 9223372036854775807]
    }


@pytest.mark.parametrize(
    ("source", "read"),
    [
        (rb'{"a\u0000": ["\ud800b", "\ud83d\ude00"]}', {"a": ["?b", "😀"]}),
        (b'"\xed\xa0\x80b"', "?b"),
        ('"\ud800b"', "?b"),
        (r'"\u0000b"', "b"),
        ('"\\ud800b"'.encode("utf-16"), "?b"),
        ("\ufeff".encode() + b'"b"', "b"),
    ],
)
def test_what_no_database_keeps_is_left_out_however_it_is_written(source: bytes | str, read: object):
    assert read_json(source) == read


@pytest.mark.parametrize("deep", [101, 300, 700, 100_000])
def test_what_is_nested_deeper_than_can_be_kept_is_refused(deep: int):
    with pytest.raises(TooDeep, match="nested deeper than 100 levels"):
        read_json(b'{"a":' * deep + b"1" + b"}" * deep)
    read_json(b'{"a":' * 100 + b"1" + b"}" * 100)
