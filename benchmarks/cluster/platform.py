"""A platform that answers at once, and writes down when: ``python -m benchmarks.cluster.platform PORT``.

Owns as much HTTP as the service's own client speaks. ``GET /`` says how many messages came, and when the last one did.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Platform(asyncio.Protocol):
    """Messages have a type; the mark that one was read, with which typing is shown, is counted apart."""

    messages = marks = 0
    last_at = 0.0  # Unix seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self._data) < end + 4 + size:
                return
            body, self._data = self._data[end + 4 : end + 4 + size], self._data[end + 4 + size :]
            answer = self._message(body) if head.startswith(b"post") else self._figures()
            self._transport.write(HEAD % (len(answer), answer))

    def _message(self, body: bytes) -> bytes:
        cls = type(self)
        if b'"status"' in body:
            cls.marks += 1
            return b'{"success": true}'
        cls.messages, cls.last_at = cls.messages + 1, time.time()
        return b'{"messages": [{"id": "wamid.out.%d"}]}' % cls.messages

    def _figures(self) -> bytes:
        cls = type(self)
        return json.dumps({"messages": cls.messages, "marks": cls.marks, "last_at": cls.last_at}).encode()


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Platform, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
