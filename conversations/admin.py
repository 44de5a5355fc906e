"""The console's pages on single messages and the timeline.

Conversations and contacts, which staff act upon, are in messaging/admin. Must not change a message.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from channels_app.admin import ChannelFilter
from conversations.models import Attachment, Event, Message, Revision
from conversations.safety import APART, SEALED, revealed
from tenants.console.pages.parts import PartInline, TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.shown import shortened, verbatim
from tenants.console.pages.whose import permissions_in, tenants_with
from tenants.tenant_settings import FLAGS

#: members of an analysis that say what was written, and what has a page of its own
ABOUT_WORDS = frozenset({"entities", "flags", "masked", *APART})
ROLES = {"visitor": "info", "bot": "success", "agent": "warning", "system": "default"}


class WordsAdmin(TenantAdmin):
    """Rows of which some fields, columns and look-ups, ``words``, tell what people said: for those who may read
    messages; a list, if they may in all tenants it spans."""

    words: ClassVar[frozenset[str]] = frozenset()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown(request, super().get_fields(request, obj), obj)

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._shown(request, super().get_list_display(request))

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self._shown(request, super().get_search_fields(request))

    def _shown(self, request: HttpRequest, names: Any, row: Any = None) -> list[str]:
        tenants = [row.tenant] if row else tenants_with(request, self.permission("read"))
        reads = all("messages:read" in permissions_in(request, tenant.id) for tenant in tenants)
        return [name for name in names if reads or name not in self.words]


class TalkAdmin(WordsAdmin):
    """Rows that belong to a conversation, which their pages link to."""

    @display(description="Conversation")
    def in_conversation(self, row: Any) -> str:
        if row.conversation_id is None:
            return "—"
        address = reverse("admin:conversations_conversation_change", args=[row.conversation_id])
        look = "text-primary-600 dark:text-primary-500"
        return format_html('<a href="{}" class="{}">{}</a>', address, look, row.conversation.contact)

    @display(description="Channel", ordering="channel__name")
    def on_channel(self, row: Any) -> str:
        return row.channel.name


class RevisionInline(PartInline):
    """What a message said before: the edits and the deletion, as its author made them."""

    model = Revision
    verbose_name_plural = "Edits"
    fields = readonly_fields = ("at", "what", "before")
    ordering = ("at",)

    @display(description="What")
    def what(self, revision: Revision) -> str:
        return "deleted" if revision.deleted else "edited"

    @display(description="Said before")
    def before(self, revision: Revision) -> str:
        return revision.previous.get("text") or "—"


class AttachmentInline(PartInline):
    model = Attachment
    verbose_name_plural = "Files"
    fields = readonly_fields = ("position", "kind", "name", "mime", "size", "state", "reason")
    ordering = ("position",)


@admin.register(Message)
class MessageAdmin(TalkAdmin):
    personal = True
    resource = "messages"
    deeds = frozenset()
    fields = ("tenant", "in_conversation", "seq", "role", "author", "content_type", "text", "said",
              "found", "safety", "answer", "metadata",
              "platform_message_id", "client_message_id", "sent_at", "created_at")  # fmt: skip
    readonly_fields = ("in_conversation", "said", "found", "safety", "answer")
    inlines = (AttachmentInline, RevisionInline)
    list_display = ("created_at", "who", "beginning", "on_channel", "in_conversation", "tenant")
    list_filter = ("role", "content_type", ChannelFilter, TenantFilter)
    list_select_related = ("channel", "conversation__contact", "tenant")
    search_fields = ("text",)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.hidden_view)
        return [path("<uuid:object_id>/hidden/", view, name="conversations_message_hidden"), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        context = super().page_context(request, row)
        if SEALED in row.analysis and self.allowed(request, "reveal", row):
            button = Button("hidden", "Show what was hidden", "visibility", "This is written into the audit trail.")
            context["buttons"].append((button, reverse("admin:conversations_message_hidden", args=[row.pk])))
        return context

    def hidden_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """What was hidden in the message and is kept; no browser keeps a page of the console."""
        message = self.get_object(request, str(object_id))
        if message is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:conversations_message_change", args=[message.pk]))
        if not self.allowed(request, "reveal", message):
            raise PermissionDenied
        found = [(FLAGS.get(kind, kind), words) for kind, words in revealed(message)]
        self.note(request, "revealed", message)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": "What was hidden",
            "message": message, "found": found,
        }  # fmt: skip
        return TemplateResponse(request, "admin/conversations/message/hidden.html", context)

    @display(description="Content")
    def said(self, message: Message) -> str:
        return verbatim(message.content)

    @display(description="Found in it")
    def found(self, message: Message) -> str:
        entities = message.analysis.get("entities", ())
        return "; ".join(f"{one['type'].replace('_', ' ')}: {one['value']}" for one in entities) or "—"

    @display(description="Safety")
    def safety(self, message: Message) -> str:
        masked = message.analysis.get("masked", ())
        flags = message.analysis.get("flags", ())
        return "; ".join(FLAGS.get(flag, flag) + (" (hidden)" if flag in masked else "") for flag in flags) or "—"

    @display(description="How it was answered")
    def answer(self, message: Message) -> str:
        told = {name: value for name, value in message.analysis.items() if name not in ABOUT_WORDS}
        return "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in sorted(told.items()) if value) or "—"

    @display(description="Role", label=ROLES, ordering="role")
    def who(self, message: Message) -> str:
        return message.role

    @display(description="Text")
    def beginning(self, message: Message) -> str:
        return "deleted" if message.deleted_at else shortened(message.text) or f"[{message.content_type}]"


class OutboxFilter(admin.SimpleListFilter):
    """What is still to be handed to our own handlers and to integrators' webhooks."""

    title, parameter_name = "outbox", "outbox"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(published_at=None) if self.value() == "waiting" else queryset


@admin.register(Event)
class EventAdmin(TalkAdmin):
    resource = "conversations"
    deeds = frozenset()
    fields = ("tenant", "type", "version", "in_conversation", "seq", "facts", "correlation_id", "created_at",
              "published_at", "streamed_at")  # fmt: skip
    readonly_fields = ("in_conversation", "facts")
    list_display = ("created_at", "type", "seq", "in_conversation", "published_at", "tenant")
    list_filter = (OutboxFilter, "type", TenantFilter)
    list_select_related = ("conversation__contact", "tenant")
    search_fields = ("type",)

    @display(description="Facts")
    def facts(self, event: Event) -> str:
        return verbatim(event.payload)
