"""The built-in assistant behind gRPC: the same answers, for the right tenant only, and no mistake is called ours."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import json
import logging
import threading
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import OperationalError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assistant.builtin.engine import Builtin, options_of
from assistant.demo import seed_assistant
from assistant.engine.grpc_gen.engine_pb2 import MessageChunk, ProcessMessageResponse
from assistant.engine.grpc_gen.engine_pb2_grpc import MCPEngineStub
from assistant.engine.remote import UNREACHABLE, Remote
from assistant.engine.server import EngineServer, EngineService, builtin_answer
from assistant.engine.wire import SERVICE, reply_of, request_message
from assistant.port import EngineError, EngineReply, EngineRequest
from channels_app.content.types import Choice, Content, Location, Media, text
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for
from tests.assistant.engines import REQUEST, echo, serving
from tests.examples import examples

MESSAGE = request_message(REQUEST)


def status_of(server: EngineServer, raw: bytes, method: str = "ProcessMessage", **metadata: str) -> tuple[str, str]:
    """The status and the text of a call that fails."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{SERVICE}/{method}")(raw, timeout=20, metadata=tuple(metadata.items()))
        return caught.value.code().name, caught.value.details()


# ------------------------------------------------------------------------- the same answers

SAID: dict[str, tuple[str | Content, ...]] = {
    "a question": ("What are your opening hours?",),
    "two messages": ("Hello", "Where is my order AC-10042?"),
    "a human": ("I want to talk to a human",),
    "nonsense": ("florb quux zanzibar",),
    "a picture": (Content(type="image", media=Media(url="https://files.example/a.jpg", type="image/jpeg")),),
    "a place": (Content(type="location", location=Location(latitude=52.5, longitude=13.4)),),
    "a choice": (Content(type="quick_reply", text="Human", choice=Choice(value="human", title="Human")),),
    "nothing": (),
}


def request_by(tenant: Tenant, said: tuple[str | Content, ...], context: dict[str, Any] | None = None) -> EngineRequest:
    contents = tuple(one if isinstance(one, Content) else text(one) for one in said)
    return EngineRequest(
        tenant.id, uuid.UUID(int=1), "web", contents, context=context or {}, profile={"name": "Ana"}, deadline_s=60
    )


def in_process(request: EngineRequest) -> EngineReply:
    with tenant_scope(request.tenant_id):
        return Builtin(options_of(settings_for(request.tenant_id).model_dump())).respond(request)


@pytest.fixture
def shop(transactional_db: None, tenant: Tenant) -> Tenant:
    with tenant_scope(tenant.id):
        seed_assistant(tenant)
    return tenant


def test_it_answers_as_in_process(shop: Tenant) -> None:
    with serving(builtin_answer) as server:
        engine = Remote(f"127.0.0.1:{server.port}")
        here = {name: in_process(request_by(shop, said)) for name, said in SAID.items()}
        there = {name: engine.respond(request_by(shop, said)) for name, said in SAID.items()}
    assert there == here
    assert {reply.engine for reply in there.values()} == {"builtin"}
    assert there["a human"].handover


def test_a_dialogue_goes_on_with_its_context(shop: Tenant) -> None:
    with serving(builtin_answer) as server:
        engine = Remote(f"127.0.0.1:{server.port}")
        here: dict[str, Any] = {}
        there: dict[str, Any] = {}
        for line in ("Where is my order?", "AC-10042", "thanks"):
            ours, theirs = in_process(request_by(shop, (line,), here)), engine.respond(request_by(shop, (line,), there))
            assert theirs == ours
            here, there = ours.context, theirs.context
    assert there["assistant"]["turn"] == 3


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "collecting", "order_status", "yes"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["turn", "type", "a"]), inner),
    max_leaves=4,
)
memories = st.dictionaries(st.sampled_from(["turn", "missed", "on_yes", "offered"]), json_values)
keys = st.sampled_from(["assistant", "slots", "entities", "current_intent", "conversation_stage", "user_profile"])


def test_a_context_of_other_making_is_no_error(shop: Tenant) -> None:
    @hypothesis_settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(keys, memories | json_values), st.sampled_from(["yes", "Where is my order?", "1"]))
    def ask(context: dict[str, Any], line: str) -> None:
        assert in_process(request_by(shop, (line,), context)).contents

    ask()


# ------------------------------------------------------------------------ for the right tenant


def test_each_tenant_gets_its_own_answers(shop: Tenant, other_tenant: Tenant) -> None:
    asked = SAID["a question"]
    with serving(builtin_answer) as server:
        engine = Remote(f"127.0.0.1:{server.port}")
        assert engine.respond(request_by(shop, asked)) == in_process(request_by(shop, asked))
        assert engine.respond(request_by(other_tenant, asked)) == in_process(request_by(other_tenant, asked))
        assert engine.respond(request_by(shop, asked)) != engine.respond(request_by(other_tenant, asked))


def test_an_unknown_tenant_gets_none(transactional_db: None, tenant: Tenant) -> None:
    Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.SUSPENDED)
    with serving(builtin_answer) as server:
        for tenant_id in (uuid.uuid4(), tenant.id):
            raw = request_message(dataclasses.replace(REQUEST, tenant_id=tenant_id)).SerializeToString()
            assert status_of(server, raw) == ("NOT_FOUND", "tenant_unknown")


def test_the_word_before_the_token_has_no_case() -> None:
    with serving(token="t0ken") as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call = channel.unary_unary(f"/{SERVICE}/ProcessMessage")
        assert call(MESSAGE.SerializeToString(), timeout=20, metadata=(("authorization", "bearer t0ken"),))


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer t0ke", "Bearer t0ken2", "t0ken"])
def test_without_the_token_no_caller_is_answered(given: str) -> None:
    with serving(token="t0ken") as server:
        refused = status_of(server, MESSAGE.SerializeToString(), authorization=given)
        assert refused == ("UNAUTHENTICATED", "token_invalid")
        assert Remote(f"127.0.0.1:{server.port}", token="t0ken").respond(REQUEST) == echo(REQUEST)
        Remote(f"127.0.0.1:{server.port}").health()  # probes have no token


# ---------------------------------------------------------------------- mistakes of the caller

MALFORMED = {
    "no message": (b"\xff\xff\xff", "message_unreadable"),
    "nothing": (b"", "tenant_id_invalid"),
    "text that is no UTF-8": (b"\x0a\x02\xff\xfe", "message_unreadable"),
    "no content": (MESSAGE.SerializeToString() + b"\x22\x02{}", "message_content_invalid"),
}


@pytest.mark.parametrize("method", ["ProcessMessage", "StreamMessage"])
@pytest.mark.parametrize(("raw", "code"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_the_callers_mistake(raw: bytes, code: str, method: str) -> None:
    with serving() as server:
        assert status_of(server, raw, method) == ("INVALID_ARGUMENT", code)


@hypothesis_settings(max_examples=examples(200))
@given(st.binary(max_size=200) | st.binary(max_size=40).map(lambda tail: MESSAGE.SerializeToString() + tail))
def test_no_bytes_are_our_mistake(raw: bytes) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{LASTING.port}") as channel:
        call = channel.unary_unary(f"/{SERVICE}/ProcessMessage").future(raw, timeout=20)
        assert call.code() in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT)


LASTING: Any = None


@pytest.fixture(scope="module", autouse=True)
def lasting() -> Any:
    global LASTING
    with serving() as LASTING:
        yield


def test_our_own_mistakes_keep_their_words(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: EngineRequest) -> EngineReply:
        raise ValueError("Ana said: my secret is swordfish")

    with caplog.at_level(logging.INFO), serving(fail) as server:
        assert status_of(server, MESSAGE.SerializeToString()) == ("INTERNAL", "internal")
    shown = "\n".join(record.getMessage() for record in caplog.records)
    assert "engine_crashed" in shown and "test_engine_server.py" in shown
    assert "swordfish" not in shown


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EngineError("model_away", retryable=True), ("UNAVAILABLE", "model_away")),
        (EngineError("tenant_mismatch"), ("FAILED_PRECONDITION", "tenant_mismatch")),
        (OperationalError("server closed the connection"), ("UNAVAILABLE", "database_away")),
    ],
    ids=["transient", "permanent", "database"],
)
def test_an_error_has_a_status_and_a_code(error: Exception, status: tuple[str, str]) -> None:
    def fail(request: EngineRequest) -> EngineReply:
        raise error

    with serving(fail) as server:
        assert status_of(server, MESSAGE.SerializeToString()) == status


# --------------------------------------------------------------------------------- streaming


def test_a_stream_ends_with_the_whole_reply() -> None:
    two = dataclasses.replace(REQUEST, contents=(text("One"), REQUEST.contents[0]))
    with serving() as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = MCPEngineStub(channel)
        *deltas, last = stub.StreamMessage(request_message(two), timeout=20)
        unary = stub.ProcessMessage(request_message(two), timeout=20)
    assert "".join(chunk.delta for chunk in deltas) == "One\n\nWhere is my order?"
    assert all(chunk.WhichOneof("part") == "delta" for chunk in deltas)
    assert reply_of(last.response, engine="mcp") == reply_of(unary, engine="mcp") == echo(two)
    assert MessageChunk(response=unary) == last


# ------------------------------------------------------------------------- logs, stop, TLS, port


def test_log_lines_have_the_callers_ids(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[dict[str, Any]] = []

    def look(request: EngineRequest) -> EngineReply:
        seen.append(structlog.contextvars.get_contextvars())
        return echo(request)

    with caplog.at_level(logging.INFO), serving(look) as server:
        with structlog.contextvars.bound_contextvars(correlation_id="c-1", request_id="r-1"):
            Remote(f"127.0.0.1:{server.port}", token="hush").respond(REQUEST)
        Remote(f"127.0.0.1:{server.port}").respond(REQUEST)
    of_request = {"tenant_id": str(REQUEST.tenant_id), "conversation_id": str(REQUEST.conversation_id)}
    assert seen == [{"correlation_id": "c-1", "request_id": "r-1", **of_request}, of_request]
    lines = [record.msg for record in caplog.records if record.name == "assistant.engine.server"]
    assert lines[0].items() >= {"event": "engine_call", "status": "OK", "correlation_id": "c-1", **of_request}.items()
    assert "order" not in json.dumps([str(line) for line in lines]) and "hush" not in str(lines)


def test_a_stop_lets_calls_end_and_takes_no_new_ones() -> None:
    began, gate = threading.Event(), threading.Event()

    def wait(request: EngineRequest) -> EngineReply:
        began.set()
        gate.wait(20)
        return echo(request)

    service = EngineService(wait)
    server = EngineServer(service, host="127.0.0.1", port=0, threads=2)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        assert health_of(channel, SERVICE) == health_pb2.HealthCheckResponse.SERVING
        call = MCPEngineStub(channel).ProcessMessage.future(MESSAGE, timeout=30)
        assert began.wait(20)
        stopper = threading.Thread(target=server.stop, args=[20])
        stopper.start()
        status = status_when_refused(server)
        gate.set()
        assert reply_of(call.result(30), engine="mcp") == echo(REQUEST)
        stopper.join(30)
    assert status in UNREACHABLE  # which a client asks again
    assert not stopper.is_alive()


def health_of(channel: grpc.Channel, service: str) -> Any:
    return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=20).status


def status_when_refused(server: EngineServer) -> grpc.StatusCode:
    """What a newcomer gets, as soon as the server has begun to stop."""
    while True:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = channel.unary_unary(f"/{SERVICE}/ProcessMessage", response_deserializer=bytes)
            call = stub.future(b"", timeout=20)
            code = call.code()
        if code is not grpc.StatusCode.INVALID_ARGUMENT:
            return code


def test_tls(tmp_path: Path) -> None:
    key, certificate = certificate_of("localhost")
    authority = tmp_path / "ca.pem"
    authority.write_bytes(certificate)
    with serving(credentials=grpc.ssl_server_credentials([(key, certificate)])) as server:
        trusting = Remote(f"grpcs://localhost:{server.port}", ca_file=str(authority))
        assert trusting.respond(dataclasses.replace(REQUEST, deadline_s=30)) == echo(REQUEST)
        with pytest.raises(EngineError, match="engine_unavailable"):
            Remote(f"grpcs://localhost:{server.port}").respond(REQUEST)


def certificate_of(name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return plain, certificate.public_bytes(serialization.Encoding.PEM)


def test_a_port_that_is_taken_is_an_error() -> None:
    with serving() as server, pytest.raises(OSError, match="cannot listen"):
        EngineServer(EngineService(echo), host="127.0.0.1", port=server.port, threads=1)


def test_the_two_generated_names_are_the_protos() -> None:
    assert SERVICE == "chatsvc.engine.v1.MCPEngine"
    assert ProcessMessageResponse.DESCRIPTOR.full_name == "chatsvc.engine.v1.ProcessMessageResponse"
