"""Every address of the service: one flat list."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from chatsvc import schema  # noqa: F401  registers how models and credentials are described
from tenants import token_views

urlpatterns = [
    path("admin/", admin.site.urls),
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
