"""The ASGI application: HTTP to Django, sockets to their consumers."""

from __future__ import annotations

import os
from typing import Any

from chatsvc.web.serving.requests import asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
http = asgi()  # loads the apps, which the consumers' models need

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from messaging.desk.consumer import AgentConsumer  # noqa: E402
from messaging.webchat.sockets.consumer import WebchatConsumer  # noqa: E402


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """A path without a socket: 404 by ASGI's extension where the server has it, else 403."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


#: each consumer checks the origin itself: a channel has its own allowed sites, the console those of the service
sockets = URLRouter(
    [
        path("ws/chat/<str:key>/", WebchatConsumer.as_asgi()),  # type: ignore[arg-type]
        path("ws/agent/", AgentConsumer.as_asgi()),  # type: ignore[arg-type]
        re_path("", nowhere),  # type: ignore[arg-type]
    ]
)
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
