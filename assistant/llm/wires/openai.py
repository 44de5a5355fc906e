"""OpenAI's chat completions, and every server that speaks them.

Owns that wire, over the official SDK. Must not retry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from assistant.llm.chat import ChatRequest, Said, Stop
from assistant.llm.faults import ProviderFault
from assistant.llm.providers.offers import Offer, Server
from assistant.llm.wires.answered import (
    Answered,
    Growing,
    Tell,
    bounded,
    by_schema,
    count,
    error_refuse,
    in_turns,
    system_text,
    temperature_asked,
    tokens_asked,
    tool_call,
    words,
)
from channels_app.http.sdk import guarded_client

STOPS: Mapping[str, Stop] = {
    "stop": "stop", "length": "length", "tool_calls": "tool", "function_call": "tool", "content_filter": "filter",
}  # fmt: skip


def load() -> None:
    """Load the SDK with what it loads at the first question."""
    import openai.resources.chat.chat
    import openai.resources.chat.completions.completions  # noqa: F401


@lru_cache(maxsize=64)
def _client(server: Server) -> Any:
    import openai  # half a second that only processes which ask a model pay

    return openai.OpenAI(
        api_key=server.key or "none", base_url=server.base_url, max_retries=0, http_client=guarded_client(server.allow_hosts)
    )  # fmt: skip


def ask(offer: Offer, request: ChatRequest, tell: Tell | None, read_s: float) -> Answered:
    """Raises what the SDK raises, and ProviderFault. ``read_s``: the longest silence."""
    body, options = _body(offer, request), {"timeout": read_s}
    completions = _client(offer.server).chat.completions
    if tell is None:
        return _whole(completions.create(**body, **options))
    if offer.server.supports_usage_stream:
        body["stream_options"] = {"include_usage": True}
    with completions.create(**body, **options, stream=True) as chunks:
        if "json" in chunks.response.headers.get("content-type", ""):  # of a server that knows no streams
            return _at_once(chunks.response.read(), tell)
        return _streamed(chunks, tell)


def names(server: Server) -> list[str]:
    """The models that the server says it has."""
    return sorted(str(one.id) for one in _client(server).models.list(timeout=10).data)[:500]


def _body(offer: Offer, request: ChatRequest) -> dict[str, Any]:
    server, schema = offer.server, request.schema
    system = system_text(request, in_words=not by_schema(offer, request))
    messages = [{"role": server.system_role, "content": system}] if system else []
    messages += map(_message, in_turns(request))
    body: dict[str, Any] = {
        "model": offer.name, "messages": messages, server.max_tokens_field: tokens_asked(offer, request),
    }  # fmt: skip
    if (temperature := temperature_asked(offer, request)) is not None:
        body["temperature"] = temperature
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)},
            }
            for tool in request.tools
        ]
        body |= {} if request.may_call else {"tool_choice": "none"}
    if by_schema(offer, request):
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": dict(schema or {})},
        }
    elif schema is not None and server.json_mode != "none":
        body["response_format"] = {"type": "json_object"}
    return body


def _message(said: Said) -> dict[str, Any]:
    if said.role == "tool":
        return {"role": "tool", "tool_call_id": said.call_id, "content": said.text}
    message: dict[str, Any] = {"role": said.role, "content": said.text}
    if said.calls:
        message["content"] = said.text or None
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments or {}))},
            }
            for call in said.calls
        ]
    return message


def _whole(completion: Any) -> Answered:
    error_refuse(completion)
    try:
        choice, usage = completion.choices[0], completion.usage
        message = choice.message
        calls = [tool_call(one.id, one.function.name, _written(one)) for one in message.tool_calls or ()]
        refusal = getattr(message, "refusal", None)
        return Answered(
            words(message.content) or words(refusal), "refusal" if refusal else _stop(choice.finish_reason, bool(calls)),
            bounded(calls), count(getattr(usage, "prompt_tokens", None)), count(getattr(usage, "completion_tokens", None)),
        )  # fmt: skip
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ProviderFault("llm_answer_broken", again=True) from error


def _at_once(body: bytes, tell: Tell) -> Answered:
    from openai.types.chat import ChatCompletion

    answered = _whole(ChatCompletion.construct(**json.loads(body)))
    if answered.text:
        tell(answered.text)
    return answered


def _streamed(chunks: Any, tell: Tell) -> Answered:
    text, calls, answered, ended = [], list[Growing](), Answered(), ""
    growing = dict[Any, Growing]()  # by the place that the server gives it
    refused, whole = False, _Whole(chunks)
    for chunk in chunks:
        try:
            if usage := getattr(chunk, "usage", None):
                answered.input_tokens, answered.output_tokens = (
                    count(usage.prompt_tokens),
                    count(usage.completion_tokens),
                )
            choice = next((one for one in chunk.choices or () if not one.index), None)
            if choice is None:
                continue
            ended = choice.finish_reason or ended
            if choice.delta is None:
                continue
            refusal = words(getattr(choice.delta, "refusal", None))
            piece = words(choice.delta.content) or refusal
            for part in choice.delta.tool_calls or ():
                one = growing.get(part.index)
                if one is None or (part.id and one.id and part.id != one.id):  # some give each the same place
                    calls.append(one := Growing())
                    growing[part.index] = one
                one.id, one.name = part.id or one.id, part.function.name or one.name
                one.more(part.function.arguments)
            refused = refused or bool(refusal)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ProviderFault("llm_answer_broken", again=True) from error
        if piece:
            text.append(piece)
            tell(piece)
    counted = answered.output_tokens is not None
    if not ended and not answered.output_tokens and not text and not calls:
        raise ProviderFault("llm_answer_broken", again=True)
    if not ended and not counted and not whole.told:
        raise ProviderFault("llm_cut", again=True, away=True)
    answered.text, answered.calls = "".join(text), bounded([one.call() for one in calls])
    answered.stop = "refusal" if refused else _stop(ended, bool(calls))
    return answered


class _Whole:
    """Whether a stream has said [DONE]: of servers that give no reason and count nothing this alone tells a whole answer
    from one that broke off. The SDK keeps it to itself, so its decoder is listened to."""

    def __init__(self, chunks: Any):
        self.told = False
        decoder = getattr(chunks, "_decoder", None)
        if decoder is not None:
            self._read, decoder.iter_bytes = decoder.iter_bytes, self._heard

    def _heard(self, parts: Any) -> Any:
        for event in self._read(parts):
            self.told = self.told or event.data.startswith("[DONE]")
            yield event


def _written(call: Any) -> str:
    """The arguments of a call as the wire has them; some servers give an object for its JSON."""
    given = call.function.arguments
    return given if isinstance(given, str) else json.dumps(given or {})


def _stop(finish_reason: Any, calls: bool) -> Stop:
    """Some servers leave the reason away, or say stop to a call."""
    return "tool" if calls else STOPS.get(str(finish_reason or "stop"), "other")
