"""A TCP proxy that goes wrong on order: five toxics, one at a time, on every connection there is and comes.

Owns the connections and what happens to their bytes. Must not know a protocol, save that ``advertised`` renames
an address of the server's in what it says (a Kafka broker tells its clients where it is).
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, get_args

Toxic = Literal["latency", "reset_peer", "slicer", "limit_data", "timeout"]
TOXICS: tuple[Toxic, ...] = get_args(Toxic)
LATENCY_S = 0.1  # of every piece, each way
LIMIT_BYTES = (20, 3_000)  # that a server may still say, then the connection ends
SLICED_BYTES = 5_000  # of a piece that go one by one
PIECE_BYTES = 65_536


class Link:
    """One client's connection and ours to the server. ``silent``: for good; nothing comes through any more, as
    when a firewall has forgotten the connection. ``left``: bytes that the server may still say."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter):
        self.client, self.server = client, server
        self.silent, self.left = False, random.randint(*LIMIT_BYTES)

    def reset(self) -> None:
        """RST to the client; the server is told as well."""
        self.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()


class Proxy:
    """Listens on ``port`` of 127.0.0.1 for the server on ``server_port``. A context manager."""

    def __init__(self, server_port: int, advertised: bool = False):
        self._server_port, self._advertised = server_port, advertised
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[Link] = set()
        self._toxic: Toxic | None = None
        self.port = 0
        self.struck = 0  # pieces and connections that a toxic has met

    def __enter__(self) -> Proxy:
        self._thread.start()
        listening = asyncio.start_server(self._link, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @contextmanager
    def toxic(self, toxic: Toxic) -> Iterator[None]:
        asyncio.run_coroutine_threadsafe(self._begin(toxic), self._loop).result(5)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._begin(None), self._loop).result(5)

    async def _begin(self, toxic: Toxic | None) -> None:
        self._toxic = toxic
        for link in list(self._links):
            if toxic == "timeout":
                link.silent = True
            if toxic == "reset_peer":
                self.struck += 1
                link.reset()

    async def _end(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.close()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=2)

    async def _link(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            from_server, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            client.transport.abort()
            return
        link = Link(client, server)
        link.silent = self._toxic == "timeout"
        self._links.add(link)
        ways = [
            asyncio.create_task(self._carry(from_client, server, link)),
            asyncio.create_task(self._carry(from_server, client, link)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        link.close()
        self._links.discard(link)
        for way in ways:
            way.cancel()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
        """Until either end closes; the end of a server that the client may not hear of is not passed on."""
        said_by_server = writer is link.client
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                self.struck += self._toxic is not None or link.silent
                if self._toxic == "reset_peer":
                    link.reset()
                    return
                if link.silent:
                    continue
                if self._advertised and said_by_server:
                    piece = piece.replace(_where(self._server_port), _where(self.port))
                if self._toxic == "limit_data" and said_by_server:
                    piece, link.left = piece[: link.left], link.left - len(piece)
                await self._pass_on(piece, writer)
                if link.left <= 0:
                    await writer.drain()
                    writer.write_eof()
                    return
        while said_by_server and link.silent:
            await asyncio.sleep(1)

    async def _pass_on(self, piece: bytes, writer: asyncio.StreamWriter) -> None:
        if self._toxic == "latency":
            await asyncio.sleep(LATENCY_S)
        if self._toxic == "slicer":
            for index in range(min(len(piece), SLICED_BYTES)):
                writer.write(piece[index : index + 1])
                await asyncio.sleep(0)
            piece = piece[SLICED_BYTES:]
        writer.write(piece)
        await writer.drain()


def _where(port: int) -> bytes:
    """An address in Kafka's wire format, without the length of the host."""
    return b"127.0.0.1" + struct.pack(">i", port)
