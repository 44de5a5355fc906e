"""The console's pages on people, single messages and the timeline.

Conversations, which staff act upon, are in messaging/conversation_admin.py. Must not change a message.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from channels_app.admin import ChannelFilter
from conversations.models import Contact, Event, Identity, Message
from tenants.console import PartInline, TenantAdmin, TenantFilter


class TalkAdmin(TenantAdmin):
    """Rows that belong to a conversation, which their pages link to."""

    @display(description="Conversation")
    def in_conversation(self, row: Any) -> str:
        if row.conversation_id is None:
            return "—"
        address = reverse("admin:conversations_conversation_change", args=[row.conversation_id])
        look = "text-primary-600 dark:text-primary-500"
        return format_html('<a href="{}" class="{}">{}</a>', address, look, row.conversation)


class IdentityInline(PartInline):
    model = Identity
    fields = readonly_fields = (
        "channel",
        "scheme",
        "scope",
        "value",
        "address",
        "verified",
        "stopped_at",
        "created_at",
    )

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("channel")


@admin.register(Contact)
class ContactAdmin(TenantAdmin):
    resource = "contacts"
    deeds = frozenset({"add", "change"})  # people are erased through privacy requests, which leave a trail
    fields = ("tenant", "name", "email", "phone", "language", "profile", "preferences")
    inlines = (IdentityInline,)
    list_display = ("__str__", "email", "phone", "language", "tenant", "last_active_at")
    list_filter = ("language", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "email", "phone")
    ordering = ("-last_active_at", "-id")


@admin.register(Message)
class MessageAdmin(TalkAdmin):
    resource = "messages"
    deeds = frozenset()
    fields = ("tenant", "in_conversation", "seq", "role", "author", "content_type", "text", "analysis", "metadata",
              "platform_message_id", "client_message_id", "sent_at", "created_at")  # fmt: skip
    readonly_fields = ("in_conversation",)
    list_display = ("created_at", "role", "beginning", "channel", "in_conversation")
    list_filter = ("role", "content_type", ChannelFilter, TenantFilter)
    list_select_related = ("channel", "conversation")
    search_fields = ("text",)

    @display(description="Text")
    def beginning(self, message: Message) -> str:
        return message.text[:100] or f"[{message.content_type}]"


@admin.register(Event)
class EventAdmin(TalkAdmin):
    resource = "conversations"
    deeds = frozenset()
    fields = ("tenant", "type", "version", "in_conversation", "seq", "payload", "created_at", "published_at")
    readonly_fields = ("in_conversation",)
    list_display = ("created_at", "type", "seq", "in_conversation", "published_at", "tenant")
    list_filter = ("type", TenantFilter)
    list_select_related = ("conversation", "tenant")
    search_fields = ("type",)
