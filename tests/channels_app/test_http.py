from __future__ import annotations

import errno
import gzip
import json
import socket
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from channels_app.contract import OutcomeUnknown, Rejected, Unreachable
from channels_app.http import client as http
from channels_app.http import network
from channels_app.http.client import HttpClient, authority
from tenants.storage.db import server_trouble
from tests.channels_app.loopback import Loopback, answers, http_answer, read_request, served


def client(server: Loopback, **options) -> HttpClient:
    return HttpClient(allow_hosts=frozenset({server.authority}), **options)


@pytest.fixture(autouse=True)
def fresh_pools():
    """Connections of one test are not found by the next."""
    http._pool.cache_clear()
    yield
    http._pool(True).close()
    http._pool(False).close()
    http._pool.cache_clear()


# --------------------------------------------------------------------------- requests


def test_sends_json_and_returns_status_lower_case_headers_and_body():
    with served(answers(http_answer("201 Created", b'{"id": "m1"}', "X-Request-Id: 7\r\n"))) as server:
        answer = client(server).request("POST", f"{server.url}/v1/send", json={"to": "1"}, headers={"X-A": "b"})
    assert (answer.status, answer.json(), answer.headers["x-request-id"]) == (201, {"id": "m1"}, "7")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/send HTTP/1.1")
    assert f"host: {server.authority}".encode() in head.lower()
    assert b"x-a: b" in head.lower()
    assert json.loads(body) == {"to": "1"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"data": {"Body": "a b", "To": "+1"}}, b"Body=a+b&To=%2B1", id="form"),
        pytest.param({"content": b"\x00raw"}, b"\x00raw", id="bytes"),
        pytest.param({"files": {"file": ("a.txt", b"inside", "text/plain")}}, b"inside", id="file"),
    ],
)
def test_sends_every_kind_of_body(arguments, expected):
    with served(answers(http_answer())) as server:
        client(server).request("POST", server.url, **arguments)
    assert expected in server.requests[0]


def test_keeps_connections_alive_across_clients():
    with served(answers(http_answer(), http_answer())) as server:
        client(server).request("GET", server.url)
        client(server).request("GET", server.url)
    assert len(server.requests) == 2
    assert len(server.connections) == 1


def test_cookies_and_environment_leave_no_trace(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with served(answers(http_answer(headers="set-cookie: a=b; Path=/\r\n"), http_answer())) as server:
        client(server).request("GET", server.url)
        client(server).request("GET", server.url)
    assert b"cookie" not in server.requests[1].lower()


def test_a_redirect_is_an_answer():
    with served(answers(http_answer("302 Found", headers="location: http://127.0.0.1:1/\r\n"))) as server:
        assert client(server).request("GET", server.url).status == 302


def test_reads_a_compressed_answer():
    packed = http_answer(body=gzip.compress(b'{"a": 1}'), headers="content-encoding: gzip\r\n")
    with served(answers(packed)) as server:
        assert client(server).request("GET", server.url).json() == {"a": 1}
    assert b"accept-encoding: identity" in server.requests[0].lower()


# ----------------------------------------------------------------------------- faults


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_connection_refused_is_unreachable():
    port = free_port()
    outside = HttpClient(allow_hosts=frozenset({f"127.0.0.1:{port}"}))
    with pytest.raises(Unreachable) as caught:
        outside.request("POST", f"http://127.0.0.1:{port}/", json={})
    assert caught.value.code == "connect_failed"
    assert outside.trace[0]["error"] == "connect_failed"


def test_unknown_name_is_unreachable(monkeypatch):
    def no_name(*_args, **_kwargs):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(network.socket, "getaddrinfo", no_name)
    with pytest.raises(Unreachable) as caught:
        HttpClient().request("GET", "http://nowhere.example/")
    assert caught.value.code == "dns_failed"


def test_connect_timeout_is_unreachable():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:  # accepts no connection
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        outside = HttpClient(allow_hosts=frozenset({f"127.0.0.1:{port}"}), connect_s=0.1)
        with pytest.raises(Unreachable) as caught:
            outside.request("GET", f"http://127.0.0.1:{port}/")
        for filler in fillers:
            filler.close()
    assert caught.value.code == "connect_timeout"


def silent(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.recv(1)  # until the client gives up


def hang_up(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))


def reset(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def truncated(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")


def garbage(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.sendall(b"\x00\x01 nonsense\r\n\r\n")


def endless(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")


def huge(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n")


def bomb(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.sendall(http_answer(body=gzip.compress(b"0" * 200_000), headers="content-encoding: gzip\r\n"))


def not_gzip(connection: socket.socket, seen: Loopback) -> None:
    seen.requests.append(read_request(connection))
    connection.sendall(http_answer(body=b"plain", headers="content-encoding: gzip\r\n"))


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        pytest.param(silent, "read_timeout", id="silent"),
        pytest.param(hang_up, "answer_broken", id="hang-up"),
        pytest.param(reset, "connection_reset", id="reset"),
        pytest.param(truncated, "answer_broken", id="truncated"),
        pytest.param(garbage, "answer_broken", id="garbage"),
        pytest.param(endless, "answer_too_large", id="endless"),
        pytest.param(huge, "answer_too_large", id="announced too large"),
        pytest.param(bomb, "answer_too_large", id="decompression bomb"),
        pytest.param(not_gzip, "answer_broken", id="wrong encoding"),
    ],
)
def test_sent_without_a_whole_answer_is_unknown(talk, code):
    with served(talk) as server:
        outside = client(server, read_s=0.2, max_bytes=50_000)
        with pytest.raises(OutcomeUnknown) as caught:
            outside.request("POST", server.url, json={"text": "hi"})
    assert caught.value.code == code
    assert len(server.requests) == 1
    assert outside.trace[0]["error"] == code


def test_a_dripping_answer_ends_at_the_deadline():
    def drip(connection: socket.socket, seen: Loopback) -> None:
        seen.requests.append(read_request(connection))
        connection.settimeout(0.05)
        for letter in b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 200:
            connection.sendall(bytes([letter]))
            with suppress(TimeoutError):
                connection.recv(1)

    with served(drip) as server:
        outside = client(server, read_s=5, total_s=0.3)
        with pytest.raises(OutcomeUnknown) as caught:
            outside.request("GET", server.url)
    assert caught.value.code == "read_timeout"
    assert outside.trace[0]["ms"] < 2000


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("ftp://example.com/", "bad_url", id="ftp"),
        pytest.param("file:///etc/passwd", "bad_url", id="file"),
        pytest.param("gopher://example.com/", "bad_url", id="gopher"),
        pytest.param("/relative", "bad_url", id="relative"),
        pytest.param("", "bad_url", id="empty"),
        pytest.param("http://", "bad_url", id="no host"),
        pytest.param("http://[", "bad_url", id="unreadable"),
        pytest.param("http://exa mple.com/", "bad_url", id="space in host"),
        pytest.param("http://a\x00b/", "bad_url", id="nul"),
    ],
)
def test_refuses_addresses_that_cannot_be_called(url, code):
    with pytest.raises(Rejected) as caught:
        HttpClient().request("GET", url)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"headers": {"x-a": "b\r\nx-evil: 1"}}, id="header injection"),
        pytest.param({"json": {"text": "\ud800"}}, id="lone surrogate"),
    ],
)
def test_a_request_that_cannot_be_written_is_rejected(arguments):
    with served(answers(http_answer())) as server, pytest.raises(Rejected) as caught:
        client(server).request("POST", server.url, **arguments)
    assert caught.value.code == "bad_request"
    assert server.requests == []


# -------------------------------------------------------------------------- addresses


def test_a_private_address_is_refused_without_a_connection():
    with served(answers(http_answer())) as server, pytest.raises(Rejected) as caught:
        HttpClient().request("GET", server.url)
    assert caught.value.code == "address_blocked"
    assert server.connections == []


def test_an_open_connection_of_an_allowed_channel_is_not_lent_to_others():
    with served(answers(http_answer(), http_answer())) as server:
        client(server).request("GET", server.url)
        with pytest.raises(Rejected):
            HttpClient().request("GET", server.url)
    assert len(server.requests) == 1


def test_allowing_one_port_does_not_allow_the_next():
    with served(answers(http_answer())) as server, pytest.raises(Rejected):
        HttpClient(allow_hosts=frozenset({"127.0.0.1:1"})).request("GET", server.url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://API.example.com/v1", "api.example.com:443", id="https"),
        pytest.param("http://api.example.com", "api.example.com:80", id="http"),
        pytest.param("http://127.0.0.1:8001/x", "127.0.0.1:8001", id="port"),
        pytest.param("http://[::1]:80/", "[::1]:80", id="ipv6"),
        pytest.param("https://user:pw@h.example:444/", "h.example:444", id="user info"),
        pytest.param("ftp://h.example/", "", id="other scheme"),
        pytest.param("", "", id="empty"),
    ],
)
def test_authority(url, expected):
    assert authority(url) == expected


def self_signed(tmp_path, name: str, *, days: tuple[int, int] = (-1, 1)) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begins, ends = (datetime.now(UTC) + timedelta(days=day) for day in days)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), begins, ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(pem)


CERTIFICATES = {
    "right name": ("bot.example.test", (-1, 1), True, ""),
    "wrong name": ("other.example.test", (-1, 1), True, "certificate_refused: wrong_name"),
    "expired": ("bot.example.test", (-2, -1), True, "certificate_refused: expired"),
    "not yet valid": ("bot.example.test", (1, 2), True, "certificate_refused: not_yet_valid"),
    "self-signed": ("bot.example.test", (-1, 1), False, "certificate_refused: self_signed"),
}


@pytest.mark.parametrize(("name", "days", "trusted", "error"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_tls_is_checked_against_the_name_not_the_address(tmp_path, monkeypatch, name, days, trusted, error):
    import ssl

    pem = self_signed(tmp_path, "bot.example.test", days=days)
    asked: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda _socket, server_name, _context: asked.append(server_name)

    def talk(connection, seen):
        turned_away = suppress(ssl.SSLError, ConnectionError)
        with turned_away, context.wrap_socket(connection, server_side=True) as secure:
            answers(http_answer())(secure, seen)

    trusting = ssl.create_default_context(cafile=pem if trusted else None)
    monkeypatch.setattr(http.httpx, "create_ssl_context", lambda trust_env: trusting)
    monkeypatch.setattr(network, "resolve", lambda host, port: ["127.0.0.1"])
    with served(talk) as server:
        outside = HttpClient(allow_hosts=frozenset({f"{name}:{server.port}"}))
        codes = []
        try:
            outside.request("GET", f"https://{name}:{server.port}/")
        except Unreachable as refused:
            codes.append(refused.code)
    assert outside.trace[0]["error"] == error
    assert codes == ["certificate_refused"] * bool(error)
    assert asked == [name]
    assert [f"host: {name}".encode() in request.lower() for request in server.requests] == [True] * (not error)


# -------------------------------------------------------------------------- downloads


def fetch(outside: HttpClient, url: str, **options) -> tuple[int, bytes]:
    with outside.download(url, **{"max_bytes": 1000, **options}) as file:
        return file.status, b"".join(file.chunks)


def test_downloads_in_chunks():
    with served(answers(http_answer(body=b"x" * 900))) as server:
        assert fetch(client(server), server.url) == (200, b"x" * 900)


@pytest.mark.parametrize("talk", [endless, huge], ids=["endless", "announced"])
def test_a_download_stops_at_its_limit(talk):
    with served(talk) as server, pytest.raises(Rejected) as caught:
        fetch(client(server), server.url)
    assert caught.value.code == "too_large"


def test_follows_a_redirect_on_the_same_origin_with_credentials():
    moved = http_answer("302 Found", headers="location: /file\r\n")
    with served(answers(moved, http_answer(body=b"file"))) as server:
        assert fetch(client(server), server.url, headers={"authorization": "Bearer t"}) == (200, b"file")
    assert server.requests[1].startswith(b"GET /file ")
    assert b"authorization: bearer t" in server.requests[1].lower()


def test_credentials_do_not_travel_to_another_origin():
    with served(answers(http_answer(body=b"file"))) as storage:
        moved = http_answer("302 Found", headers=f"location: {storage.url}/file\r\n")
        with served(answers(moved)) as server:
            outside = HttpClient(allow_hosts=frozenset({server.authority, storage.authority}))
            assert fetch(outside, server.url, headers={"authorization": "Bearer t"}) == (200, b"file")
    assert b"authorization" in server.requests[0].lower()
    assert b"authorization" not in storage.requests[0].lower()


def test_a_redirect_to_a_private_address_is_refused():
    with served(answers(http_answer(body=b"inner"))) as inner:
        moved = http_answer("302 Found", headers=f"location: {inner.url}/\r\n")
        with served(answers(moved)) as server, pytest.raises(Rejected) as caught:
            fetch(client(server), server.url)
    assert caught.value.code == "address_blocked"
    assert inner.connections == []


@pytest.mark.parametrize(
    ("location", "code"),
    [
        pytest.param("file:///etc/passwd", "bad_url", id="other scheme"),
        pytest.param("http://[", "bad_url", id="unreadable"),
        pytest.param("/again", "too_many_redirects", id="loop"),
    ],
)
def test_redirects_that_lead_nowhere(location, code):
    moved = http_answer("302 Found", headers=f"location: {location}\r\n")
    with served(answers(moved, moved, moved, moved)) as server, pytest.raises(Rejected) as caught:
        fetch(client(server), server.url)
    assert caught.value.code == code


# ------------------------------------------------------------------------------ trace


def test_the_trace_tells_what_happened_without_secrets_or_words():
    echo = b'{"id": "m1", "error": {"message": "cannot send: my private words"}, "token": "abc"}'
    with served(answers(http_answer("400 Bad Request", echo))) as server:
        outside = client(server, secrets=frozenset({"s3cr3t/+"}))
        outside.request(
            "POST",
            f"{server.url}/v1/s3cr3t%2F%2B/send?access_token=abc&lang=en",
            headers={"Authorization": "Bearer s3cr3t/+", "X-Kind": "a"},
            json={"to": "4915", "text": {"body": "my private words"}, "note": "has s3cr3t/+ in it"},
        )
    (entry,) = outside.trace
    assert entry["url"] == f"{server.url}/v1/***/send?access_token=***&lang=en"
    assert entry["headers"] == {"authorization": "***", "x-kind": "a"}
    assert entry["request"] == {"to": "4915", "text": {"body": "<16 characters>"}, "note": "has *** in it"}
    assert entry["response"] == {"id": "m1", "error": {"message": "cannot send: …"}, "token": "***"}
    assert (entry["method"], entry["status"], entry["error"]) == ("POST", 400, "")
    assert entry["ms"] >= 0
    assert "s3cr3t" not in json.dumps(outside.trace)
    assert "private" not in json.dumps(outside.trace)


# --------------------------------------------------------------------- no room of our own


FULL = OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("place", ["socket.create_connection", "socket.getaddrinfo", "httpx.create_ssl_context"])
def test_a_machine_without_room_is_no_fault_of_the_platform(monkeypatch, place):
    def full(*_, **__):
        raise FULL

    monkeypatch.setattr(place, full)
    with pytest.raises(OSError) as raised:
        HttpClient(allow_hosts=frozenset({"127.0.0.1:9"})).request("POST", "http://127.0.0.1:9/send", json={})
    assert raised.value is FULL
    assert server_trouble(raised.value)


def test_a_refused_connection_is_one(monkeypatch):
    def refused(*_, **__):
        raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    monkeypatch.setattr("socket.create_connection", refused)
    with pytest.raises(Unreachable):
        HttpClient(allow_hosts=frozenset({"127.0.0.1:9"})).request("POST", "http://127.0.0.1:9/send", json={})
