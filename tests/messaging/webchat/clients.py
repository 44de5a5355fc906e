"""The widget's two ways to the service, without a browser."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from channels.testing import WebsocketCommunicator

from chatsvc.asgi import sockets
from tests.conftest import Api
from tests.messaging.papers import must_be_published

SHOP = "https://shop.example.com"
SECRET = "widget-identity-secret-0001-" * 3  # long enough for every HMAC of a JWT
CID = "0192f0d0-7b1a-4c3e-9a55-1f0a7a3c9e10"


class Page:
    """A page with the widget: calls with its origin and, once there is a session, its token."""

    def __init__(self, channel, origin=SHOP):
        self.client, self.base, self.token = Api(), f"/api/v2/webchat/{channel.key}", ""
        self.headers = {"Origin": origin} if origin else {}

    def session(self, **body):
        response = self.client.post(f"{self.base}/session", body, headers=self.headers)
        self.token = (Api.data_of(response) or {}).get("visitor_token", "")
        return response

    def begin(self, **body):
        return Api.data_of(self.session(**body))

    def say(self, text, cid=CID, **frame):
        frame = {"t": "send", "cid": cid, "kind": "text", "text": text, **frame}
        return self.client.post(f"{self.base}/messages", frame, headers=self._known())

    def rate(self, **frame):
        return self.client.post(f"{self.base}/messages", {"t": "rate", "cid": "r1", **frame}, headers=self._known())

    def post(self, frame):
        return self.client.post(f"{self.base}/messages", frame, headers=self._known())

    def read(self, **query):
        response = self.client.get(f"{self.base}/messages", query, headers=self._known())
        for frame in (Api.data_of(response) or {}).get("messages", ()):
            must_be_published("desk-chat.v1", frame)
        return response

    def _known(self):
        return {**self.headers, "Authorization": f"Bearer {self.token}"}


class Socket(WebsocketCommunicator):
    protocol = "desk-chat.v1"

    def __init__(self, channel, origin=SHOP, subprotocols=("desk-chat.v1",)):
        headers = [(b"origin", origin.encode())] if origin else []
        super().__init__(sockets, f"/ws/chat/{channel.key}/", headers, list(subprotocols))
        self.seen = []

    async def connect(self, timeout=20):
        return await super().connect(timeout)

    async def disconnect(self, code=1000, timeout=1):
        """Of one that timed out the application was cancelled. That is no news, and its CancelledError, which is none of
        the errors that pytest expects of a fixture's end, would leave the other fixtures of the worker in place."""
        with suppress(asyncio.CancelledError):
            await super().disconnect(code, timeout)

    async def next(self):
        self.seen.append(json.loads(await self.receive_from(timeout=20)))
        must_be_published(self.protocol, self.seen[-1])
        return self.seen[-1]

    async def up_to(self, seq):
        """Everything that came until now, at least up to the transcript frame ``seq``."""
        while seq not in seqs(self.seen):
            await self.next()
        return self.seen

    async def until(self, kind):
        """All frames up to and with the first of this type."""
        frames = []
        while not frames or frames[-1]["t"] != kind:
            frames.append(await self.next())
        return frames

    async def ask(self, kind, /, **frame):
        await self.send_json_to(frame)
        return (await self.until(kind))[-1]

    async def say(self, word, cid=""):
        return await self.ask("ack", t="send", cid=cid or f"cid-{abs(hash(word))}", kind="text", text=word)

    async def closed_with(self):
        while True:
            event = await self.receive_output(timeout=5)
            if event["type"] == "websocket.close":
                return event["code"]


async def all_end(sockets):
    """Each of them, whatever is wrong with another; then what the first one raised."""
    wrong = []
    for socket in sockets:
        try:
            await socket.disconnect()
        except Exception as error:  # noqa: BLE001  raised below
            wrong.append(error)
    for error in wrong:
        raise error


def seqs(frames):
    return [frame["seq"] for frame in frames if frame["t"] in ("msg", "state")]


def outcome(response):
    return response.status_code, (Api.error_of(response) or {}).get("code")
