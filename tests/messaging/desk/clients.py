"""A window of staff, without a browser."""

from __future__ import annotations

from channels.testing import WebsocketCommunicator

from chatsvc.asgi import sockets
from tests.messaging.webchat.clients import Socket

HOST = "desk.localhost"


class Window(Socket):
    """``session``: the key of a console's session; ``key``: a token or API key, in the handshake."""

    protocol = "desk-agent.v1"

    def __init__(self, session="", origin=f"http://{HOST}", key="", subprotocols=("desk-agent.v1",)):
        headers = [(b"host", HOST.encode())]
        headers += [(b"origin", origin.encode())] if origin else []
        headers += [(b"cookie", f"theme=dark; sessionid={session}".encode())] if session else []
        headers += [(b"authorization", f"Bearer {key}".encode())] if key else []
        WebsocketCommunicator.__init__(self, sockets, "/ws/agent/", headers, list(subprotocols))
        self.seen = []

    async def hello(self, **frame):
        return await self.ask("ready", t="hello", **frame)

    async def view(self, view, **frame):
        return await self.ask("viewed", t="view", view=view, **frame)

    async def watch(self, conversation, after=0):
        return await self.ask("watching", t="watch", conversation=str(conversation.id), after=after)

    async def settled(self):
        """All frames that had been put before now."""
        await self.send_json_to({"t": "ping", "n": 1})
        return [frame["t"] for frame in await self.until("pong")]
