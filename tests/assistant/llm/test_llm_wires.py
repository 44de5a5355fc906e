"""What servers that speak a provider's wire nearly right say, and what their errors mean wherever they stand, over real sockets with
the real SDKs (AI-5)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from assistant.llm.ask import chat
from assistant.llm.chat import ChatError, ChatRequest, ChatResult, Said, Tool
from assistant.llm.gate import breaker
from channels_app.twin import server
from channels_app.twin.calls import Answer
from tests.assistant.llm import model, provider, question, reachable

pytestmark = pytest.mark.django_db
LOOK = Tool("order_status", "Where an order is", {"type": "object", "properties": {"order": {"type": "string"}}})


@pytest.fixture
def twin(monkeypatch):
    monkeypatch.setattr("assistant.llm.ask.time.sleep", lambda seconds: None)
    breaker.cache_clear()
    with server.start() as twin, reachable(twin):
        yield twin


@pytest.fixture(params=["openai", "anthropic"])
def kind(request, twin, tenant, scope):
    model(provider(tenant, twin, request.param))
    return request.param


@pytest.fixture
def answered(twin, tenant, scope, monkeypatch):
    """``answered(kind, answer)``: what becomes of a question that a server of this kind answers so, and how often it is asked."""

    def ask(kind: str, given: Answer, *, streamed: bool) -> tuple[ChatResult | str, int]:
        model(provider(tenant, twin, kind))
        asked: list[Any] = []
        chunks = list(given.chunks or ())

        def answer(call: Any) -> Answer:
            asked.append(call)
            return Answer(given.status, given.body, given.content_type, given.headers, chunks or None)

        monkeypatch.setattr(twin, "answer", answer)
        try:
            result = chat(question(tools=(LOOK,)), purpose="answer", stream=(lambda piece: None) if streamed else None)
        except ChatError as error:
            return error.code, len(asked)
        return result, len(asked)

    return ask


def stream(lines: Iterable[Any], *, done: bool = True) -> Answer:
    told = [f"data: {json.dumps(line)}\n\n".encode() for line in lines]
    return Answer(content_type="text/event-stream", chunks=[*told, *([b"data: [DONE]\n\n"] if done else [])])


def named(*events: dict[str, Any]) -> Answer:
    told = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    return Answer(content_type="text/event-stream", chunks=told)


def piece(delta: Any, reason: str | None = None, index: int = 0) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def call(place: int | None, call_id: str | None, arguments: Any, name: str = "order_status") -> dict[str, Any]:
    wanted = {"name": name, "arguments": arguments}
    return piece({"tool_calls": [{"index": place, "id": call_id, "type": "function", "function": wanted}]})


def whole(message: dict[str, Any]) -> Answer:
    body = {"id": "c", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    return Answer(200, json.dumps(body).encode())


START = {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [],
         "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1}}}  # fmt: skip


def block(first: dict[str, Any], *texts: str) -> list[dict[str, Any]]:
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": one}} for one in texts
    ]
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}
    return [
        {"type": "content_block_start", "index": 0, "content_block": first},
        *deltas,
        ended,
        {"type": "message_stop"},
    ]


WORDS: dict[str, tuple[str, Answer, bool]] = {
    "no reason and no count, but [DONE]": ("compatible", stream([piece({"content": "Hi there."}), piece({})]), True),
    "an empty reason": ("compatible", stream([piece({"content": "Hi there."}), piece({}, "")]), True),
    "a reason without [DONE]": ("compatible", stream([piece({"content": "Hi there."}, "stop")], done=False), True),
    "no delta at its end": ("compatible", stream([piece({"content": "Hi there."}), piece(None, "stop")]), True),
    "a second choice between": (
        "compatible",
        stream([piece({"content": "Hi "}), piece({"content": "NO"}, index=1), piece({"content": "there."}, "stop")]),
        True,
    ),
    "content in parts, streamed": (
        "compatible",
        stream([piece({"content": [{"type": "text", "text": "Hi there."}]}, "stop")]),
        True,
    ),
    "whole in place of a stream": ("compatible", whole({"role": "assistant", "content": "Hi there."}), True),
    "content in parts": (
        "compatible",
        whole({"role": "assistant", "content": [{"type": "thinking"}, {"type": "text", "text": "Hi there."}]}),
        False,
    ),
    "a block that begins with words": (
        "anthropic",
        named(START, *block({"type": "text", "text": "Hi "}, "there.")),
        True,
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_words_are_read_however_they_are_written(answered, case: str) -> None:
    kind, given, streamed = WORDS[case]
    result, _ = answered(kind, given, streamed=streamed)
    assert isinstance(result, ChatResult), result
    assert (result.text, result.stop) == ("Hi there.", "stop")


CALLS: dict[str, tuple[str, Answer, bool, list[dict[str, str]]]] = {
    "in one place": (
        "compatible",
        stream([call(0, "a", '{"order": "1"}'), call(0, "b", '{"order": "2"}'), piece({}, "tool_calls")]),
        True,
        [{"order": "1"}, {"order": "2"}],
    ),
    "in no place": (
        "compatible",
        stream([call(None, "a", '{"order": "1"}'), call(None, "b", '{"order": "2"}'), piece({}, "tool_calls")]),
        True,
        [{"order": "1"}, {"order": "2"}],
    ),
    "without ids": (
        "compatible",
        stream([call(0, None, '{"order": "1"}'), call(1, None, '{"order": "2"}'), piece({}, "tool_calls")]),
        True,
        [{"order": "1"}, {"order": "2"}],
    ),
    "of one id": (
        "compatible",
        stream([call(0, "a b", '{"order": "1"}'), call(1, "a b", '{"order": "2"}'), piece({}, "tool_calls")]),
        True,
        [{"order": "1"}, {"order": "2"}],
    ),
    "as an object, streamed": (
        "compatible",
        stream([call(0, "a", {"order": "1"}), piece({}, "tool_calls")]),
        True,
        [{"order": "1"}],
    ),
    "as an object": (
        "compatible",
        whole({"role": "assistant", "content": None, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "order_status", "arguments": {"order": "1"}}}]}),
        False,
        [{"order": "1"}],
    ),
    "whole at the start": (
        "anthropic",
        named(START, *block({"type": "tool_use", "id": "t", "name": "order_status", "input": {"order": "1"}})),
        True,
        [{"order": "1"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_calls_are_read_however_they_are_written_and_can_be_told_back(answered, case: str) -> None:
    """Providers refuse a history in which two calls have one id, or none."""
    kind, given, streamed, meant = CALLS[case]
    result, _ = answered(kind, given, streamed=streamed)
    assert isinstance(result, ChatResult), result
    assert [one.arguments for one in result.calls] == meant
    assert len({one.id for one in result.calls}) == len(meant) and all(one.id.strip() for one in result.calls)


def error(**facts: Any) -> dict[str, Any]:
    return {"error": {"message": "no", "type": "", "code": None, **facts}}


RATE = "Rate limit reached for requests. Visit https://platform.example.com/account/billing to add a payment method."
CREDIT = "Your credit balance is too low to access the API."
ERRORS: dict[str, tuple[str, Any, int, str, int]] = {
    "quota": ("openai", error(type="insufficient_quota"), 200, "llm_quota_used_up", 1),
    "length": ("openai", error(code="context_length_exceeded"), 200, "llm_prompt_too_long", 1),
    "key": ("openai", error(code="invalid_api_key"), 200, "llm_denied", 1),
    "model": ("openai", error(code="model_not_found"), 200, "llm_model_unknown", 1),
    "trouble": ("openai", error(type="server_error"), 200, "llm_overloaded", 3),
    "billing": ("anthropic", error(type="billing_error"), 200, "llm_quota_used_up", 1),
    "a key that is none": ("anthropic", error(type="authentication_error"), 200, "llm_denied", 1),
    "a long prompt": (
        "anthropic",
        error(type="invalid_request_error", message="prompt is too long: 3 > 2"),
        200,
        "llm_prompt_too_long",
        1,
    ),
    "what is wrong": ("anthropic", error(type="invalid_request_error"), 200, "llm_refused", 1),
    "too often, with a word on billing": (
        "openai",
        error(type="requests", code="rate_limit_exceeded", message=RATE),
        429,
        "llm_throttled",
        3,
    ),
    "an empty account": (
        "anthropic",
        error(type="invalid_request_error", message=CREDIT),
        400,
        "llm_quota_used_up",
        1,
    ),
    "a limit of the organisation": ("openai", error(code="organization_usage_limit_exceeded"), 403, "llm_quota_used_up", 1),
    "a local server's length": ("compatible", error(type="exceed_context_size_error"), 400, "llm_prompt_too_long", 1),
    "a model that was renamed": ("openai", error(code="model_not_found"), 400, "llm_model_unknown", 1),
    "a model that has gone": ("openai", error(), 410, "llm_model_unknown", 1),
    "a text in place of it": ("compatible", {"error": "You exceeded your current quota"}, 429, "llm_quota_used_up", 1),
}  # fmt: skip


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("case", ERRORS)
def test_an_error_means_the_same_wherever_it_stands(answered, case: str, streamed: bool) -> None:
    kind, told, status, code, tries = ERRORS[case]
    given = Answer(status, json.dumps(told).encode())
    if streamed and status == 200:
        given = named({"type": "error", **told}) if kind == "anthropic" else stream([told])
    assert answered(kind, given, streamed=streamed) == (code, tries)


@pytest.mark.parametrize(("said", "status", "tries"), [("false", 500, 1), ("true", 404, 3)])
def test_a_provider_that_says_whether_to_ask_again_is_obeyed(answered, said: str, status: int, tries: int) -> None:
    given = Answer(status, b"{}", headers={"x-should-retry": said})
    assert answered("openai", given, streamed=False)[1] == tries


@pytest.mark.parametrize(
    ("fault", "code", "tries"),
    [
        ("error_midway", "llm_cut", 1),
        ("bad_bytes", "llm_cut", 1),
        ("error_at_once", "llm_overloaded", 3),
        ("html", "llm_unavailable", 3),
        ("empty", "llm_answer_broken", 3),
    ],
)
def test_faults_of_streams(kind, twin, fault: str, code: str, tries: int) -> None:
    twin.faults.order(fault, times=None)
    twin.llm.say("It comes tomorrow at nine.", times=None)
    with pytest.raises(ChatError) as failed:
        chat(question(), purpose="answer", stream=lambda piece: None)
    assert (failed.value.code, len(twin.requests)) == (code, tries)


def test_bytes_that_drip_end_at_the_deadline(kind, twin) -> None:
    twin.faults.order("drip", times=None)
    with pytest.raises(ChatError, match="llm_timeout"):
        chat(question(deadline_s=1.0), purpose="answer", stream=lambda piece: None)


def test_nothing_said_is_no_answer_and_the_next_model_is_asked(kind, twin, tenant) -> None:
    model(provider(tenant, twin, "compatible"), rank=200)
    twin.faults.order("empty", times=3)
    twin.llm.say("It comes tomorrow.", times=None)
    assert chat(question(), purpose="answer").model == "compatible/gpt-twin"


def test_a_model_that_has_called_enough_is_told_its_tools_and_that_it_may_not(kind, twin) -> None:
    """Anthropic refuses results of tools where the question names no tools."""
    twin.llm.say(calls=[("order_status", {"order": "1"})])
    asked = question(tools=(LOOK,))
    wanted = chat(asked, purpose="answer").calls
    said = (*asked.messages, Said("assistant", "", calls=wanted), Said("tool", "in transit", call_id=wanted[0].id))
    twin.llm.say("It is on its way.")
    assert chat(ChatRequest(said, tools=(LOOK,), may_call=False), purpose="answer").text == "It is on its way."
    body = twin.requests[-1].json()
    assert body["tools"] and body["tool_choice"] in ("none", {"type": "none"}) and twin.llm.heard[-1].tools == ()


def test_whichever_side_began_user_and_assistant_take_turns(kind, twin) -> None:
    said = (
        Said("system", "Be brief."), Said("assistant", "Welcome."), Said("assistant", "Still there?"), Said("user", "Yes."),
        Said("user", ""), Said("user", "Where is it?"),
    )  # fmt: skip
    twin.llm.say("It comes tomorrow.")
    assert chat(ChatRequest(said), purpose="answer").text == "It comes tomorrow."
    told = [one for one in twin.requests[0].json()["messages"] if one["role"] != "system"]
    assert [one["role"] for one in told] == ["user", "assistant", "user"]
    assert [one["content"] for one in told[1:]] == ["Welcome.\n\nStill there?", "Yes.\n\nWhere is it?"]


def test_results_of_several_calls_are_told_together(kind, twin) -> None:
    twin.llm.say("I look.", calls=[("order_status", {"order": "1"}), ("order_status", {"order": "2"})])
    asked = question(tools=(LOOK,))
    wanted = chat(asked, purpose="answer")
    results = [Said("tool", one.arguments["order"], call_id=one.id) for one in wanted.calls]
    said = (*asked.messages, Said("assistant", wanted.text, calls=wanted.calls), *results)
    twin.llm.say("Both are on their way.")
    assert chat(ChatRequest(said, tools=(LOOK,)), purpose="answer").text == "Both are on their way."
    assert [text for role, text in twin.llm.heard[-1].texts if role == "tool"] == ["1", "2"]
