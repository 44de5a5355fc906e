"""Whatever bytes come to a webhook, an adapter gives items or one of its two refusals; what it makes of a
request depends on that request alone. Asked of each kind in the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from channels_app.contract import BadPayload, BadSignature, RawRequest, Reply
from tests.adapters.kit import Kit, kit_for, kits
from tests.adapters.test_every_adapter import ITEMS, assert_parses_or_refuses, read
from tests.examples import examples

CALLED = [kit for kit in kits() if kit.payload_files()]  # kinds that a platform calls
called_kinds = pytest.mark.parametrize("kit", CALLED, ids=lambda kit: kit.kind)

MB = 1024 * 1024


def fuzz(all_of_them: int) -> settings:
    """The same examples in every run; no shrinking, a failing body is told as it is."""
    return settings(
        max_examples=examples(all_of_them),
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


# ------------------------------------------------------------------------------ garbage

SPOILS = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda words: words.encode("utf-8", "surrogatepass")),
    st.text(max_size=200).map(lambda words: words.encode("utf-16", "surrogatepass")),
    st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=5).map(
        lambda form: "&".join(f"{name}={value}" for name, value in form.items()).encode("utf-8", "replace")
    ),
)
CONTENT_TYPES = st.one_of(
    st.sampled_from(
        [
            "",
            "application/json",
            "application/json; charset=utf-16",
            "application/x-www-form-urlencoded",
            "application/xml",
            "application/octet-stream",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "text/plain; charset=klingon",
            "application/json, text/html",
            ";;;=",
        ]
    ),
    st.text(max_size=40),
)


@called_kinds
@fuzz(40)
@given(body=SPOILS)
def test_garbage(kit: Kit, body: bytes):
    assert_parses_or_refuses(kit, body)


@called_kinds
@fuzz(30)
@given(data=st.data())
def test_a_genuine_body_with_bytes_flipped(kit: Kit, data: st.DataObject):
    body = bytearray(genuine(kit, data).body)
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert_parses_or_refuses(kit, bytes(body))


@called_kinds
@fuzz(30)
@given(file=st.integers(0, 10**6), cuts=st.tuples(*[st.integers(0, 10**6)] * 2))
def test_a_genuine_body_cut_off_or_cut_out(kit: Kit, file: int, cuts: tuple[int, int]):
    names = kit.payload_files()
    body = kit.request(names[file % len(names)]).body
    start, end = sorted(cut % (len(body) + 1) for cut in cuts)
    assert_parses_or_refuses(kit, body[:start])
    assert_parses_or_refuses(kit, body[:start] + body[end:])


@called_kinds
@fuzz(30)
@given(data=st.data())
def test_a_wrong_content_type(kit: Kit, data: st.DataObject):
    """Of a genuine body and of garbage; the platform's own header is what it is, whatever it says."""
    body = data.draw(st.one_of(st.just(genuine(kit, data).body), SPOILS))
    raw = kit.signed(body)
    headers = {**raw.headers, "content-type": data.draw(CONTENT_TYPES)}
    assert_items_or_refusal(kit, replace(raw, headers=headers))


@called_kinds
@fuzz(30)
@given(data=st.data())
def test_odd_headers_and_queries_are_no_exception(kit: Kit, data: st.DataObject):
    raw = genuine(kit, data)
    odd = st.dictionaries(st.sampled_from([*raw.headers, kit.signature, "x"]), st.text(max_size=30), max_size=4)
    queries = st.dictionaries(st.sampled_from([*raw.query, "hub.mode", "x"]), st.text(max_size=30), max_size=4)
    changed = replace(raw, headers={**raw.headers, **data.draw(odd)}, query={**raw.query, **data.draw(queries)})
    assert_items_or_refusal(kit, changed)


@called_kinds
@fuzz(20)
@given(data=st.data())
def test_any_method_may_knock(kit: Kit, data: st.DataObject):
    """A handshake answers or refuses; it never breaks."""
    query = data.draw(st.dictionaries(st.sampled_from(["hub.mode", "hub.challenge", "x"]), st.text(max_size=9)))
    raw = RawRequest(data.draw(st.sampled_from(["GET", "HEAD", "POST"])), "/", {}, query, data.draw(SPOILS))
    assert isinstance(shaken(kit, raw), (type(None), Reply, type))


# --------------------------------------------------------------------------- huge and deep


#: bodies of 1 MB and more, made around a genuine body of the kind
HUGE: dict[str, Callable[[bytes], bytes]] = {
    "one string": lambda body: b'{"object":"' + b"x" * (2 * MB) + b'"}',
    "many items": lambda body: b"[" + b'{"id":"0123456789"},' * (MB // 18) + b"{}]",
    "form of one field": lambda body: b"Body=" + b"%41" * (MB // 3),
    "form of many fields": lambda body: b"&".join(b"field%d=" % n + b"v" * 50 for n in range(18_000)),
    "white space": lambda body: body + b" " * MB,
    "repeated": lambda body: body * (MB // len(body) + 1),
    "binary": lambda body: bytes(range(256)) * (MB // 256),
}


@called_kinds
@pytest.mark.parametrize("make", HUGE.values(), ids=HUGE.keys())
def test_a_huge_body(kit: Kit, make: Callable[[bytes], bytes]):
    raw = kit.signed(make(kit.request(kit.payload_files()[0]).body))
    assert len(raw.body) >= MB
    assert_items_or_refusal(kit, raw)


@called_kinds
@fuzz(3)
@given(data=st.data())
def test_a_genuine_body_with_a_huge_member(kit: Kit, data: st.DataObject):
    name = data.draw(st.sampled_from(kit.payload_files()))
    body = kit.request(name).body
    texts = [text for text in strings_of(kit.stored(name)["body"]) if text and text.encode() in body]
    swapped = data.draw(st.sampled_from(texts or ["\0"])).encode()
    assert_items_or_refusal(kit, kit.signed(body.replace(swapped, b"x" * MB)))


@called_kinds
@fuzz(16)
@given(
    opening=st.sampled_from([b"[", b'{"a":', b'[{"entry":', b'{"content":{"text":']),
    depth=st.sampled_from([50, 200, 400, 900, 990, 1000, 3000, 100_000]),
    closed=st.booleans(),
)
def test_a_deeply_nested_body(kit: Kit, opening: bytes, depth: int, closed: bool):
    closing = opening.translate(bytes.maketrans(b"[{", b"]}"), delete=b'"abcdefghijklmnopqrstuvwxyz:')[::-1]
    assert_parses_or_refuses(kit, opening * depth + b"1" + closing * depth * closed)


@called_kinds
@fuzz(20)
@given(data=st.data())
def test_a_genuine_body_with_a_deeply_nested_member(kit: Kit, data: st.DataObject):
    """As deep as it still parses: what reads the members must not recurse further."""
    stored = kit.stored(data.draw(st.sampled_from(kit.payload_files())))
    deep: object = "x"
    for level in range(data.draw(st.sampled_from([30, 120, 300]))):
        deep = {"a": deep} if level % 2 else [deep]
    body = stored["body"] if isinstance(stored["body"], dict) else {}
    for name in data.draw(st.lists(st.sampled_from([*body, "extra"]), min_size=1, max_size=3)):
        body = {**body, name: deep}
    assert_items_or_refusal(kit, kit.signed(json.dumps(body).encode()))


# -------------------------------------------------------------------- order and repetition


@called_kinds
@fuzz(3)
@given(data=st.data())
def test_what_a_request_says_does_not_depend_on_what_came_before(kit: Kit, data: st.DataObject):
    """All payload files of the kind in any order, some several times: the same items each time."""
    names = kit.payload_files()
    order = data.draw(st.permutations(names + data.draw(st.lists(st.sampled_from(names), max_size=10))))
    assert [name for name in order if read(kit, kit.request(name)) != alone(kit.kind)[name]] == []


# ----------------------------------------------------------------------------- the means


def genuine(kit: Kit, data: st.DataObject) -> RawRequest:
    return kit.request(data.draw(st.sampled_from(kit.payload_files())))


@cache
def alone(kind: str) -> dict[str, object]:
    """payload file → what an adapter that has seen nothing else makes of it. Ids are among it: none is
    made up while parsing, or a repeat would be a second message."""
    kit = kit_for(kind)
    return {name: read(Unspoilt(kit), kit.request(name)) for name in kit.payload_files()}


@dataclass(frozen=True)
class Unspoilt:
    """A kit whose adapter is a new one for each request."""

    kit: Kit

    def receive(self, raw: RawRequest) -> list[object]:
        adapter = type(self.kit.adapter)()
        adapter.verify(raw, self.kit.configured, self.kit.published())
        return list(adapter.parse(raw, self.kit.configured))


def assert_items_or_refusal(kit: Kit, raw: RawRequest) -> None:
    """Verified, parsed and acknowledged without any exception but the two refusals."""
    items = read(kit, raw)
    assert items in (BadSignature, BadPayload) or all(isinstance(item, ITEMS) for item in items)
    assert isinstance(kit.adapter.acknowledge(raw, kit.configured), Reply)


def shaken(kit: Kit, raw: RawRequest) -> Reply | type[Exception] | None:
    try:
        return kit.adapter.handshake(raw, kit.configured)
    except (BadSignature, BadPayload) as error:
        return type(error)


def strings_of(value: object) -> list[str]:
    """Every string inside ``value`` that is not a name."""
    if isinstance(value, str):
        return [value]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for member in members for text in strings_of(member)]
