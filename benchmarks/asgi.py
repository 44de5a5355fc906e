"""The service's ASGI application, with a bare echo consumer beside its sockets."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from chatsvc.asgi import http, sockets


class Echo(AsyncJsonWebsocketConsumer):
    """Sends back what it gets, and stores nothing."""

    async def receive_json(self, content: Any, **_: Any) -> None:
        await self.send_json({"t": "ack", "cid": content["cid"]})


application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter([path("ws/bench/echo/", Echo.as_asgi()), *sockets.routes])}
)
