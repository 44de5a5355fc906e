"""The same by gRPC: what an engine says unasked is said once; a refusal tells the code and the reason (AI-11)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from django.core.management.base import CommandError

from assistant.engine.grpc_gen.engine_pb2 import PushRequest, SetStatusRequest, TypingRequest
from assistant.engine.grpc_gen.engine_pb2_grpc import EnginePortStub
from chatsvc.management.commands.run_engine_port import NAMES
from chatsvc.management.grpc_serving import listening
from conversations.models import Message
from messaging.rules.control import take_over
from messaging.unasked.port import SERVICE, EnginePort
from tenants.models import AuditEntry
from tests.assistant.test_engine_server import certificate_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port(talk: Any) -> Iterator[grpc.Channel]:
    server = EnginePort(host="127.0.0.1", port=0, threads=2)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    server.stop(5)


@pytest.fixture
def bearer(make_key: Any) -> Any:
    """``bearer(tenant, "engine:speak")``: metadata with a key."""
    return lambda tenant, *scopes: [("authorization", f"Bearer {make_key(tenant, *scopes)[1]}")]


def pushed(talk: Any, content: Any = None, epoch: int = 0, message_id: str = "m1") -> PushRequest:
    content = {"type": "text", "text": "Still there?"} if content is None else content
    return PushRequest(
        conversation_id=str(talk.id), control_epoch=epoch, message_id=message_id, content=json.dumps(content)
    )


def refusal(call: Any, *args: Any, **named: Any) -> tuple[str, str, dict[str, str]]:
    with pytest.raises(grpc.RpcError) as caught:
        call(*args, timeout=20, **named)
    error: Any = caught.value
    told = {key: value for key, value in error.trailing_metadata() if key.startswith("x-")}
    return error.code().name, error.details(), told


def test_it_says_types_and_asks_for_a_human(port, talk, scope, bearer) -> None:
    stub, key = EnginePortStub(port), bearer(scope, "engine:speak")
    first, again = (stub.Push(pushed(talk), timeout=20, metadata=key) for _ in range(2))
    assert (first, first.seq, Message.objects.filter(role="bot").count()) == (again, 2, 1)
    typing = TypingRequest(conversation_id=str(talk.id), control_epoch=0, on=True)
    assert stub.Typing(typing, timeout=20, metadata=key).again_s == 20
    asked = SetStatusRequest(conversation_id=str(talk.id), control_epoch=0, status="escalated")
    given, same = (stub.SetStatus(asked, timeout=20, metadata=key) for _ in range(2))
    assert (given, given.held_by, given.control_epoch) == (same, "queue", 1)
    assert [entry.actor for entry in AuditEntry.objects.filter(action="conversation.escalate")] == [
        f"key:{key[0][1][11:19]}"
    ]


def test_a_refusal_tells_the_code_and_the_reason(port, talk, scope, bearer) -> None:
    stub, key = EnginePortStub(port), bearer(scope, "engine:speak")

    def refused(request: PushRequest) -> tuple[str, str, dict[str, str]]:
        return refusal(stub.Push, request, metadata=key)

    assert refused(pushed(talk, {"type": "image"})) == (
        "INVALID_ARGUMENT", "content_invalid", {"x-where": "content: media_missing"},
    )  # fmt: skip
    assert refused(pushed(talk, epoch=7)) == (
        "FAILED_PRECONDITION", "control_changed", {"x-held-by": "bot", "x-control-epoch": "0"},
    )  # fmt: skip
    assert refused(pushed(talk, message_id=""))[1] == "message_id_missing"
    assert refused(PushRequest(conversation_id="1", message_id="m"))[1] == "conversation_id_invalid"
    raw = port.unary_unary(f"/{SERVICE}/Push")
    assert refusal(raw, b"\xff", metadata=key)[1] == "message_unreadable"
    take_over(talk.id, None)
    assert refused(pushed(talk)) == (
        "FAILED_PRECONDITION",
        "with_human",
        {"x-held-by": "staff", "x-control-epoch": "1"},
    )
    assert Message.objects.filter(role="bot").count() == 0


def test_who_may_not_speak_there_is_refused(port, talk, scope, other_tenant, bearer, settings) -> None:
    stub = EnginePortStub(port)
    keys = {
        "none": (None, ("UNAUTHENTICATED", "not_authenticated")),
        "wrong": ([("authorization", "Bearer csk_no")], ("UNAUTHENTICATED", "invalid_api_key")),
        "another's": (bearer(other_tenant, "engine:speak"), ("NOT_FOUND", "conversation_not_found")),
        "another scope": (bearer(scope, "messages:send"), ("PERMISSION_DENIED", "permission_denied")),
    }
    found = {name: refusal(stub.Push, pushed(talk), metadata=key)[:2] for name, (key, _) in keys.items()}
    assert found == {name: wanted for name, (_, wanted) in keys.items()}
    settings.ENV = {**settings.ENV, "ENABLE_RATE_LIMITING": True, "DEFAULT_RATE_LIMIT": 1, "BURST_LIMIT": 1}
    key = bearer(scope, "engine:speak")
    stub.Push(pushed(talk), timeout=20, metadata=key)
    assert refusal(stub.Push, pushed(talk), metadata=key)[:2] == ("RESOURCE_EXHAUSTED", "rate_limited")


def test_tls_by_the_settings_of_the_command(tmp_path: Path, settings: Any) -> None:
    key, certificate = certificate_of("localhost")
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "certificate.pem").write_bytes(certificate)
    settings.ENV = settings.ENV | {
        "ENGINE_PORT_TLS_CERT_FILE": str(tmp_path / "certificate.pem"),
        "ENGINE_PORT_TLS_KEY_FILE": str(tmp_path / "key.pem"),
    }
    server = listening(EnginePort, NAMES, {"host": "127.0.0.1", "port": 0, "workers": 1})
    server.start()
    trusting = grpc.secure_channel(f"localhost:{server.port}", grpc.ssl_channel_credentials(certificate))
    with trusting, grpc.insecure_channel(f"localhost:{server.port}") as plain:
        assert refusal(EnginePortStub(trusting).Push, PushRequest())[0] == "UNAUTHENTICATED"
        assert refusal(EnginePortStub(plain).Push, PushRequest())[0] == "UNAVAILABLE"
    server.stop(5)
    settings.ENV = settings.ENV | {"ENGINE_PORT_TLS_KEY_FILE": ""}
    with pytest.raises(CommandError, match="go together"):
        listening(EnginePort, NAMES, {"host": "127.0.0.1", "port": 0, "workers": 1})
