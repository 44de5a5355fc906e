"""The fault proxy does what its toxics are called, before and after it does nothing."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos import proxy
from tests.chaos.proxy import TOXICS, Proxy

PATIENCE_S = 0.5


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while said := self.request.recv(65536):
            self.request.sendall(said)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture
def server() -> Iterator[int]:
    with Server(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield echo.server_address[1]
        echo.shutdown()


@pytest.fixture
def way(server: int) -> Iterator[Proxy]:
    with Proxy(server) as through:
        yield through


@pytest.fixture
def client(way: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", way.port), timeout=5) as connected:
        assert said(connected, b"hello") == b"hello"
        yield connected


def said(client: socket.socket, words: bytes) -> bytes:
    """What comes back until as much has come as was sent, or the end."""
    client.sendall(words)
    back = b""
    while len(back) < len(words) and (piece := client.recv(65536)):
        back += piece
    return back


@pytest.mark.parametrize("toxic", TOXICS)
def test_a_new_connection_works_when_it_is_over(way: Proxy, toxic: proxy.Toxic) -> None:
    with way.toxic(toxic):
        pass
    with socket.create_connection(("127.0.0.1", way.port), timeout=5) as client:
        assert said(client, b"x" * 200_000) == b"x" * 200_000
    assert way.struck == 0


def test_latency_delays_each_way(way: Proxy, client: socket.socket) -> None:
    with way.toxic("latency"):
        started = time.monotonic()
        assert said(client, b"words") == b"words"
        assert time.monotonic() - started >= 2 * proxy.LATENCY_S


def test_reset_peer_resets_what_is_there_and_what_comes(way: Proxy, client: socket.socket) -> None:
    with way.toxic("reset_peer"):
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        with socket.create_connection(("127.0.0.1", way.port), timeout=5) as late, pytest.raises(ConnectionResetError):
            said(late, b"words")


def test_slicer_changes_nothing_but_the_pieces(way: Proxy, client: socket.socket) -> None:
    words = bytes(range(256)) * 10
    with way.toxic("slicer"):
        client.sendall(words)
        pieces = []
        while sum(map(len, pieces)) < len(words):
            pieces.append(client.recv(65536))
    assert b"".join(pieces) == words
    assert len(pieces) > 1


def test_limit_data_ends_the_connection_in_the_midst(way: Proxy, client: socket.socket) -> None:
    with way.toxic("limit_data"):
        back = said(client, b"x" * 10_000)
    assert proxy.LIMIT_BYTES[0] <= len(back) <= proxy.LIMIT_BYTES[1]


def test_a_connection_that_met_timeout_stays_silent(way: Proxy, client: socket.socket) -> None:
    client.settimeout(PATIENCE_S)
    with way.toxic("timeout"), socket.create_connection(("127.0.0.1", way.port), timeout=PATIENCE_S) as late:
        for one in (client, late):
            with pytest.raises(TimeoutError):
                said(one, b"words")
    with pytest.raises(TimeoutError):
        said(client, b"again")


def test_the_server_hears_of_the_end_of_a_silent_client() -> None:
    """Else what looks like a leak of ours would be the proxy's."""
    with socket.create_server(("127.0.0.1", 0)) as server, Proxy(server.getsockname()[1]) as way:
        client = socket.create_connection(("127.0.0.1", way.port), timeout=5)
        connected, _ = server.accept()
        connected.settimeout(5)
        with connected, way.toxic("timeout"):
            client.close()
            assert connected.recv(1) == b""


def test_an_advertised_address_is_ours(server: int) -> None:
    with Proxy(server, advertised=True) as way, socket.create_connection(("127.0.0.1", way.port), timeout=5) as client:
        assert said(client, b"127.0.0.1" + struct.pack(">i", server)) == b"127.0.0.1" + struct.pack(">i", way.port)
