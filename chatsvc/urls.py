"""Every address of the service: one flat list."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from chatsvc import (
    health,
    schema,  # noqa: F401  registers how models and credentials are described
)
from messaging import chat_views, webchat_views, webhook_views
from tenants import token_views

urlpatterns = [
    path("admin/", admin.site.urls),
    # messages and conversations
    path("api/v2/chat/message", chat_views.MessageView.as_view()),
    path("api/v2/chat/conversations", chat_views.ConversationsView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>", chat_views.ConversationView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/messages", chat_views.ConversationMessagesView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/take-over", chat_views.TakeOverView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/hand-back", chat_views.HandBackView.as_view()),
    path("api/v2/chat/conversations/<uuid:conversation_id>/end", chat_views.EndView.as_view()),
    path("api/v2/webhooks/<str:kind>/<str:key>", webhook_views.webhook),
    # the web chat; its socket: chatsvc/asgi.py
    path("api/v2/webchat/<str:key>/session", webchat_views.SessionView.as_view()),
    path("api/v2/webchat/<str:key>/messages", webchat_views.MessagesView.as_view()),
    # operators and visitors
    path("", health.demo, name="demo"),
    path("health", health.live),
    path("health/live", health.live),
    path("health/ready", health.ready),
    # access
    path("api/v2/auth/token", token_views.TokenView.as_view()),
    path("api/v2/auth/refresh", token_views.RefreshView.as_view()),
    path("api/v2/auth/revoke", token_views.RevokeView.as_view()),
    # the API's own description
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/redoc", SpectacularRedocView.as_view(url_name="schema"), name="redoc"),
]

handler400 = "chatsvc.errors.handler400"
handler403 = "chatsvc.errors.handler403"
handler404 = "chatsvc.errors.handler404"
handler500 = "chatsvc.errors.handler500"
