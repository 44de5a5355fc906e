"""Requests sent as fast as so many kept connections carry them; what is sent is made before.

Owns as much HTTP as that takes, so that the client costs little of the machine. Must not know what it sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

CONNECTIONS = 16
Request = tuple[str, bytes, Mapping[str, str]]  # path, body, headers


def raw(request: Request) -> bytes:
    path, body, headers = request
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


def burst(port: int, requests: Sequence[Request], connections: int = CONNECTIONS) -> None:
    """Send all. Raises SystemExit when one is not answered with 200."""
    asyncio.run(_burst(port, [raw(request) for request in requests], connections))


async def _burst(port: int, requests: Sequence[bytes], connections: int) -> None:
    left = iter(requests)
    await asyncio.gather(*(_one(port, left) for _ in range(connections)))


async def _one(port: int, left: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in left:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        body = await reader.readexactly(size)
        if b" 200 " not in head[:20]:
            raise SystemExit(f"{head[:20]!r}: {body[:300]!r}")
    writer.close()
