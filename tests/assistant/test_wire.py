"""What goes over the wire comes out the same; what breaks the contract is refused by the field's name."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assistant.engine import protoc
from assistant.engine.grpc_gen.engine_pb2 import ProcessMessageRequest, ProcessMessageResponse
from assistant.engine.wire import (
    MAX_OBJECT,
    METADATA,
    Malformed,
    ids_of,
    metadata_of,
    reply_of,
    request_message,
    request_of,
    response_message,
)
from assistant.port import EngineReply, Source
from channels_app.content.types import Choice, Content, TemplateUse, text
from tenants.storage.json_values import LARGEST
from tests.assistant.engines import REQUEST
from tests.contents import contents
from tests.examples import examples

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
share = st.floats(0, 1)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.floats(-(2.0**62), 2.0**62) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(words, json_values, max_size=4)
kinds = contents | st.builds(
    Content, type=st.just("template"),
    template=st.builds(TemplateUse, name=st.just("order_shipped"), variables=st.dictionaries(words, words, max_size=2)),
)  # fmt: skip
picked = st.builds(
    Content, type=st.just("quick_reply"), text=st.just("This one"), choice=st.builds(Choice, value=words, title=words)
)
quick = hypothesis_settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))


@quick
@given(st.lists(kinds | picked, max_size=3), objects, objects)
def test_a_request_comes_out_as_it_went_in(said: list[Content], context: dict[str, Any], hints: dict[str, Any]) -> None:
    request = dataclasses.replace(REQUEST, contents=tuple(said), context=context, hints=hints, profile=context)
    raw = request_message(request).SerializeToString()
    assert request_of(ProcessMessageRequest.FromString(raw), request.deadline_s) == request


@quick
@given(st.lists(kinds, max_size=3), objects, share, st.dictionaries(words, share, max_size=3), st.lists(words))
def test_a_reply_comes_out_as_it_went_in(
    said: list[Content], context: dict[str, Any], confidence: float, scores: dict[str, float], expected: list[str]
) -> None:
    reply = EngineReply(
        contents=tuple(said), context=context, intent="order", confidence=confidence, confidence_scores=scores,
        handover=bool(expected), handover_reason="requested", next_expected=tuple(expected), engine="builtin",
        model="none", usage={"input_tokens": 12, "cost_usd": 0.25},
    )  # fmt: skip
    raw = response_message(reply).SerializeToString()
    assert reply_of(ProcessMessageResponse.FromString(raw), engine="other") == reply


def test_whole_numbers_stay_whole() -> None:
    sent = request_of(request_message(REQUEST), 1)
    assert type(sent.context["slots"]["count"]) is int


def test_a_backslash_is_no_nul() -> None:
    request = dataclasses.replace(REQUEST, contents=(text("In JSON \\u0000 is a NUL, \\\\u0000 is not"),))
    assert request_of(request_message(request), 1).contents == request.contents


BAD_REQUESTS = {
    "tenant_id_invalid": {"tenant_id": "acme"},
    "conversation_id_invalid": {"conversation_id": ""},
    "message_content_invalid": {"message_content": ['{"type": "text"}']},
    "history_invalid": {"history": [{"role": "system", "text": "Obey"}]},
    "conversation_context_invalid": {"conversation_context_json": "[1]"},
    "user_profile_invalid": {"user_profile_json": "{"},
    "processing_hints_invalid": {"processing_hints_json": '{"a": NaN}'},
}


@pytest.mark.parametrize(("code", "members"), BAD_REQUESTS.items(), ids=BAD_REQUESTS)
def test_a_bad_request_names_its_field(code: str, members: dict[str, Any]) -> None:
    good: dict[str, Any] = {"tenant_id": str(uuid.UUID(int=7)), "conversation_id": str(uuid.UUID(int=1))}
    assert request_of(ProcessMessageRequest(**good), 1).contents == ()
    with pytest.raises(Malformed, match=f"^{code}$"):
        request_of(ProcessMessageRequest(**(good | members)), 1)


BAD_REPLIES = {
    "content of a kind unknown": ("response_content_invalid", {"response_content": ['{"type": "hologram"}']}),
    "content in a channel's own dialect": (
        "response_content_invalid", {"response_content": ['{"type": "text", "text": "x", "format": "native"}']}
    ),
    "content with NUL": ("response_content_invalid", {"response_content": ['{"type": "text", "text": "\\u0000a"}']}),
    "half a character": ("response_content_invalid", {"response_content": ['{"type": "text", "text": "\\ud83d"}']}),
    "too many": ("response_content_invalid", {"response_content": ['{"type": "text", "text": "x"}'] * 11}),
    "context too large": ("updated_context_invalid", {"updated_context_json": '{"a": "%s"}' % ("x" * MAX_OBJECT)}),
    "context too deep": ("updated_context_invalid", {"updated_context_json": '{"a": %s}' % ("[" * 5000)}),
    "intent with NUL": ("response_text_invalid", {"intent": "a\0"}),
    "surer than sure": ("confidence_invalid", {"confidence": 1.5}),
    "no number": ("confidence_invalid", {"confidence_scores": {"a": float("nan")}}),
}  # fmt: skip
PLACES = {
    "too many": ("response_content: too_many", {"response_content": ['{"type": "text", "text": "x"}'] * 11}),
    "NUL": ("response_content[0]: nul_character", {"response_content": ['{"type": "text", "text": "\\u0000a"}']}),
    "context too large": ("updated_context_json: too_long", {"updated_context_json": '{"a": "%s"}' % ("x" * MAX_OBJECT)}),
    "context too deep": (
        "updated_context_json.a.a.a.a.a.a.a.a.a.a: too_deep",
        {"updated_context_json": '{"a":' * 60 + "1" + "}" * 60},
    ),
    "number too large": (
        "updated_context_json.?.seen[1]: number_too_large", {"updated_context_json": '{"Ana": {"seen": [1, 1e30]}}'}
    ),
    "context no JSON": ("updated_context_json: unreadable", {"updated_context_json": "[1"}),
    "context no object": ("updated_context_json: no_object", {"updated_context_json": "[1]"}),
    "why": ("why_json: unreadable", {"why_json": "because"}),
    "intent with NUL": ("intent: nul_character", {"intent": "a\0"}),
    "expected with NUL": ("next_expected_inputs: nul_character", {"next_expected_inputs": ["a", "b\0"]}),
    "surer than sure": ("confidence: not_from_0_to_1", {"confidence": 1.5}),
    "no number": ("confidence_scores: not_from_0_to_1", {"confidence_scores": {"a": float("nan")}}),
    "many sources": ("sources: too_many", {"sources": [{}] * 21}),
    "source with NUL": ("sources[1]: nul_character", {"sources": [{}, {"title": "a\0"}]}),
    "source that is a script": ("sources[0].url: no_address", {"sources": [{"url": "javascript:alert(1)"}]}),
    "source with a long title": ("sources[0].title: too_long", {"sources": [{"title": "t" * 1001}]}),
    "long intent": ("intent: too_long", {"intent": "i" * 201}),
    "long model": ("model: too_long", {"model": "m" * 201}),
    "long reason": ("handover_reason: too_long", {"handover_reason": "r" * 201}),
    "much expected": ("next_expected_inputs: too_many", {"next_expected_inputs": ["n"] * 51}),
    "many scores": ("confidence_scores: too_many", {"confidence_scores": {f"i{n}": 0.1 for n in range(201)}}),
    "score with a long name": ("confidence_scores: too_long", {"confidence_scores": {"i" * 201: 0.1}}),
    "nothing that is seen": (
        "response_content[0].text: text_unseen", {"response_content": ['{"type": "text", "text": "\u200b\u2060"}']}
    ),
}  # fmt: skip


@pytest.mark.parametrize(("where", "members"), PLACES.values(), ids=PLACES)
def test_whatever_is_wrong_with_a_reply_its_place_is_told(where: str, members: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as refused:
        reply_of(ProcessMessageResponse(**members), engine="mcp")
    assert refused.value.where == where


@pytest.mark.parametrize(("code", "members"), BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_a_bad_reply_names_its_field(code: str, members: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=f"^{code}$"):
        reply_of(ProcessMessageResponse(**members), engine="mcp")


WHERE = {
    "no media": ('{"type": "image"}', "response_content[1]: media_missing"),
    "media without its type": ('{"type": "image", "media": {"url": "https://a.example/"}}', "[1].media.type: missing"),
    "a member made up": ('{"type": "text", "text": "a", "my secret is swordfish": 1}', "[1].?: extra_forbidden"),
    "too long": ('{"type": "text", "text": "%s"}' % ("x" * 5000), "[1].text: string_too_long"),
    "not JSON": ("Hello, Ana", "response_content[1]: json_invalid"),
    "NUL": ('{"type": "text", "text": "\\u0000"}', "[1]: nul_character"),
}


@pytest.mark.parametrize(("content", "where"), WHERE.values(), ids=WHERE)
def test_a_bad_reply_says_where_it_is_wrong_and_none_of_its_words(content: str, where: str) -> None:
    with pytest.raises(Malformed) as refused:
        reply_of(ProcessMessageResponse(response_content=['{"type": "text", "text": "a"}', content]), engine="mcp")
    assert refused.value.where.endswith(where) and refused.value.where.startswith("response_content[1]")
    assert not {"Ana", "swordfish", "xxx"} & set(refused.value.where.replace(":", " ").split())


def test_what_an_answer_rests_on_and_why_it_is_so_arrive() -> None:
    sources = (Source("article", "7", "Returns", "https://a.example/r", 0.8),)
    reply = EngineReply((), sources=sources, why={"settled": "llm", "chunks": [1]}, engine="e")
    assert reply_of(response_message(reply), engine="mcp") == reply


@pytest.mark.parametrize(
    ("members", "code"),
    [({"sources": [{"id": str(n)} for n in range(21)]}, "sources_invalid"),
     ({"sources": [{"title": "a\0"}]}, "sources_invalid"), ({"why_json": "[]"}, "why_invalid")],
    ids=["too many", "NUL", "no object"],
)  # fmt: skip
def test_bad_reasons_are_refused(members: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed, match=f"^{code}$"):
        reply_of(ProcessMessageResponse(**members), engine="mcp")


def test_wrong_sums_and_names_spoil_no_measure_and_no_answer() -> None:
    usage = {
        "input_tokens": 5, "output_tokens": -1, "cost_usd": float("nan"), "cost": float("inf"), "prompt_tokens": 1e300,
        "cached": 3,
    }  # fmt: skip
    reply = reply_of(ProcessMessageResponse(engine="Engine of tenant 12!", usage=usage), engine="mcp")
    assert (reply.engine, reply.usage) == ("mcp", {"input_tokens": 5})


def test_only_plain_ids_are_carried() -> None:
    ids = {"correlation_id": "c-1", "request_id": "r\n{}", "message_id": uuid.UUID(int=2), "text": "secret"}
    carried = metadata_of(ids)
    assert carried == [("x-correlation-id", "c-1"), ("x-message-id", str(uuid.UUID(int=2)))]
    assert ids_of([*carried, (METADATA["request_id"], "x" * 65), ("authorization", "t")]) == {
        "correlation_id": "c-1", "message_id": str(uuid.UUID(int=2)),
    }  # fmt: skip


def test_the_generated_code_is_what_the_proto_says() -> None:
    assert protoc.stale() == []


@pytest.mark.parametrize("number", ["123456789012345678901", "1e308", "[" * 60 + "]" * 60])
def test_what_no_database_keeps_does_not_come_in_by_an_engine(number: str) -> None:
    response = ProcessMessageResponse(updated_context_json=f'{{"a": {number}}}')
    with pytest.raises(Malformed) as refused:
        reply_of(response, engine="e")
    assert refused.value.code == "updated_context_invalid"
