"""The exchange of assistant/port.py as messages of assistant/engine/engine.proto, both ways, and the ids beside it.

Owns what is well formed on the wire. Must not call or serve anything.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from assistant.engine.grpc_gen.engine_pb2 import (
    DESCRIPTOR,
    ProcessMessageRequest,
    ProcessMessageResponse,
    ReplyRefusedRequest,
)
from assistant.port import EngineReply, EngineRequest, HistoryEntry, Person, Source
from channels_app.content.given import PublicContent
from channels_app.content.types import Content
from tenants.storage.json_values import unstorable

SERVICE: str = DESCRIPTOR.services_by_name["MCPEngine"].full_name
MAX_BYTES = 2 * 1024 * 1024  # of one message; a request with twenty long messages of history has about 350 kB
MAX_OBJECT = 256 * 1024  # characters of one JSON object
MAX_CONTENTS = 50  # a person may write many messages before the answer
MAX_REPLIES = 10
MAX_HISTORY = 200
MAX_SOURCES = 20
MAX_NAME = 200  # characters of an intent, a model, a reason, and what is waited for
MAX_TITLE = 1_000  # of a source's kind, id and title
MAX_URL = 2048
MAX_EXPECTED = 50
MAX_SCORES = 200
MAX_COUNT = 1e9  # of tokens or dollars of one answer; a sum once counted stays in the measures for good
COUNTS = ("input_tokens", "output_tokens", "cost_usd", "prompt_tokens", "completion_tokens", "cost")
ROLES = ("visitor", "bot", "agent")
SAFE_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
SAFE_NAME = re.compile(r"[a-z0-9_\-]{1,40}")  # becomes a label of measures
PAGE = re.compile(r"(?i)https?://\S+\Z|/(?!/)\S*\Z")
SAFE_MEMBER = re.compile(r"[a-z_]{1,30}")
NUL = re.compile("\0")
JSON_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000|\0")  # an even number of backslashes before it are written ones
#: the name of an id in log lines → the key that carries it in a call's metadata
METADATA = {
    "correlation_id": "x-correlation-id",
    "request_id": "x-request-id",
    "conversation_id": "x-conversation-id",
    "message_id": "x-message-id",
}

_WRITTEN: TypeAdapter[Content] = TypeAdapter(Content)
_REPLIED: TypeAdapter[Content] = TypeAdapter(PublicContent)


class _Wrong(ValueError):
    """``kind`` of what is wrong in a part, ``loc``: the way to it there."""

    def __init__(self, kind: str, loc: Iterable[str | int] = ()):
        super().__init__(kind)
        self.kind, self.loc = kind, loc


class Malformed(Exception):
    """A message that breaks the contract. ``code`` is stable and names the field, ``where`` the place in it and what is
    wrong there; never its value."""

    def __init__(self, code: str, where: str = ""):
        super().__init__(code)
        self.code, self.where = code, where


def request_message(request: EngineRequest) -> ProcessMessageRequest:
    """Raises Malformed for what no message can hold."""
    with _part("request"):
        return ProcessMessageRequest(
            tenant_id=str(request.tenant_id),
            conversation_id=str(request.conversation_id),
            channel_kind=request.channel_kind,
            channel_id=str(request.channel_id or ""),
            channel_name=request.channel_name,
            message_content=_written(request.contents),
            history=[vars(entry) for entry in request.history],  # type: ignore[misc]
            conversation_context_json=_object_text(request.context),
            user_profile_json=_object_text(request.profile),
            processing_hints_json=_object_text(request.hints),
            language=request.language,
            person=vars(request.person) if request.person else None,  # type: ignore[arg-type]
            message_ids=request.message_ids,
            control_epoch=request.control_epoch,
        )


def request_of(message: ProcessMessageRequest, deadline_s: float) -> EngineRequest:
    """Raises Malformed."""
    return EngineRequest(
        tenant_id=_uuid(message.tenant_id, "tenant_id"),
        conversation_id=_uuid(message.conversation_id, "conversation_id"),
        channel_kind=message.channel_kind,
        channel_id=_uuid(message.channel_id, "channel_id") if message.channel_id else None,
        channel_name=message.channel_name,
        contents=_contents(message.message_content, _WRITTEN, MAX_CONTENTS, "message_content"),
        history=_history(message.history),
        context=_object(message.conversation_context_json, "conversation_context"),
        profile=_object(message.user_profile_json, "user_profile"),
        hints=_object(message.processing_hints_json, "processing_hints"),
        language=message.language,
        deadline_s=deadline_s,
        person=_person(message.person) if message.HasField("person") else None,
        message_ids=tuple(message.message_ids),
        control_epoch=message.control_epoch,
    )


def response_message(reply: EngineReply) -> ProcessMessageResponse:
    """Raises Malformed for what no message can hold."""
    with _part("response"):
        return ProcessMessageResponse(
            response_content=_written(reply.contents),
            updated_context_json=_object_text(reply.context),
            next_expected_inputs=reply.next_expected,
            intent=reply.intent,
            confidence=reply.confidence,
            confidence_scores=reply.confidence_scores,
            handover=reply.handover,
            handover_reason=reply.handover_reason,
            engine=reply.engine,
            model=reply.model,
            usage={name: float(count) for name, count in reply.usage.items()},
            sources=[vars(source) for source in reply.sources],  # type: ignore[misc]
            why_json=_object_text(reply.why),
            unanswered=reply.unanswered,
        )


def reply_of(message: ProcessMessageResponse, *, engine: str) -> EngineReply:
    """Raises Malformed. ``engine`` names the reply when it does not do so itself."""
    for field, shares in (
        ("confidence", [message.confidence]),
        ("confidence_scores", message.confidence_scores.values()),
    ):
        with _part("confidence", field):
            _require(all(map(_is_share, shares)), "not_from_0_to_1")
    for field in ("next_expected_inputs", "intent", "handover_reason", "model"):
        with _part("response_text", field):
            said = getattr(message, field)
            for words in [said] if isinstance(said, str) else said:
                _named(words)
    with _part("response_text", "next_expected_inputs"):
        _require(len(message.next_expected_inputs) <= MAX_EXPECTED, "too_many")
    with _part("confidence", "confidence_scores"):
        _require(len(message.confidence_scores) <= MAX_SCORES, "too_many")
        for name in message.confidence_scores:
            _named(name)
    return EngineReply(
        contents=_contents(message.response_content, _REPLIED, MAX_REPLIES, "response_content"),
        context=_object(message.updated_context_json, "updated_context"),
        intent=message.intent,
        confidence=message.confidence,
        confidence_scores=dict(message.confidence_scores),
        handover=message.handover,
        handover_reason=message.handover_reason,
        next_expected=tuple(message.next_expected_inputs),
        engine=message.engine if SAFE_NAME.fullmatch(message.engine) else engine,
        model=message.model,
        # Wrong sums are no reason to leave a person without an answer.
        usage={name: message.usage[name] for name in COUNTS if 0 <= message.usage.get(name, -1.0) <= MAX_COUNT},
        sources=_sources(message.sources),
        why=_object(message.why_json, "why"),
        unanswered=message.unanswered,
    )


def content_of(written: str) -> Content:
    """One content of an engine. Raises Malformed ``content_invalid``."""
    with _part("content"):
        return _REPLIED.validate_json(_storable(written))


def refusal_message(request: EngineRequest, code: str, where: str) -> ReplyRefusedRequest:
    """What an engine is told of an answer that was not sent."""
    return ReplyRefusedRequest(
        tenant_id=str(request.tenant_id),
        conversation_id=str(request.conversation_id),
        message_ids=request.message_ids,
        code=code,
        where=where,
    )


def metadata_of(ids: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The ids of a log line that a call carries."""
    carried = {key: str(ids.get(name, "")) for name, key in METADATA.items()}
    return [(key, value) for key, value in carried.items() if SAFE_ID.fullmatch(value)]


def ids_of(metadata: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    """The other way round; what is no plain id is left out: it goes into log lines."""
    given = dict(metadata)
    carried = {name: str(given.get(key, "")) for name, key in METADATA.items()}
    return {name: value for name, value in carried.items() if SAFE_ID.fullmatch(value)}


# ------------------------------------------------------------------------------------ parts


@contextmanager
def _part(name: str, where: str = "") -> Iterator[None]:
    """What is not well formed in here is called ``<name>_invalid``."""
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        raise Malformed(f"{name}_invalid", _place(where or name, first["loc"], first["type"])) from None
    except _Wrong as wrong:
        raise Malformed(f"{name}_invalid", _place(where or name, wrong.loc, wrong.kind)) from None
    except (ValueError, TypeError):  # JSON's, protobuf's and UTF-8's errors are among these
        raise Malformed(f"{name}_invalid", _place(where or name, (), "unreadable")) from None


def _require(right: bool, kind: str, loc: Iterable[str | int] = ()) -> None:
    if not right:
        raise _Wrong(kind, loc)


def _place(where: str, loc: Iterable[str | int], kind: str) -> str:
    """``response_content[3].media.type: missing``. A member's name may be the other side's own: only a plain one is said."""
    steps = (
        f"[{step}]" if isinstance(step, int) else f".{step if SAFE_MEMBER.fullmatch(step) else '?'}" for step in loc
    )
    return f"{where}{''.join(steps)}: {kind}"


def _written(contents: Iterable[Content]) -> list[str]:
    return [content.model_dump_json(exclude_none=True) for content in contents]


def _contents(texts: Any, kind: TypeAdapter[Content], most: int, name: str) -> tuple[Content, ...]:
    with _part(name):
        _require(len(texts) <= most, "too_many")
    contents = []
    for number, text in enumerate(texts):
        with _part(name, f"{name}[{number}]"):
            contents.append(kind.validate_json(_storable(text)))
    return tuple(contents)


def _history(entries: Any) -> tuple[HistoryEntry, ...]:
    with _part("history"):
        _require(len(entries) <= MAX_HISTORY, "too_many")
        for number, entry in enumerate(entries):
            _require(entry.role in ROLES, "unknown", (number, "role"))
    return tuple(HistoryEntry(entry.role, entry.text, entry.unasked) for entry in entries)


def _person(person: Any) -> Person:
    return Person(person.contact_id, person.scheme, person.identity, person.verified)


def _sources(sources: Any) -> tuple[Source, ...]:
    with _part("sources"):
        _require(len(sources) <= MAX_SOURCES, "too_many")
    read = []
    for number, source in enumerate(sources):
        with _part("sources", f"sources[{number}]"):
            read.append(_source(source))
    return tuple(read)


def _source(source: Any) -> Source:
    """Raises ValueError for what no database holds, and for an address that is none of a page."""
    score = source.score if _is_share(source.score) else 0.0
    for name in ("kind", "id", "title"):
        _named(getattr(source, name), MAX_TITLE, (name,))
    _require(len(source.url) <= MAX_URL, "too_long", ("url",))
    _require(not source.url or bool(PAGE.match(source.url)), "no_address", ("url",))
    return Source(source.kind, source.id, source.title, _storable(source.url, NUL), score)


def _object_text(value: Mapping[str, Any]) -> str:
    text = to_json(value, inf_nan_mode="constants").decode()
    _object(text, "object")  # what the other side would refuse does not leave
    return text


def _object(text: str, name: str) -> dict[str, Any]:
    """A JSON object, strictly: no NaN, no lone surrogates, nothing that a database refuses."""
    with _part(name, f"{name}_json"):
        _require(len(text) <= MAX_OBJECT, "too_long")
        value = from_json(_storable(text), allow_inf_nan=False) if text else {}
        _require(isinstance(value, dict), "no_object")
        if refused := unstorable(value):
            raise _Wrong(refused.code, (int(step) if step.isdecimal() else step for step in refused.path.split(".")))
        return cast(dict[str, Any], value)


def _storable(text: str, nul: re.Pattern[str] = JSON_NUL) -> str:
    """PostgreSQL takes no NUL, neither plain nor in JSON. Raises ValueError."""
    _require(not nul.search(text), "nul_character")
    return text


def _named(text: str, most: int = MAX_NAME, loc: Iterable[str | int] = ()) -> None:
    """Raises ValueError."""
    _require(len(text) <= most, "too_long", loc)
    _storable(text, NUL)


def _uuid(text: str, name: str) -> uuid.UUID:
    with _part(name):
        return uuid.UUID(text)


def _is_share(value: float) -> bool:
    return 0.0 <= value <= 1.0  # NaN is not
