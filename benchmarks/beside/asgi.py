"""The service's ASGI application, with a bare echo consumer and the usual one beside its sockets."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from chatsvc.asgi import http, sockets  # first: it loads the apps

from benchmarks.beside.usual import UsualConsumer  # isort: skip


class Echo(AsyncJsonWebsocketConsumer):
    """Sends back what it gets, and stores nothing."""

    async def receive_json(self, content: Any, **_: Any) -> None:
        await self.send_json({"t": "ack", "cid": content["cid"]})


bench = [path("ws/bench/echo/", Echo.as_asgi()), path("ws/bench/usual/", UsualConsumer.as_asgi())]
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter([*bench, *sockets.routes])})
