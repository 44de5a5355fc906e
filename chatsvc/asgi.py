"""The ASGI application: HTTP to Django, sockets to their consumers."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsvc.settings")
http = get_asgi_application()  # loads the apps, which the consumers' models need

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from messaging.webchat.consumer import WebchatConsumer  # noqa: E402

#: each consumer checks the origin itself: a channel has its own allowed sites
sockets = URLRouter([path("ws/chat/<str:key>/", WebchatConsumer.as_asgi())])
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
